"""The size that minimises a law's loss at a fixed budget, for many draws and budgets at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_params"]

Array = NDArray[np.float64]

GRID = 25
STEPS = 8
WIDTH = 1e-3
"""Of the differences, in log size: error of the optimum some 1e-6, rounding below that."""


def best_params(loss: Callable[[Array], Array], log_nd: Array) -> Array:
    """Log size with the least loss among 1 <= N <= C / 6.

    The best of a grid, then Newton's method that never leaves the neighbouring cells; the loss
    is taken to have one valley.

    Parameters
    ----------
    loss : callable
        Loss at log sizes of a shape that broadcasts against the budgets and the draws.
    log_nd : array
        Logs of C / 6.

    Returns
    -------
    array
        Of the shape that `loss` returns.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # laws run wild at absurd sizes
        return _search(loss, log_nd)


def _search(loss: Callable[[Array], Array], log_nd: Array) -> Array:
    shares = np.linspace(0.0, 1.0, GRID)
    values = np.stack([loss(share * log_nd) for share in shares])
    best = np.argmin(np.where(np.isnan(values), np.inf, values), axis=0)
    cell = log_nd / (GRID - 1)
    centre = best * cell
    log_params = centre
    for _ in range(STEPS):
        down, here, up = (loss(log_params + s * WIDTH) for s in (-1, 0, 1))
        slope, bend = (up - down) / (2 * WIDTH), (up - 2 * here + down) / WIDTH**2
        # Where the valley does not curve upwards, walk half a cell downhill.
        step = np.where(
            bend > 0, -slope / np.where(bend > 0, bend, 1.0), -np.sign(slope) * cell / 2
        )
        # Beside a size where the loss overflows there is no slope to follow.
        step = np.where(np.isfinite(step), step, 0.0)
        log_params = np.clip(log_params + step, centre - cell, centre + cell)
    return np.clip(log_params, 0.0, log_nd)
