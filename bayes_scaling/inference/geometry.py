"""Coordinates in which the posterior of a law is easy to sample; the model stays the same.

Runs pin down the loss at their middle to a fraction of a per cent, and leave the split of it
between the terms of the law open. In the logarithms of the levels (E, T_N, T_D in Chinchilla's
law) that is a thin curved shell. `Anchored` samples instead the logarithm of the loss at the
middle of the runs, and the logarithms of the ratios T_N / E and T_D / E: the shell becomes a
slab, and the effective sample size of small tables grows three- to eightfold.

With groups, the ratios and exponents are also drawn halfway towards the non-centred form, since a
few runs leave them about as wide as the spread between groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.logprob.transforms import Transform

from bayes_scaling.laws import Law, Reference

__all__ = ["Anchored"]

NON_CENTRING = 0.5
"""0 is centred, 1 non-centred; halfway had the fewest divergences on 2 to 9 groups."""


class Anchored(Transform):  # type: ignore[misc]  # PyMC has no types
    """Transform of theta, of shape (group, parameter), to anchored coordinates.

    The loss is proportional to the levels of a law taken together (all sampled parameters in
    nats), so they can be divided by the first of them. The change from log levels to log loss at
    the anchor and log ratios has unit Jacobian.

    Parameters
    ----------
    law : Law
    names : sequence of str
        Parameters along the last axis of theta.
    reference : Reference
    anchor : mapping of str to array of shape (group,)
        Log inputs at the middle of each group's runs.
    pooled : bool
        Whether theta's own inputs are a population mean and spread.
    """

    name = "anchored"

    def __init__(
        self,
        law: Law,
        names: list[str],
        reference: Reference,
        anchor: Mapping[str, NDArray[np.float64]],
        *,
        pooled: bool,
    ) -> None:
        self.law, self.names, self.pooled = law, names, pooled
        self.reference, self.anchor = reference, anchor
        self.positive = {p.name for p in law.sampled if p.support == "positive"} | {"sigma"}
        levels = [p.name for p in law.sampled if p.unit == "nats"] if law.homogeneous else []
        self.base, self.ratios = levels[0] if levels else None, levels[1:]

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Anchored coordinates of theta."""
        relative = self._relative(value)
        if self.base is not None:
            relative[self.base] = relative[self.base] + self._log_loss(relative)
        location, scale = self._location_scale(*inputs)
        return (self._stack(relative) - location) / scale

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Theta of anchored coordinates."""
        location, scale = self._location_scale(*inputs)
        anchored = self._split(value * scale + location)
        if self.base is None:
            return self._stack(anchored)
        base = anchored[self.base] - self._log_loss(anchored)
        levels = {name: anchored[name] + base for name in self.ratios}
        return self._stack({**anchored, **levels, self.base: base})

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Of the scaling alone: the anchoring itself preserves volume."""
        _, scale = self._location_scale(*inputs)
        return pt.log(scale) + pt.zeros_like(value)

    def _location_scale(self, *inputs: Any) -> tuple[Any, Any]:
        """Centre and scale of the partial non-centring; nothing moves the loss at the anchor."""
        if not self.pooled:
            return 0.0, pt.ones(())
        mu, tau = inputs[-2:]
        moved = np.array([float(name != self.base) for name in self.names])
        return self._stack(self._relative(mu)) * moved, tau ** (NON_CENTRING * moved)

    def _log_loss(self, relative: Mapping[str, Any]) -> Any:
        """Log loss at the anchor, in units of the base level; `relative` has log ratios."""
        value = {
            name: pt.exp(relative[name]) if name in self.positive else relative[name]
            for name in self.names
        }
        value |= {self.base: pt.ones_like(value[self.base])} if self.base else {}
        natural = self.law.natural(pt, value, self.reference)
        return pt.log(self.law.mean(pt, self.anchor, natural)) - self.reference.log_loss

    def _relative(self, value: Any) -> dict[str, Any]:
        split = self._split(value)
        if self.base is None:
            return split
        return split | {name: split[name] - split[self.base] for name in self.ratios}

    def _split(self, value: Any) -> dict[str, Any]:
        return {name: value[..., i] for i, name in enumerate(self.names)}

    def _stack(self, value: Mapping[str, Any]) -> Any:
        return pt.stack([value[name] for name in self.names], axis=-1)
