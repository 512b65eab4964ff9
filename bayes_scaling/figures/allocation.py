"""`plot_allocation`: the compute-optimal size, tokens or ratio against the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bayes_scaling.decisions.allocate import Allocation
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import (
    band_handles,
    bands,
    beyond,
    group_handles,
    legend,
    places,
    quantiles,
)
from bayes_scaling.figures.style import MUTED, colour, marker, new_axes, styled
from bayes_scaling.figures.words import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_allocation"]

QUANTITIES = ("params", "tokens", "tokens_per_param")
Array = NDArray[np.float64]

FOR_A_BAND = 6
"""Budgets that make a band; fewer are drawn as intervals."""


@styled
def plot_allocation(
    allocation: Allocation,
    quantity: Literal["params", "tokens", "tokens_per_param"] = "params",
    *,
    prob: float | None = None,
    groups: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Compute-optimal size, tokens or tokens per parameter, against training compute.

    Parameters
    ----------
    allocation : Allocation
    quantity : {"params", "tokens", "tokens_per_param"}
        What to draw.
    prob : float, optional
        Probability of the bands; the allocation's own by default.
    groups : sequence of str, optional
        All groups of the fit, for colours that agree with its other figures.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    if quantity not in QUANTITIES:
        raise InputError(unknown_name("quantity", quantity, QUANTITIES))
    prob = allocation.prob if prob is None else prob
    ax, draws = new_axes(ax), allocation.draws
    values = draws[quantity].transpose("sample", "budget").to_numpy()
    flops = draws["flops"].to_numpy().astype(float)
    labels = draws["group"].to_numpy().astype(str)
    names = list(dict.fromkeys(labels))
    quantity_axis(ax, "x", "flops", padded(flops.min(), flops.max(), 0.04))
    lower, upper = quantiles(values, prob)
    quantity_axis(ax, "y", quantity, padded(lower.min(), upper.max(), 0.06))
    curves = []
    indices = places(names, groups)
    for i, name in zip(indices, names, strict=True):
        own = np.flatnonzero(labels == name)
        own = own[np.argsort(flops[own])]
        curves.append((i, flops[own], values[:, own]))
    continuous = min(len(x) for _, x, _ in curves) >= FOR_A_BAND
    if continuous:
        bands(ax, curves, prob)
        intervals = band_handles(len(names), indices[0], prob)
    else:
        _intervals(ax, curves, prob)
        intervals = [Line2D([], [], color=MUTED, linewidth=1.3, label=interval(prob))]
    largest = float(np.median(flops / 10.0 ** draws["decades_beyond"].to_numpy()))
    medians = _medians(names, indices, continuous)
    legend(ax, [*medians, *intervals, *beyond(ax, largest)])
    return ax


def _intervals(ax: Axes, curves: list[tuple[int, Array, Array]], prob: float) -> None:
    """Bars at a few budgets, groups side by side."""
    spread = 0.02 * np.log10(ax.get_xlim()[1] / ax.get_xlim()[0])
    for k, (i, flops, values) in enumerate(curves):
        x = flops * 10 ** (spread * (k - (len(curves) - 1) / 2))
        ax.vlines(x, *quantiles(values, prob), color=colour(i), linewidth=1.3, zorder=3)
        ax.plot(
            x, np.median(values, axis=0), linestyle="none", marker=marker(i), color=colour(i),
            markersize=5, markeredgecolor="white", zorder=4,
        )  # fmt: skip


def _medians(names: list[str], indices: list[int], continuous: bool) -> list[Any]:
    handles = group_handles(names, indices, points=not continuous, lines=continuous)
    if len(names) == 1:
        handles[0].set_label("compute-optimal, median")
        handles[0].set_linestyle("-" if continuous else "none")
    return handles
