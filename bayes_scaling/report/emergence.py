"""`write_emergence`: emergence or mirage, task by task, and pass rates, as one page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from bayes_scaling import figures
from bayes_scaling.errors import InputError
from bayes_scaling.figures.emergence import MOST, emergence_size
from bayes_scaling.report import words
from bayes_scaling.report.drawing import FULL, Picture, picture, whole
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.tables import Table
from bayes_scaling.shapes.emergent.pass_rates import PassRates
from bayes_scaling.shapes.emergent.result import Emergence
from bayes_scaling.shapes.emergent.words import LEGEND, rows_of_rates, rows_of_tasks

__all__ = ["render_emergence", "write_emergence"]

MOST_DRAWN = 40
"""Tasks, those that break most probably first; the table has all of them."""

ABOUT = (
    "A metric that needs several tokens right jumps although the error per token falls as an "
    "unremarkable power law: then the jump is a mirage of the metric. A break is one of the error "
    "per token itself. A task whose scores have not risen for sure is undecided."
)


def write_emergence(
    answer: Emergence | None, path: str | Path, *, rates: PassRates | None = None, at: Any = None
) -> Path:
    """Write verdicts on tasks, pass rates or both to one HTML file, replaced only when it is done.

    Parameters
    ----------
    answer : Emergence, optional
        None where there are only pass rates.
    path : str or Path
        Where to write it; the folder must exist.
    rates : PassRates, optional
    at : number or text, optional
        Scale up to which pass rates are continued.

    Raises
    ------
    InputError
        There is neither; or the file cannot be written.
    """
    return write_page(render_emergence(answer, rates=rates, at=at), path)


def render_emergence(
    answer: Emergence | None, *, rates: PassRates | None = None, at: Any = None
) -> str:
    """Verdicts and pass rates as HTML; see `write_emergence`."""
    if answer is None and rates is None:
        raise InputError("there is nothing to write: give verdicts on tasks, or pass rates")
    weaknesses = [*([] if answer is None else [*answer.weaknesses(), *answer.aside]),
                  *([] if rates is None else rates.notes)]  # fmt: skip
    return render_page(
        "answer.html",
        {
            "title": "Emergence or mirage" if answer is not None else "Pass rates",
            "verdict": {
                "kind": "warn" if weaknesses else "pass",
                "text": _verdict(answer, rates, len(weaknesses)),
            },
            "headline": [] if answer is None else _headline(answer),
            "warnings": weaknesses,
            "figures": [*([] if answer is None else _tasks(answer)),
                        *([] if rates is None else [_rates(rates, at)])],
            "tables": [*([] if answer is None else [_verdicts(answer)]),
                       *([] if rates is None else [_rate_table(rates, at)])],
            "notes": [] if answer is None else [f"{LEGEND[0].upper()}{LEGEND[1:]}.", ABOUT],
            "asked": [
                *([] if answer is None else _asked(answer)),
                *([] if rates is None else [("problems with pass rates", str(rates.problems))]),
            ],
        },
    )  # fmt: skip


def _verdict(answer: Emergence | None, rates: PassRates | None, points: int) -> str:
    parts = []
    if answer is not None:
        n = Counter(each.verdict for each in answer.tasks)
        error = max(each.posterior.p_break_error for each in answer.tasks)
        parts.append(
            f"Of {len(answer.tasks)} tasks: {n['break']} break, {n['mirage']} mirage, "
            f"{n['undecided']} undecided. A verdict wants a probability of {answer.sure:g}; Monte "
            f"Carlo errors of these probabilities are at most {error:.2g}."
        )
    if rates is not None:
        parts.append(_fall(rates))
    if points:
        parts.append("What weakens this is listed below.")
    return " ".join(parts)


def _fall(rates: PassRates) -> str:
    found = rates.as_object()["exponent"]
    exponent = words.interval(found["median"], found["lower"], found["upper"])
    return (
        f"The mean of -log(pass rate) of {rates.problems} problems falls as a power of "
        f"{rates.along} with exponent {exponent}, a {words.percent(rates.prob)} interval."
    )


def _ranked(answer: Emergence) -> list[str]:
    ranked = sorted(answer.tasks, key=lambda each: -each.posterior.p_break)
    return [each.task.label for each in ranked]


def _headline(answer: Emergence) -> list[str]:
    decided = [name for name in _ranked(answer) if answer[name].verdict != "undecided"]
    return [f"{name}: {answer[name].sentence}." for name in decided[:3]]


def _tasks(answer: Emergence) -> list[Picture]:
    names = _ranked(answer)[:MOST_DRAWN]
    chunks = [names[i : i + MOST] for i in range(0, len(names), MOST)]
    return [
        whole(
            lambda figure, chunk=chunk: figures.plot_emergence(answer, tasks=chunk, figure=figure),
            emergence_size(len(chunk)),
            f"Scores of {', '.join(chunk)} by scale, and the error of their answers, with the "
            "bands of the smooth law and of the law with a break",
            f"Scores and below them the error of the answers, with {words.percent(answer.prob)} "
            "bands of both laws; a triangle marks a size at which no answer was right.",
            wide=True,
        )
        for chunk in chunks
    ]


def _rates(rates: PassRates, at: Any) -> Picture:
    return picture(
        lambda ax: figures.plot_pass_rates(rates, at=at, ax=ax),
        FULL,
        "Mean of minus the logarithm of pass rates by scale, with its power law",
        f"Mean log pass rate of {rates.problems} problems, and its law continued.",
    )


def _verdicts(answer: Emergence) -> Table:
    heads, rows = rows_of_tasks(answer)
    place = {row[0]: row for row in rows}
    ranked = tuple(tuple(place[name]) for name in _ranked(answer))
    name = f"Verdicts, with {words.percent(answer.prob)} intervals"
    return Table(name=name, heads=tuple(heads), rows=ranked)


def _rate_table(rates: PassRates, at: Any) -> Table:
    heads, rows = rows_of_rates(rates, at)
    name = f"Pass rates, with {words.percent(rates.prob)} intervals"
    return Table(name=name, heads=tuple(heads), rows=tuple(map(tuple, rows)))


def _asked(answer: Emergence) -> list[tuple[str, str]]:
    return [
        ("tasks", str(len(answer.tasks))),
        ("model card", answer.card.name),
        ("scale", answer.tasks[0].task.along),
        ("probability of a break beforehand", f"{answer.prior_break:g}"),
        ("intervals", f"equal-tailed {words.percent(answer.prob)} credible intervals"),
    ]
