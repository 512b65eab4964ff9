"""Decisions in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.laws import INPUTS
from bayes_scaling.units import format_factor, format_quantity

if TYPE_CHECKING:
    import pandas as pd

    from bayes_scaling.decisions.architectures import Architectures
    from bayes_scaling.decisions.next_runs import NextRuns

__all__ = [
    "architecture_sentence", "batch_sentences", "crossing_sentence", "distance_sentence",
    "ranking_sentences",
]  # fmt: skip

DRIFTS = (
    "The intervals allow for the law being left behind out there, by as much as public sweeps left "
    "theirs; not for a changed recipe or other data."
)
TESTED = 2.0
UNTESTED = (
    "These sweeps reach 100 times beyond the runs that were fitted: what lies further is untested."
)
"""Said beyond so many decades."""
HOLDS = "The intervals assume that the law keeps its form out there, which no law has done."

LITTLE = 0.05
"""Share of the standard deviation of a goal that is hardly worth a run."""


def distance_sentence(decades: float, *, drifts: bool, along: str = "flops") -> str | None:
    """How far beyond the runs answers lie, and what the intervals make of that; None within them.

    Parameters
    ----------
    decades : float
        Of the furthest answer, beyond the largest run.
    drifts : bool
        Whether the loss may drift away from the law there.
    along : str
        Input of the law in which the decades are counted.
    """
    if decades <= 0:
        return None
    what = "compute" if along == "flops" else INPUTS[along].short
    far = f"{format_factor(10**decades)} times ({decades:.1f} decades) the {what}"
    untested = f" {UNTESTED}" if drifts and decades > TESTED else ""
    return f"Up to {far} of the largest run. {DRIFTS if drifts else HOLDS}{untested}"


def architecture_sentence(answer: Architectures, budget: int) -> str:
    """Which group to scale at a budget, how sure that is, and where the answer turns."""
    table = answer.table()
    rows = table[table["flops"] == float(answer.draws["flops"][budget])].to_dict("records")
    best, rival = rows[0], rows[1]
    sure = f"with probability {_share(best['p_best'])}"
    if answer.law_only is not None:
        plain = answer.law_only.table()
        same = plain[(plain["flops"] == best["flops"]) & (plain["group"] == best["group"])]
        sure += f" ({_share(float(same['p_best'].iloc[0]))} were the laws the truth)"
    return (
        f"At {format_quantity(best['flops'])} FLOPs scale {best['group']}: it reaches the lowest "
        f"loss {sure}, choosing it costs {best['expected_regret']:.2g} nats in expectation "
        f"({rival['group']} {rival['expected_regret']:.2g}), and it takes "
        f"{best['gain_median']:.3g} ({best['gain_lower']:.3g} to {best['gain_upper']:.3g}, "
        f"{100 * best['prob']:.4g} %) times less compute than {best['gain_against']} for the same "
        "loss."
    )


def crossing_sentence(answer: Architectures, row: Mapping[str, Any]) -> str:
    """Where two groups cross, from a row of the table of crossings."""
    low, high = (format_quantity(value, 2) for value in answer.span)
    within = f"between {low} and {high} FLOPs"
    pair = f"{row['a']} and {row['b']}"
    never = f"{pair} do not cross {within} with probability {_share(row['p_never'])}"
    if row["p_never"] > 0.99:
        return f"{never}."
    at, lower, upper = (format_quantity(row[key]) for key in ("median", "lower", "upper"))
    prob = f"{100 * row['prob']:.4g} %"
    return f"{never}; where they do, it is at {at} FLOPs ({lower} to {upper}, {prob})."


def _share(probability: float) -> str:
    """Probability to two digits, never written as certain."""
    if 0.01 < probability < 0.99:
        return f"{probability:.2f}"
    return "over 0.99" if probability > 0.5 else "under 0.01"


def ranking_sentences(answer: NextRuns) -> list[str]:
    """The best candidate per FLOP and the best of all, and what they are worth."""
    table, goal = answer.ranking, answer.goal
    thrifty, strongest = (_best(table, key) for key in ("gain_per_flop", "gain"))
    lines = [
        f"Goal: {goal.what}; its standard deviation is now {goal.now:.3g} {goal.unit}.",
        f"Most for its compute: {_run(answer, thrifty)}.",
    ]
    if any(strongest[key] != thrifty[key] for key in ("params", "tokens", "group")):
        lines.append(f"Most of all that were asked about: {_run(answer, strongest)}.")
    share = strongest["gain"] / goal.now
    if share < LITTLE:
        lines.append(
            f"The best takes away {100 * max(share, 0):.1g} % of it: no candidate tells much about "
            "this goal."
        )
    return [*lines, *_worth(answer, strongest), *_doubts(answer)]


def _best(table: pd.DataFrame, key: str) -> dict[str, Any]:
    row = table.iloc[int(table[key].argmax())]
    return {str(name): value for name, value in row.items()}


def batch_sentences(answer: NextRuns) -> list[str]:
    """What the runs of a batch do together."""
    batch, goal = answer.batch, answer.goal
    last = batch.iloc[-1]
    total = float(batch["flops"].sum())
    summed = {name: float(batch[name].sum()) for name in ("flops", "saved", "worth")}
    error, saved_error = (
        float(np.sqrt(np.sum(batch[e] ** 2))) for e in ("mc_error", "saved_error")
    )
    return [
        f"Goal: {goal.what}; its standard deviation is now {goal.now:.3g} {goal.unit}.",
        f"{len(batch)} runs of together {format_quantity(total)} FLOPs leave "
        f"{last['sd_after']:.3g} ± {error:.1g} {goal.unit} of it in expectation.",
        *_worth(answer, {**summed, "saved_error": saved_error}),
        *_doubts(answer),
    ]


def _run(answer: NextRuns, row: Mapping[str, Any]) -> str:
    size, tokens, cost = (format_quantity(row[key]) for key in ("params", "tokens", "flops"))
    of = f" of {row['group']}" if len(set(answer.ranking["group"])) > 1 else ""
    return (
        f"{size} parameters on {tokens} tokens{of} ({cost} FLOPs), which leaves "
        f"{row['sd_after']:.3g} ± {row['mc_error']:.1g} {answer.goal.unit} in expectation"
    )


def _worth(answer: NextRuns, row: Mapping[str, Any]) -> list[str]:
    """Regret saved beside its price, in the same coin."""
    goal = answer.goal
    if not goal.decides:
        return []
    now = f"Deciding now has an expected regret of {goal.regret:.2g} nats"
    runs = "these runs" if len(answer.batch) > 1 else "that run"
    if row["saved"] == 0:
        return [f"{now}; none of the simulated outcomes of {runs} would change the decision."]
    told = f"{now}; deciding after {runs} saves {row['saved']:.2g} ± {row['saved_error']:.1g} of it"
    if not (row["worth"] > 0 and row["saved"] > 2 * row["saved_error"]):
        return [f"{told}, which cannot be told from nothing."]
    return [
        f"{told}: as much as {format_quantity(row['worth'], 2)} more FLOPs at the decision, for a "
        f"price of {format_quantity(row['flops'], 2)}."
    ]


def _doubts(answer: NextRuns) -> list[str]:
    if not answer.few_draws:
        return []
    return [
        f"Only {answer.batch['ess'].min():.0f} posterior draws stand behind an outcome on average: "
        "ask for fewer runs, do them, and fit again, or fit with more draws."
    ]
