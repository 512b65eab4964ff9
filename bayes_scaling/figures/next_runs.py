"""`plot_next_runs`: candidates by size and tokens, and what each is expected to teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import legend
from bayes_scaling.figures.style import (
    CONTINUOUS,
    INK,
    MARKERS,
    MUTED,
    marker,
    new_axes,
    styled,
    width_in_inches,
)
from bayes_scaling.figures.words import plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.decisions import NextRuns

__all__ = ["plot_next_runs"]

SMALL, LARGE = 3.2, 7.0


@styled
def plot_next_runs(answer: NextRuns, *, ax: Axes | None = None) -> Axes:
    """Candidates by size and tokens, coloured by what they leave of the uncertainty.

    Those that are chosen are numbered in order.

    Parameters
    ----------
    answer : NextRuns
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax, table = new_axes(ax), answer.ranking
    names = list(dict.fromkeys(table["group"]))
    params, tokens = table["params"].to_numpy(), table["tokens"].to_numpy()
    quantity_axis(ax, "x", "params", padded(params.min(), params.max(), 0.07))
    quantity_axis(ax, "y", "tokens", padded(tokens.min(), tokens.max(), 0.07))
    left = 100 * (table["sd_after"] / table["sd_now"]).to_numpy()
    shown = None
    for i, name in enumerate(names):
        own = (table["group"] == name).to_numpy()
        aside = 1 + 0.03 * (i - (len(names) - 1) / 2)
        shown = ax.scatter(
            params[own] * aside, tokens[own] * aside, c=left[own], s=38, cmap=CONTINUOUS,
            vmin=left.min(), vmax=left.max(), marker=marker(i), edgecolors="white", linewidths=0.5,
        )  # fmt: skip
    if shown is not None:
        bar = ax.figure.colorbar(shown, ax=ax, pad=0.01)
        bar.set_label(wrapped("expected standard deviation left (% of now)", 48))
        bar.outline.set_visible(False)
    _chosen(ax, answer)
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[i % len(MARKERS)], color=MUTED,
               label=plain(name))
        for i, name in enumerate(names)
    ] if len(names) > 1 else []  # fmt: skip
    ring = Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", color=INK,
                  markersize=LARGE, label="chosen, in order")  # fmt: skip
    legend(ax, [*handles, ring])
    return ax


def _chosen(ax: Axes, answer: NextRuns) -> None:
    """Rings around the runs of the batch, with their numbers."""
    size = LARGE if width_in_inches(ax) > LARGE / 2 else SMALL
    places: dict[tuple[float, float], list[int]] = {}
    for i, row in enumerate(answer.batch.to_dict("records"), start=1):
        places.setdefault((float(row["params"]), float(row["tokens"])), []).append(i)
    for (x, y), numbers in places.items():
        ax.plot([x], [y], marker="o", markersize=2 * size, markerfacecolor="none", color=INK)
        ax.annotate(
            ", ".join(map(str, numbers)), (x, y), xytext=(size + 1, size - 1),
            textcoords="offset points", fontsize=8, color=INK, fontweight="bold",
        )  # fmt: skip
