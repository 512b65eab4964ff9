"""What is wrong with a table, as values: a person reads the sentence, a program the fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bayes_scaling.errors import InputError

__all__ = ["Origin", "Problem", "RunsError", "Severity"]

Severity = Literal["error", "warning"]
N_ROWS_NAMED = 5
"""Rows that a problem names; it counts all of them."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a table.

    Attributes
    ----------
    code
        Slug that programs can rely on, such as "non-positive".
    severity
        "error": the table cannot be used; "warning": the answer is weakened.
    message
        Whole sentence: where, what was found, what is expected, what to do.
    column
        The column as the table itself names it; None if no single one is meant.
    rows
        The first five rows concerned: line numbers for text files (the header is line 1),
        positions counted from 0 for Parquet files and data frames.
    n_rows
        How many rows are concerned.
    found, expected
        The same in short.
    """

    code: str
    severity: Severity
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    n_rows: int = 0
    found: str | None = None
    expected: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that `json.dumps` takes."""
        return {**asdict(self), "rows": list(self.rows)}


class RunsError(InputError):
    """A table of runs or of scores that cannot be used; `problems` holds all that is wrong with it.

    Parameters
    ----------
    problems
        At least one; warnings found on the way may be among them.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{p.severity}: {p.message}" for p in self.problems))

    def __reduce__(self) -> tuple[type[RunsError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)

    def to_json(self) -> str:
        """Return the problems as JSON: an object with the list `problems`."""
        return json.dumps({"problems": [p.to_dict() for p in self.problems]}, indent=2)


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the rows of a table came from, so that messages can name them.

    Attributes
    ----------
    label
        File name, or what a data frame is called.
    word
        "line" for text files, "row" otherwise.
    numbers
        Shape (n,): the number of each row as its user sees it.
    """

    label: str
    word: Literal["line", "row"]
    numbers: npt.NDArray[np.int64]

    def take(self, mask: npt.NDArray[np.bool_]) -> Origin:
        """Return the origin of the rows where `mask` (n,) is True."""
        return Origin(self.label, self.word, self.numbers[mask])

    def named(self, where: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], str]:
        """Numbers of the first five of the positions `where`, and "lines 3, 7, ..." for them."""
        numbers = tuple(int(n) for n in self.numbers[where[:N_ROWS_NAMED]])
        listed = ", ".join(map(str, numbers))
        more = f" and {len(where) - len(numbers)} more" if len(where) > len(numbers) else ""
        return numbers, f"{self.word}{'s' if len(where) > 1 else ''} {listed}{more}"
