"""`read_runs`: from a file or a data frame to checked `Runs`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError
from bayes_scaling.runs.cells import LOSS_UNITS, numeric_table
from bayes_scaling.runs.checks import check_table
from bayes_scaling.runs.columns import CANONICAL, LossUnit, Matching, match_columns, unit_named
from bayes_scaling.runs.counting import AS_GIVEN, SIX_ND, Counting, FlopsCounting, ParamsCounting
from bayes_scaling.runs.exclusions import exclusions
from bayes_scaling.runs.flops import training_flops
from bayes_scaling.runs.problems import Problem, RunsError
from bayes_scaling.runs.readers import RawTable, read_table
from bayes_scaling.runs.table import DEFAULT_TOLERANCE, Runs

__all__ = ["read_runs"]


def read_runs(
    source: str | Path | pd.DataFrame,
    *,
    name: str | None = None,
    loss_unit: LossUnit = "nats",
    tolerance: float = DEFAULT_TOLERANCE,
    keep_suspect: bool = False,
    counting: ParamsCounting = AS_GIVEN,
    counting_flops: FlopsCounting = AS_GIVEN,
    **renames: str,
) -> Runs:
    """Read a table of training runs and check all of it.

    Parameters
    ----------
    source
        Path of a CSV, TSV, Parquet or JSON Lines file (text also with .gz), or a data frame.
        One row a finished run or checkpoint, with `params`, `loss`, and `tokens` or `flops`
        (the other follows from C = 6ND). Common spellings are understood, as are the wide
        exports of trackers (`config.n_params`, `summary/val_loss`). Numbers may be written
        "70B". Of the optional columns those that are empty throughout are left out.
    name
        What to call the runs; the file name without its ending if not given.
    loss_unit
        "nats", "bits" or "perplexity", each per token; converted to nats, `loss_se` with it.
    tolerance
        Factor by which flops may differ from 6ND before a warning, above 1.
    keep_suspect
        Keep the rows that a `suspect` column marks.
    counting
        What `params` counts: "total", "non-embedding", "with-head" or "active", if it is known.
        Fits of runs that count differently are never compared.
    counting_flops
        What `flops` counts: "6ND-non-embedding", "kaplan" or "hoffmann", if it is known. Compute
        that is 6ND in `params` is told by itself. `Runs.count_flops` converts.
    **renames
        Canonical name = column of the table, such as `params="my_n"`.

    Returns
    -------
    Runs
        With warnings in `.problems`.

    Raises
    ------
    RunsError
        If the table cannot be used; carries every problem found, not just the first.
    InputError
        If the file cannot be read, or an argument is not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"N": ["70M", "160M"], "D": ["2B", "4B"], "loss": [3.1, 2.8]})
    >>> runs = read_runs(table)
    >>> runs.tokens
    array([2.e+09, 4.e+09])
    """
    if loss_unit not in LOSS_UNITS:
        raise InputError(f"unknown loss_unit {loss_unit!r}; known: {', '.join(LOSS_UNITS)}")
    raw = read_table(source)
    names = [str(column) for column in raw.frame.columns]
    matching = match_columns(names, renames, loss_unit, raw.origin.label)
    problems = [*matching.problems, *_loss_name(matching, names, raw, loss_unit)]
    frame, renamed = _renamed(raw.frame, matching, names)
    reasons, left_out = exclusions(frame, raw.origin, keep_suspect=keep_suspect)
    kept = (reasons == "").to_numpy(dtype=bool)
    checked = numeric_table(
        frame[kept].reset_index(drop=True),
        raw.origin.take(kept),
        loss_unit=loss_unit,
        tolerance=tolerance,
        shown={canonical: original for original, canonical in renamed.items()},
    )
    problems += [*left_out, *check_table(checked)]
    if any(problem.severity == "error" for problem in problems):
        raise RunsError(sorted(problems, key=lambda problem: problem.severity != "error"))
    return Runs(
        table=checked.frame,
        name=raw.name if name is None else name,
        source=raw.source,
        renamed=renamed,
        ignored=tuple(c for c in checked.frame.columns if c not in CANONICAL),
        problems=tuple(problems),
        excluded=_excluded(frame, reasons, raw),
        origin=checked.origin,
        tolerance=tolerance,
        counting=_counting(counting, counting_flops, checked.frame),
    )


def _counting(params: ParamsCounting, flops: FlopsCounting, frame: pd.DataFrame) -> Counting:
    """What the table counts; its compute is 6 N D if it is so in every row."""
    said = Counting(params=params, flops=flops)
    ratio = frame["flops"] / training_flops(frame["params"].to_numpy(), frame["tokens"].to_numpy())
    six = bool(np.all(np.abs(np.log(ratio)) < SIX_ND))
    if said.flops != AS_GIVEN and six != (said.flops == "6ND"):
        is_or_not = "is" if six else "is not"
        raise InputError(
            f"counting_flops says {flops!r}, but the compute of the table {is_or_not} 6ND in its "
            "params; leave it out, or correct the column flops"
        )
    return replace(said, flops="6ND") if six else said


def _renamed(
    frame: pd.DataFrame, matching: Matching, names: list[str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Frame under canonical names, and original -> new name of every column that changed."""
    new = list(names)
    for canonical, position in matching.columns.items():
        new[position] = canonical
    for i, column in enumerate(new):
        # Its name has been given to another column, or it is there twice (an error anyway).
        taken = column in matching.columns and matching.columns[column] != i
        if taken or column in new[:i]:
            new[i] = _free(column, new)
    renamed = {old: now for old, now in zip(names, new, strict=True) if old != now}
    return frame.set_axis(pd.Index(new, dtype=object), axis=1), renamed


def _free(column: str, taken: list[str]) -> str:
    candidate = f"{column}_original"
    while candidate in taken:
        candidate += "_"
    return candidate


def _loss_name(
    matching: Matching, names: list[str], raw: RawTable, unit: LossUnit
) -> list[Problem]:
    """Warn about a loss column whose name says another unit than `loss_unit`."""
    if "loss" not in matching.columns:
        return []
    column = names[matching.columns["loss"]]
    said = unit_named(column)
    per_other = any(word in column.casefold() for word in ("bpb", "bpc", "byte", "char"))
    if said is None or (said == unit and not per_other):
        return []
    advice = (
        "a loss per byte or character is not one per token: convert it with "
        "bayes_scaling.units.bits_per_byte_to_nats"
        if per_other
        else f"pass loss_unit={said!r} if that is so"
    )
    return [
        Problem(
            code="loss-unit-name",
            severity="warning",
            message=f"{raw.origin.label}: column {column!r} is read as a loss in {unit} per token, "
            f"but its name says {said}; {advice}.",
            column=column,
            found=said,
            expected=f"{unit} per token",
        )
    ]


def _excluded(frame: pd.DataFrame, reasons: pd.Series, raw: RawTable) -> pd.DataFrame:
    left_out = (reasons != "").to_numpy(dtype=bool)
    excluded = frame[left_out].assign(reason=reasons[left_out])
    excluded.insert(0, raw.origin.word, raw.origin.numbers[left_out], allow_duplicates=True)
    return excluded.reset_index(drop=True)
