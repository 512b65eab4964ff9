"""`write_architectures` and `write_next_runs`: two decisions, each as one page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_scaling import figures
from bayes_scaling.decisions import Architectures, NextRuns
from bayes_scaling.decisions.sentences import distance_sentence
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.report import words
from bayes_scaling.report.drawing import FULL, picture
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.tables import Table

__all__ = [
    "render_architectures", "render_next_runs", "write_architectures", "write_next_runs",
]  # fmt: skip

TEMPLATE = "answer.html"
MOST_ROWS = 200

ASSUMED = (
    "Every group is taken at its own compute-optimal plan, with compute counted as 6 N D for all; "
    "the comparison assumes that their runs were tuned alike, on the same data and with the same "
    "tokeniser.",
    "Beyond the runs each group drifts away from its law by itself, around a drift that the groups "
    "share: how far apart they may drift is an assumption of the model card, not of the runs.",
)
ABOUT_RUNS = (
    "Outcomes of every candidate are simulated from the posterior, and its draws weighted by each; "
    "± is one Monte Carlo standard error, for the standard deviation that of the difference to "
    "the one before. Candidates share their draws, so that they are ranked more surely than the "
    "errors of two of them would say.",
    "Regret saved is what deciding after the run is expected to save, and its worth the compute "
    "that would lower the loss of the best plan by as much.",
)


def write_architectures(answer: Architectures, fit: Fit, path: str | Path) -> Path:
    """Write a choice of architectures to one HTML file, which is replaced only when it is done.

    Parameters
    ----------
    answer : Architectures
    fit : Fit
        That was asked, for its verdict and its name.
    path : str or Path
        Where to write it; the folder must exist.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return write_page(render_architectures(answer, fit), path)


def render_architectures(answer: Architectures, fit: Fit) -> str:
    """A choice of architectures as HTML; see `write_architectures`."""
    plain = () if answer.law_only is None else (answer.law_only,)
    kinds = [(answer, ""), *((each, ", the laws taken for the truth") for each in plain)]
    drawn = picture(
        lambda ax: figures.plot_architectures(answer, groups=fit.groups, ax=ax),
        FULL,
        "Loss of each group at its compute-optimal plan against compute, and below it the "
        "probability that the group is the best",
        f"Loss at the compute-optimal plans; bands hold {words.percent(answer.prob)}. Dotted "
        "lines: the budgets.",
    )
    points = _warnings(fit, answer.draws["decades_beyond"].to_numpy().max())
    budgets = [words.flops(float(c)) for c in answer.draws["flops"].to_numpy()]
    return render_page(
        TEMPLATE,
        {
            "title": f"Which architecture of {fit.name} to scale",
            "verdict": words.verdict(fit, listed="below", points=points),
            "headline": answer.verdicts(),
            "warnings": points,
            "figures": [drawn],
            "tables": [
                *(_groups(each, suffix) for each, suffix in kinds),
                *(_crossings(each, suffix) for each, suffix in kinds),
            ],
            "notes": ASSUMED,
            "asked": [
                *_asked(fit),
                ("groups", ", ".join(answer.groups)),
                ("budgets", f"{', '.join(budgets)} FLOPs"),
                ("crossings looked for", "{} to {} FLOPs".format(*map(words.flops, answer.span))),
                ("intervals", f"equal-tailed {words.percent(answer.prob)} credible intervals"),
            ],
        },
    )


def _groups(answer: Architectures, suffix: str) -> Table:
    rows = tuple(
        (
            words.flops(row["flops"]),
            str(row["group"]),
            words.number(row["p_best"], 3),
            f"{row['expected_regret']:.2g}",
            words.interval(row["median"], row["lower"], row["upper"]),
            words.interval(row["gain_median"], row["gain_lower"], row["gain_upper"]),
            str(row["gain_against"]),
        )
        for row in answer.table().to_dict("records")
    )
    heads = (
        "FLOPs", "group", "P(best)", "expected regret (nats)", "loss (nats)",
        "compute-equivalent gain", "over",
    )  # fmt: skip
    return Table(name=f"Groups at each budget{suffix}", heads=heads, rows=rows)


