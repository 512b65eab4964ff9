"""`plot_risk`: tasks by the probability that they get worse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_scaling.figures.marks import legend
from bayes_scaling.figures.shapes import SHAPE_COLOURS, most_at_risk
from bayes_scaling.figures.style import INK, MUTED, new_axes, styled
from bayes_scaling.figures.words import plain
from bayes_scaling.shapes.probabilities import ShapeProbabilities
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_risk"]

MOST: Final = 40


@styled
def plot_risk(answer: ShapeProbabilities, *, most: int = MOST, ax: Axes | None = None) -> Axes:
    """Probability that each task is worse at the stated scale than at the largest seen.

    A ring marks the same probability without the task's own data: how far a task has moved away
    from it is what its scores say.

    Parameters
    ----------
    answer : ShapeProbabilities
    most : int
        Tasks shown, the riskiest first.
    ax : Axes, optional
    """
    from matplotlib.lines import Line2D

    names = most_at_risk(answer, most)
    ax = new_axes(ax, (6.4, 1.2 + 0.24 * len(names)))
    draws = answer.draws.sel(curve=names)
    worse, prior = (draws[n].mean("sample").to_numpy() for n in ("worse", "worse_prior"))
    y = np.arange(len(names))[::-1]
    red = SHAPE_COLOURS["inverse"]
    ax.hlines(y, prior, worse, color=MUTED, linewidth=1.0, zorder=2)
    ax.plot(prior, y, "o", markerfacecolor="white", markeredgecolor=MUTED, markersize=5, zorder=3)
    ax.plot(worse, y, "o", color=red, markersize=5, zorder=4)
    ax.axvline(0.5, color=INK, linewidth=0.6, linestyle=":", zorder=1)
    ax.set_yticks(y, [plain(name) for name in names], fontsize=7.5)
    ax.set_xlim(-0.02, 1.02)
    stated = format_quantity(float(draws["at"].to_numpy()[0]))
    ax.set_xlabel(f"probability of being worse at {stated} {answer.along} than at the largest seen")
    handles = [
        Line2D([], [], color=red, linestyle="none", marker="o", label="with the task's scores"),
        Line2D(
            [], [], color=MUTED, linestyle="none", marker="o", markerfacecolor="white",
            label="other tasks only",
        ),
    ]  # fmt: skip
    legend(ax, handles)
    return ax
