"""`plot_pit`: whether runs fall where the other runs predict them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayes_scaling.figures.marks import legend
from bayes_scaling.figures.style import BAND, MUTED, new_axes, styled
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_pit"]

N_SIMULATED = 2000
N_GRID = 101
MOST_RUNS = 2000
"""The band of more runs than this is scaled from that of so many, as it shrinks with the root."""

Array = NDArray[np.float64]


@styled
def plot_pit(fit: Fit, *, prob: float = 0.95, ax: Axes | None = None) -> Axes:
    """Leave-one-out probability integral transform, as a departure from uniform.

    For each run, the probability that the fit without it gives to a lower loss; if the model
    describes the runs these are uniform. The line is the share of runs below each probability
    less that probability. It leaves the band anywhere with probability 1 - `prob` if the model
    is right. A slope up, then down: too low losses are predicted too rarely.

    Parameters
    ----------
    fit : Fit
    prob : float
        Probability of the simultaneous band.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (5.0, 3.4))
    values = np.sort(fit.tree["loo"]["pit"].to_numpy())
    grid = np.linspace(0, 1, N_GRID)
    half = _band(len(values), prob, grid, fit.seed)
    ax.fill_between(grid, -half, half, color=MUTED, alpha=0.18, linewidth=0)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    x = np.concatenate([[0.0], np.repeat(values, 2), [1.0]])
    share = np.repeat(np.arange(len(values) + 1), 2) / len(values)
    ax.plot(x, share - x, color=BAND, linewidth=1.3)
    ax.set_xlim(0, 1)
    ax.set_xlabel("probability of a lower loss, predicted from the other runs")
    ax.set_ylabel("share of runs below, less expected")
    handles = [
        Line2D([], [], color=BAND, label=f"{len(values)} runs"),
        Patch(facecolor=MUTED, alpha=0.18, label=f"{100 * prob:.4g} % band if the model is right"),
    ]
    legend(ax, handles)
    return ax


def _band(n: int, prob: float, grid: Array, seed: int) -> Array:
    """Half-width of a simultaneous band of the departure of n uniform values."""
    rng = np.random.default_rng([seed, 3])
    simulated = min(n, MOST_RUNS)
    spread = np.sqrt(grid * (1 - grid))
    inside = (grid > 0.01) & (grid < 0.99)
    largest = np.empty(N_SIMULATED)
    for i in range(N_SIMULATED):
        below = np.searchsorted(np.sort(rng.random(simulated)), grid[inside], side="right")
        departure = np.abs(below / simulated - grid[inside]) / spread[inside]
        largest[i] = departure.max()
    return np.asarray(np.quantile(largest, prob) * spread * np.sqrt(simulated / n))
