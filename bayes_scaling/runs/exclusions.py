"""Rows that are left out before anything is fitted, and the warnings that say so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.runs.columns import normalise
from bayes_scaling.runs.problems import Origin, Problem

__all__ = ["exclusions"]

Bools = npt.NDArray[np.bool_]

_DONE = ("finished", "completed", "complete", "success", "succeeded", "done")
_NOT_DONE = (
    "running", "crashed", "failed", "killed", "preempted", "preempting", "canceled", "cancelled",
    "pending", "queued", "stopped", "timeout",
)  # fmt: skip
_NO = ("", "false", "no", "n", "f", "0", "0.0", "nan", "none", "<na>")


def exclusions(
    raw: pd.DataFrame, origin: Origin, *, keep_suspect: bool
) -> tuple[pd.Series, list[Problem]]:
    """Say which rows are left out, and why.

    Parameters
    ----------
    raw
        n rows with canonical column names.
    origin
        Their row numbers.
    keep_suspect
        Keep the rows that the `suspect` column marks.

    Returns
    -------
    reasons
        Length n: the reason, or "" for a row that stays.
    problems
        One warning a reason.
    """
    reasons = pd.Series("", index=raw.index, dtype=object)
    problems = []
    for column in raw.columns:
        if normalise(column) in ("state", "status"):
            unfinished = _unfinished(raw[column])
            if unfinished.any():
                reasons[unfinished] = "run not finished"
                problems.append(_unfinished_problem(column, raw[column], unfinished, origin))
    if "suspect" in raw.columns and not keep_suspect:
        marked = _truthy(raw["suspect"])
        if marked.any():
            reasons[marked] = "marked suspect"
            problems.append(_suspect_problem(marked, origin))
    return reasons, problems


def _texts(cells: pd.Series) -> pd.Series:
    return cells.astype(object).where(cells.notna(), "").astype(str).str.strip().str.casefold()


def _unfinished(cells: pd.Series) -> Bools:
    texts = _texts(cells)
    # A `state` column may be about something else: only a tracker's words count.
    if not texts.isin((*_DONE, *_NOT_DONE)).any():
        return np.zeros(len(cells), dtype=bool)
    return (~texts.isin(_DONE)).to_numpy(dtype=bool)


def _truthy(cells: pd.Series) -> Bools:
    if pd.api.types.is_bool_dtype(cells.dtype):
        return cells.fillna(value=False).to_numpy(dtype=bool)
    return (~_texts(cells).isin(_NO)).to_numpy(dtype=bool)


def _unfinished_problem(column: str, cells: pd.Series, mask: Bools, origin: Origin) -> Problem:
    rows, where = origin.named(np.flatnonzero(mask))
    states = ", ".join(sorted({repr(str(cell)) for cell in cells[mask].unique()})[:5])
    return Problem(
        code="unfinished-runs",
        severity="warning",
        message=f"{origin.label}, {where}, column {column!r}: found {states}; runs that are not "
        f"finished ({_DONE[0]!r}) are left out. Delete the column to use them all the same.",
        column=column,
        rows=rows,
        n_rows=int(mask.sum()),
        found=states,
        expected=repr(_DONE[0]),
    )


def _suspect_problem(mask: Bools, origin: Origin) -> Problem:
    rows, where = origin.named(np.flatnonzero(mask))
    return Problem(
        code="suspect-runs",
        severity="warning",
        message=f"{origin.label}, {where}: marked suspect and left out. "
        "Pass keep_suspect=True (--keep-suspect) to use them all the same.",
        column="suspect",
        rows=rows,
        n_rows=int(mask.sum()),
        found="marked suspect",
        expected="not marked",
    )
