"""Where curves of loss against compute meet, draw by draw: crossings and equivalent compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reached", "compute_to_reach", "first_crossing"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Compute at which curves reach targets, all of shape (sample,).

    Attributes
    ----------
    log_flops : array
        Natural log of the least compute; at an end of the grid where it lies beyond that.
    before : bool array
        The curve is below the target already at the least compute of the grid.
    never : bool array
        It is above the target on the whole grid.
    """

    log_flops: Array
    before: NDArray[np.bool_]
    never: NDArray[np.bool_]


def first_crossing(log_flops: Array, difference: Array) -> Array:
    """Log compute where a difference of two losses first changes its sign; nan where it does not.

    Parameters
    ----------
    log_flops : array of shape (grid,)
        Increasing.
    difference : array of shape (sample, grid)

    Returns
    -------
    array of shape (sample,)
        Interpolated linearly between grid points.
    """
    changed = np.signbit(difference[:, 1:]) != np.signbit(difference[:, :-1])
    cell = np.argmax(changed, axis=1)
    rows = np.arange(len(difference))
    left, right = difference[rows, cell], difference[rows, cell + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = left / (left - right)
    found = log_flops[cell] + share * (log_flops[cell + 1] - log_flops[cell])
    return np.where(changed.any(axis=1), found, np.nan)


def compute_to_reach(log_flops: Array, loss: Array, target: Array) -> Reached:
    """Least compute at which each curve comes down to its target.

    Parameters
    ----------
    log_flops : array of shape (grid,)
        Increasing.
    loss : array of shape (sample, grid)
    target : array of shape (sample,)

    Returns
    -------
    Reached
    """
    below = loss <= target[:, None]
    never, before = ~below.any(axis=1), below[:, 0]
    cell = np.clip(np.argmax(below, axis=1), 1, None)
    rows = np.arange(len(loss))
    left, right = loss[rows, cell - 1], loss[rows, cell]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (left - target) / (left - right)
    found = log_flops[cell - 1] + share * (log_flops[cell] - log_flops[cell - 1])
    found = np.where(before, log_flops[0], np.where(never, log_flops[-1], found))
    return Reached(log_flops=found, before=before, never=never)
