"""Which scores are fitted: which checkpoints, no copies, curves that have a shape to tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.metric_checks import row_problem
from bayes_scaling.runs.metric_columns import SCALES, Checkpoints, scales_of
from bayes_scaling.runs.problems import Problem

__all__ = ["CONSTANT", "COPY", "EARLIER", "SINGLE", "kept_rows", "shapeless"]

Reasons = npt.NDArray[np.object_]

EARLIER = "an earlier checkpoint"
COPY = "a copy of an earlier row"
SINGLE = "the only scale of its curve"
CONSTANT = "a score that never changes"


def kept_rows(
    table: CheckedTable, checkpoints: Checkpoints, *, keep_constant: bool = False
) -> tuple[Reasons, list[Problem]]:
    """Leave out rows that would count twice, and curves that tell nothing.

    Parameters
    ----------
    table
        n rows, checked, bounded scores as fractions.
    checkpoints
        Which of a model's stay.
    keep_constant
        Whether curves whose score never changes stay.

    Returns
    -------
    reasons
        Shape (n,): why a row is left out, "" where it stays.
    problems
        Points with several scores; an error if nothing is left.
    """
    frame = table.frame
    reasons = np.full(len(frame), "", dtype=object)
    reasons[_copies(frame)] = COPY
    if checkpoints == "final":
        reasons[_earlier(frame, reasons == "")] = EARLIER
    left = reasons == ""
    scale = next((s for s in scales_of(checkpoints) if s in frame), None)
    if scale is None:
        return reasons, [_no_time(table) if "params" in frame else _no_size(table)]
    reasons[left] = shapeless(frame[left], scale, keep_constant=keep_constant)
    left = reasons == ""
    return reasons, _repeated(table, left) if left.any() else [_no_curve(table, reasons)]


def shapeless(frame: pd.DataFrame, scale: str, *, keep_constant: bool) -> Reasons:
    """Why rows, n of them, are of a curve that has no shape to tell; "" where it has one."""
    curves = frame.groupby("curve")
    single = (curves[scale].transform("nunique") < 2).to_numpy(dtype=bool)
    constant = (curves["value"].transform("nunique") < 2).to_numpy(dtype=bool)
    reasons = np.full(len(frame), "", dtype=object)
    reasons[constant & (not keep_constant)] = CONSTANT
    reasons[single] = SINGLE
    return reasons


def _copies(frame: pd.DataFrame) -> np.ndarray:
    plain = frame.map(lambda cell: cell if isinstance(cell, int | float) else str(cell))
    return plain.duplicated().to_numpy(dtype=bool)


def _repeated(table: CheckedTable, left: np.ndarray) -> list[Problem]:
    """Points that have several scores, and nothing that tells these apart."""
    frame = table.frame[left]
    scales = [c for c in SCALES if c in frame]
    frame = frame[frame.duplicated(["curve", *scales], keep=False)]
    # Two result files of one model are two evaluations of it.
    plain = frame.drop(columns=["value", "stderr", "file"], errors="ignore").map(str)
    again = plain[plain.duplicated(keep=False)]
    if again.empty:
        return []
    alike = again.index[again.eq(again.iloc[0]).all(axis=1)][:3]
    found = " and ".join(str(cell) for cell in table.raw["value"].loc[alike])
    return [
        row_problem(
            table.origin, "repeated-points", table.frame.index.isin(again.index),
            f"several scores of one point, such as {found} of {again['curve'].iloc[0]!r}: nothing "
            "but the score differs, and each counts as a measurement of its own. Delete those that "
            "are wrong, or say what differs (a column model, seed or metric).",
        )
    ]  # fmt: skip


def _earlier(frame: pd.DataFrame, left: np.ndarray) -> np.ndarray:
    """Rows of a size that was trained further: checkpoints of one model are correlated."""
    time = next((c for c in ("step", "tokens") if c in frame), None)
    if "params" not in frame or time is None:
        return np.zeros(len(frame), dtype=bool)
    by = ["curve", "params", *(c for c in ("model", "seed") if c in frame)]
    last = frame[left].groupby(by, dropna=False)[time].transform("max")
    return np.asarray(left & (frame[time] < last.reindex(frame.index)).to_numpy(dtype=bool))


def _no_time(table: CheckedTable) -> Problem:
    return row_problem(
        table.origin, "missing-scale", np.ones(len(table.frame), dtype=bool),
        "checkpoints of a model have one size; expected a column tokens or flops to tell them "
        "apart.", "error",
    )  # fmt: skip


def _no_size(table: CheckedTable) -> Problem:
    return row_problem(
        table.origin, "missing-scale", np.ones(len(table.frame), dtype=bool),
        "no row has a size; expected a column params, tokens or flops with numbers in it.", "error",
    )  # fmt: skip


def _no_curve(table: CheckedTable, reasons: Reasons) -> Problem:
    advice = (
        " A score that never changes is a question for `emergence` (in Python read it with "
        "keep_constant=True)." if (reasons == CONSTANT).any() else ""
    )  # fmt: skip
    return row_problem(
        table.origin, "no-curve", np.ones(len(reasons), dtype=bool),
        "no curve is left: expected scores of a task at two scales or more that are not all "
        f"alike.{advice}", "error",
    )  # fmt: skip
