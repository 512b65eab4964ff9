"""`plot_plans`: the compute-optimal size by several laws against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bayes_scaling.decisions.allocate import allocate
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import (
    band_handles,
    bands,
    beyond,
    group_handles,
    legend,
    quantiles,
)
from bayes_scaling.figures.style import new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.comparison import Comparison

__all__ = ["plot_plans"]

QUANTITIES = ("params", "tokens", "tokens_per_param", "loss")
N_BUDGETS = 40
DECADES_BEYOND = 2.0


@styled
def plot_plans(
    comparison: Comparison,
    quantity: Literal["params", "tokens", "tokens_per_param", "loss"] = "params",
    *,
    prob: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Compute-optimal size, tokens, tokens per parameter or loss by each law, against compute.

    Parameters
    ----------
    comparison : Comparison
        Laws that do not say how to split compute are left out.
    quantity : {"params", "tokens", "tokens_per_param", "loss"}
    prob : float, optional
        Probability of the bands; the comparison's own by default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    if quantity not in QUANTITIES:
        raise InputError(unknown_name("quantity", quantity, QUANTITIES))
    prob = comparison.prob if prob is None else prob
    fits = {name: fit.law_only() for name, fit in comparison.fits.items() if fit.law.allocates}
    if not fits:
        raise InputError("none of the laws says how to split compute between size and data")
    seen = next(iter(fits.values())).columns["flops"]
    high = max(float(seen.max()) * 10**DECADES_BEYOND, *comparison.flops)
    flops = np.geomspace(float(seen.min()), high, N_BUDGETS)
    curves = [
        (
            i,
            flops,
            allocate(fit, flops=list(flops), group=comparison.group).draws[quantity].to_numpy(),
        )
        for i, fit in enumerate(fits.values())
    ]
    ax = new_axes(ax)
    quantity_axis(ax, "x", "flops", padded(flops[0], flops[-1], 0.02))
    ends = [quantiles(draws, prob) for _, _, draws in curves]
    low, top = min(float(e[0].min()) for e in ends), max(float(e[1].max()) for e in ends)
    quantity_axis(ax, "y", quantity, padded(low, top, 0.05))
    bands(ax, curves, prob)
    handles = group_handles(list(fits), range(len(fits)), points=False, lines=True)
    shade = beyond(ax, float(seen.max()))
    legend(ax, [*handles, *band_handles(len(fits), 0, prob), *shade])
    return ax
