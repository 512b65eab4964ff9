"""Percent or fraction: scores, their errors and chance levels in one unit, per metric."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.metric_checks import MetricUnit, row_problem
from bayes_scaling.runs.metric_mixed import LARGEST_FRACTION, check_mixed
from bayes_scaling.runs.problems import Problem
from bayes_scaling.units import format_quantity

__all__ = ["METRIC_UNITS", "as_fractions", "check_unit"]

METRIC_UNITS = ("auto", "percent", "fraction")

MOST_EXAMPLES = 1e6
"""Questions that a test set hardly has more of."""


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
        Of the cells that are finite numbers: mixed units, and scores and chance levels outside the
        metric's range: errors, and warnings where units may well be right.
    """
    frame = table.frame.copy()
    problems: list[Problem] = []
    percent = []
    readable = bounded & np.isfinite(frame["value"].to_numpy(dtype=float))
    for metric, rows in frame[readable].groupby("metric", sort=False).groups.items():
        mask = frame.index.isin(rows)
        values = frame.loc[mask, "value"].to_numpy()
        in_percent = unit == "percent" or (unit == "auto" and values.max() > LARGEST_FRACTION)
        if in_percent:
            percent.append(str(metric))
            if unit == "auto":
                problems += check_mixed(table, mask)
        columns = [c for c in ("value", "stderr", "chance") if c in frame]
        if in_percent:
            frame.loc[mask, columns] = frame.loc[mask, columns] / 100
        problems += _out_of_range(table, frame, mask, columns, in_percent)
        problems += _chance_of_one(table, frame, mask)
        problems += _tiny_errors(table, frame, mask)
    return frame, tuple(percent), problems


def _chance_of_one(table: CheckedTable, frame: pd.DataFrame, metric: np.ndarray) -> list[Problem]:
    """Chance levels that leave nothing to learn."""
    if "chance" not in frame:
        return []
    bad = metric & (frame["chance"].to_numpy() == 1)
    if not bad.any():
        return []
    found = f"{table.values('chance')[np.flatnonzero(bad)[0]]:g}"
    return [row_problem(
        table.origin, "out-of-range", bad,
        f"found {found} in column {table.column('chance')}, so that guessing would get everything "
        "right; expected what guessing gets, such as 0.25 of four choices. Correct the cells, or "
        "leave them empty.", "error",
    )]  # fmt: skip


def _tiny_errors(table: CheckedTable, frame: pd.DataFrame, metric: np.ndarray) -> list[Problem]:
    """Standard errors that only millions of questions would give: of another unit, perhaps."""
    if "stderr" not in frame:
        return []
    value, error = frame["value"].to_numpy(), frame["stderr"].to_numpy()
    inside = metric & (value > 0) & (value < 1) & (error > 0)
    if "n_examples" in frame:
        # They are not used then.
        inside &= frame["n_examples"].isna().to_numpy(dtype=bool)
    implied = np.divide(value * (1 - value), error**2, out=np.zeros(len(frame)), where=inside)
    tiny = implied > MOST_EXAMPLES
    if not tiny.any():
        return []
    first = np.flatnonzero(tiny)[0]
    return [row_problem(
        table.origin, "tiny-errors", tiny,
        f"found {table.values('stderr')[first]:g} in column {table.column('stderr')} for a score "
        f"of {table.values('value')[first]:g}, which takes {format_quantity(implied[first])} "
        "questions; expected both in one unit, percent or fraction. Correct the column if it is "
        "in another one.",
    )]  # fmt: skip


def _out_of_range(
    table: CheckedTable, frame: pd.DataFrame, metric: np.ndarray, columns: list[str], percent: bool
) -> Iterator[Problem]:
    unit = "0 to 100 percent" if percent else "0 to 1"
    for column in columns:
        values = frame[column].to_numpy()
        # Negative standard errors are told already, and what is not finite, too.
        below = (values < 0) & (column != "stderr")
        bad = metric & np.isfinite(values) & (below | (values > 1))
        if bad.any():
            found = ", ".join(f"{v:g}" for v in table.values(column)[np.flatnonzero(bad)[:3]])
            yield row_problem(
                table.origin, "out-of-range", bad,
                f"found {found} in column {table.column(column)}; expected {unit}. Correct the "
                "cell; a loss or perplexity is told by its metric ('loss', 'ppl').", "error",
            )  # fmt: skip
