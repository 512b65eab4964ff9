"""`plot_target`: the probability of reaching a target loss against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from bayes_scaling.decisions.plan_result import Plan
from bayes_scaling.errors import InputError
from bayes_scaling.figures.axes import quantity_axis
from bayes_scaling.figures.marks import beyond, legend
from bayes_scaling.figures.style import BAND, MUTED, colour, new_axes, styled
from bayes_scaling.figures.words import power_of_ten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_target"]


@styled
def plot_target(plan: Plan, *, ax: Axes | None = None) -> Axes:
    """Probability that the plan of each budget reaches the target, and the budget that is enough.

    Parameters
    ----------
    plan : Plan
        Of a target loss.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    target = plan.target
    if target is None:
        raise InputError("this plan is of a budget; plan(fit, target_loss=...) has a target")
    ax, alone = new_axes(ax), target.law_only
    flops = target.curve["flops"].to_numpy()
    low = float(flops[0] if alone is None else min(flops[0], alone.curve["flops"][0]))
    quantity_axis(ax, "x", "flops", (low, float(flops[-1])))
    ax.set_ylim(0.0, 1.0)
    ax.set_ylabel(f"probability that the loss is at most {target.loss:g}")
    ax.plot(flops, target.curve["probability"], color=BAND, zorder=3)
    handles = [Line2D([], [], color=BAND, label="plan of least risk")]
    if alone is not None:
        style: dict[str, Any] = {"color": colour(1), "linestyle": "--"}
        ax.plot(alone.curve["flops"], alone.curve["probability"], **style, zorder=3)
        handles.append(Line2D([], [], **style, label="by the law alone"))
    ax.axhline(target.confidence, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    if target.spend is not None:
        ax.axvline(target.spend, color=BAND, linewidth=0.8, linestyle=(0, (3, 2)))
        told = f"{target.confidence:g} at {power_of_ten(target.spend)} FLOPs"
        handles.append(Line2D([], [], color=BAND, linewidth=0.8, linestyle=(0, (3, 2)), label=told))
    legend(ax, [*handles, *beyond(ax, plan.largest_run)])
    return ax
