"""`plot_frontier`: the loss of compute-optimal training, from the runs to two decades beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from bayes_scaling.decisions.allocate import allocate
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError
from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import (
    band_handles,
    bands,
    beyond,
    group_handles,
    grouped,
    legend,
    place,
    quantiles,
)
from bayes_scaling.figures.style import MUTED, colour, marker, new_axes, styled
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_frontier"]

N_POINTS = 80
DECADES_BEYOND = 2.0
MOST_BELOW = 0.3
"""Times the lowest loss seen: a band that falls below says enough."""


@styled
def plot_frontier(
    fit: Fit,
    *,
    flops_range: tuple[Any, Any] | None = None,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
    ax: Axes | None = None,
) -> Axes:
    """Loss at the compute-optimal size and tokens, against training compute.

    Parameters
    ----------
    fit : Fit
    flops_range : pair of numbers or texts such as ("1e18", "1e24"), optional
        Compute to draw; by default from the smallest run to two decades beyond the largest.
    group : str or sequence of str, optional
        Groups to draw; by default the six with most runs. `NEW_GROUP` is one without runs. A
        single group also shows the 50 % interval.
    prob : float
        Probability of the bands.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    names, largest = grouped(fit, group), float(fit.data["flops"].max())
    low, high = _range(fit, flops_range)
    ax = new_axes(ax)
    quantity_axis(ax, "x", "flops", (low, high))
    flops = np.geomspace(low, high, N_POINTS)
    curves = []
    for name in names:
        loss = allocate(fit, flops=flops, group=name).draws["loss"].to_numpy()
        curves.append((place(fit, name), flops, loss))
    bands(ax, curves, prob)
    lowest = min(float(quantiles(loss[:, -1], prob)[0]) for _, _, loss in curves)
    highest = max(float(quantiles(loss[:, 0], prob)[1]) for _, _, loss in curves)
    highest = max(highest, _runs(ax, fit, names, (low, high)))
    lowest = max(lowest, MOST_BELOW * float(fit.data["loss"].min()))
    loss_axis(ax, lowest * 0.985, highest * 1.015)
    _legend(ax, fit, names, prob, beyond(ax, largest))
    return ax


def _range(fit: Fit, flops_range: tuple[Any, Any] | None) -> tuple[float, float]:
    if flops_range is None:
        seen = fit.data["flops"]
        low, _ = padded(seen.min(), seen.max(), 0.05)
        return low, seen.max() * 10**DECADES_BEYOND
    low, high = quantities(flops_range, "flops_range", flops=True)
    if high <= low:
        raise InputError(f"flops_range must go from less to more compute, not {flops_range!r}")
    return float(low), float(high)


def _runs(ax: Axes, fit: Fit, names: Sequence[str], limits: tuple[float, float]) -> float:
    """Draw the runs of the groups; returns the highest loss worth showing."""
    data = fit.data[fit.data["flops"].between(*limits)]
    labels, highest = data["group"].astype(str).to_numpy(), 0.0
    for name in names:
        own, i = data[labels == name], place(fit, name)
        if own.empty:
            continue
        tint = MUTED if len(names) == 1 else colour(i)
        ax.scatter(
            own["flops"], own["loss"], s=12, marker=marker(i), color=tint, alpha=0.55,
            linewidths=0, zorder=2,
        )  # fmt: skip
        highest = max(highest, float(own["loss"].quantile(0.98)))
    return highest


def _legend(ax: Axes, fit: Fit, names: Sequence[str], prob: float, shade: list[Any]) -> None:
    indices = [place(fit, name) for name in names]
    intervals = band_handles(len(names), indices[0], prob)
    if len(names) == 1:
        tint, shape = colour(indices[0]), marker(indices[0])
        where = f", {fit.law.planned}" if fit.law.planned else ""
        handles = [
            Line2D([], [], color=tint, label=f"loss at the optimum{where}, median"),
            *intervals,
            Line2D([], [], color=MUTED, marker=shape, markersize=4, linestyle="none", label="runs"),
        ]
    else:
        handles = [*group_handles(names, indices, lines=True), *intervals]
    legend(ax, [*handles, *shade])
