"""Checks of metric curves: values, units, curves with too few sizes, rows that repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.checks.groups import lookalikes
from bayes_scaling.runs.checks.scales import check_count_scale, check_flops
from bayes_scaling.runs.checks.values import cell_problem
from bayes_scaling.runs.metric_columns import CURVE, METRIC_NUMERIC, SCALES
from bayes_scaling.runs.problems import Origin, Problem, Severity

__all__ = [
    "FEWEST_SCALES", "LOSSES", "MetricUnit", "check_metrics", "curve_keys", "is_exact_match",
    "is_loss", "is_lower_better", "is_pass_rate", "row_problem",
]  # fmt: skip

Bools = npt.NDArray[np.bool_]
MetricUnit = Literal["auto", "percent", "fraction"]

LOSSES = (
    "loss", "nll", "ppl", "perplexity", "wordperplexity", "byteperplexity", "bitsperbyte", "bpb",
    "crossentropy", "logloss", "negativeloglikelihood",
)  # fmt: skip
"""Metrics that are positive and unbounded, and better when they are lower."""

LOWER_BETTER = (
    "brier", "brierscore", "editdistance", "tokeneditdistance", "normalizededitdistance",
    "error", "errorrate", "ter", "tokenerrorrate", "wer", "worderrorrate", "cer",
)  # fmt: skip
"""Metrics between 0 and 1 that are better when they are lower."""

EXACT_MATCH = ("exactmatch", "em", "exactstringmatch", "exactstrmatch")
"""Metrics that need a whole answer right, so that chance gets nothing."""

PASS_RATES = ("passrate", "pass1")
"""Metrics of a single problem: the share of attempts that solve it."""

FEWEST_SCALES = 3
"""Two points make a line: whether a curve turns, only other curves can say then."""

_EXAMPLES = {"value": "a number such as 0.61 or 61.0", "n_examples": "a number such as 1267"}


def is_loss(metric: str) -> bool:
    """Whether a metric is a loss or a perplexity, by its name."""
    return _bare(metric) in LOSSES


def is_exact_match(metric: str) -> bool:
    """Whether a metric needs a whole answer right, by its name."""
    return _bare(metric) in EXACT_MATCH


def is_pass_rate(metric: str) -> bool:
    """Whether scores are pass rates of single problems, by the metric's name."""
    return _bare(metric) in PASS_RATES


def is_lower_better(metric: str) -> bool:
    """Whether a metric is better when it is lower, by its name."""
    return _bare(metric) in (*LOSSES, *LOWER_BETTER)


def _bare(metric: str) -> str:
    return "".join(c for c in metric.casefold() if c.isalnum())


def curve_keys(frame: pd.DataFrame) -> pd.Series:
    """Label of the curve that each row belongs to, n strings: task and what else tells it apart."""
    parts = [column for column in CURVE if column in frame]
    told = [c for c in parts if c == "task" or _tells_apart(frame, c)]
    words = {"n_shots": "{}-shot"}
    labels = [frame[c].map(_text).map(lambda t, c=c: words.get(c, "{}").format(t)) for c in told]
    joined = labels[0]
    for label in labels[1:]:
        joined = joined + ", " + label
    return joined.rename("curve")


def _tells_apart(frame: pd.DataFrame, column: str) -> bool:
    return bool(frame.groupby("task")[column].nunique(dropna=False).max() > 1)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return "?" if np.isnan(cell) else f"{cell:g}"
    return str(cell)


def row_problem(
    origin: Origin, code: str, mask: Bools, sentence: str, severity: Severity = "warning"
) -> Problem:
    """A problem of whole rows, where `mask` is True."""
    rows, named = origin.named(np.flatnonzero(mask))
    return Problem(
        code=code,
        severity=severity,
        message=f"{origin.label}, {named}: {sentence}",
        rows=rows,
        n_rows=int(mask.sum()),
    )


