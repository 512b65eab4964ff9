"""`plot_valley`: what sizes around the plan are expected to lose, and how flat that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayes_scaling.decisions.plan_result import PLAN, BudgetPlan, Plan
from bayes_scaling.errors import InputError
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import legend, quantiles
from bayes_scaling.figures.style import BAND, INK, MUTED, colour, marker, new_axes, styled
from bayes_scaling.figures.words import interval, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_valley"]

HIGHEST = 6.0
"""Times the regret that makes the valley: as far up as the axis goes."""


@styled
def plot_valley(plan: Plan, budget: int = 0, *, ax: Axes | None = None) -> Axes:
    """Expected regret of sizes for one budget, with the flat valley, the plan and alternatives.

    The bar below holds the size that is optimal, which is another one under each draw.

    Parameters
    ----------
    plan : Plan
    budget : int
        Which of its budgets.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    if not 0 <= budget < len(plan.budgets):
        raise InputError(f"the plan has {len(plan.budgets)} budgets; there is none at {budget}")
    each = plan.budgets[budget]
    ax, top = new_axes(ax), _top(each)
    size, regret = each.curve["params"].to_numpy(), each.curve["regret"].to_numpy()
    quantity_axis(ax, "x", "params", _limits(each, top))
    ax.set_ylim(-0.16 * top, top)
    ax.set_ylabel("expected regret (nats per token)")
    ax.plot(size, regret, color=BAND, zorder=3)
    handles = [Line2D([], [], color=BAND, label="expected regret"), *_flat(ax, each)]
    handles += _optimum(ax, each, plan.prob, -0.08 * top)
    handles += _choices(ax, each, top)
    ax.axhline(0.0, color=MUTED, linewidth=0.6, zorder=1)
    legend(ax, handles)
    return ax


def _top(each: BudgetPlan) -> float:
    least = float(each.curve["regret"].min())
    return max(HIGHEST * each.valley.bound, 2 * least)


def _limits(each: BudgetPlan, top: float) -> tuple[float, float]:
    """Sizes from which the curve is on the page, and those that may be optimal."""
    shown = each.curve["params"].to_numpy()[each.curve["regret"].to_numpy() <= top]
    low, high = np.quantile(each.draws["optimum_params"], [0.005, 0.995])
    return padded(min(shown[0], low), max(shown[-1], high), 0.03)


def _flat(ax: Axes, each: BudgetPlan) -> list[Any]:
    valley = each.valley
    if valley.params is None:
        return []
    ax.axvspan(*valley.params, color=BAND, alpha=0.12, linewidth=0, zorder=0)
    ax.axhline(valley.bound, color=BAND, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    return [Patch(facecolor=BAND, alpha=0.2, label=f"regret under {valley.bound:.2g} nats")]


def _optimum(ax: Axes, each: BudgetPlan, prob: float, y: float) -> list[Any]:
    lower, upper = quantiles(each.draws["optimum_params"].to_numpy(), prob)
    ax.hlines(y, float(lower), float(upper), color=INK, linewidth=3.0, zorder=3)
    return [Line2D([], [], color=INK, linewidth=3.0, label=f"optimal size, {interval(prob)}")]


def _choices(ax: Axes, each: BudgetPlan, top: float) -> list[Any]:
    """The plan, and the alternatives that are on the page."""
    handles, low, high = list[Any](), *ax.get_xlim()
    for i, name in enumerate(each.names):
        chosen = each.choice(name)
        size, regret = float(chosen["params"]), float(chosen["regret"].mean())
        if not (low <= size <= high and regret <= top):
            continue
        style: dict[str, Any] = {
            "marker": marker(i),
            "color": colour(i + 1),
            "linestyle": "none",
            "markersize": 7,
        }
        ax.plot([size], [regret], **style, markeredgecolor="white", zorder=4)
        label = "the plan" if name == PLAN else plain(name)
        handles.append(Line2D([], [], **style, label=label))
    return handles
