"""`plot_groups`: a parameter in every group, with and without pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from bayes_scaling.figures.draws import (
    check_parameter,
    group_draws,
    meaning,
    population_draws,
    symbol,
    wide,
)
from bayes_scaling.figures.marks import NARROW, inner, legend, quantiles
from bayes_scaling.figures.parameters import round_ticks, tick_number
from bayes_scaling.figures.style import BAND, INK, MUTED, new_axes, styled, width_in_inches
from bayes_scaling.figures.words import interval, plain, wrapped
from bayes_scaling.inference.posterior import DEFAULT_PROB, NEW_GROUP, Fit
from bayes_scaling.inference.separate import separate_estimates
from bayes_scaling.inference.summary import leading_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_groups"]

CENTRE = "population centre"
POPULATION = "#D55E00"
LETTERS_PER_INCH = 13
LARGE = 1e5
TICKS = 5

Array = NDArray[np.float64]


@styled
def plot_groups(
    fit: Fit,
    parameter: str | None = None,
    *,
    prob: float = DEFAULT_PROB,
    separate: xr.Dataset | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Forest plot of a parameter over groups, the population, and each group by itself.

    Filled markers are the posterior; hollow ones below them are what each group's own runs say
    without the others (an approximation, see
    `bayes_scaling.inference.separate.separate_estimates`). The way from hollow to filled is what
    pooling did.

    Parameters
    ----------
    fit : Fit
    parameter : str, optional
        A parameter of the law, or an allocation exponent, ``"a"`` or ``"b"``. By default a, or
        the first exponent of a law that does not allocate compute.
    prob : float
        Probability of the longer intervals; the thick ones hold 50 %.
    separate : Dataset, optional
        What `separate_estimates` returned with the same `prob`, if it is at hand already.
    ax : Axes, optional
        Where to draw; a new figure, as tall as the groups need, otherwise.

    Returns
    -------
    Axes
    """
    parameter = check_parameter(fit, parameter or leading_name(fit))
    rows = {name: group_draws(fit, name)[parameter] for name in fit.groups}
    if fit.pooled:
        rows |= {CENTRE: population_draws(fit)[parameter]}
        rows |= {NEW_GROUP: group_draws(fit, NEW_GROUP)[parameter]}
    ax = new_axes(ax, (6.0, 1.3 + 0.3 * len(rows)))
    log = wide(np.concatenate(list(rows.values())))
    if log:
        ax.set_xscale("log")
    for i, (name, draws) in enumerate(rows.items()):
        _row(ax, i, draws, prob, BAND if name in fit.groups else POPULATION)
    low, high = _limits(ax, log)
    if fit.pooled:
        alone = separate_estimates(fit, prob=prob) if separate is None else separate
        low, high = _with_separate(alone[parameter], low, high, log)
        _separate(ax, alone[parameter], low, high)
    _finish(ax, fit, parameter, list(rows), (low, high), log)
    _legend(ax, prob, fit.pooled)
    return ax


def _row(ax: Axes, y: int, draws: Array, prob: float, tint: str) -> None:
    ax.plot(quantiles(draws, prob), (y, y), color=tint, linewidth=1.4, zorder=3)
    ax.plot(quantiles(draws, inner(prob)), (y, y), color=tint, linewidth=3.8, zorder=3)
    ax.plot(
        np.median(draws), y, marker="o", markersize=6, color=tint, markeredgecolor="white", zorder=4
    )


def _separate(ax: Axes, values: xr.DataArray, low: float, high: float) -> None:
    """Hollow markers below the rows; arrows where an interval leaves the axes."""
    for y, name in enumerate(values["group"].to_numpy()):
        median, lower, upper = values.sel(group=name).to_numpy()
        below = y + 0.3
        ends = (max(lower, low), min(upper, high))
        ax.plot(ends, (below, below), color=MUTED, linewidth=0.8, zorder=2)
        if low <= median <= high:
            ax.plot(
                median, below, marker="o", markersize=4.5, markerfacecolor="white",
                markeredgecolor=MUTED, zorder=3,
            )  # fmt: skip
        for out, edge, shape in ((lower < low, low, "<"), (upper > high, high, ">")):
            if out:
                ax.plot(edge, below, marker=shape, markersize=4, color=MUTED, clip_on=False)


def _limits(ax: Axes, log: bool) -> tuple[float, float]:
    low, high = ax.get_xlim()
    return (low, high) if not log else (max(low, 1e-30), high)


def _with_separate(values: xr.DataArray, low: float, high: float, log: bool) -> tuple[float, float]:
    """Limits that show the separate estimates, but at most three times as wide as the posterior."""
    there, back = (np.log, np.exp) if log else (np.asarray, np.asarray)
    low, high = float(there(low)), float(there(high))
    room = high - low
    ends = there(values.to_numpy())
    return (
        float(back(max(min(low, ends.min() - 0.02 * room), low - room))),
        float(back(min(max(high, ends.max() + 0.02 * room), high + room))),
    )


def _finish(
    ax: Axes, fit: Fit, parameter: str, rows: list[str], limits: tuple[float, float], log: bool
) -> None:
    counts = fit.data["group"].astype(str).value_counts()
    labels = [
        f"{plain(name)} ({counts[name]})" if name in fit.groups else plain(name) for name in rows
    ]
    ax.set_yticks(range(len(rows)), labels)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(*limits)
    if log:
        ax.xaxis.set_major_locator(FixedLocator(round_ticks(*limits)))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(TICKS))
    if log or limits[1] >= LARGE:
        ax.xaxis.set_major_formatter(FuncFormatter(tick_number))
    ax.grid(axis="x", color=MUTED, alpha=0.2, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    label = f"{symbol(fit, parameter)}, {meaning(fit, parameter)}"
    ax.set_xlabel(wrapped(label, int(LETTERS_PER_INCH * width_in_inches(ax))))
    ax.set_ylabel("group (runs)" if fit.groups != ("all runs",) else "")


def _legend(ax: Axes, prob: float, pooled: bool) -> None:
    handles: list[Any] = [
        Line2D([], [], color=BAND, marker="o", linewidth=1.4, label=f"posterior, {interval(prob)}"),
        Line2D([], [], color=BAND, linewidth=3.8, label=interval(inner(prob))),
    ]
    if pooled:
        handles += [
            Line2D([], [], color=POPULATION, marker="o", linewidth=1.4, label="population"),
            Line2D(
                [], [], color=MUTED, marker="o", markerfacecolor="white", linewidth=0.8,
                label="each group by itself (approx.)",
            ),
        ]  # fmt: skip
    if width_in_inches(ax) < NARROW:
        legend(ax, handles)
        return
    # To the left there is room above the names of the groups.
    ax.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, labelcolor=INK
    )
