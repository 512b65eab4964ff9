"""Coordinates in which the posterior of a law is easy to explore; the model stays the same.

Runs pin down the loss at their middle to a fraction of a per cent, and leave the split of it
between the terms of the law open. In the logarithms of the levels (E, T_N, T_D in Chinchilla's
law) that is a thin curved shell. Anchored coordinates are the logarithm of the loss at the middle
of the runs, and the logarithms of the ratios T_N / E and T_D / E: the shell becomes a slab, and
the effective sample size of small tables grows three- to eightfold.

The loss is proportional to the levels of a law taken together (all sampled parameters in nats), so
they can be divided by the first of them. The change has unit Jacobian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.laws import Law, Reference

__all__ = ["Coordinates"]


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """Anchored coordinates of theta, whose last axis holds the parameters.

    Parameters
    ----------
    law : Law
    names : tuple of str
        Parameters along the last axis: the law's sampled ones, and sigma.
    reference : Reference
    anchor : mapping of str to array of shape (group,)
        Log inputs at the middle of each group's runs.
    """

    law: Law
    names: tuple[str, ...]
    reference: Reference
    anchor: Mapping[str, NDArray[np.float64]]

    @cached_property
    def positive(self) -> frozenset[str]:
        """Parameters whose logarithm is in theta."""
        return frozenset(p.name for p in self.law.sampled if p.support == "positive") | {"sigma"}

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Levels of the law, the base level first; empty where there is nothing to anchor."""
        if not self.law.homogeneous:
            return ()
        return tuple(p.name for p in self.law.sampled if p.unit == "nats")

    def forward(self, xp: Any, theta: Any) -> Any:
        """Anchored coordinates of theta."""
        relative = self.relative(theta)
        if self.levels:
            base = self.levels[0]
            relative[base] = relative[base] + self._log_loss(xp, relative)
        return self.stack(xp, relative)

    def backward(self, xp: Any, anchored: Any) -> Any:
        """Theta of anchored coordinates."""
        values = self._split(anchored)
        if self.levels:
            base, *ratios = self.levels
            level = values[base] - self._log_loss(xp, values)
            values |= {name: values[name] + level for name in ratios} | {base: level}
        return self.stack(xp, values)

    def relative(self, theta: Any) -> dict[str, Any]:
        """Theta by name, with levels other than the base as log ratios to it."""
        values = self._split(theta)
        return values | {name: values[name] - values[self.levels[0]] for name in self.levels[1:]}

    def stack(self, xp: Any, values: Mapping[str, Any]) -> Any:
        """Values by name, along a last axis."""
        return xp.stack([values[name] for name in self.names], axis=-1)

    def _split(self, theta: Any) -> dict[str, Any]:
        return {name: theta[..., i] for i, name in enumerate(self.names)}

    def _log_loss(self, xp: Any, relative: Mapping[str, Any]) -> Any:
        """Log loss at the anchor over the base level; `relative` has log ratios."""
        value = {
            name: xp.exp(relative[name]) if name in self.positive else relative[name]
            for name in self.names
        }
        value[self.levels[0]] = xp.ones_like(value[self.levels[0]])
        natural = self.law.natural(xp, value, self.reference)
        return xp.log(self.law.mean(xp, self.anchor, natural)) - self.reference.log_loss
