"""What several figures draw: bands, the region beyond the runs, legends, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayes_scaling.figures.style import MUTED, SHADE, colour, line, marker, width_in_inches
from bayes_scaling.figures.words import interval, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.inference.posterior import Fit

__all__ = [
    "band_handles", "bands", "beyond", "group_handles", "grouped", "inner", "largest_groups",
    "legend", "note", "place", "places", "quantiles",
]  # fmt: skip

MOST_GROUPS: Final = 6
"""Groups that a picture shows unless asked for others."""

MOST_BANDS: Final = 3
"""Bands that can lie over one another; more groups show their intervals as bars."""

MOST_ENTRIES: Final = 24
NARROW: Final = 3.0
"""Inches; narrower axes have no room for a legend above them."""

BARS: Final = 4

Array = NDArray[np.float64]


def inner(prob: float) -> float:
    """Probability of the narrower of two intervals."""
    return 0.5 if prob > 0.5 else prob / 2


def quantiles(draws: Array, prob: float) -> tuple[Array, Array]:
    """Equal-tailed interval over the first axis."""
    lower, upper = np.quantile(draws, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return lower, upper


def bands(ax: Axes, curves: Sequence[tuple[int, Array, Array]], prob: float) -> None:
    """Medians and intervals of several groups, each an index, x, and draws (sample, x).

    One group gets two bands, up to three one each; intervals of more groups would hide one
    another and are drawn as bars, side by side.
    """
    for k, (index, x, draws) in enumerate(curves):
        tint = colour(index)
        if len(curves) <= MOST_BANDS:
            for each, alpha in _probs(prob, len(curves)):
                ax.fill_between(
                    x, *quantiles(draws, each), color=tint, alpha=alpha, linewidth=0, zorder=2
                )
        else:
            at = np.linspace(0.06, 0.94, BARS) + 0.12 * (k / (len(curves) - 1) - 0.5)
            some = np.round(at * (len(x) - 1)).astype(int).clip(0, len(x) - 1)
            ax.vlines(
                x[some], *quantiles(draws[:, some], prob), color=tint, linewidth=1.1, zorder=3
            )
        style = line(index) if len(curves) > 1 else "-"
        ax.plot(x, np.median(draws, axis=0), color=tint, linestyle=style, zorder=3)


def _probs(prob: float, n: int) -> list[tuple[float, float]]:
    return [(prob, 0.2), (inner(prob), 0.3)] if n == 1 else [(prob, 0.18)]


def band_handles(n: int, index: int, prob: float) -> list[Any]:
    """Legend entries of what `bands` draws besides the medians."""
    if n == 1:
        tint = colour(index)
        return [
            Patch(facecolor=tint, alpha=0.2, label=interval(prob)),
            Patch(facecolor=tint, alpha=0.5, label=interval(inner(prob))),
        ]
    if n <= MOST_BANDS:
        return [Patch(facecolor=MUTED, alpha=0.3, label=interval(prob))]
    return [Line2D([], [], color=MUTED, linewidth=1.1, label=f"bars: {interval(prob)}")]


def beyond(ax: Axes, largest: float) -> list[Any]:
    """Shade the compute beyond the runs, once the limits of x are set; its legend entries."""
    low, high = ax.get_xlim()
    if high <= largest * 1.0001:
        return []
    ax.axvspan(max(largest, low), high, color=SHADE, zorder=0, linewidth=0)
    if largest > low:
        ax.axvline(largest, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    return [Patch(facecolor=SHADE, label="beyond the runs")]


def largest_groups(fit: Fit, most: int = MOST_GROUPS) -> tuple[str, ...]:
    """Groups with the most runs, in the order of the fit."""
    counts = fit.data["group"].astype(str).value_counts()
    chosen = sorted(fit.groups, key=lambda name: -int(counts.get(name, 0)))[:most]
    return tuple(name for name in fit.groups if name in chosen)


def grouped(fit: Fit, group: str | Sequence[str] | None) -> tuple[str, ...]:
    """Groups asked about; by default those with the most runs, as many as a picture can show."""
    return largest_groups(fit) if group is None else fit.select_groups(group)


def place(fit: Fit, name: str) -> int:
    """Index of a group's colour, marker and line; the same in every figure of a fit."""
    return fit.groups.index(name) if name in fit.groups else len(fit.groups)


def places(names: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Index of each name among all groups, and beyond them for names that are not there."""
    order = {name: i for i, name in enumerate(groups)}
    for name in names:
        order.setdefault(name, len(order))
    return [order[name] for name in names]


def group_handles(
    names: Sequence[str], indices: Sequence[int], *, points: bool = True, lines: bool = False
) -> list[Any]:
    """Legend entries of groups."""
    return [
        Line2D(
            [],
            [],
            color=colour(i),
            marker=marker(i) if points else "none",
            linestyle=line(i) if lines else "none",
            markersize=5,
            label=plain(name),
        )
        for name, i in zip(names, indices, strict=True)
    ]


def legend(ax: Axes, handles: Sequence[Any], title: str | None = None) -> None:
    """Legend above the axes, clear of the data, in as many columns as there is room for.

    Narrow axes, such as those of a grid, get a small one inside instead.
    """
    entries = list(handles)
    if not entries:
        return
    if len(entries) > MOST_ENTRIES:
        more = len(entries) - MOST_ENTRIES + 1
        blank = Line2D([], [], linestyle="none", label=f"and {more} more")
        entries = [*entries[: MOST_ENTRIES - 1], blank]
    inches = width_in_inches(ax)
    if inches < NARROW:
        ax.legend(
            handles=entries,
            loc="best",
            fontsize=6,
            title=title,
            title_fontsize=6,
            handlelength=1.2,
            labelspacing=0.25,
            borderpad=0.2,
        )
        return
    drawn = ax.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns([len(str(entry.get_label())) for entry in entries], inches),
        title=title,
        borderaxespad=0.3,
        columnspacing=1.2,
        handlelength=1.6,
        alignment="left",
    )
    drawn.get_title().set_fontweight("bold")


def _columns(lengths: list[int], inches: float) -> int:
    """As many columns as fit; entries fill them one column after the other."""
    for columns in range(min(4, len(lengths)), 1, -1):
        parts = np.array_split(np.array(lengths), columns)
        if sum(0.45 + 0.066 * part.max() for part in parts) <= inches:
            return columns
    return 1


def note(ax: Axes, text: str) -> None:
    """Small remark at the bottom left of the axes."""
    ax.text(
        0.015, 0.02, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=7.5, color=MUTED
    )
