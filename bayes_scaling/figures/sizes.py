"""The fit of a law of size and data: loss against compute, one line a model size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import legend, quantiles
from bayes_scaling.figures.style import CONTINUOUS, MUTED
from bayes_scaling.figures.words import LABELS, interval, plain, power_of_ten, quantity
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import log_inputs

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["colour_bar", "draw_sizes", "spread_over"]

N_SIZES = 5
N_POINTS = 60
N_DRAWS = 1000

Array = NDArray[np.float64]


def draw_sizes(ax: Axes, fit: Fit, name: str, own: pd.DataFrame, prob: float) -> None:
    """Runs of a group, and the law at a handful of their sizes."""
    params, loss = own["params"].to_numpy(), _at_plan(fit, name, own)
    norm = _norm(params)
    quantity_axis(ax, "x", "flops", padded(own["flops"].min(), own["flops"].max()))
    room = 0.08 * np.log(loss.max() / loss.min()) + 1e-3
    loss_axis(ax, loss.min() * np.exp(-room), loss.max() * np.exp(room))
    for size in spread_over(params, N_SIZES):
        _draw_size(ax, fit, name, own, size, prob, mpl.colormaps[CONTINUOUS](norm(size)))
    ax.scatter(
        own["flops"], loss, c=params, norm=norm, cmap=CONTINUOUS,
        s=18, edgecolors="white", linewidths=0.4, zorder=4,
    )  # fmt: skip
    colour_bar(ax, norm, "params", spread_over(params, N_SIZES))
    planned = fit.law.planned
    handles = [
        Line2D([], [], color=MUTED, label="median of the law at one size"),
        Patch(facecolor=MUTED, alpha=0.35, label=interval(prob)),
        Line2D(
            [], [], color=MUTED, marker="o", linestyle="none",
            label=f"runs, moved by the law to {planned}" if planned else "runs",
        ),
    ]  # fmt: skip
    legend(ax, handles, title=plain(name, 30) if len(fit.groups) > 1 else None)


def _at_plan(fit: Fit, name: str, own: pd.DataFrame) -> Array:
    """Losses of the runs; as they would be with all else at its best, if the law knows of more."""
    loss = own["loss"].to_numpy(dtype=float)
    if not fit.law.planned:
        return loss
    columns = {key: values[own.index] for key, values in fit.columns.items()}
    inputs = log_inputs(fit.inputs, columns, of="the fit")
    plan = {key: np.log(columns[key]) for key in ("params", "tokens")}
    draws = np.arange(0, fit.n_draws, max(1, fit.n_draws // N_DRAWS))
    law = fit.law_only()
    gain = law.predict(name, plan, draws) / law.predict(name, inputs, draws)
    return np.asarray(loss * np.median(gain, axis=0))


def _norm(values: Array) -> Normalize:
    return LogNorm(*padded(values.min(), values.max(), 0.0))


def spread_over(values: Array, most: int) -> list[float]:
    """Values that occur, spread evenly over their log range."""
    unique = np.unique(values)
    wanted = np.geomspace(unique[0], unique[-1], most)
    nearest = {float(unique[np.argmin(np.abs(np.log(unique / each)))]) for each in wanted}
    return sorted(nearest)


def _draw_size(
    ax: Axes, fit: Fit, name: str, own: pd.DataFrame, size: float, prob: float, tint: Any
) -> None:
    """Median and band of the loss at one model size, within the tokens and compute seen."""
    c_low, c_high = ax.get_xlim()
    low = max(own["tokens"].min() / 1.3, c_low / (6 * size))
    high = min(own["tokens"].max() * 1.3, c_high / (6 * size))
    if high <= low:
        return
    tokens = np.geomspace(low, high, N_POINTS)
    at = {"params": np.full(N_POINTS, np.log(size)), "tokens": np.log(tokens)}
    loss, flops = fit.predict(name, at), 6 * size * tokens
    ax.fill_between(flops, *quantiles(loss, prob), color=tint, alpha=0.35, linewidth=0, zorder=2)
    ax.plot(flops, np.median(loss, axis=0), color=tint, linewidth=1.3, zorder=3)


def colour_bar(ax: Axes, norm: Normalize, name: str, ticks: list[float]) -> None:
    """Bar of sizes or compute beside the axes, with its ticks at the values drawn."""
    bar = ax.figure.colorbar(
        ScalarMappable(norm=norm, cmap=CONTINUOUS), ax=ax, pad=0.02, fraction=0.06
    )
    bar.set_label(LABELS[name])
    bar.locator = FixedLocator(ticks)
    bar.minorlocator = NullLocator()
    show = power_of_ten if name == "flops" else quantity
    bar.formatter = FuncFormatter(lambda value, _: show(value))
    bar.update_ticks()
