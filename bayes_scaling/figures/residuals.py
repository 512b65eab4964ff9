"""`plot_residuals`: what the law leaves unexplained, against size, tokens or compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import group_handles, legend, note
from bayes_scaling.figures.style import INK, MARKERS, MUTED, colour, marker, new_axes, styled
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.laws import log_inputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_residuals", "residuals"]

AGAINST = ("params", "tokens", "flops")
N_DRAWS = 1000
TREND_RUNS = 30
"""Fewer runs than this get no trend line."""

Array = NDArray[np.float64]


def residuals(fit: Fit) -> Array:
    """Log loss of every run less the posterior median of the law's, in per cent, shape (run,)."""
    data = fit.data
    labels, values = data["group"].astype(str).to_numpy(), np.empty(len(data))
    loss = data["loss"].to_numpy(dtype=float)
    inputs = log_inputs(fit.law.inputs, fit.columns, of="the fit")
    for name in fit.groups:
        rows = np.flatnonzero(labels == name)
        every = max(1, fit.n_draws // N_DRAWS)
        at = {key: value[rows] for key, value in inputs.items()}
        expected = np.median(np.log(fit.predict(name, at)[::every]), axis=0)
        values[rows] = 100 * (np.log(loss[rows]) - expected)
    return values


@styled
def plot_residuals(
    fit: Fit,
    against: Literal["params", "tokens", "flops"] = "flops",
    *,
    prob: float = DEFAULT_PROB,
    ax: Axes | None = None,
) -> Axes:
    """Residuals of log loss in per cent; positive means worse than the law says.

    The band holds `prob` of single runs as the noise of the fit has it (the median over groups).
    With 30 runs or more a line joins the medians of runs of like size, tokens or compute: where
    it leaves the band's middle in a bow, the law bends away from the runs. Runs beyond the axes
    are drawn as triangles at the edge, and counted.

    Parameters
    ----------
    fit : Fit
    against : {"params", "tokens", "flops"}
        What the residuals are drawn against.
    prob : float
        Probability of the noise band.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    if against not in AGAINST:
        raise InputError(unknown_name("quantity", against, AGAINST))
    ax = new_axes(ax, (5.6, 3.6))
    x, y = fit.data[against].to_numpy(dtype=float), residuals(fit)
    half = _noise_half_width(fit, prob)
    limit = max(2.2 * half, 1.15 * float(np.quantile(np.abs(y), 0.95)))
    if np.abs(y).max() < 1.3 * limit:
        limit = 1.1 * max(half, float(np.abs(y).max()))
    quantity_axis(ax, "x", against, padded(x.min(), x.max()))
    ax.set_ylim(-limit, limit)
    ax.set_ylabel("residual of log loss (%)")
    ax.axhspan(-half, half, color=MUTED, alpha=0.15, linewidth=0, zorder=0)
    ax.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
    _points(ax, fit, x, y, limit)
    handles: list[Any] = [
        Patch(facecolor=MUTED, alpha=0.25, label=f"noise of one run ({100 * prob:.4g} %)")
    ]
    if len(x) >= TREND_RUNS:
        ax.plot(*_trend(x, y), color=INK, linewidth=1.2, zorder=4)
        handles.append(Line2D([], [], color=INK, linewidth=1.2, label="median of like runs"))
    if 1 < len(fit.groups) <= len(MARKERS):
        handles += group_handles(fit.groups, range(len(fit.groups)))
    legend(ax, handles)
    return ax


def _noise_half_width(fit: Fit, prob: float) -> float:
    """Half the central interval of a run's departure, in per cent; median of the groups."""
    from scipy.special import stdtrit

    widths = []
    for name in fit.groups:
        scale, nu = fit.run_noise(name)
        every = max(1, len(nu) // N_DRAWS)
        widths.append(np.median(scale[::every] * stdtrit(nu[::every], (1 + prob) / 2)))
    return 100 * float(np.median(widths))


def _points(ax: Axes, fit: Fit, x: Array, y: Array, limit: float) -> None:
    labels = fit.data["group"].astype(str).to_numpy()
    inside, some = np.abs(y) <= limit, len(fit.groups) <= len(MARKERS)
    for i, name in enumerate(fit.groups):
        own = (labels == name) & inside
        ax.scatter(
            x[own], y[own], s=16, marker=marker(i if some else 0), color=colour(i if some else 0),
            alpha=0.8, linewidths=0, zorder=3,
        )  # fmt: skip
    for sign, shape in ((1, "^"), (-1, "v")):
        out = ~inside & (np.sign(y) == sign)
        ax.scatter(
            x[out], np.full(out.sum(), sign * limit * 0.97), marker=shape, s=22,
            facecolors="none", edgecolors=INK, linewidths=0.8, zorder=3,
        )  # fmt: skip
    if not inside.all():
        largest = y[np.argmax(np.abs(y))]
        note(ax, f"{(~inside).sum()} runs beyond the axes (up to {largest:+.3g} %)")


def _trend(x: Array, y: Array) -> tuple[list[float], list[float]]:
    """Medians of runs sorted by x, in as many heaps as hold ten or more."""
    order = np.argsort(x, kind="stable")
    heaps = np.array_split(order, min(8, max(3, len(x) // 10)))
    return [float(np.median(x[h])) for h in heaps], [float(np.median(y[h])) for h in heaps]