def check_cells(table: CheckedTable) -> Iterator[Problem]:
    """Cells that are not numbers, or not numbers of that kind."""
    for column in (c for c in METRIC_NUMERIC if c in table.unreadable):
        values, needed = table.values(column), column in ("value", *SCALES)
        expected = _EXAMPLES.get(column, "a number such as 3.2e9, 70B or 0.5")
        faults: list[tuple[str, Bools, str]] = [
            ("non-numeric", table.unreadable[column], expected),
            ("infinite", np.isinf(values), "a finite number"),
        ]
        if column == "value" or (needed and _only_scale(table, column)):
            faults.append(("missing-value", table.missing[column], expected))
        if column in (*SCALES, "n_examples"):
            faults.append(("non-positive", values <= 0, "a positive number"))
        if column == "stderr":
            faults.append(("non-positive", values < 0, "zero or more"))
        for code, mask, wanted in faults:
            if mask.any():
                yield cell_problem(
                    table, code, column, mask, wanted, "Correct the cell or delete the row."
                )


def _only_scale(table: CheckedTable, column: str) -> bool:
    return not any(table.has(other) for other in SCALES if other != column)


def check_direction(table: CheckedTable) -> Iterator[Problem]:
    """Cells that do not say whether a higher score is better."""
    mask = table.unreadable.get("higher_is_better", np.zeros(len(table.frame), dtype=bool))
    if mask.any():
        yield cell_problem(
            table, "non-boolean", "higher_is_better", mask, "true or false, higher or lower",
            "Correct the cell, or leave the column empty: the metric then says so.",
        )  # fmt: skip


def check_losses(table: CheckedTable) -> Iterator[Problem]:
    """Losses and perplexities of 0 or below, which have no logarithm."""
    mask = ~table.frame["bounded"].to_numpy(dtype=bool) & (table.values("value") <= 0)
    if mask.any():
        yield cell_problem(
            table, "non-positive", "value", mask,
            "a positive number, as losses and perplexities are",
            "Correct the cell or delete the row; a log likelihood needs the sign of a loss.",
        )  # fmt: skip


def check_compute(table: CheckedTable) -> Iterator[Problem]:
    """Flops that contradict 6ND; curves may lie along any of the three."""
    return check_flops(table, "Answers along compute hang on them: check all three.")


def check_labels(table: CheckedTable) -> Iterator[Problem]:
    """Empty names of tasks."""
    for column in ("task", "family"):
        if not table.has(column):
            continue
        cells = table.frame[column]
        empty = (cells.isna() | (cells.map(_text).str.strip() == "")).to_numpy(dtype=bool)
        if empty.any():
            yield cell_problem(
                table, "missing-value", column, empty, f"the name of a {column}",
                "Fill the cell or delete the row.",
            )  # fmt: skip


def check_lookalikes(table: CheckedTable) -> Iterator[Problem]:
    """Names of tasks that differ in case or blanks only."""
    if not table.has("task"):
        return
    names = table.frame["task"].map(_text)
    for alike in lookalikes(names):
        yield row_problem(
            table.origin, "lookalike-tasks", names.isin(alike).to_numpy(dtype=bool),
            f"found {' and '.join(map(repr, alike))}, {len(alike)} tasks with one name; expected "
            "one spelling. Unify them if they are one.",
        )  # fmt: skip


def check_one_kind(table: CheckedTable) -> Iterator[Problem]:
    """Chance level and direction that change within a curve."""
    for column in ("chance", "higher_is_better", "family"):
        if not table.has(column, "curve"):
            continue
        several = table.frame.groupby("curve")[column].transform("nunique") > 1
        if several.any():
            mask = several.to_numpy(dtype=bool)
            names = ", ".join(map(repr, table.frame.loc[mask, "curve"].unique()[:3]))
            yield row_problem(
                table.origin, "contradiction", mask,
                f"{table.column(column)} changes within {names}; expected one value for the "
                "points of a curve. Correct it, or tell the curves apart by task, family, metric "
                "or n_shots.", "error",
            )  # fmt: skip


CHECKS: tuple[Callable[[CheckedTable], Iterator[Problem]], ...] = (
    check_cells, check_direction, check_losses, check_labels, check_lookalikes, check_one_kind,
    check_count_scale, check_compute,
)  # fmt: skip


def check_metrics(table: CheckedTable) -> list[Problem]:
    """Everything that is wrong with the cells of a table, and what weakens it."""
    if not len(table.frame):
        message = f"{table.origin.label}: no scores, only column names; expected one row a score."
        return [Problem(code="no-rows", severity="error", message=message)]
    with np.errstate(all="ignore"):
        return [problem for check in CHECKS for problem in check(table)]
