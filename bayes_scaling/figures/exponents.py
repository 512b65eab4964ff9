"""`plot_exponents`: the allocation exponent a by several analyses of the same runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from bayes_scaling.figures.marks import inner, legend, quantiles
from bayes_scaling.figures.style import BAND, INK, MUTED, new_axes, styled
from bayes_scaling.figures.words import interval, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.comparison import KaplanOrChinchilla

__all__ = ["plot_exponents"]


@styled
def plot_exponents(
    study: KaplanOrChinchilla, *, prob: float | None = None, ax: Axes | None = None
) -> Axes:
    """Intervals of the exponent a, one row an analysis, with Kaplan's and Chinchilla's answers.

    Parameters
    ----------
    study : KaplanOrChinchilla
    prob : float, optional
        Probability of the thin intervals, the study's own by default; the thick ones hold 50 %.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    from bayes_scaling.comparison.kaplan_or_chinchilla_result import CHINCHILLAS_A, KAPLANS_A

    prob = study.prob if prob is None else prob
    rows = study.analyses
    ax = new_axes(ax, (6.4, 1.3 + 0.34 * len(rows)))
    for y, each in enumerate(rows):
        tint = BAND if y == 0 else INK
        ax.plot(quantiles(each.a, prob), (y, y), color=tint, linewidth=1.3, zorder=3)
        ax.plot(quantiles(each.a, inner(prob)), (y, y), color=tint, linewidth=3.6, zorder=3)
        ax.plot(
            np.median(each.a), y, "o", color=tint, markersize=6, markeredgecolor="white", zorder=4
        )
    answers: tuple[tuple[str, float, Any], ...] = (
        ("Chinchilla", CHINCHILLAS_A, "--"),
        ("Kaplan", KAPLANS_A, ":"),
    )
    for _, value, style in answers:
        ax.axvline(value, color=MUTED, linestyle=style, linewidth=1.2, zorder=1)
    ax.set_yticks(range(len(rows)), [plain(each.name, 34) for each in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(r"exponent of compute-optimal size, $N_\mathrm{opt} \propto C^a$")
    handles = [
        Line2D([], [], color=INK, linewidth=1.3, label=interval(prob)),
        Line2D([], [], color=INK, linewidth=3.6, label=interval(inner(prob))),
        *(
            Line2D([], [], color=MUTED, linestyle=style, label=f"{name}, a = {value:.2f}")
            for name, value, style in answers
        ),
    ]
    legend(ax, handles)
    return ax
