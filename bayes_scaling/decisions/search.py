"""The lowest points of many valleys at once: of a risk, or of the loss under each draw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["around_lowest", "lowest"]

Array = NDArray[np.float64]

POINTS = 7
"""Points of one look at a bracket, of which the two cells beside the best remain."""


def around_lowest(x: Array, values: Array) -> tuple[Array, Array]:
    """Neighbours of the lowest of values (..., point) on a grid x (point,): a bracket, each (...).

    Values that are not numbers are never the lowest.
    """
    best = np.argmin(np.where(np.isnan(values), np.inf, values), axis=-1)
    last = len(x) - 1
    return x[np.maximum(best - 1, 0)], x[np.minimum(best + 1, last)]


def lowest(
    function: Callable[[Array], Array],
    low: Array,
    high: Array,
    *,
    resolution: float,
    corners: Array | None = None,
) -> tuple[Array, Array]:
    """Where a function is lowest within brackets, and how low it is there.

    Looks closer until points are nearer than `resolution`, and ends with the vertex of the
    parabola through the best three: the error is of the order of the square of the resolution.
    scipy has such searches one bracket at a time, or at the price of importing `scipy.optimize`,
    which takes longer than a plan.

    Parameters
    ----------
    function : callable
        Takes x of shape (..., point), and returns values of that shape.
    low, high : arrays of shape (...)
        Brackets, each with one valley.
    resolution : float
        In x.
    corners : array of shape (corner,) or (..., corner), optional
        Where the function has a kink, at which a parabola would miss the lowest point.

    Returns
    -------
    x, value : arrays of shape (...)
    """
    steps = np.linspace(0.0, 1.0, POINTS)
    first = np.asarray(low)[..., None], np.asarray(high)[..., None]
    low, high = first
    while True:
        x = low + (high - low) * steps
        values = function(x)
        values = np.where(np.isnan(values), np.inf, values)
        best = np.argmin(values, axis=-1, keepdims=True)
        low = np.take_along_axis(x, np.maximum(best - 1, 0), axis=-1)
        high = np.take_along_axis(x, np.minimum(best + 1, POINTS - 1), axis=-1)
        if np.max(high - low) <= 2 * resolution:
            break
    found = [np.take_along_axis(x, best, axis=-1), _vertex(x, values, best)]
    if corners is not None and corners.size:
        shape = (*x.shape[:-1], corners.shape[-1])
        found.append(np.clip(np.broadcast_to(corners, shape), *first))
    candidates = np.concatenate(found, axis=-1)
    values = np.where(np.isnan(seen := function(candidates)), np.inf, seen)
    chosen = np.argmin(values, axis=-1, keepdims=True)
    x, value = (np.take_along_axis(each, chosen, axis=-1)[..., 0] for each in (candidates, values))
    return x, value


def _vertex(x: Array, values: Array, best: NDArray[np.intp]) -> Array:
    """Lowest point of the parabola through the best point and its neighbours, within these."""
    middle = np.clip(best, 1, POINTS - 2)
    down, here, up = (np.take_along_axis(values, middle + i, axis=-1) for i in (-1, 0, 1))
    centre = np.take_along_axis(x, middle, axis=-1)
    width = x[..., 1:2] - x[..., :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        step = 0.5 * (down - up) / (down - 2 * here + up)
    step = np.where(np.isfinite(step), np.clip(step, -1.0, 1.0), 0.0)
    return np.asarray(centre + step * width)
