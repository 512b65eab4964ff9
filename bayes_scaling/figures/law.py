"""`plot_fit`: the law through the runs of one group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bayes_scaling.figures.curve import draw_curve
from bayes_scaling.figures.marks import largest_groups
from bayes_scaling.figures.sizes import draw_sizes
from bayes_scaling.figures.style import new_axes, styled
from bayes_scaling.figures.valleys import draw_valleys
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_fit", "view"]


@styled
def plot_fit(
    fit: Fit, *, group: str | None = None, prob: float = DEFAULT_PROB, ax: Axes | None = None
) -> Axes:
    """Loss of the runs, with the law's posterior band, as suits what the law depends on.

    A law of one variable is drawn against it, up to 100 times its largest value, with the region
    beyond the runs shaded. Where parameters vary over budgets (isoFLOP), the loss is drawn
    against model size, one valley a budget, each with its best size. All others are drawn against
    compute, with one line for each of a handful of model sizes, over the tokens that the group's
    runs saw; if the law depends on more, lines and runs are at its best (`Law.planned`): the law
    itself tells how much each run would gain there.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        A group; by default the one that has most runs.
    prob : float
        Probability of the bands.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax)
    (name,) = fit.select_groups(group or largest_groups(fit, 1)[0])
    data = fit.data
    own = data[data["group"].astype(str) == name]
    draw = {"curve": draw_curve, "valleys": draw_valleys, "sizes": draw_sizes}[view(fit, name)]
    draw(ax, fit, name, data if own.empty else own, prob)
    return ax


def view(fit: Fit, group: str) -> Literal["curve", "valleys", "sizes"]:
    """What `plot_fit` draws of a group: the law's variable, budgets, or sizes against compute."""
    if len(fit.inputs) == 1:
        return "curve"
    return "valleys" if "budget" in fit.data and group in fit.groups else "sizes"
