"""`plot_trace`: the draws of every chain, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from bayes_scaling.figures.chains import chains_of, panels, title
from bayes_scaling.figures.parameters import tick_number
from bayes_scaling.figures.style import styled
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_trace"]


@styled
def plot_trace(
    fit: Fit,
    *,
    group: str | None = None,
    ax: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Trace of the law's parameters and the noise, one line a chain.

    Good chains look alike and wander about one level, without trend and without stops. Ticks at
    the bottom are draws that diverged.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        A group with runs; by default the one with the largest R-hat.
    ax : sequence of Axes, optional
        One for each of the law's parameters, sigma and nu; new ones otherwise.

    Returns
    -------
    array of Axes
        One a parameter.
    """
    from arviz_plots import plot_trace as draw

    tree = chains_of(fit, group)
    collection, axes = panels(tree, ax)
    draw(
        tree,
        plot_collection=collection,
        visuals={
            "trace": {"alpha": 0.6, "width": 0.5},
            "title": False,
            "xlabel": False,
            "ticklabels": False,
        },
    )
    for panel, name in zip(axes, tree["posterior"].data_vars, strict=True):
        panel.set_title(title(fit, str(name)))
        panel.set_xlabel("draw")
        panel.set_ylabel("value")
        panel.xaxis.set_major_locator(MaxNLocator(3))
        panel.yaxis.set_major_locator(MaxNLocator(4))
        panel.yaxis.set_major_formatter(FuncFormatter(tick_number))
        for drawn in panel.lines:
            drawn.set_rasterized(True)
    return np.array(axes, dtype=object)
