"""A plan as a terminal shows it: a table of choices, and what to know about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.cli import output
from bayes_scaling.decisions.plan_result import PLAN, Plan
from bayes_scaling.decisions.plan_words import sentences
from bayes_scaling.inference.summary import summarise
from bayes_scaling.units import format_quantity

__all__ = ["show_plan"]


def show_plan(answer: Plan) -> None:
    """Print what is minimised, the plan beside its alternatives, and what to know about it."""
    output.print_wrapped(f"{answer.objective[0].upper()}{answer.objective[1:]}.")
    if answer.budgets:
        _table(answer)
    for text in sentences(answer):
        output.print_wrapped(text)
    output.print_counting(answer.counting)
    for text in answer.warnings:
        output.print_wrapped(f"Note: {text}")


def _table(answer: Plan) -> None:
    several = len(answer.budgets) > 1
    alone = {each.spend: each.alone for each in answer.budgets}
    rows = list[list[str]]()
    for row in answer.rows():
        rows.append(_row(row, several))
        plain = alone[row["flops"]]
        if row["choice"] == PLAN and plain is not None:
            rows.append([*rows[-1][: len(rows[-1]) - 6], *_law_only(plain, answer.prob)])
    heads = ["choice", "params", "tokens", "loss", "regret, nats", "deadweight compute"]
    heads = ["FLOPs", *heads] if several else heads
    name = output.interval_name(answer.prob)
    caption = f"loss: median, and {name}; regret and deadweight: expected, and {name}"
    output.print_table(heads, rows, left=("choice",), lines=True, caption=caption)


def _row(row: dict[Any, Any], several: bool) -> list[str]:
    cells = [
        str(row["choice"]),
        format_quantity(row["params"]),
        format_quantity(row["tokens"]),
        f"{row['loss_median']:.3f}\n{row['loss_lower']:.3f} to {row['loss_upper']:.3f}",
        f"{row['regret_mean']:.4f}\n{row['regret_lower']:.4f} to {row['regret_upper']:.4f}",
        f"{100 * row['deadweight_mean']:.1f} %\n{100 * row['deadweight_lower']:.1f} to "
        f"{100 * row['deadweight_upper']:.1f} %",
    ]
    return [format_quantity(row["flops"]), *cells] if several else cells


def _law_only(plain: Mapping[str, NDArray[np.float64]], prob: float) -> list[str]:
    found = summarise(plain["loss"], prob)
    return [
        "(by the law alone)",
        format_quantity(float(plain["params"])),
        format_quantity(float(plain["tokens"])),
        f"{found['median']:.3f}\n{found['lower']:.3f} to {found['upper']:.3f}",
        "",
        "",
    ]
