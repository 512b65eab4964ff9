"""`plot_resolution`: how many questions would have shown progress at each scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import band_handles, bands
from bayes_scaling.figures.style import INK, MUTED, new_axes, styled
from bayes_scaling.figures.words import plain
from bayes_scaling.shapes.emergent.resolution import POWER
from bayes_scaling.shapes.emergent.result import CURVE_POINTS, TaskEmergence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_resolution"]


@styled
def plot_resolution(answer: TaskEmergence, *, ax: Axes | None = None) -> Axes:
    """Questions that tell a task's score from chance and lucky answers, by scale.

    Parameters
    ----------
    answer : TaskEmergence
    ax : Axes, optional
    """
    from matplotlib.lines import Line2D

    ax = new_axes(ax)
    task = answer.task
    scale = np.geomspace(task.scale[0], task.scale[-1], CURVE_POINTS)
    bands(ax, [(0, scale, answer.questions_at(scale))], answer.prob)
    asked = float(np.nanmax(task.main.n))
    ax.axhline(asked, color=MUTED, linestyle=":", linewidth=1.0)
    ax.set_yscale("log")
    quantity_axis(ax, "x", task.along, padded(float(scale[0]), float(scale[-1])))
    ax.set_ylabel("questions that show progress")
    ax.set_title(f"{plain(task.label)}: test-set size for a power of {POWER:g}", fontsize=9.5)
    ax.title.set_color(INK)
    handles = [
        *band_handles(1, 0, answer.prob),
        Line2D([], [], color=MUTED, linestyle=":", label=f"{asked:,.0f} questions, as tested"),
    ]
    if ax.get_legend() is None:
        ax.legend(handles=handles, loc="upper right")
    return ax
