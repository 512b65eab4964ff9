"""`plot_architectures`: what groups reach with their compute, and which of them is best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import (
    band_handles,
    bands,
    beyond,
    group_handles,
    legend,
    places,
    quantiles,
)
from bayes_scaling.figures.style import MUTED, colour, dress, line, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.decisions import Architectures

__all__ = ["plot_architectures"]

BEYOND = 10.0
"""Times the largest budget that is drawn."""

SHARE = 0.27
"""Of the height, for the probability of being best."""

MOST_SPAN = 2.0
"""Of the bands, times that of the medians: a wide one would flatten all others."""

Array = NDArray[np.float64]


@styled
def plot_architectures(
    answer: Architectures,
    *,
    prob: float | None = None,
    groups: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Loss of each group at its own compute-optimal plan, and below the probability to be best.

    Parameters
    ----------
    answer : Architectures
    prob : float, optional
        Probability of the bands; the answer's own by default.
    groups : sequence of str, optional
        All groups of the fit, for colours that agree with its other figures.
    ax : Axes, optional
        Where to draw; a new figure otherwise. The lower panel is an inset of it.

    Returns
    -------
    Axes
    """
    prob = answer.prob if prob is None else prob
    ax, draws, names = new_axes(ax), answer.draws, answer.groups
    budgets = draws["flops"].to_numpy().astype(float)
    shown = draws.isel(compute=draws["compute"].to_numpy() <= BEYOND * budgets.max())
    flops = shown["compute"].to_numpy().astype(float)
    curve = shown["curve"].transpose("sample", "group", "compute").to_numpy()
    indices = places(names, groups)
    quantity_axis(ax, "x", "flops", padded(flops[0], flops[-1], 0.01))
    low, high = _limits(curve, prob)
    loss_axis(ax, low * (low / high) ** (SHARE / (1 - SHARE)), high)
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])
    bands(ax, [(i, flops, curve[:, k]) for k, i in enumerate(indices)], prob)
    largest = float(np.median(budgets / 10.0 ** draws["decades_beyond"].to_numpy()))
    shade = beyond(ax, largest)
    _best(ax, flops, curve, indices)
    for budget in budgets:
        ax.axvline(budget, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    handles = group_handles(names, indices, points=False, lines=True)
    legend(ax, [*handles, *band_handles(len(names), indices[0], prob), *shade])
    return ax


def _limits(curve: Array, prob: float) -> tuple[float, float]:
    """Of the loss: the bands, as far as they leave the medians apart."""
    lower, upper = quantiles(curve, prob)
    median = np.median(curve, axis=0)
    room = (median.max() / median.min()) ** (MOST_SPAN - 1)
    low = max(float(lower.min()), float(median.min()) / room)
    high = min(float(upper.max()), float(median.max()) * room)
    return low * 0.99, high * 1.01


def _best(ax: Axes, flops: Array, curve: Array, indices: Sequence[int]) -> None:
    """Share of draws in which each group is best, in a panel of its own."""
    panel: Any = ax.inset_axes((0.0, 0.0, 1.0, SHARE), sharex=ax)
    dress(panel)
    best = curve.argmin(axis=1)
    for k, i in enumerate(indices):
        share = (best == k).mean(axis=0)
        panel.plot(flops, share, color=colour(i), linestyle=line(i))
    panel.set_ylim(-0.04, 1.12)
    panel.set_yticks([0.0, 0.5, 1.0])
    panel.yaxis.tick_right()
    panel.yaxis.set_label_position("right")
    panel.set_ylabel("P(best)")
    panel.tick_params(labelbottom=False, length=2)
    panel.patch.set_alpha(0.6)
