"""`plot_shapes`: small multiples of metric curves, continued to a stated scale, and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import inner, quantiles
from bayes_scaling.figures.style import BAND, INK, MUTED, SHADE, new_grid, styled
from bayes_scaling.figures.words import plain
from bayes_scaling.shapes.classify import SHAPES
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.probabilities import ShapeProbabilities, band
from bayes_scaling.shapes.words import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SHAPE_COLOURS", "most_at_risk", "plot_shapes"]

SHAPE_COLOURS: Final = dict(
    zip(SHAPES, ("#0072B2", "#BBBBBB", "#D55E00", "#009E73", "#E69F00", "#56B4E9"), strict=True)
)
"""Okabe and Ito's; what gets better is blue or green, what gets worse red or orange."""

MOST: Final = 12
COLUMNS: Final = 3
WIDE: Final = 5.0
"""Inches; a narrower figure has room for a legend of two columns."""


@styled
def plot_shapes(
    fit: ShapeFit,
    answer: ShapeProbabilities,
    *,
    curves: Sequence[str] | None = None,
    ax: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Scores by scale with the trend's posterior bands, and each task's shapes as a bar beside it.

    At the stated scale a grey bar is the interval of the score that would be measured there, with
    its scatter; the band is that of the trend alone.

    Parameters
    ----------
    fit : ShapeFit
    answer : ShapeProbabilities
        Of the same fit; says up to which scale the bands go.
    curves : sequence of str, optional
        By default the twelve most likely to get worse.
    ax : sequence of Axes, optional
        One a curve; new ones otherwise.

    Returns
    -------
    array of Axes
        One a curve.
    """
    known = list(map(str, answer.draws["curve"].to_numpy()))
    shown = list(curves) if curves is not None else most_at_risk(answer, MOST)
    if unknown := [name for name in shown if name not in known]:
        raise InputError(unknown_name("curve", unknown[0], known))
    axes = list(ax) if ax is not None else new_grid(len(shown), COLUMNS, (3.3, 2.5))
    shares = answer.shares()
    for panel, name in zip(axes, shown, strict=True):
        _curve(panel, fit, answer, name)
        _bar(panel, shares.loc[name].to_numpy())
        place = panel.get_subplotspec()
        if place is not None and not place.is_first_col():
            panel.set_ylabel("")
    _legend(axes[0], answer.prob)
    return np.array(axes, dtype=object)


def most_at_risk(answer: ShapeProbabilities, most: int) -> list[str]:
    """Curves whose trend most likely falls from the largest scale seen to the stated one."""
    worse = answer.draws["worse"].mean("sample").to_numpy()
    names = answer.draws["curve"].to_numpy()
    return [str(name) for name in names[np.argsort(-worse, kind="stable")][:most]]


def _curve(ax: Axes, fit: ShapeFit, answer: ShapeProbabilities, name: str) -> None:
    own = answer.draws.sel(curve=name)
    data = fit.data[fit.data["curve"] == name]
    stated, largest = float(own["at"]), float(own["largest"])
    low, high = padded(float(data["x"].min()), stated)
    ax.axvspan(largest, high, color=SHADE, linewidth=0, zorder=0)
    x, draws = band(fit, name, stated)
    for prob, alpha in ((answer.prob, 0.18), (inner(answer.prob), 0.3)):
        ax.fill_between(x, *quantiles(draws, prob), color=BAND, alpha=alpha, linewidth=0, zorder=2)
    ax.plot(x, np.median(draws, axis=0), color=BAND, linewidth=1.2, zorder=3)
    ax.plot(data["x"], data["value"], "o", color=INK, markersize=3.2, zorder=4)
    measured = own["value"].to_numpy()
    lower, upper = quantiles(measured, answer.prob)
    ax.vlines(stated, lower, upper, color=MUTED, linewidth=1.2, zorder=3)
    ax.set_title(plain(name), fontsize=8.5)
    ax.set_ylabel("score" if fit.scales[name].bounded else "loss")
    quantity_axis(ax, "x", fit.along, (low, high))


def _bar(ax: Axes, shares: NDArray[np.float64]) -> None:
    """Probabilities of the shapes, stacked, at the right of the axes."""
    beside = ax.inset_axes((1.02, 0.0, 0.05, 1.0))
    bottom = 0.0
    for name, share in zip(SHAPES, shares, strict=True):
        beside.bar(0, share, bottom=bottom, color=SHAPE_COLOURS[name], width=1.0)
        bottom += float(share)
    beside.set_xlim(-0.5, 0.5)
    beside.set_ylim(0, 1)
    beside.set_axis_off()


def _legend(ax: Axes, prob: float) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure = ax.figure.get_figure(root=True)
    if figure is None or figure.legends:
        return
    shapes = [(Patch(facecolor=SHAPE_COLOURS[name]), NAMES[name]) for name in SHAPES]
    # As bright as the bands are, the narrower of which lies on the wider.
    bands = tuple(Patch(facecolor=BAND, alpha=alpha) for alpha in (0.18, 0.43))
    score = Line2D([], [], color=INK, marker="o", linestyle="none", markersize=3.2)
    measured = Line2D([], [], color=MUTED, marker="|", linestyle="none", markersize=9)
    entries = [
        *shapes,
        (score, "score"),
        (bands, f"trend, {100 * prob:.4g} and {100 * inner(prob):.4g} % intervals"),
        (measured, f"a measured score, {100 * prob:.4g} %"),
        (Patch(facecolor=SHADE), "beyond the scores"),
    ]
    columns = 4 if figure.get_figwidth() > WIDE else 2
    figure.legend(
        *zip(*entries, strict=True), loc="outside upper center", ncols=columns,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
    )  # fmt: skip
