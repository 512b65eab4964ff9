"""`plot_rank`: whether every chain visits low and high values equally often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayes_scaling.figures.chains import chains_of, panels, title
from bayes_scaling.figures.style import MUTED, styled
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_rank"]

MOST_DRAWS = 500
"""Of each chain, evenly spaced; the test of more takes seconds."""


@styled
def plot_rank(
    fit: Fit,
    *,
    group: str | None = None,
    prob: float = 0.99,
    ax: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Rank plot of the law's parameters and the noise, one line a chain.

    Draws are ranked over all chains; each line is how far the share of a chain's draws below a
    rank departs from what chains that agree would have. Lines stay near zero; where a chain
    departs by more than chance would have it (`prob`), its points are marked.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        A group with runs; by default the one with the largest R-hat.
    prob : float
        How sure the test is to be before it marks points.
    ax : sequence of Axes, optional
        One for each of the law's parameters, sigma and nu; new ones otherwise.

    Returns
    -------
    array of Axes
        One a parameter.
    """
    from arviz_plots import plot_rank as draw

    tree = chains_of(fit, group, most=MOST_DRAWS)
    collection, axes = panels(tree, ax)
    draw(
        tree,
        plot_collection=collection,
        envelope_prob=prob,
        visuals={"title": False, "xlabel": False, "remove_axis": False},
    )
    for panel, name in zip(axes, tree["posterior"].data_vars, strict=True):
        panel.set_title(title(fit, str(name)))
        panel.set_xlabel("fractional rank")
        panel.set_ylabel("departure")
        for written in list(panel.texts):
            written.remove()
        panel.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
        panel.xaxis.set_major_locator(MaxNLocator(3))
        panel.yaxis.set_major_locator(MaxNLocator(4))
        for drawn in (*panel.lines, *panel.collections):
            drawn.set_rasterized(True)
    return np.array(axes, dtype=object)
