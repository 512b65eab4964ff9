"""`plot_parameters`: the posterior of every parameter beside its prior and published values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.figures.draws import group_draws, meaning, symbol, wide
from bayes_scaling.figures.marks import largest_groups, quantiles
from bayes_scaling.figures.style import BAND, INK, MUTED, dress, new_grid, styled
from bayes_scaling.figures.words import interval, plain, wrapped
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import reported_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_parameters", "round_ticks", "tick_number"]

N_DRAWS = 4000
TAIL = 1.5
"""Times the width of the central 90 %: what lies farther out would squeeze the rest."""

SMOOTH = 1.3
LABEL_WIDTH = 38
PUBLISHED_LINES: tuple[Any, ...] = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
PUBLISHED_COLOURS = ("#D55E00", "#000000", "#009E73", "#CC79A7")

Array = NDArray[np.float64]


@styled
def plot_parameters(
    fit: Fit,
    *,
    group: str | None = None,
    prob: float = DEFAULT_PROB,
    ax: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Posterior density of every parameter of the law, and of the exponent a if it is free.

    Published values are marked; the prior lies faintly behind. Parameters that span much, such
    as A and B, have log axes.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        A group, or `NEW_GROUP`; by default the group with most runs.
    prob : float
        Probability of the interval that is filled.
    ax : sequence of Axes, optional
        One a parameter; new ones otherwise. One more than that takes the legend, which the last
        panel holds if it has none of its own.

    Returns
    -------
    array of Axes
        One a parameter, in the order of ``fit.law.parameters``, then that of a.
    """
    (name,) = fit.select_groups(group or largest_groups(fit, 1)[0])
    names = reported_names(fit)
    axes = _panels(ax, len(names))
    draws, prior = group_draws(fit, name), fit.tree["prior"].to_dataset()
    for panel, key in zip(axes, names, strict=False):
        _draw(panel, fit, key, draws[key], prior[key].to_numpy().ravel(), prob)
    title = plain(name, 40) if len(fit.groups) > 1 else None
    _legend(axes, len(names), fit, prob, title)
    return np.array(axes[: len(names)], dtype=object)


def _panels(ax: Sequence[Axes] | NDArray[np.object_] | None, n: int) -> list[Axes]:
    if ax is None:
        return new_grid(n + 1, 4 if n + 1 in (4, 7, 8) else 3, (2.5, 2.3))
    axes = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(axes) not in (n, n + 1):
        raise InputError(f"ax holds {len(axes)} axes; {n} are needed, or {n + 1} with the legend")
    for panel in axes:
        dress(panel)
    return axes


def _draw(ax: Axes, fit: Fit, key: str, draws: Array, prior: Array, prob: float) -> None:
    log = wide(draws)
    transform = np.log if log else np.asarray
    published = _published(fit, key)
    low, high = _limits(transform(draws), [float(transform(v)) for v in published.values()])
    grid = np.linspace(low, high, 300)
    x = np.exp(grid) if log else grid
    height = _density(transform(draws), grid)
    # A log axis shows what the prior has above zero.
    shown = prior[prior > 0] if log else prior
    share = len(shown) / len(prior)
    before = share * _density(transform(shown), grid) if share > 0 else np.zeros_like(grid)
    ax.fill_between(x, before, color=MUTED, alpha=0.25, linewidth=0)
    ax.plot(x, height, color=BAND)
    lower, upper = quantiles(transform(draws), prob)
    inside = (grid >= lower) & (grid <= upper)
    ax.fill_between(x, height, where=inside, color=BAND, alpha=0.3, linewidth=0)
    keys = [each.key for each in fit.law.published]
    for name, value in published.items():
        i = keys.index(name)
        ax.axvline(
            value, color=PUBLISHED_COLOURS[i % 4], linestyle=PUBLISHED_LINES[i % 4], linewidth=1.3
        )
    _axes(ax, fit, key, log, (float(x[0]), float(x[-1])))


