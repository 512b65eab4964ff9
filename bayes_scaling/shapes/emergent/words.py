"""What answers about emergence and pass rates mean, in a sentence and in rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from bayes_scaling.shapes.emergent.pass_rates import PassRates
    from bayes_scaling.shapes.emergent.result import Emergence, TaskEmergence

__all__ = ["LEGEND", "rows_of_rates", "rows_of_tasks", "sentence"]

SET = 1000.0
"""Questions of the test set that tables speak of."""

LEGEND = (
    "break: of the error per token; score: Schaeffer et al.'s, as measured, and its posterior; "
    "Wei: probability of random-like, then well above chance; shown by 1000: size from which 1000 "
    "questions tell the score from chance"
)
"""What the columns of `rows_of_tasks` are."""


def sentence(answer: TaskEmergence) -> str:
    """Such as "break 0.98: no power law of the error per token gives this curve; ...".

    Parameters
    ----------
    answer : TaskEmergence
    """
    from bayes_scaling.shapes.emergent.result import RISEN, interval

    p, along = answer.posterior.p_break, answer.task.along
    place = {k: format_quantity(v, 2) for k, v in interval(answer.break_at, answer.prob).items()}
    where = f"near {place['median']} {along} ({place['lower']} to {place['upper']})"
    if answer.verdict == "break":
        return (
            f"break {p:.2f}: the error per token bends, {where}; a smooth law does not give "
            f"this curve ({1 - p:.2f})"
        )
    if answer.verdict == "mirage":
        return (
            f"mirage {1 - p:.2f}: a smooth law of the error per token gives this curve; "
            f"it needs no break ({p:.2f})"
        )
    if answer.p_risen < RISEN:
        return (
            f"undecided: the scores have not risen for sure ({answer.p_risen:.2f}), so that there "
            f"is nothing to explain yet; a break has probability {p:.2f}"
        )
    return f"undecided: a break has probability {p:.2f}; if there is one, it is {where}"


def rows_of_tasks(answer: Emergence) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the verdicts, one a task; `LEGEND` explains them."""
    along = answer.tasks[0].task.along
    heads = [
        "task", "verdict", "P(break)", f"break at ({along})", "score", "emergence score",
        "emergent (Wei)", f"shown by {SET:.0f} from",
    ]  # fmt: skip
    table = answer.table().to_dict("records")
    return heads, [_row(each, row) for each, row in zip(answer.tasks, table, strict=True)]


def _row(each: TaskEmergence, row: dict[Any, Any]) -> list[str]:
    place = [format_quantity(row[f"break_{k}"], 2) for k in ("median", "lower", "upper")]
    wei = f"{row['p_wei']:.2f}"
    if row["p_wei"] >= 0.5:
        wei += f" from {format_quantity(row['wei_scale'])}"
    observed = row["score_observed"]
    return [
        str(row["task"]),
        str(row["verdict"]),
        f"{row['p_break']:.2f}",
        f"{place[0]} ({place[1]} to {place[2]})" if row["p_break"] >= 0.5 else "-",
        "undefined" if np.isnan(observed) else f"{observed:.3g}",
        f"{row['score_median']:.3g} ({row['score_lower']:.3g} to {row['score_upper']:.3g})",
        wei,
        _first_shown(each),
    ]


def _first_shown(each: TaskEmergence) -> str:
    from bayes_scaling.shapes.emergent.result import interval

    draws = each.shown_from(SET)
    if np.isfinite(draws).mean() < 0.5:
        return "no size seen"
    return format_quantity(interval(draws, each.prob)["median"], 2)


def rows_of_rates(rates: PassRates, at: Any = None) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the law of pass rates at the scales seen, and at one asked about."""
    asked = [*rates.scale, *([] if at is None else [at])]
    rows = [
        [
            format_quantity(row[rates.along]),
            "" if np.isnan(row["measured"]) else f"{row['measured']:.3f}",
            f"{row['median']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})",
            f"{100 * row['pass_rate']:.3g} % ({100 * row['pass_rate_lower']:.3g} to "
            f"{100 * row['pass_rate_upper']:.3g})",
        ]
        for row in rates.table(asked).to_dict("records")
    ]
    return [rates.along, "measured", "mean of -log(pass rate)", "pass rate"], rows
