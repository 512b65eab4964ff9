"""`plot_predictions` and `plot_coverage`: what a back-test predicted, and how often rightly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import loss_axis, padded
from bayes_scaling.figures.marks import legend, note
from bayes_scaling.figures.style import INK, MUTED, colour, marker, new_axes, styled
from bayes_scaling.figures.words import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.comparison import Backtest

__all__ = ["plot_coverage", "plot_predictions"]

MOST_COLOURS = 6
PROBS = ("50", "80", "90", "95")


@styled
def plot_predictions(
    backtest: Backtest,
    method: str | None = None,
    *,
    prob: float = 0.9,
    ax: Axes | None = None,
) -> Axes:
    """Predicted against actual loss of every run beyond a cut, with intervals.

    Perfect predictions lie on the line; intervals that do not reach it have missed.

    Parameters
    ----------
    backtest : Backtest
    method : str, optional
        The first by default, a posterior.
    prob : {0.5, 0.8, 0.9, 0.95}
        Probability of the intervals.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    name, level = method or backtest.methods[0], _level(prob)
    if name not in backtest.methods:
        raise InputError(unknown_name("method", name, backtest.methods))
    ax = new_axes(ax)
    table = backtest.table[backtest.table["method"] == name]
    groups = backtest.groups
    some = len(groups) <= MOST_COLOURS
    for i, group in enumerate(groups):
        own = table[table["group"] == group]
        k = i if some else 0
        ax.vlines(
            own["loss"], own[f"lower{level}"], own[f"upper{level}"],
            color=colour(k), alpha=0.35, linewidth=1.0, zorder=2,
        )  # fmt: skip
        ax.scatter(
            own["loss"], own["median"], s=14, marker=marker(k), color=colour(k), linewidths=0,
            zorder=3,
        )  # fmt: skip
    # One run in fifty may leave the axes, so that one absurd interval does not flatten all others.
    low = min(table["loss"].min(), table[f"lower{level}"].quantile(0.02))
    high = max(table["loss"].max(), table[f"upper{level}"].quantile(0.98))
    limits = padded(float(low), float(high), 0.04)
    loss_axis(ax, *limits)
    loss_axis(ax, *limits, which="x")
    ax.plot(limits, limits, color=MUTED, linewidth=0.9, zorder=1)
    ax.set_xlabel("loss seen (nats per token)")
    ax.set_ylabel("loss predicted (nats per token)")
    shown = [(i, group) for i, group in enumerate(groups)] if some and len(groups) > 1 else []
    handles = [
        Line2D([], [], color=colour(i), marker=marker(i), linestyle="none", label=plain(group))
        for i, group in shown
    ]
    handles.append(Line2D([], [], color=MUTED, linewidth=1, label=f"{level} % interval"))
    legend(ax, handles, title=plain(name))
    out = (table[f"lower{level}"] < limits[0]) | (table[f"upper{level}"] > limits[1])
    if out.any():
        note(ax, f"intervals that reach beyond the axes: {out.sum()}")
    return ax


@styled
def plot_coverage(backtest: Backtest, *, prob: float = 0.9, ax: Axes | None = None) -> Axes:
    """Share of runs inside their intervals, against how far beyond the fitted runs they lie.

    One line a method, over the bins of `Backtest.by_distance`; bars are plus and minus one
    standard error.

    Parameters
    ----------
    backtest : Backtest
    prob : {0.5, 0.8, 0.9, 0.95}
        Probability of the intervals, which a calibrated method reaches.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    level = _level(prob)
    ax = new_axes(ax)
    table = backtest.by_distance()
    bins = list(dict.fromkeys(zip(table["at_least"], table["below"], strict=True)))
    handles = []
    for i, method in enumerate(backtest.methods):
        own = table[table["method"] == method]
        at = np.array([bins.index(b) for b in zip(own["at_least"], own["below"], strict=True)])
        share = own[f"coverage{level}"].to_numpy()
        # Side by side, so that the bars do not hide one another.
        x = at + 0.08 * (i - (len(backtest.methods) - 1) / 2)
        error = own[f"coverage{level}_se"].to_numpy()
        ax.vlines(
            x, np.maximum(share - error, 0), np.minimum(share + error, 1), color=colour(i),
            alpha=0.6, linewidth=1.2, zorder=2,
        )  # fmt: skip
        ax.plot(x, share, color=colour(i), marker=marker(i), markersize=5, zorder=3)
        handles.append(Line2D([], [], color=colour(i), marker=marker(i), label=plain(method)))
    ax.axhline(prob, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
    handles.append(
        Line2D([], [], color=INK, linewidth=1, linestyle=(0, (4, 2)), label="as promised")
    )
    ax.set_xticks(range(len(bins)), [_bin_name(table, b) for b in bins])
    ax.set_xlim(-0.5, len(bins) - 0.5)
    ax.set_ylim(0, 1.02)
    what = {"flops": "compute", "params": "size", "tokens": "tokens"}[backtest.along]
    ax.set_xlabel(f"{what} of the run over the largest fitted")
    ax.set_ylabel(f"share inside the {level} % interval")
    legend(ax, handles)
    return ax


def _bin_name(table: pd.DataFrame, ends: tuple[float, float]) -> str:
    low, high = ends
    name = f"{low:g} to {high:g}x" if math.isfinite(high) else f"over {low:g}x"
    n = int(table.loc[(table["at_least"] == low) & (table["below"] == high), "n"].iloc[0])
    return f"{name}\n({n} runs)"


def _level(prob: float) -> str:
    level = f"{100 * prob:g}"
    if level not in PROBS:
        raise InputError(f"prob must be 0.5, 0.8, 0.9 or 0.95, not {prob}")
    return level
