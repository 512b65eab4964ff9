"""`write_backtest`: a back-test as one page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_scaling import figures
from bayes_scaling.comparison import Backtest
from bayes_scaling.report.drawing import FULL, HALF, Picture, picture
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.tables import Table
from bayes_scaling.report.words import flops, percent
from bayes_scaling.units import format_quantity

__all__ = ["render_backtest", "write_backtest"]

TEMPLATE = "backtest.html"
MOST_ROWS = 400
"""Rows of scores beyond which those of single groups are left to --json."""

HEADS = (
    "runs", "factor", "in 50 %", "in 80 %", "in 90 %", "in 95 %", "CRPS", "log score", "bias",
    "width of 90 %",
)  # fmt: skip


def write_backtest(backtest: Backtest, path: str | Path) -> Path:
    """Write a back-test to one HTML file; a file that is there is replaced only when done.

    Parameters
    ----------
    backtest : Backtest
    path : str or Path
        Where to write it; the folder must exist.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return write_page(render_backtest(backtest), path)


def render_backtest(backtest: Backtest) -> str:
    """A back-test as HTML; see `write_backtest`."""
    scores = backtest.scores()
    overall, single = scores["cut"].isna(), len(backtest.groups) == 1
    context = {
        "title": f"How well fits to the cheaper runs of {backtest.name} predict the others",
        "verdict": _verdict(backtest),
        "headline": backtest.verdicts(),
        "figures": _pictures(backtest),
        "overall": _scores("Scores of each method", scores[overall], ("method",), backtest.along),
        "distance": _distances(backtest),
        "parts": None
        if len(scores) > MOST_ROWS
        else _scores(
            "Scores of each cut",
            scores[~overall],
            ("cut", "method") if single else ("group", "cut", "method"),
            backtest.along,
        ),
        "methods": list(backtest.titles.items()),
        "asked": _asked(backtest),
    }
    return render_page(TEMPLATE, context)


def _verdict(backtest: Backtest) -> dict[str, str]:
    doubtful, fits = backtest.counts.get("doubtful", 0), backtest.counts.get("fits", 0)
    if doubtful:
        text = f"In {doubtful} of {fits} fits the chains do not agree: do not use the posteriors."
        return {"kind": "fail", "text": text}
    return {"kind": "pass", "text": f"All {fits} fits of posteriors may be used."}


def _scores(name: str, scores: pd.DataFrame, keys: tuple[str, ...], along: str) -> Table:
    rows = []
    for row in scores.to_dict("records"):
        told = [_cut(row[key], along) if key == "cut" else str(row[key]) for key in keys]
        rows.append((*told, *_cells(row)))
    return Table(name=name, heads=(*keys, *HEADS), rows=tuple(rows))


def _distances(backtest: Backtest) -> Table:
    rows = []
    for row in backtest.by_distance().to_dict("records"):
        low, high = row["at_least"], row["below"]
        name = f"{low:g} to {high:g}x" if math.isfinite(high) else f"over {low:g}x"
        rows.append((name, row["method"], *_cells(row)))
    heads = ("beyond the largest fitted", "method", *HEADS)
    return Table(name="Scores by distance", heads=heads, rows=tuple(rows))


def _cells(row: Any) -> tuple[str, ...]:
    coverages = (
        f"{100 * row[f'coverage{p}']:.0f} ± {100 * row[f'coverage{p}_se']:.0f} %"
        for p in ("50", "80", "90", "95")
    )
    return (
        str(row["n"]),
        f"{row['factor']:.3g}",
        *coverages,
        f"{100 * row['crps']:.2f} %",
        f"{row['log_score']:.2f}",
        f"{100 * row['bias']:+.2f} %",
        f"{100 * row['width90']:.1f} %",
    )


def _cut(value: float, along: str) -> str:
    if value < 1:
        return f"{value:g}"
    return flops(value) if along == "flops" else format_quantity(value)


def _asked(backtest: Backtest) -> list[tuple[str, str]]:
    cuts = [_cut(value, backtest.along) for value in backtest.cuts]
    pairs = [
        ("runs", f"{backtest.name}, {backtest.n_runs} runs"),
        ("counting", backtest.counting),
        ("cuts", f"{', '.join(cuts)} along {backtest.along}"),
        ("engine", backtest.engine),
        ("seed", str(backtest.seed)),
    ]
    if backtest.by:
        pairs.insert(1, ("groups", f"{len(backtest.groups)} by {' and '.join(backtest.by)}"))
    return pairs


def _pictures(backtest: Backtest) -> list[Picture]:
    coverage = picture(
        lambda ax: figures.plot_coverage(backtest, ax=ax),
        FULL,
        "Share of runs inside the 90 % interval of each method against the distance",
        "Coverage of the 90 % intervals against the distance; bars are one standard error.",
    )
    predictions = [
        picture(
            lambda ax, method=method: figures.plot_predictions(backtest, method, ax=ax),
            HALF,
            f"Loss predicted by {method} against the loss seen, with 90 % intervals",
            f"Predicted against actual loss: {method}; bars hold {percent(0.9)}.",
        )
        for method in backtest.methods
    ]
    return [coverage, *predictions]
