"""`plot_emergence`: each task's metric, and the error of its answers where a break would show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.figures.axes import padded, quantity_axis
from bayes_scaling.figures.marks import quantiles
from bayes_scaling.figures.style import COLOURS, INK, dress, styled
from bayes_scaling.figures.words import interval, plain
from bayes_scaling.shapes.emergent.links import answer_error
from bayes_scaling.shapes.emergent.result import Emergence, TaskEmergence
from bayes_scaling.shapes.emergent.score import score_draws

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST", "emergence_size", "plot_emergence"]

MOST: Final = 8
COLUMNS: Final = 4
LEGEND: Final = (1, 2, 3, 5)
"""Columns of the legend, by those of the figure, so that it is no wider than this."""
POINTS: Final = 80
NEVER: Final = 1e9
SMOOTH, BROKEN = COLOURS[0], COLOURS[1]


@styled
def plot_emergence(
    answer: Emergence, *, tasks: Sequence[str] | None = None, figure: Figure | None = None
) -> NDArray[np.object_]:
    """Scores by scale, and below them the error of the answers, with the smooth and the broken law.

    The bands are those of the laws, without the scatter of single sizes; bars are what the number
    of questions leaves open. A triangle marks a size whose right answers, if any, may all have been
    guesses: its error lies above.

    Parameters
    ----------
    answer : Emergence
    tasks : sequence of str, optional
        Labels; by default the first eight.
    figure : Figure, optional
        An empty one to draw in; a new one of a fitting size otherwise.

    Returns
    -------
    array of Axes, shape (task, 2)
    """
    import matplotlib.pyplot as plt

    known = [each.task.label for each in answer.tasks]
    shown = known[:MOST] if tasks is None else list(tasks)
    if unknown := [name for name in shown if name not in known]:
        raise InputError(unknown_name("task", unknown[0], known))
    if not shown:
        raise InputError("tasks is empty: name one task or more")
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    if figure is None:
        figure = plt.figure(figsize=emergence_size(len(shown)), layout="constrained")
    axes = []
    for i, name in enumerate(shown):
        row, column = divmod(i, columns)
        pair = [
            figure.add_subplot(2 * rows, columns, (2 * row + k) * columns + column + 1)
            for k in range(2)
        ]
        for ax in pair:
            dress(ax)
        _metric(pair[0], answer[name], first=column == 0)
        _error(pair[1], answer[name], first=column == 0)
        axes.append(pair)
    figure.legend(
        handles=_handles(answer.prob), loc="outside upper center", ncols=LEGEND[columns - 1]
    )
    return np.array(axes, dtype=object)


def _handles(prob: float) -> list[Line2D | Patch]:
    def mark(marker: str, size: float, label: str) -> Line2D:
        return Line2D([], [], color=INK, marker=marker, linestyle="none", markersize=size,
                      label=label)  # fmt: skip

    return [
        mark("o", 3.5, "measured"),
        mark("^", 4.5, "maybe guesses only: error above"),
        Patch(facecolor=SMOOTH, alpha=0.35, label="smooth law"),
        Patch(facecolor=BROKEN, alpha=0.35, label="law with a break"),
        Line2D([], [], linestyle="none", label=f"bands and bars: {interval(prob)}s"),
    ]


def emergence_size(n: int) -> tuple[float, float]:
    """Inches that a figure of so many tasks wants."""
    columns = min(COLUMNS, n)
    return max(2.6 * columns, 4.2), 4.2 * -(-n // columns) + 0.4


def _metric(ax: Axes, each: TaskEmergence, *, first: bool) -> None:
    task, main = each.task, each.task.main
    limits = _laws(ax, each, "score")
    there = np.isfinite(main.right)
    draws = score_draws(main.right[there], main.n[there], 2000, np.random.default_rng(1))
    measured = main.right[there]
    if not main.better_high:
        draws, measured = 1 - draws, 1 - measured
    ax.vlines(task.scale[there], *quantiles(draws, each.prob), color=INK, linewidth=0.9, zorder=4)
    ax.plot(task.scale[there], measured, "o", color=INK, markersize=3.5, zorder=5)
    certain = each.posterior.p_break if each.verdict == "break" else 1 - each.posterior.p_break
    words = "undecided" if each.verdict == "undecided" else f"{each.verdict} {certain:.2f}"
    ax.set_title(f"{plain(task.label)}: {words}", fontsize=8.5)
    ax.set_ylim(-0.03, 1.03)
    quantity_axis(ax, "x", task.along, limits)
    ax.set_xlabel("")
    ax.set_ylabel(plain(main.name) if first else "")


def _error(ax: Axes, each: TaskEmergence, *, first: bool) -> None:
    task, main = each.task, each.task.main
    name = "answer_error" if task.answer_tokens is None else "token_error"
    limits = _laws(ax, each, name)
    per = 1.0 if task.answer_tokens is None else task.answer_tokens
    there = np.isfinite(main.right)
    draws = score_draws(main.right[there], main.n[there], 2000, np.random.default_rng(1))
    guess = float(np.median(np.concatenate([law.guess for law in each.posterior.mixed])))
    error = answer_error(main.kind, draws, chance=main.chance, guess=guess, tokens=per) / per
    # Quantiles of infinity are not numbers.
    lower, upper = quantiles(error.clip(None, NEVER), each.prob)
    solved = upper < NEVER
    scale = task.scale[there]
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.vlines(scale[solved], lower[solved], upper[solved], color=INK, linewidth=0.9, zorder=4)
    ax.plot(scale[solved], np.median(error[:, solved], axis=0), "o", color=INK, markersize=3.5,
            zorder=5)  # fmt: skip
    ax.plot(scale[~solved], lower[~solved].clip(None, high), "^", color=INK, markersize=4.5,
            zorder=5)  # fmt: skip
    ax.set_ylim(max(low, 1e-4), None)
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1,) if high > 150 * low else (1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    quantity_axis(ax, "x", task.along, limits)
    what = "error of an answer" if task.answer_tokens is None else "error per token"
    ax.set_ylabel(f"{what} (nats)" if first else "")


def _laws(ax: Axes, each: TaskEmergence, name: str) -> tuple[float, float]:
    """Bands of both laws; the limits of x."""
    scale = np.geomspace(each.task.scale[0], each.task.scale[-1], POINTS)
    for which, tint in (("smooth", SMOOTH), ("broken", BROKEN)):
        curve = each.curve(scale, which)[name]  # type: ignore[arg-type]
        draws = (curve.isel(metric=0) if name == "score" else curve).to_numpy()
        ax.fill_between(scale, *quantiles(draws, each.prob), color=tint, alpha=0.25, linewidth=0)
        style = "--" if which == "smooth" else "-"
        ax.plot(scale, np.median(draws, axis=0), color=tint, linestyle=style, linewidth=1.2)
    return padded(float(scale[0]), float(scale[-1]))
