"""`plot_residuals`: what the law leaves unexplained, against size, tokens or compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.draws import budget_draws
from bayes_scaling.figures.marks import group_handles, legend, note
from bayes_scaling.figures.style import INK, MARKERS, MUTED, colour, marker, new_axes, styled
from bayes_scaling.figures.words import LABELS
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.laws import log_inputs
from bayes_scaling.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["against_what", "plot_residuals", "residuals"]

N_DRAWS = 1000
TREND_RUNS = 30
"""Fewer runs than this get no trend line."""

Array = NDArray[np.float64]


def residuals(fit: Fit) -> Array:
    """Log loss of every run less the posterior median of the law's, in per cent, shape (run,).

    Where parameters vary over budgets, the law is that of the run's own budget.
    """
    data = fit.data
    parts = [data[key].astype(str) for key in ("group", "budget") if key in data]
    labels = list(zip(*parts, strict=True))
    values, loss = np.empty(len(labels)), data["loss"].to_numpy(dtype=float)
    inputs = log_inputs(fit.law.inputs, fit.columns, of="the fit")
    every = max(1, fit.n_draws // N_DRAWS)
    for names in dict.fromkeys(labels):
        rows = np.array([i for i, label in enumerate(labels) if label == names])
        at = {key: value[rows] for key, value in inputs.items()}
        expected = np.median(np.log(_expected(fit, names, at)[::every]), axis=0)
        values[rows] = 100 * (np.log(loss[rows]) - expected)
    return values


def _expected(fit: Fit, names: tuple[str, ...], log_inputs: dict[str, Array]) -> Array:
    """Draws of the law's loss in a group, or in one of its budgets, shape (sample, run)."""
    if len(names) == 1:
        # With a memory of the rows themselves nothing would be left.
        of_law = fit if fit.card.noise.memory is None else fit.law_only()
        return of_law.predict(names[0], log_inputs)
    theta = {key: value[:, None] for key, value in budget_draws(fit, *names).items()}
    return np.asarray(fit.law.mean(np, log_inputs, theta))


def against_what(fit: Fit) -> tuple[str, ...]:
    """What residuals can be drawn against: size, tokens, compute, and the law's other inputs."""
    names = dict.fromkeys(("params", "tokens", "flops", *fit.inputs))
    # Whether a run starts pre-trained is yes or no.
    return tuple(name for name in names if name in LABELS)


@styled
def plot_residuals(
    fit: Fit,
    against: str | None = None,
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
    against : str, optional
        "params", "tokens", "flops", or an input of the law such as "step": what the residuals
        are drawn against. By default compute, or the variable of a law of one variable.
    prob : float
        Probability of the noise band.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
    """
    against = against or (fit.inputs[0] if len(fit.inputs) == 1 else "flops")
    if against not in against_what(fit):
        raise InputError(unknown_name("quantity", against, against_what(fit)))
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
        noise = fit.run_noise(name)
        every = max(1, len(noise.nu) // N_DRAWS)
        width = noise.scale * (1 + noise.skew) / 2
        widths.append(np.median(width[::every] * stdtrit(noise.nu[::every], (1 + prob) / 2)))
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
        many = int((~inside).sum())
        note(ax, f"{format_count(many, 'run')} beyond the axes (up to {largest:+.3g} %)")


def _trend(x: Array, y: Array) -> tuple[list[float], list[float]]:
    """Medians of runs sorted by x, in as many heaps as hold ten or more."""
    order = np.argsort(x, kind="stable")
    heaps = np.array_split(order, min(8, max(3, len(x) // 10)))
    return [float(np.median(x[h])) for h in heaps], [float(np.median(y[h])) for h in heaps]
