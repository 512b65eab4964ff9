"""Memory of the noise: rows near one another lie on the same side of the law.

Points of one learning curve are no independent runs. What a row is off the law is, up to news, what
the row before it was off::

    r_i = kept_i r_(i-1) + sqrt(1 - kept_i^2) sigma t_nu        kept_i = exp(-gap_i / memory)

with the gap in the logarithm of compute (or of the law's only variable): an Ornstein-Uhlenbeck
process that is seen at the rows. A forecast starts from where the curve was last seen, and returns
to the law within the memory. Given the row before it, every row has a likelihood of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.laws import Law, log_mean, log_scale

__all__ = ["FIRST", "Links", "Seen", "kept_share", "links_between", "news_share"]

Array = NDArray[np.float64]

NEAREST = 0.01
"""Least gap between two rows: evaluations at the same place still differ."""

FIRST = 1e6
"""Gap before the first row of a group: nothing of it is kept."""


@dataclass(frozen=True, kw_only=True)
class Links:
    """Which row each row remembers, and how far that is, in factors of e; shape (run,)."""

    previous: NDArray[np.int64]
    gap: Array


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Rows that have been seen, for others that have not: what these remember.

    Attributes
    ----------
    log_inputs : mapping of str to array of shape (seen,)
    log_loss : float array of shape (seen,)
    group_index : int array of shape (seen,)
    beyond : float array of shape (seen,), or None
    """

    log_inputs: Mapping[str, Array]
    log_loss: Array
    group_index: NDArray[np.int64]
    beyond: Array | None

    def nearest(self, log_x: ArrayLike, group_index: NDArray[np.int64]) -> Links:
        """The nearest seen row of the same group for each of some points."""
        away = np.abs(np.asarray(log_x)[:, None] - log_scale(self.log_inputs))
        away = np.where(group_index[:, None] == self.group_index, away, np.inf)
        previous = away.argmin(axis=1)
        gap = away[np.arange(len(away)), previous]
        return Links(previous=previous, gap=np.clip(gap, NEAREST, FIRST))

    def left(self, law: Law, log_x: Array, theta: Mapping[str, Array]) -> Array:
        """What is left at points of the residual of the nearest row, (sample, point).

        Of rows of one group; theta holds its natural parameters, each (sample, 1).
        """
        links = self.nearest(log_x, np.zeros(np.shape(log_x), dtype=np.int64))
        off = self.log_loss - log_mean(np, law, self.log_inputs, theta, self.beyond)
        kept = kept_share(np, links.gap, theta["noise_memory"])
        return np.asarray(kept * off[:, links.previous])


def links_between(log_x: Array, group_index: NDArray[np.int64]) -> Links:
    """Each row and the one before it in its group; the first remembers nothing."""
    order = np.lexsort((log_x, group_index))
    previous, gap = np.arange(len(log_x)), np.full(len(log_x), FIRST)
    before, after = order[:-1], order[1:]
    same = group_index[before] == group_index[after]
    previous[after[same]] = before[same]
    gap[after[same]] = np.maximum(log_x[after] - log_x[before], NEAREST)[same]
    return Links(previous=previous, gap=gap)


def kept_share(xp: Any, gap: Any, memory: Any) -> Any:
    """Share of a residual that is left after a gap."""
    return xp.exp(-gap / memory)


def news_share(xp: Any, gap: Any, memory: Any) -> Any:
    """Scale of what is new after a gap, as a share of that of the noise."""
    return xp.sqrt(1 - xp.exp(-2 * gap / memory))