def _crossings(answer: Architectures, suffix: str) -> Table:
    rows = tuple(
        (
            str(row["a"]),
            str(row["b"]),
            words.number(row["a_first"], 3),
            words.number(row["p_never"], 3),
            "-"
            if math.isnan(row["median"])
            else f"{words.flops(row['median'])} ({words.flops(row['lower'])} to "
            f"{words.flops(row['upper'])})",
        )
        for row in answer.crossings().to_dict("records")
    )
    heads = ("a", "b", "P(a ahead at the start)", "P(never)", "crossing (FLOPs)")
    return Table(name=f"Crossings{suffix}", heads=heads, rows=rows)


def write_next_runs(answer: NextRuns, fit: Fit, path: str | Path) -> Path:
    """Write a ranking of runs to one HTML file, which is replaced only when it is done.

    Parameters and errors are those of `write_architectures`.
    """
    return write_page(render_next_runs(answer, fit), path)


def render_next_runs(answer: NextRuns, fit: Fit) -> str:
    """A ranking of runs as HTML; see `write_next_runs`."""
    drawn = picture(
        lambda ax: figures.plot_next_runs(answer, ax=ax),
        FULL,
        "Candidates by size and tokens, coloured by the standard deviation that they leave",
        f"Candidates for the goal {answer.goal.text}.",
    )
    tables = [_runs(answer, answer.ranking.head(MOST_ROWS), "Candidates, the best first")]
    if len(answer.batch) > 1:
        tables.insert(0, _runs(answer, answer.batch, "Runs of the batch, in order"))
    points = _warnings(fit, answer.goal.decades_beyond)
    most = "none" if math.isinf(answer.budget) else f"{words.flops(answer.budget)} FLOPs"
    return render_page(
        TEMPLATE,
        {
            "title": f"The next runs of {fit.name}",
            "verdict": words.verdict(fit, listed="below", points=points),
            "headline": answer.verdicts(),
            "warnings": points,
            "figures": [drawn],
            "tables": tables,
            "notes": ABOUT_RUNS if answer.goal.decides else ABOUT_RUNS[:1],
            "asked": [
                *_asked(fit),
                ("goal", f"{answer.goal.text}: {answer.goal.what}"),
                ("budget of all runs", most),
                ("ranked by", "gain per FLOP" if answer.by == "flop" else "gain of the run"),
                ("candidates", str(len(answer.ranking))),
            ],
        },
    )


def _runs(answer: NextRuns, table: pd.DataFrame, name: str) -> Table:
    unit = answer.goal.unit
    heads = ["params", "tokens", "group", "FLOPs", f"sd before ({unit})", f"sd after ({unit})"]
    heads += ["gain per FLOP"]
    heads += ["regret saved (nats)", "worth (FLOPs)"] if answer.goal.decides else []
    rows = tuple(_run(row, decides=answer.goal.decides) for row in table.to_dict("records"))
    return Table(name=name, heads=tuple(heads), rows=rows)


def _run(row: Any, *, decides: bool) -> tuple[str, ...]:
    cells = (
        words.size(row["params"]),
        words.size(row["tokens"]),
        str(row["group"]),
        words.flops(row["flops"]),
        words.number(row["sd_now"], 3),
        f"{words.number(row['sd_after'], 3)} ± {row['mc_error']:.1g}",
        f"{row['gain_per_flop']:.2e}",
    )
    if not decides:
        return cells
    worth = words.flops(row["worth"]) if row["worth"] > 0 else "-"
    return (*cells, f"{row['saved']:.2g} ± {row['saved_error']:.1g}", worth)


def _warnings(fit: Fit, decades: float) -> list[str]:
    far = distance_sentence(float(decades), drifts=fit.drifts)
    return [*([] if far is None else [far]), *(c.text for c in fit.problems() if not c.fatal)]


def _asked(fit: Fit) -> list[tuple[str, str]]:
    return [
        ("runs", f"{fit.name}, {fit.n_runs} runs"),
        ("model card", fit.card.name),
        ("counting", words.counting(fit)),
    ]
