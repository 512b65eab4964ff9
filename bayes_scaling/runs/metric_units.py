"""Percent or fraction: scores, their errors and chance levels in one unit, per metric."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.metric_checks import MetricUnit, row_problem
from bayes_scaling.runs.metric_columns import SCALES
from bayes_scaling.runs.problems import Problem

__all__ = ["METRIC_UNITS", "as_fractions", "check_unit"]

METRIC_UNITS = ("auto", "percent", "fraction")
_AMONG = 1.0
"""No fraction is above this, so that a metric with a larger score is in percent."""

ROOM = 1.6
"""A fraction among percents lies a hundredfold below its neighbours, give or take this factor."""


def check_unit(unit: str) -> None:
    """Refuse a unit that does not exist.

    Raises
    ------
    InputError
        It is none of `METRIC_UNITS`.
    """
    if unit not in METRIC_UNITS:
        raise InputError(unknown_name("unit", unit, METRIC_UNITS))


def as_fractions(
    table: CheckedTable, bounded: np.ndarray, unit: MetricUnit
) -> tuple[pd.DataFrame, tuple[str, ...], list[Problem]]:
    """Bounded scores as fractions, with their standard errors and chance levels.

    Parameters
    ----------
    table
        n rows with value, metric and curve.
    bounded
        Shape (n,): whether the metric has a ceiling.
    unit
        Of all bounded scores; "auto" looks at each metric.

    Returns
    -------
    frame
        n rows.
    percent
        Metrics that were in percent.
    problems
        Mixed units and scores outside the metric's range, as errors.
    """
    frame = table.frame.copy()
    problems: list[Problem] = []
    percent = []
    for metric, rows in frame[bounded].groupby("metric", sort=False).groups.items():
        mask = frame.index.isin(rows)
        values = frame.loc[mask, "value"].to_numpy()
        in_percent = unit == "percent" or (unit == "auto" and np.nanmax(values) > _AMONG)
        if in_percent:
            percent.append(str(metric))
            if unit == "auto":
                problems += _mixed(table, mask)
        columns = [c for c in ("value", "stderr", "chance") if c in frame]
        if in_percent:
            frame.loc[mask, columns] = frame.loc[mask, columns] / 100
        problems += _out_of_range(table, frame, mask, columns, in_percent)
    return frame, tuple(percent), problems


def _mixed(table: CheckedTable, metric: np.ndarray) -> Iterator[Problem]:
    """Fractions in a metric that is otherwise in percent."""
    frame = table.frame[metric]
    odd = np.zeros(len(table.frame), dtype=bool)
    for _, curve in frame.groupby("curve", sort=False):
        odd[curve.index] = _odd_ones(curve)
    marks = {"value": odd}
    if table.has("chance"):
        chance = table.values("chance")
        marks["chance"] = metric & (chance > 0) & (chance <= _AMONG)
    for column, mask in marks.items():
        if mask.any():
            yield _mixed_problem(table, column, mask)


def _mixed_problem(table: CheckedTable, column: str, mask: np.ndarray) -> Problem:
    found = ", ".join(f"{value:g}" for value in table.values(column)[np.flatnonzero(mask)[:3]])
    return row_problem(
        table, "mixed-units", mask,
        f"found {found} in column {table.column(column)} among scores in percent: they look like "
        "fractions. Write all in one unit, or say unit='percent' if they are right (--unit).",
        "error",
    )  # fmt: skip


def _odd_ones(curve: pd.DataFrame) -> np.ndarray:
    """Which rows of a curve look like fractions; a boolean each."""
    scale = next(column for column in SCALES if column in curve)
    order = np.argsort(curve[scale].to_numpy(), kind="stable")
    values = curve["value"].to_numpy()[order]
    small = values <= _AMONG
    if small.all():
        # Within one per cent throughout: only a chance level above that contradicts it.
        chance = curve["chance"].to_numpy() if "chance" in curve else np.zeros(len(curve))
        return np.asarray((chance > 0) & (values.max() > 0))
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


def _out_of_range(
    table: CheckedTable, frame: pd.DataFrame, metric: np.ndarray, columns: list[str], percent: bool
) -> Iterator[Problem]:
    unit = "0 to 100 percent" if percent else "0 to 1"
    for column in columns:
        values = frame[column].to_numpy()
        bad = metric & ((values < 0) | (values > 1))
        if bad.any():
            found = ", ".join(f"{v:g}" for v in table.values(column)[np.flatnonzero(bad)[:3]])
            yield row_problem(
                table, "out-of-range", bad,
                f"found {found} in column {table.column(column)}; expected {unit}. Correct the "
                "cell; a loss or perplexity is told by its metric ('loss', 'ppl').", "error",
            )  # fmt: skip
