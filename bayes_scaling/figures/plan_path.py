"""`plot_plan_path`: planned size or tokens against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.lines import Line2D

from bayes_scaling.decisions.plan_result import Plan
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import beyond, legend, quantiles
from bayes_scaling.figures.style import BAND, INK, colour, new_axes, styled
from bayes_scaling.figures.words import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_plan_path"]

QUANTITIES = ("params", "tokens")


@styled
def plot_plan_path(
    plan: Plan, quantity: Literal["params", "tokens"] = "params", *, ax: Axes | None = None
) -> Axes:
    """Planned size or tokens against the budget, with the flat valley and what may be optimal.

    Parameters
    ----------
    plan : Plan
        Of one or several budgets.
    quantity : {"params", "tokens"}
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    if quantity not in QUANTITIES:
        raise InputError(unknown_name("quantity", quantity, QUANTITIES))
    if not plan.budgets:
        raise InputError("there is no plan to draw: the target is out of reach")
    budgets = sorted(plan.budgets, key=lambda each: each.spend)
    flops = np.array([each.spend for each in budgets])
    planned = np.array([getattr(each, quantity) for each in budgets])
    best = np.stack([each.draws[f"optimum_{quantity}"].to_numpy() for each in budgets], axis=1)
    lower, upper = quantiles(best, plan.prob)
    ends = np.array([getattr(each.valley, quantity) or (np.nan, np.nan) for each in budgets])
    ax = new_axes(ax)
    quantity_axis(ax, "x", "flops", padded(flops[0], flops[-1], 0.05))
    shown = np.concatenate([lower, upper, planned, ends.ravel()])
    quantity_axis(ax, "y", quantity, padded(np.nanmin(shown), np.nanmax(shown), 0.05))
    ax.vlines(flops, ends[:, 0], ends[:, 1], color=BAND, alpha=0.25, linewidth=9, zorder=2)
    ax.vlines(flops, lower, upper, color=INK, linewidth=1.3, zorder=3)
    ax.plot(flops, planned, color=colour(1), marker="o", markeredgecolor="white", zorder=4)
    handles = [
        Line2D([], [], color=colour(1), marker="o", label="the plan"),
        Line2D([], [], color=BAND, alpha=0.25, linewidth=9, label="flat valley"),
        Line2D([], [], color=INK, linewidth=1.3, label=f"optimum, {interval(plan.prob)}"),
    ]
    legend(ax, [*handles, *beyond(ax, plan.largest_run)])
    return ax
