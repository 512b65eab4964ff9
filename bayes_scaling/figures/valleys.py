"""The fit of isoFLOP valleys: loss against model size, one curve a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.draws import budget_draws
from bayes_scaling.figures.marks import legend, quantiles
from bayes_scaling.figures.sizes import colour_bar
from bayes_scaling.figures.style import CONTINUOUS, INK, MUTED
from bayes_scaling.figures.words import interval, plain
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw_valleys"]

MOST_BUDGETS = 8
N_POINTS = 60

Array = NDArray[np.float64]


def draw_valleys(ax: Axes, fit: Fit, name: str, own: pd.DataFrame, prob: float) -> None:
    """Runs of a group at their budgets, and the valley and best size of each."""
    middles = own.groupby(own["budget"].astype(str))["flops"].median().sort_values()
    chosen = np.unique(np.linspace(0, len(middles) - 1, MOST_BUDGETS).round().astype(int))
    budgets = middles.iloc[chosen]
    own = own[own["budget"].astype(str).isin(budgets.index)]
    norm = LogNorm(*padded(float(budgets.min()), float(budgets.max()), 0.0))
    quantity_axis(ax, "x", "params", padded(own["params"].min(), own["params"].max()))
    room = 0.12 * np.log(own["loss"].max() / own["loss"].min()) + 1e-3
    loss_axis(ax, own["loss"].min() * np.exp(-room), own["loss"].max() * np.exp(room))
    for budget, flops in budgets.items():
        tint = mpl.colormaps[CONTINUOUS](norm(flops))
        runs = own[own["budget"].astype(str) == budget]
        _valley(ax, fit, budget_draws(fit, name, str(budget)), runs, prob, tint)
    colour_bar(ax, norm, "flops", budgets.tolist())
    handles = [
        Line2D([], [], color=MUTED, label="median of the law at one budget"),
        Patch(facecolor=MUTED, alpha=0.35, label=interval(prob)),
        Line2D([], [], color=MUTED, marker="o", linestyle="none", label="runs"),
        Line2D([], [], color=INK, marker="D", markersize=5, linewidth=1.3, label="best size"),
    ]
    legend(ax, handles, title=plain(name, 30) if len(fit.groups) > 1 else None)


def _valley(
    ax: Axes, fit: Fit, theta: dict[str, Array], runs: pd.DataFrame, prob: float, tint: Any
) -> None:
    """One budget: its runs, the law over their sizes, and where it is least."""
    flops = float(np.exp(np.log(runs["flops"]).mean()))
    sizes = np.geomspace(runs["params"].min() / 1.15, runs["params"].max() * 1.15, N_POINTS)
    columns = {key: value[:, None] for key, value in theta.items()}
    loss = fit.law.planned_loss(sizes, flops / 6 / sizes, columns)
    ax.fill_between(sizes, *quantiles(loss, prob), color=tint, alpha=0.35, linewidth=0, zorder=2)
    ax.plot(sizes, np.median(loss, axis=0), color=tint, linewidth=1.3, zorder=3)
    ax.scatter(
        runs["params"], runs["loss"], color=tint, s=18, edgecolors="white", linewidths=0.4, zorder=4
    )
    best, tokens = fit.law.optimum(flops, theta)
    least = float(np.median(fit.law.planned_loss(best, tokens, theta)))
    ax.plot(quantiles(best, prob), (least, least), color=INK, linewidth=1.3, zorder=5)
    ax.plot(
        np.median(best), least, marker="D", markersize=5, color=tint, markeredgecolor=INK, zorder=6
    )
