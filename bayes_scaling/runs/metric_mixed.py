"""Fractions among scores in percent: cells, chance levels, and whole curves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.metric_checks import is_exact_match, row_problem
from bayes_scaling.runs.metric_columns import SCALES
from bayes_scaling.runs.problems import Problem, Severity

__all__ = ["LARGEST_FRACTION", "check_mixed"]

Bools = npt.NDArray[np.bool_]

LARGEST_FRACTION = 1.0
"""No fraction is above this, so that a metric with a larger score is in percent."""

ROOM = 1.6
"""A fraction among percents lies a hundredfold below its neighbours, give or take this factor."""

SLIP = 1.1
"""A fraction above 1 by less than this is rather a slip than a percentage."""

FEWEST_OTHERS = 3
"""Scores above zero that outnumber a single one above 1."""

MANY_OTHERS = 20
"""Scores above zero, none above 1, that are hardly in percent for the sake of a single one."""

FEWEST_SCORES = 2
"""Scores above zero without which a curve says nothing about its unit."""

HARDLY = 0.1
"""Scores that all lie between this and 1 percent are rare: what is as hard as that starts at 0."""


def check_mixed(table: CheckedTable, metric: Bools) -> Iterator[Problem]:
    """Fractions in a metric that is otherwise in percent.

    Parameters
    ----------
    table
        n rows with value and curve; chance where known.
    metric
        Shape (n,): the scores of the metric, of which the largest is above 1.

    Yields
    ------
    Problem
        Errors where it is nearly certain; warnings where scores in percent may be as small.
    """
    cells, sure, doubtful = (np.zeros(len(metric), dtype=bool) for _ in range(3))
    for _, curve in table.frame[metric].groupby("curve", sort=False):
        odd = _odd_ones(curve)
        cells[curve.index] = odd
        if not odd.any() and _like_fractions(curve["value"].to_numpy()):
            (sure if _nearly_certain(curve) else doubtful)[curve.index] = True
    chance = _fractions_of_chance(table, metric)
    values = table.values("value")
    above = metric & (values > LARGEST_FRACTION)
    others = (metric & (values > 0)).sum() - 1
    if above.sum() == 1 and others >= FEWEST_OTHERS:
        certain = (cells | chance | sure).any() or others >= MANY_OTHERS
        yield _single_problem(table, above, "error" if certain else "warning")
        return
    for column, mask in (("value", cells), ("chance", chance)):
        if mask.any():
            yield _cells_problem(table, column, mask)
    for mask, severity in ((sure, _ERROR), (doubtful, _WARNING)):
        if mask.any():
            yield _curves_problem(table, mask, severity)


def _odd_ones(curve: pd.DataFrame) -> Bools:
    """Which rows of a curve look like fractions among percents; a boolean each."""
    scale = next((column for column in SCALES if column in curve), "value")
    order = np.argsort(curve[scale].to_numpy(), kind="stable")
    values = curve["value"].to_numpy()[order]
    small = values <= LARGEST_FRACTION
    if small.all():
        # Within one per cent throughout: only a chance level above that contradicts it.
        return np.asarray((_chance(curve) > 0) & (values.max() > 0))
    odd = np.zeros(len(values), dtype=bool)
    # Small scores side by side are in one unit; their neighbours tell which.
    starts = np.flatnonzero(np.diff(np.concatenate([[0], small.astype(int)])) == 1)
    for start in starts:
        end = start + int(np.argmin(np.append(small[start:], False)))
        pairs = [(start, start - 1)] if start else []
        pairs += [(end - 1, end)] if end < len(values) else []
        # A zero among them speaks for a task that almost no model solves.
        if values[start:end].min() > 0 and all(
            1 / ROOM < 100 * values[i] / values[j] < ROOM for i, j in pairs
        ):
            odd[order[start:end]] = True
    return odd


def _chance(curve: pd.DataFrame) -> npt.NDArray[np.float64]:
    return curve["chance"].to_numpy() if "chance" in curve else np.full(len(curve), np.nan)


def _like_fractions(values: npt.NDArray[np.float64]) -> bool:
    """Whether scores of a curve could all be fractions, but for slips just above 1."""
    some = (values > 0).sum() >= FEWEST_SCORES
    return bool(some and values.max() <= SLIP and (values > LARGEST_FRACTION).mean() < 0.5)


def _nearly_certain(curve: pd.DataFrame) -> bool:
    """Whether hardly a task has such scores in percent.

    Those have where a whole answer is produced: a chance level of 0, or exact match.
    """
    chance = _chance(curve)
    produced = (chance == 0).any() or is_exact_match(str(curve["metric"].iloc[0]))
    return bool((chance > 0).any() or (not produced and curve["value"].min() >= HARDLY))


def _found(table: CheckedTable, column: str, mask: Bools) -> str:
    return ", ".join(f"{value:g}" for value in table.values(column)[np.flatnonzero(mask)[:3]])


_ERROR: Severity = "error"
_WARNING: Severity = "warning"
_ADVICE = "Write all in one unit, or say unit='percent' if they are right (--unit)."
_DOUBT = (
    "are read as percent. If they are fractions, write all in one unit; unit='percent' says that "
    "they are right (--unit)."
)


def _cells_problem(table: CheckedTable, column: str, mask: Bools) -> Problem:
    return row_problem(
        table.origin, "mixed-units", mask,
        f"found {_found(table, column, mask)} in column {table.column(column)} among scores in "
        f"percent: they look like fractions. {_ADVICE}", "error",
    )  # fmt: skip


def _fractions_of_chance(table: CheckedTable, metric: Bools) -> Bools:
    if not table.has("chance"):
        return np.zeros(len(metric), dtype=bool)
    chance = table.values("chance")
    return np.asarray(metric & (chance > 0) & (chance <= LARGEST_FRACTION))


def _curves_problem(table: CheckedTable, mask: Bools, severity: Severity) -> Problem:
    """Curves that are read as percent only because others of their metric are."""
    names = list(dict.fromkeys(table.frame["curve"][mask]))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    advice = f"look like fractions. {_ADVICE}" if severity == "error" else _DOUBT
    found = _found(table, "value", mask & (table.values("value") > 0))
    return row_problem(
        table.origin, "mixed-units", mask,
        f"found {found} and the like throughout {', '.join(map(repr, names[:3]))}{more}, while "
        f"other scores of the metric are in percent: these {advice}", severity,
    )  # fmt: skip


def _single_problem(table: CheckedTable, mask: Bools, severity: Severity) -> Problem:
    """A score that alone makes its metric one in percent."""
    metric = table.frame["metric"][mask].iloc[0]
    advice = (
        "the others look like fractions. Correct the cell, or say unit='percent' if all are right "
        "(--unit)." if severity == "error" else f"all {_DOUBT}"
    )  # fmt: skip
    return row_problem(
        table.origin, "mixed-units", mask,
        f"found {_found(table, 'value', mask)} in column {table.column('value')}, the only score "
        f"of {metric!r} above 1: {advice}", severity,
    )  # fmt: skip
