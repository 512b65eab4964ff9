"""The fit of a law of one variable: loss against it, far beyond the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import band_handles, bands, beyond, legend, quantiles
from bayes_scaling.figures.style import MUTED, colour
from bayes_scaling.figures.words import plain
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw_curve"]

N_POINTS = 120
DECADES_BEYOND = 2.0
MOST_ABOVE, MOST_BELOW = 1.6, 0.4
"""Times the highest and the lowest loss seen: a band that leaves these says enough."""


def draw_curve(ax: Axes, fit: Fit, name: str, own: pd.DataFrame, prob: float) -> None:
    """Runs, median and bands of a group against the law's variable."""
    (x,) = fit.inputs
    largest = float(own[x].max())
    low, _ = padded(own[x].min(), largest, 0.05)
    quantity_axis(ax, "x", x, (low, largest * 10**DECADES_BEYOND))
    grid = np.geomspace(low, largest * 10**DECADES_BEYOND, N_POINTS)
    loss = fit.predict(name, {x: np.log(grid)})
    bands(ax, [(0, grid, loss)], prob)
    ax.scatter(own[x], own["loss"], s=14, color=MUTED, linewidths=0, alpha=0.8, zorder=4)
    _limits(ax, loss, own, prob)
    handles = [
        Line2D([], [], color=colour(0), label="median of the law"),
        *band_handles(1, 0, prob),
        Line2D([], [], color=MUTED, marker="o", markersize=4, linestyle="none", label="runs"),
    ]
    title = plain(name, 30) if len(fit.groups) > 1 else None
    legend(ax, [*handles, *beyond(ax, largest)], title=title)


def _limits(ax: Axes, loss: np.ndarray, own: pd.DataFrame, prob: float) -> None:
    lower, upper = quantiles(loss, prob)
    low = max(min(lower.min(), own["loss"].min()), MOST_BELOW * own["loss"].min())
    high = min(max(upper.max(), own["loss"].max()), MOST_ABOVE * own["loss"].max())
    room = 0.06 * np.log(high / low) + 1e-3
    loss_axis(ax, float(low * np.exp(-room)), float(high * np.exp(room)))
