"""`write_shapes`: shapes of metric curves at a stated scale as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling import figures
from bayes_scaling.figures.shapes import most_at_risk
from bayes_scaling.report import words
from bayes_scaling.report.drawing import Picture, panels, picture
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.tables import Table
from bayes_scaling.shapes.classify import SHAPES
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.probabilities import ShapeProbabilities
from bayes_scaling.shapes.words import NAMES
from bayes_scaling.units import format_quantity

__all__ = ["render_shapes", "write_shapes"]

MOST_DRAWN = 40
"""Curves, the riskiest first; the table has all of them."""

A_PICTURE = 12
LEADING = 3
ABOUT = (
    "Shapes are those of the trend, without the scatter of single models: improving, flat, worse "
    "(inverse), worse and then better (U-shaped), better and then worse (inverted U), and flat in "
    "the data but better later (delayed).",
    "“Prior only” is the probability for a task of the same kind of which no score is known: the "
    "difference to it is what the task's own scores say.",
)


def write_shapes(answer: ShapeProbabilities, fit: ShapeFit, path: str | Path) -> Path:
    """Write shapes at a stated scale to one HTML file, which is replaced only when it is done.

    Parameters
    ----------
    answer : ShapeProbabilities
    fit : ShapeFit
        That was asked.
    path : str or Path
        Where to write it; the folder must exist.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return write_page(render_shapes(answer, fit), path)


def render_shapes(answer: ShapeProbabilities, fit: ShapeFit) -> str:
    """Shapes at a stated scale as HTML; see `write_shapes`."""
    names = most_at_risk(answer, MOST_DRAWN)
    texts = dict(zip(map(str, answer.draws["curve"].to_numpy()), answer.sentences(), strict=True))
    return render_page(
        "answer.html",
        {
            "title": f"Shapes of {fit.name}",
            "verdict": words.verdict(fit, listed="below"),
            "headline": [f"{name}: {texts[name]}." for name in names[:LEADING]],
            "warnings": [check.text for check in fit.problems() if not check.fatal],
            "figures": [_risk(answer, names), *_curves(answer, fit, names)],
            "tables": [_shapes(answer), _scores(answer)],
            "notes": ABOUT,
            "asked": [
                ("scores", f"{fit.name}, {len(fit.data)} scores of {len(fit.curves)} curves"),
                ("model card", fit.card.name),
                ("scale", fit.along),
                ("what makes no difference", f"{answer.rope:g}, as a fraction"),
                ("intervals", f"equal-tailed {words.percent(answer.prob)} credible intervals"),
            ],
        },
    )


def _risk(answer: ShapeProbabilities, names: list[str]) -> Picture:
    return picture(
        lambda ax: figures.plot_risk(answer, most=MOST_DRAWN, ax=ax),
        (8.6, 1.2 + 0.24 * len(names)),
        "Tasks by the probability that they get worse, with the same probability without their "
        "own scores",
        "Tasks by risk; rings are what other tasks alone say.",
    )


def _curves(answer: ShapeProbabilities, fit: ShapeFit, names: list[str]) -> list[Picture]:
    chunks = [names[i : i + A_PICTURE] for i in range(0, len(names), A_PICTURE)]
    return [
        panels(
            lambda axes, chunk=chunk: figures.plot_shapes(fit, answer, curves=chunk, ax=axes),
            len(chunk),
            (3.3, 2.7),
            f"Scores of {', '.join(chunk)} by scale, with the posterior band of the trend up to "
            "the stated scale and a bar of the shapes' probabilities",
            f"Trends with {words.percent(answer.prob)} and 50 % bands, continued into the shade; "
            "the bars are the shapes' probabilities, the grey line a score measured at the stated "
            "scale.",
        )
        for chunk in chunks
    ]


def _ranked(answer: ShapeProbabilities) -> list[dict[str, Any]]:
    table = answer.table().sort_values("p_worse_than_largest_seen", ascending=False, kind="stable")
    return table.to_dict("records")  # type: ignore[return-value]


def _shapes(answer: ShapeProbabilities) -> Table:
    heads = ("task", *NAMES.values(), "worse than at the largest seen", "prior only")
    asked = ("p_worse_than_largest_seen", "p_worse_than_largest_seen_prior_only")
    rows = tuple(
        (str(row["curve"]), *(f"{row[name]:.2f}" for name in (*SHAPES, *asked)))
        for row in _ranked(answer)
    )
    at = {format_quantity(float(at)) for at in answer.draws["at"].to_numpy()}
    return Table(
        name=f"Probabilities at {', '.join(sorted(at))} {answer.along}", heads=heads, rows=rows
    )


def _scores(answer: ShapeProbabilities) -> Table:
    measured = answer.draws["measured_last"].to_numpy()
    last = dict(zip(map(str, answer.draws["curve"].to_numpy()), measured, strict=True))
    rows = tuple(
        (
            str(row["curve"]),
            words.number(float(last[str(row["curve"])]), 3),
            words.interval(row["median"], row["lower"], row["upper"]),
            f"{row['p_turns']:.2f}",
            "-"
            if np.isnan(row["turn_median"])
            else "{} ({} to {})".format(
                *(format_quantity(row[f"turn_{end}"]) for end in ("median", "lower", "upper"))
            ),
        )
        for row in _ranked(answer)
    )
    heads = (
        "task", "score at the largest seen", "score at the stated scale", "P(turns)",
        f"turning point, if it turns ({answer.along})",
    )  # fmt: skip
    return Table(name="Scores and turning points", heads=heads, rows=rows)