def _axes(ax: Axes, fit: Fit, key: str, log: bool, limits: tuple[float, float]) -> None:
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(round_ticks(*limits)))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(tick_number))
    ax.set_xlim(*limits)
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(wrapped(meaning(fit, key), LABEL_WIDTH))
    ax.set_ylabel("density", color=MUTED)
    ax.xaxis.label.set_fontsize(8)
    ax.set_title(symbol(fit, key))


def tick_number(value: float, _: int) -> str:
    """Number beside a tick; large ones as 2e5 or 1.35e19."""
    if abs(value) < 1e5:
        return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def round_ticks(low: float, high: float) -> list[float]:
    """Three or four round numbers, evenly spread on a log axis."""
    steps = (1, 2, 5) if high / low < 1e3 else (1,)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
    if len(ticks) < 2:
        return [t for t in MaxNLocator(3).tick_values(low, high) if low < t < high]
    return ticks[:: max(1, int(np.ceil(len(ticks) / 4)))]


def _published(fit: Fit, key: str) -> dict[str, float]:
    """Published values of a parameter, exponents worked out from them."""
    values = {}
    for each in fit.law.published:
        known = {name: np.asarray(value) for name, value in each.values.items()}
        found = {**known, **fit.exponents(known)}
        if key in found:
            values[each.key] = float(found[key])
    return values


def _seen(axes: list[Axes], fit: Fit, key: str) -> bool:
    """Whether a published value lies within the axes of any panel."""
    values = [_published(fit, name).get(key, np.nan) for name in reported_names(fit)]
    return any(
        low <= value <= high
        for value, (low, high) in zip(values, (ax.get_xlim() for ax in axes), strict=False)
    )


def _limits(draws: Array, published: list[float]) -> tuple[float, float]:
    """Room for the posterior, save its last stragglers, and for published values nearby."""
    low, lower, upper, high = np.quantile(draws, [0.001, 0.05, 0.95, 0.999])
    most = TAIL * (upper - lower)
    low, high = max(low, lower - most), min(high, upper + most)
    span = high - low
    near = [v for v in published if low - 4 * span < v < high + 4 * span]
    return (
        float(min([low - 0.25 * span, *(v - 0.15 * span for v in near)])),
        float(max([high + 0.25 * span, *(v + 0.15 * span for v in near)])),
    )


def _density(draws: Array, grid: Array) -> Array:
    """Gaussian kernel density, a little smoother than Silverman's rule has it."""
    thinned = draws[:: max(1, len(draws) // N_DRAWS)]
    quartiles = np.subtract(*np.quantile(thinned, [0.75, 0.25]))
    spread = min(thinned.std(), quartiles / 1.34)
    if spread <= 0:
        return np.zeros_like(grid)
    width = SMOOTH * 0.9 * spread * len(thinned) ** -0.2
    kernels = np.exp(-0.5 * ((grid[:, None] - thinned) / width) ** 2)
    return np.asarray(kernels.mean(axis=1) / (width * np.sqrt(2 * np.pi)))


def _legend(axes: list[Axes], n: int, fit: Fit, prob: float, title: str | None) -> None:
    handles: list[Any] = [
        Line2D([], [], color=BAND, label="posterior"),
        Patch(facecolor=BAND, alpha=0.3, label=interval(prob)),
        Patch(facecolor=MUTED, alpha=0.25, label="prior"),
    ]
    handles += [
        Line2D(
            [], [], color=PUBLISHED_COLOURS[i % 4], linestyle=PUBLISHED_LINES[i % 4],
            label=each.key + ("" if _seen(axes, fit, each.key) else "\n(beyond the axes)"),
        )
        for i, each in enumerate(fit.law.published)
    ]  # fmt: skip
    ax = axes[-1]
    if len(axes) == n:
        ax.legend(handles=handles, loc="upper right", fontsize=6.5, title=title)
        return
    ax.set_axis_off()
    ax.legend(
        handles=handles, loc="center", frameon=False, title=title, labelcolor=INK, borderaxespad=0
    )
