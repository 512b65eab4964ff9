"""`plot_runs`: where the runs lie in the plane of size and tokens, and the loss they reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import legend
from bayes_scaling.figures.style import CONTINUOUS, INK, MARKERS, MUTED, marker, new_axes, styled
from bayes_scaling.figures.words import plain, power_of_ten
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_runs"]


@styled
def plot_runs(fit: Fit, *, ax: Axes | None = None) -> Axes:
    """Runs in the plane of model size and training tokens, coloured by loss.

    Dashed guides join the points of equal compute, 6 N D. Groups differ by marker as long as
    there are markers enough to tell them apart.

    Parameters
    ----------
    fit : Fit
    ax : Axes, optional
        Where to draw; a new figure otherwise. The colour bar takes its room from these axes.

    Returns
    -------
    Axes
    """
    ax, data = new_axes(ax), fit.data
    quantity_axis(ax, "x", "params", padded(data["params"].min(), data["params"].max()))
    quantity_axis(ax, "y", "tokens", padded(data["tokens"].min(), data["tokens"].max()))
    _isoflops(ax)
    points = _points(ax, fit, data)
    bar = ax.figure.colorbar(points, ax=ax, pad=0.02, fraction=0.06)
    bar.set_label("loss (nats per token)")
    bar.locator = MaxNLocator(6)
    bar.formatter = FuncFormatter(lambda value, _: f"{value:.4g}")
    bar.update_ticks()
    bar.minorticks_off()
    return ax


def _points(ax: Axes, fit: Fit, data: pd.DataFrame) -> Any:
    low, high = data["loss"].min(), data["loss"].max()
    norm = LogNorm(low, high) if high / low > 1.5 else Normalize(low, high)
    labels = data["group"].astype(str).to_numpy()
    marked = 1 < len(fit.groups) <= len(MARKERS)
    sets = fit.groups if marked else (None,)
    drawn, handles = None, []
    for i, name in enumerate(sets):
        own = data if name is None else data[labels == name]
        drawn = ax.scatter(
            own["params"], own["tokens"], c=own["loss"], norm=norm, cmap=CONTINUOUS,
            marker=marker(i), s=30, edgecolors="white", linewidths=0.5, zorder=3,
        )  # fmt: skip
        if name is not None:
            handles.append(
                ax.scatter(
                    [],
                    [],
                    marker=marker(i),
                    s=30,
                    facecolors="none",
                    edgecolors=INK,
                    label=plain(name),
                )
            )
    legend(ax, handles)
    return drawn


def _isoflops(ax: Axes) -> None:
    """Guides of equal compute, as many as stay readable, labelled where they enter at the left."""
    (n_low, n_high), (d_low, d_high) = ax.get_xlim(), ax.get_ylim()
    powers = np.arange(
        np.ceil(np.log10(6 * n_low * d_low)), np.floor(np.log10(6 * n_high * d_high)) + 1
    )
    every = max(1, int(np.ceil(len(powers) / 7)))
    slope = _slope(ax)
    for power in powers[::every]:
        flops = 10.0**power
        n = np.array([max(n_low, flops / (6 * d_high)), min(n_high, flops / (6 * d_low))])
        if n[1] / n[0] < (n_high / n_low) ** 0.15:
            continue
        ax.plot(n, flops / (6 * n), color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
        at = n[1] * (n[0] / n[1]) ** 0.06
        ax.annotate(
            f"6ND = {power_of_ten(flops)}", (at, flops / (6 * at)), xytext=(0, 2),
            textcoords="offset points", rotation=slope, rotation_mode="anchor",
            ha="right", va="bottom", fontsize=7, color=MUTED, zorder=4,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


def _slope(ax: Axes) -> float:
    """Angle of a guide on the page, in degrees."""
    box = ax.get_window_extent()
    (n_low, n_high), (d_low, d_high) = ax.get_xlim(), ax.get_ylim()
    across = box.width / np.log10(n_high / n_low)
    up = box.height / np.log10(d_high / d_low)
    return -float(np.degrees(np.arctan2(up, across)))
