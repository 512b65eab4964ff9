"""Which scores are fitted: which checkpoints, no copies, curves that have a shape to tell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.metric_checks import (
    FEWEST_SCALES,
    is_exact_match,
    is_pass_rate,
    row_problem,
)
from bayes_scaling.runs.metric_columns import SCALES, Checkpoints, scales_of
from bayes_scaling.runs.problems import Problem
from bayes_scaling.units import format_count

__all__ = ["CONSTANT", "kept_rows"]

EARLIER = "an earlier checkpoint"
CONSTANT = "a score that never changes"


def kept_rows(
    table: CheckedTable, checkpoints: Checkpoints, *, keep_constant: bool = False
) -> tuple[pd.DataFrame, np.ndarray, list[Problem]]:
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
    frame
        The rows that stay, by curve and scale.
    reasons
        Shape (n,): why a row is left out, "" where it stays.
    problems
        Warnings; an error if nothing is left.
    """
    frame = table.frame
    reasons = np.full(len(frame), "", dtype=object)
    _mark(reasons, _copies(frame), "a copy of an earlier row")
    if checkpoints == "final":
        _mark(reasons, _earlier(frame, reasons == ""), EARLIER)
    left = frame[reasons == ""]
    scale = next((s for s in scales_of(checkpoints) if s in frame), None)
    if scale is None:
        return left, reasons, [_no_time(table) if "params" in frame else _no_size(table)]
    sizes = left.groupby("curve")[scale].nunique()
    kinds = left.groupby("curve")["value"].nunique()
    flat = (kinds < 2) & (sizes >= 2) & (not keep_constant)
    single, constant = sizes.index[sizes < 2], kinds.index[flat]
    _mark(reasons, frame["curve"].isin(single).to_numpy(), "the only scale of its curve")
    _mark(reasons, frame["curve"].isin(constant).to_numpy(), CONSTANT)
    problems = [_left_out(table, reasons, reason) for reason in dict.fromkeys(reasons) if reason]
    problems += _repeated(table, reasons == "")
    kept = frame[reasons == ""]
    problems += _weak(table, kept, reasons, sizes[~sizes.index.isin([*single, *constant])])
    order = [c for c in ("curve", scale) if c in kept]
    return kept.sort_values(order, kind="stable").reset_index(drop=True), reasons, problems


def _mark(reasons: np.ndarray, mask: np.ndarray, reason: str) -> None:
    reasons[mask & (reasons == "")] = reason


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
            table, "repeated-points", table.frame.index.isin(again.index),
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


_SENTENCES = {
    EARLIER: "earlier checkpoints are left out: those of one model rise and fall together, and "
    "only final ones can be compared between sizes; checkpoints='all' keeps them, along compute.",
    "a copy of an earlier row": "every column repeats an earlier row; the copies are left out, "
    "since a score counted twice makes intervals too narrow.",
    "the only scale of its curve": "curves with one scale are left out: they have no shape.",
    CONSTANT: "curves whose score never changes are left out: they say "
    "neither how the task scales nor how it scatters (was it evaluated?).",
}


def _left_out(table: CheckedTable, reasons: np.ndarray, reason: str) -> Problem:
    mask = reasons == reason
    sentence = _SENTENCES[reason]
    if sentence.startswith("curves"):
        names = list(dict.fromkeys(table.frame["curve"][mask]))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        sentence = f"{', '.join(map(repr, names[:3]))}{more}: {sentence}"
    return row_problem(table, "left-out", mask, sentence)


def _no_time(table: CheckedTable) -> Problem:
    return row_problem(
        table, "missing-scale", np.ones(len(table.frame), dtype=bool),
        "checkpoints of a model have one size; expected a column tokens or flops to tell them "
        "apart.", "error",
    )  # fmt: skip


def _no_size(table: CheckedTable) -> Problem:
    return row_problem(
        table, "missing-scale", np.ones(len(table.frame), dtype=bool),
        "no row has a size; expected a column params, tokens or flops with numbers in it.", "error",
    )  # fmt: skip


def _weak(
    table: CheckedTable, kept: pd.DataFrame, reasons: np.ndarray, sizes: pd.Series
) -> list[Problem]:
    """What weakens the answer, and the error of a table without a single curve."""
    if kept.empty:
        everything = np.ones(len(reasons), dtype=bool)
        advice = (
            " A score that never changes is a question for `emergence` (in Python read it with "
            "keep_constant=True)." if (reasons == CONSTANT).any() else ""
        )  # fmt: skip
        return [
            row_problem(
                table, "no-curve", everything,
                "no curve is left: expected scores of a task at two scales or more that are not "
                f"all alike.{advice}", "error",
            )
        ]  # fmt: skip
    problems = []
    few = sizes.index[sizes < FEWEST_SCALES]
    mask = table.frame["curve"].isin(few).to_numpy() & (reasons == "")
    if mask.any():
        problems.append(
            row_problem(
                table, "few-scales", mask,
                f"found two scales only of {format_count(len(few), 'curve')} "
                f"({', '.join(map(repr, few[:3]))}): whether such a curve turns is what other "
                "tasks and the card say.",
            )
        )  # fmt: skip
    problems += _unknown_noise(table, kept)
    problems += _unknown_chance(table, kept)
    return problems


def _unknown_noise(table: CheckedTable, kept: pd.DataFrame) -> list[Problem]:
    # Of losses nothing is assumed: their scatter is learned from the curve.
    kept = kept[kept["bounded"]]
    known = np.zeros(len(kept), dtype=bool)
    for column in ("stderr", "n_examples"):
        if column in kept:
            known |= kept[column].notna().to_numpy(dtype=bool)
    if known.all():
        return []
    return [
        Problem(
            code="unknown-sampling-error",
            severity="warning",
            message=f"{table.origin.label}: {int((~known).sum())} of {len(kept)} scores have "
            "neither stderr nor n_examples; a test set of a usual size (2000) is assumed.",
        )
    ]


def _unknown_chance(table: CheckedTable, kept: pd.DataFrame) -> list[Problem]:
    # Guessing gets nothing where a whole answer has to be produced.
    produced = kept["metric"].map(lambda m: is_exact_match(m) or is_pass_rate(m)).astype(bool)
    bounded = kept[kept["bounded"] & ~produced]
    if "chance" in bounded:
        bounded = bounded[bounded["chance"].isna()]
    names = list(dict.fromkeys(bounded["curve"]))
    if not names:
        return []
    return [
        Problem(
            code="unknown-chance",
            severity="warning",
            message=f"{table.origin.label}: the chance level of "
            f"{format_count(len(names), 'curve')} is unknown "
            f"({', '.join(map(repr, names[:3]))}{', ...' if len(names) > 3 else ''}): a score that "
            "stays at chance cannot be told from one that stays elsewhere. Add a column chance.",
        )
    ]
