"""`plot_pass_rates`: the mean log pass rate by scale, with its power law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bayes_scaling.decisions.questions import quantities
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import band_handles, bands, beyond, legend
from bayes_scaling.figures.style import INK, new_axes, styled
from bayes_scaling.shapes.emergent.pass_rates import PassRates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_pass_rates"]

POINTS = 80


@styled
def plot_pass_rates(answer: PassRates, *, at: Any = None, ax: Axes | None = None) -> Axes:
    """Mean of -log(pass rate) as measured, and its law up to a scale that is asked about.

    Parameters
    ----------
    answer : PassRates
    at : number, text, or several of them, optional
        Scales to continue the law to; ten times the largest by default.
    ax : Axes, optional
    """
    from matplotlib.lines import Line2D

    ax = new_axes(ax)
    name, seen = answer.along, answer.scale
    asked = 10 * seen[-1] if at is None else quantities(at, name, flops=name == "flops").max()
    scale = np.geomspace(seen[0], max(float(asked), float(seen[-1])), POINTS)
    bands(ax, [(0, scale, answer.draws(list(scale)))], answer.prob)
    ax.errorbar(
        seen, answer.neg_log, yerr=answer.error, fmt="o", color=INK, markersize=3.5, zorder=5
    )
    quantity_axis(ax, "x", name, padded(float(scale[0]), float(scale[-1])))
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel(f"mean of −log(pass rate), {answer.problems} problems")
    rates = ax.secondary_yaxis("right", functions=(lambda y: y, lambda y: y))
    rates.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    rates.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * np.exp(-value):.2g} %"))
    rates.yaxis.set_minor_formatter(NullFormatter())
    rates.set_ylabel("pass rate (geometric mean)")
    measured = Line2D([], [], color=INK, marker="o", linestyle="none", label="measured")
    legend(ax, [measured, *band_handles(1, 0, answer.prob), *beyond(ax, float(seen[-1]))])
    return ax
