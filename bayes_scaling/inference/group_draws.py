"""Draws of the parameters of a group: of one with runs, or of one that nobody has trained."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.arrays import NamedArray
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.laws import Law, Reference

__all__ = ["NEW_GROUP", "GroupDraws"]

NEW_GROUP = "(new group)"
"""Stands for a group without runs: a draw from the population of a hierarchical fit."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GroupDraws:
    """Posterior of a fit, group by group.

    Attributes
    ----------
    card : ModelCard
    law : Law
    reference : Reference
    draws : mapping of str to NamedArray
        Of the posterior.
    groups : tuple of str
        Those with runs; with two columns "first/second".
    by : tuple of str
        Columns that make the groups.
    levels : tuple of tuple of str
        Labels in each column.
    seed : int
        Of draws for groups without runs.
    """

    card: ModelCard
    law: Law
    reference: Reference
    draws: Mapping[str, NamedArray]
    groups: tuple[str, ...]
    by: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    seed: int

    def select(self, group: str | Sequence[str] | None) -> tuple[str, ...]:
        """Groups that are named, or all that have runs; see `Fit.select_groups`."""
        if group is None:
            return self.groups
        names = (group,) if isinstance(group, str) else tuple(group)
        for name in names:
            self._check(name)
        return names

    def _check(self, name: str) -> None:
        if name in self.groups:
            return
        pooled, parts = self.card.pooling is not None, self.split(name)
        if parts is None:
            known = [*self.groups, *([NEW_GROUP] if pooled else [])]
            raise InputError(unknown_name("group", name, known))
        if NEW_GROUP in parts and not pooled:
            raise InputError(
                f"the card {self.card.name!r} pools over nothing, so it knows nothing of a group "
                "without runs; fit with a hierarchical card, such as chinchilla-hierarchical"
            )

    def split(self, name: str) -> tuple[str, ...] | None:
        """Level in each grouping column, or None where there is no such combination."""
        if name == NEW_GROUP:
            return (NEW_GROUP,) * max(len(self.by), 1)
        if len(self.by) < 2:
            return None
        for first in (*self.levels[0], NEW_GROUP):
            second = name.removeprefix(f"{first}/")
            if name != second and second in (*self.levels[1], NEW_GROUP):
                return first, second
        return None

    def parameters(self, group: str) -> dict[str, Array]:
        """Natural parameters and noise, each (sample,); see `Fit.parameters`."""
        if group not in self._read:
            self._read[group] = self._parameters(group)
        return self._read[group]

    @cached_property
    def _read(self) -> dict[str, dict[str, Array]]:
        """Parameters of the groups asked about so far: a plan asks dozens of times."""
        return {}

    def _parameters(self, group: str) -> dict[str, Array]:
        self._check(group)
        draws, own = self.draws, self.card.own_names
        if group in self.groups:
            names, i = [p.name for p in self.law.parameters], self.groups.index(group)
            values = {name: draws[name].select("group", i).samples() for name in [*names, *own]}
        else:
            relative = parameter_values(self.card, self._unseen_theta(group))
            natural = self.law.natural(np, relative, self.reference)
            values = natural | {name: relative[name] for name in own}
        shape = [name for name in ("nu", "noise_skew", "noise_memory") if name in draws]
        return values | {name: draws[name].samples() for name in shape}

    def _unseen_theta(self, group: str) -> Array:
        """Theta of a combination of levels without runs, shape (sample, parameter)."""
        parts = self.split(group) or ()
        rng = np.random.default_rng([self.seed, zlib.crc32(group.encode())])
        mu = self.draws["mu"].samples()
        theta = np.zeros(mu.shape)
        for i, part in enumerate(parts):
            crossed = len(parts) == 2
            if part == NEW_GROUP:
                tau = self.draws[f"tau_{i + 1}" if crossed else "tau"].samples()
                centre = mu if i == 0 else 0.0
                theta = theta + centre + tau * rng.standard_normal(tau.shape)
            else:
                level = self.levels[i].index(part)
                effect = self.draws[f"effect_{i + 1}"].select(f"level_{i + 1}", level)
                theta = theta + effect.samples()
        return theta
