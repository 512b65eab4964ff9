"""Cells that are not usable numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.columns import NUMERIC
from bayes_scaling.runs.problems import Problem

__all__ = ["VALUE_CHECKS", "cell_problem"]

Bools = npt.NDArray[np.bool_]

_EXAMPLES = {
    "loss": "a number such as 2.31",
    "loss_se": "a number such as 0.003",
    "flops": "a number such as 5.76e23, 1.2 EFLOP or 3 PF-days",
    "progress": "a number such as 0.5",
    "step": "a number such as 20000 or 20k",
}
_COUNT_EXAMPLE = "a number such as 3.2e9, 70B or 1.4T"


def cell_problem(
    table: CheckedTable, code: str, column: str, mask: Bools, expected: str, advice: str
) -> Problem:
    """Build an error about the cells of `column` where `mask` is True; shows the first of them."""
    where = np.flatnonzero(mask)
    rows, named = table.origin.named(where)
    cells = table.raw[column].iloc[where[:3]]
    found = ", ".join(_written(cell) for cell in cells) + (", ..." if len(where) > 3 else "")
    return Problem(
        code=code,
        severity="error",
        message=f"{table.origin.label}, {named}, column {table.column(column)}: "
        f"found {found}; expected {expected}. {advice}",
        column=table.column(column),
        rows=rows,
        n_rows=len(where),
        found=found,
        expected=expected,
    )


def _written(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)) or str(cell) == "<NA>":
        return "an empty cell"
    plain = cell.item() if isinstance(cell, np.generic) else cell
    return repr(plain)[:60]


def check_empty(table: CheckedTable) -> Iterator[Problem]:
    """No rows at all."""
    if not len(table.frame):
        yield Problem(
            code="no-rows",
            severity="error",
            message=f"{table.origin.label}: no runs, only column names; expected one row a run.",
            found="0 rows",
            expected="one row a run",
        )


def check_numeric(table: CheckedTable) -> Iterator[Problem]:
    """Cells that are not numbers."""
    for column, mask in table.unreadable.items():
        if mask.any():
            expected = _EXAMPLES.get(column, _COUNT_EXAMPLE)
            yield cell_problem(
                table, "non-numeric", column, mask, expected, "Correct the cell or delete the row."
            )


def check_missing(table: CheckedTable) -> Iterator[Problem]:
    """Empty cells; tokens may be empty where flops are given, and the other way round."""
    for column in ("params", "loss"):
        if column in table.missing and table.missing[column].any():
            yield _missing_problem(table, column, table.missing[column])
    either = [c for c in ("tokens", "flops") if c in table.missing]
    if either:
        both = np.logical_and.reduce([table.missing[c] for c in either])
        if both.any():
            yield _missing_problem(table, either[0], both)


def _missing_problem(table: CheckedTable, column: str, mask: Bools) -> Problem:
    expected = _EXAMPLES.get(column, _COUNT_EXAMPLE)
    return cell_problem(
        table, "missing-value", column, mask, expected, "Fill the cell or delete the row."
    )


def check_positive(table: CheckedTable) -> Iterator[Problem]:
    """Zeros and negative numbers."""
    for column in NUMERIC:
        if not (table.given(column) and table.has(column)):
            continue
        values = table.values(column)
        # A checkpoint at step 0, or a standard error that rounds to 0, is no contradiction.
        zero_allowed = column in ("step", "loss_se", "progress", "pretrained")
        mask = np.asarray(values < 0 if zero_allowed else values <= 0)
        if mask.any():
            expected = "zero or more" if zero_allowed else "a positive number"
            yield cell_problem(
                table, "non-positive", column, mask, expected, "Correct the cell or delete the row."
            )


def check_finite(table: CheckedTable) -> Iterator[Problem]:
    """Infinities; a diverged run has no place in a scaling law."""
    for column in NUMERIC:
        if table.given(column) and table.has(column):
            mask = np.isinf(table.values(column)) & (table.values(column) > 0)
            if mask.any():
                yield cell_problem(
                    table, "infinite", column, mask, "a finite number", "Delete the row."
                )


def check_derived(table: CheckedTable) -> Iterator[Problem]:
    """Tokens or flops that follow from the others but cannot be held as a number."""
    for column in ("tokens", "flops"):
        others = [c for c in ("params", "tokens", "flops") if c != column]
        given = [c for c in others if table.given(c) and table.has(c)]
        if len(given) < 2 or not table.has(column):
            continue
        mask = table.usable(*given) & ~table.usable(column)
        if table.given(column):
            mask &= table.missing[column]
        if mask.any():
            advice = f"With params it gives impossible {column}; correct the cells."
            yield cell_problem(
                table, "out-of-range", given[-1], mask, "a number of a real training run", advice
            )


VALUE_CHECKS = (
    check_empty, check_numeric, check_missing, check_positive, check_finite, check_derived,
)  # fmt: skip
