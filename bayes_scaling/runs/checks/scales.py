"""Numbers in the wrong unit, or that contradict each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.flops import training_flops
from bayes_scaling.runs.problems import Problem, Severity
from bayes_scaling.units import PF_DAY, format_quantity

__all__ = ["SCALE_CHECKS", "check_count_scale", "check_flops"]

PLAUSIBLE_LOSS = (0.05, 12.0)
"""Nats a token: guessing among 160,000 tokens costs 12; nothing published is below 0.05."""
SMALLEST_PARAMS = 1e5
SMALLEST_TOKENS = 1e6
WRONG_UNIT_FACTOR = 30.0
"""Ways of counting differ by a factor of a few; beyond this a unit is wrong."""
_FLOP_UNITS = {"PF-days": PF_DAY, "1e12s": 1e12, "1e15s": 1e15, "1e18s": 1e18, "1e21s": 1e21}


def check_loss_scale(table: CheckedTable) -> Iterator[Problem]:
    """Losses that no language model has in nats."""
    if not table.has("loss"):
        return
    usable = table.usable("loss")
    losses = table.values("loss")
    low, high = PLAUSIBLE_LOSS
    median = float(np.median(losses[usable])) if usable.any() else 1.0
    if median > high:
        yield _loss_problem(
            table, "loss-unit", "error", usable & (losses > high),
            f"the median loss is {median:.4g}, more than any language model has in nats per "
            "token: is it a perplexity, a sum, or in bits? Pass loss_unit='perplexity' or "
            "loss_unit='bits', or divide by the number of tokens.",
        )  # fmt: skip
        return
    if (mask := usable & (losses > high)).any():
        yield _loss_problem(
            table, "loss-high", "warning", mask,
            f"losses above {high:g} nats; a model that guesses does as well. Were these runs "
            "finished?",
        )  # fmt: skip
    if (mask := usable & (losses < low)).any():
        yield _loss_problem(
            table, "loss-low", "warning", mask,
            f"losses below {low:g} nats; expected nats per token. Is the loss in another unit, "
            "or an accuracy?",
        )  # fmt: skip


def _loss_problem(
    table: CheckedTable, code: str, severity: Severity, mask: np.ndarray, sentence: str
) -> Problem:
    where = np.flatnonzero(mask)
    rows, named = table.origin.named(where)
    return Problem(
        code=code,
        severity=severity,
        message=f"{table.origin.label}, {named}, column {table.column('loss')}: {sentence}",
        column=table.column("loss"),
        rows=rows,
        n_rows=len(where),
        found=f"{table.values('loss')[where[0]]:.4g}",
        expected="a loss in nats per token, {:g} to {:g}".format(*PLAUSIBLE_LOSS),
    )


def check_count_scale(table: CheckedTable) -> Iterator[Problem]:
    """Params in millions, tokens in billions."""
    for column, smallest, unit, factor in (
        ("params", SMALLEST_PARAMS, "millions", "1e6"),
        ("tokens", SMALLEST_TOKENS, "billions", "1e9"),
    ):
        if not (table.given(column) and table.has(column)):
            continue
        values = table.values(column)
        usable = table.usable(column)
        if not usable.any() or (median := float(np.median(values[usable]))) >= smallest:
            continue
        rows, named = table.origin.named(np.flatnonzero(usable & (values < smallest)))
        yield Problem(
            code=f"{column}-unit",
            severity="error",
            message=f"{table.origin.label}, {named}, column {table.column(column)}: the median is "
            f"{median:.4g}; expected plain numbers, at least {smallest:g}. Are they in {unit}? "
            f"Write {'70M' if column == 'params' else '300B'}, or multiply by {factor}.",
            column=table.column(column),
            rows=rows,
            n_rows=int((usable & (values < smallest)).sum()),
            found=f"median {median:.4g}",
            expected=f"at least {smallest:g}",
        )


def check_flops_agree(table: CheckedTable) -> Iterator[Problem]:
    """Flops that contradict 6ND."""
    return check_flops(
        table, "Laws use params and tokens; check all three, or pass a larger tolerance."
    )


def check_flops(table: CheckedTable, advice: str) -> Iterator[Problem]:
    """Flops that contradict 6ND, with what to do where no unit explains it."""
    if not all(table.given(c) and table.has(c) for c in ("params", "tokens", "flops")):
        return
    usable = table.usable("params", "tokens", "flops")
    if not usable.any():
        return
    ratio = np.zeros(len(usable))
    expected = training_flops(table.values("params")[usable], table.values("tokens")[usable])
    ratio[usable] = np.log(table.values("flops")[usable]) - np.log(expected)
    apart = usable & ~(np.abs(ratio) <= math.log(table.tolerance))
    if apart.any():
        wrong = np.abs(ratio[usable]) > math.log(WRONG_UNIT_FACTOR)
        guess = f"Are they {_guess(float(np.median(ratio)))}? Expected plain FLOPs."
        is_unit = bool(wrong.mean() > 0.5)
        yield _contradiction(table, apart, guess if is_unit else advice, is_unit=is_unit)


def _contradiction(table: CheckedTable, mask: np.ndarray, advice: str, *, is_unit: bool) -> Problem:
    where = np.flatnonzero(mask)
    rows, named = table.origin.named(where)
    given = table.values("flops")[where[0]]
    expected = training_flops(table.values("params")[where[0]], table.values("tokens")[where[0]])
    found = f"{format_quantity(given)} where 6ND is {format_quantity(expected)}"
    if not is_unit:
        advice = f"They differ by more than the factor {table.tolerance:g}. {advice}"
    return Problem(
        code="flops-unit" if is_unit else "flops-contradict",
        severity="error" if is_unit else "warning",
        message=f"{table.origin.label}, {named}, column {table.column('flops')}: found {found}. "
        + advice,
        column=table.column("flops"),
        rows=rows,
        n_rows=len(where),
        found=found,
        expected=f"within a factor {table.tolerance:g} of 6ND",
    )


def _guess(log_ratio: float) -> str:
    """Name the unit that compute may be in, by how far it lies from 6ND."""
    near = [u for u, x in _FLOP_UNITS.items() if abs(log_ratio + math.log(x)) < math.log(4)]
    return " or ".join(f"in {unit}" for unit in near) or "in PF-days, 1e18s or per token"


SCALE_CHECKS = (check_loss_scale, check_count_scale, check_flops_agree)
