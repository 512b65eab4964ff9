"""`plot_forecast`: intervals of the loss at the points that were asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bayes_scaling.decisions.forecast import Forecast
from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import beyond, group_handles, inner, legend, places, quantiles
from bayes_scaling.figures.style import INK, MUTED, colour, marker, new_axes, styled
from bayes_scaling.figures.words import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_forecast"]

Array = NDArray[np.float64]


@styled
def plot_forecast(
    forecast: Forecast,
    *,
    prob: float | None = None,
    groups: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Intervals of the forecast loss against compute, or the variable of a law of one variable.

    Groups stand side by side where they were asked about the same point; what lies beyond the
    runs is shaded.

    Parameters
    ----------
    forecast : Forecast
    prob : float, optional
        Probability of the longer intervals; the forecast's own by default. The thick ones hold
        50 %.
    groups : sequence of str, optional
        All groups of the fit, for colours that agree with its other figures.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    prob = forecast.prob if prob is None else prob
    ax, draws = new_axes(ax), forecast.draws
    asked = draws["x"].to_numpy().astype(float)
    loss = draws["loss"].transpose("sample", "point").to_numpy()
    labels = draws["group"].to_numpy().astype(str)
    names = list(dict.fromkeys(labels))
    x = asked * _dodge(labels, names, asked)
    quantity_axis(ax, "x", forecast.along, padded(float(x.min()), float(x.max()), 0.08))
    lower, upper = quantiles(loss, prob)
    room = 0.08 * np.log(upper.max() / lower.min()) + 1e-3
    loss_axis(ax, float(lower.min() * np.exp(-room)), float(upper.max() * np.exp(room)))
    indices = places(names, groups)
    for i, name in zip(indices, names, strict=True):
        own = labels == name
        _intervals(ax, x[own], loss[:, own], prob, i)
    if forecast.law_only is not None:
        _ends(ax, x, forecast.law_only.draws["loss"].transpose("sample", "point").to_numpy(), prob)
    largest = float(np.median(asked / 10.0 ** draws["decades_beyond"].to_numpy()))
    handles = _handles(prob, forecast.observation_noise)
    if forecast.law_only is not None:
        handles.append(
            Line2D(
                [], [], color=INK, marker="_", linestyle="none", label="its ends by the law alone"
            )
        )
    if len(names) > 1:
        handles += group_handles(names, indices)
    legend(ax, [*handles, *beyond(ax, largest)])
    return ax


def _dodge(labels: Any, names: list[str], x: Array) -> Array:
    """Factors that set groups apart where they share a point."""
    if len(names) == 1 or len(np.unique(x)) == len(x):
        return np.ones(len(x))
    distinct = np.log10(np.unique(x))
    gap, span = (np.diff(distinct).min(), np.ptp(distinct)) if len(distinct) > 1 else (0.5, 0.5)
    room = min(0.5 * gap, 0.04 * len(names) * span)
    offsets = np.linspace(-0.5, 0.5, len(names)) * room
    return np.asarray(10.0 ** offsets[[names.index(label) for label in labels]])


def _intervals(ax: Axes, x: Array, loss: Array, prob: float, index: int) -> None:
    tint, many = colour(index), len(x) > 40
    for each, width in ((prob, 1.3), (inner(prob), 1.8 if many else 3.8)):
        ax.vlines(x, *quantiles(loss, each), color=tint, linewidth=width, zorder=3)
    ax.plot(
        x, np.median(loss, axis=0), linestyle="none", marker=marker(index), color=tint,
        markersize=3 if many else 5, markeredgecolor="white", markeredgewidth=0.7, zorder=4,
    )  # fmt: skip


def _ends(ax: Axes, x: Array, loss: Array, prob: float) -> None:
    """Both ends of an interval as short strokes."""
    for ends in quantiles(loss, prob):
        ax.plot(x, ends, linestyle="none", marker="_", markersize=8, color=INK, zorder=5)


def _handles(prob: float, noisy: bool) -> list[Any]:
    what = ", one run" if noisy else ""
    return [
        Line2D([], [], color=MUTED, linewidth=1.3, label=f"{interval(prob)}{what}"),
        Line2D([], [], color=MUTED, linewidth=3.8, label=interval(inner(prob))),
    ]
