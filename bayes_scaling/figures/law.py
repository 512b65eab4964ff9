"""`plot_fit`: the law through the runs of one group, loss against compute by model size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from bayes_scaling.figures.axes import loss_axis, padded, quantity_axis
from bayes_scaling.figures.marks import largest_groups, legend, quantiles
from bayes_scaling.figures.style import CONTINUOUS, MUTED, new_axes, styled
from bayes_scaling.figures.words import LABELS, interval, plain, quantity
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_fit"]

N_SIZES = 5
N_POINTS = 60


@styled
def plot_fit(
    fit: Fit, *, group: str | None = None, prob: float = DEFAULT_PROB, ax: Axes | None = None
) -> Axes:
    """Loss against compute, with the law's posterior band at a handful of model sizes.

    Each line keeps the model size and runs over the tokens that the group's runs saw; bands and
    points are coloured by model size.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        A group with runs; by default the one that has most.
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
    if own.empty:
        own = data
    norm = _norm(own["params"].to_numpy())
    quantity_axis(ax, "x", "flops", padded(own["flops"].min(), own["flops"].max()))
    room = 0.08 * np.log(own["loss"].max() / own["loss"].min()) + 1e-3
    loss_axis(ax, own["loss"].min() * np.exp(-room), own["loss"].max() * np.exp(room))
    for size in _sizes(own["params"].to_numpy()):
        _draw_size(ax, fit, name, own, size, prob, mpl.colormaps[CONTINUOUS](norm(size)))
    ax.scatter(
        own["flops"], own["loss"], c=own["params"], norm=norm, cmap=CONTINUOUS,
        s=18, edgecolors="white", linewidths=0.4, zorder=4,
    )  # fmt: skip
    _colour_bar(ax, norm, own["params"].to_numpy())
    handles = [
        mpl.lines.Line2D([], [], color=MUTED, label="median of the law at one size"),
        mpl.patches.Patch(facecolor=MUTED, alpha=0.35, label=interval(prob)),
        mpl.lines.Line2D([], [], color=MUTED, marker="o", linestyle="none", label="runs"),
    ]
    legend(ax, handles, title=plain(name, 30) if len(fit.groups) > 1 else None)
    return ax


def _norm(params: NDArray[np.float64]) -> Normalize:
    low, high = padded(params.min(), params.max(), 0.0)
    return LogNorm(low, high)


def _sizes(params: NDArray[np.float64]) -> list[float]:
    """Model sizes that occur, spread evenly over the log range."""
    unique = np.unique(params)
    wanted = np.geomspace(unique[0], unique[-1], N_SIZES)
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
    theta = {key: value[:, None] for key, value in fit.parameters(name).items()}
    loss = fit.law.mean(np, {"params": np.log(size), "tokens": np.log(tokens)}, theta)
    flops = 6 * size * tokens
    ax.fill_between(flops, *quantiles(loss, prob), color=tint, alpha=0.35, linewidth=0, zorder=2)
    ax.plot(flops, np.median(loss, axis=0), color=tint, linewidth=1.3, zorder=3)


def _colour_bar(ax: Axes, norm: Normalize, params: NDArray[np.float64]) -> None:
    bar = ax.figure.colorbar(
        ScalarMappable(norm=norm, cmap=CONTINUOUS), ax=ax, pad=0.02, fraction=0.06
    )
    bar.set_label(LABELS["params"])
    bar.locator = FixedLocator(_sizes(params))
    bar.minorlocator = NullLocator()
    bar.formatter = FuncFormatter(lambda value, _: quantity(value))
    bar.update_ticks()
