"""The trend of a task: a line that bends smoothly, once or twice, within the data or beyond them.

    z(x) = level + slope (x - mid) + sum_k change_k r_k(x)

with x the decimal logarithm of scale, and r_k the part of the bend h_k(x) = width log(1 +
exp((x - place_k) / width)) that no straight line through the sizes seen explains (its residual from
least squares on them). So `level` and `slope` are the average level and slope over the sizes seen,
which these pin down whatever the bend does: the form in which NUTS has no ridge to follow. Beyond
a bend the slope is larger by `change_k`; before the first it is `start`, which the population of
tasks is about. It is the smoothly broken line of Caballero et al. 2022
(arXiv:2210.14891) on the scale of `bayes_scaling.shapes.scale`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trend", "expected_change", "fitted_line"]

Array = NDArray[np.float64]


def fitted_line(seen: Array) -> tuple[Array, Array]:
    """Weights of least squares: h @ weights are the level and the slope of h over the sizes seen.

    Parameters
    ----------
    seen : array of shape (point,)
        Centred sizes, in decades.

    Returns
    -------
    level, slope : array of shape (point,)
    """
    spread = float(np.sum(seen**2))
    return np.full(len(seen), 1 / len(seen)), seen / spread


SOFT = 0.1
"""Slopes within this of zero are neither falls nor rises: it rounds the corner for the sampler."""


def expected_change(start: Any, recovery: Any, saturation: Any) -> Any:
    """How much the slope changes at the first bend in the mean, given the slope before it.

    Arrays or tensors: a fall is made good `recovery` times, a rise lost by a share `saturation`.
    """
    fall = ((start**2 + SOFT**2) ** 0.5 - start) / 2
    return recovery * fall - saturation * (fall + start)


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Draws of one task's trend.

    Attributes
    ----------
    level, slope, width : array of shape (sample,)
    change, place : array of shape (sample, bend)
        Places in decades from the middle of the sizes seen.
    seen : array of shape (point,)
        Sizes seen, in decades from their middle, ascending.
    """

    level: Array
    slope: Array
    width: Array
    change: Array
    place: Array
    seen: Array

    @classmethod
    def of_start(cls, start: Array, **own: Array) -> Trend:
        """The trend whose slope before the first bend is `start`, of shape (sample,)."""
        bent = cls(slope=np.zeros_like(start), **own)
        return replace(bent, slope=start - bent.start)

    @property
    def start(self) -> Array:
        """Slope before the first bend, (sample,)."""
        _, slope = fitted_line(self.seen)
        return np.asarray(
            self.slope - np.sum(self.change * (self._bends(self.seen) @ slope), axis=1)
        )

    @property
    def last(self) -> float:
        """The largest size seen."""
        return float(self.seen.max())

    def at(self, x: Array) -> Array:
        """Latent values at sizes, (sample, size)."""
        level, slope = fitted_line(self.seen)
        bend = self._bends(self.seen)
        straight = (bend @ level)[..., None] + (bend @ slope)[..., None] * x
        bent = np.einsum("sk,skx->sx", self.change, self._bends(x) - straight)
        return np.asarray(self.level[:, None] + self.slope[:, None] * x + bent)

    def _bends(self, x: Array) -> Array:
        """H of every bend, (sample, bend, size)."""
        width = self.width[:, None, None]
        return np.asarray(width * np.logaddexp(0.0, (x - self.place[..., None]) / width))
