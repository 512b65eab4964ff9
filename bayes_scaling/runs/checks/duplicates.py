"""Runs that are in the table more than once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.problems import Problem

__all__ = ["check_duplicates"]

_KEY = ["params", "tokens", "loss"]


def check_duplicates(table: CheckedTable) -> Iterator[Problem]:
    """Rows that repeat params, tokens and loss of another, with or without other columns."""
    if not table.has(*_KEY):
        return
    usable = table.usable(*_KEY)
    frame = table.frame[usable]
    again = frame.duplicated(_KEY)
    if not again.any():
        return
    # The other columns matter only where the key repeats: that keeps a million rows quick.
    repeated = frame[frame.duplicated(_KEY, keep=False)]
    whole = again.copy()
    whole[repeated.index] = _comparable(repeated).duplicated()
    yield from _repeats(
        table, usable, whole.to_numpy(dtype=bool), "duplicated-runs",
        "every column repeats an earlier row. A run counted twice makes intervals too narrow: "
        "delete the copies.",
    )  # fmt: skip
    yield from _repeats(
        table, usable, (again & ~whole).to_numpy(dtype=bool), "duplicated-values",
        "params, tokens and loss repeat an earlier row, other columns differ. If it is one run "
        "counted in two ways, keep one row of it.",
    )  # fmt: skip


def _comparable(frame: pd.DataFrame) -> pd.DataFrame:
    texts = {c: frame[c].astype(str) for c in frame.columns if frame[c].dtype == object}
    return frame.assign(**texts)


def _repeats(
    table: CheckedTable, usable: np.ndarray, mask: np.ndarray, code: str, sentence: str
) -> Iterator[Problem]:
    where = np.flatnonzero(usable)[mask]
    if len(where):
        rows, named = table.origin.named(where)
        yield Problem(
            code=code,
            severity="warning",
            message=f"{table.origin.label}, {named}: {sentence}",
            rows=rows,
            n_rows=len(where),
            found=f"{len(where)} repeated rows",
            expected="each run once",
        )
