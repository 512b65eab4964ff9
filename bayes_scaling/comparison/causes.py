"""Known causes of the gap between Kaplan's and Chinchilla's exponents that a recipe decides.

Warm-up, decay and tuning can be told only where the runs of a table differ in them: in a column
that says which recipe each had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.kaplan_or_chinchilla_result import Analysis
from bayes_scaling.runs import Runs

__all__ = ["CAUSES", "Cause", "Level", "by_recipe"]

Array = NDArray[np.float64]

FEWEST_RUNS = 12
"""Runs of one recipe whose exponent is worth asking for."""

MOST_LEVELS = 6
"""More recipes than this are rather a number that varies from run to run."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """The runs of a table that have one recipe.

    Attributes
    ----------
    column, value : str
    rows : bool array of shape (run,)
    """

    column: str
    value: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A choice of recipe, with the exponent a before and after it was put right.

    Attributes
    ----------
    name : str
    columns : tuple of str
        What a column that tells of it may be called, in lower case.
    what : str
    before, after : float
        In Porian et al. 2024, arXiv:2406.19146, RefinedWeb.
    """

    name: str
    columns: tuple[str, ...]
    what: str
    before: float
    after: float

    def levels(self, runs: Runs) -> list[Level]:
        """Recipes in which runs of a table differ; none if it does not tell."""
        for column in runs.table.columns:
            if str(column).casefold() in self.columns:
                found = list(_levels(runs, str(column)))
                if 2 <= len(found) <= MOST_LEVELS:
                    return found
        return []

    def untested(self) -> str:
        """Why a table that does not tell of it cannot show it, and what others found."""
        return (
            f"{self.name[0].upper()}{self.name[1:]} cannot be tested with this table: it has no "
            f"column {' or '.join(self.columns[:2])} with two values or more that {FEWEST_RUNS} "
            f"runs have. In Porian et al. 2024 the exponent was {self.before:.2f} with {self.what} "
            f"and {self.after:.2f} without."
        )


def _levels(runs: Runs, column: str) -> Iterator[Level]:
    values = runs.table[column].astype("string")
    for value, count in values.value_counts(sort=False).items():
        if count >= FEWEST_RUNS:
            rows = (values == value).fillna(False).to_numpy(dtype=bool)
            yield Level(column=column, value=str(value), rows=rows)


CAUSES: Final = (
    Cause(
        name="warm-up",
        columns=("warmup", "warm_up", "warmup_steps", "warmup_tokens", "warmup_fraction"),
        what="a warm-up as long as the shortest runs",
        before=0.71,
        after=0.60,
    ),
    Cause(
        name="decay",
        columns=("decay", "lr_schedule", "lr_decay", "schedule", "scheduler"),
        what="a learning rate that does not decay to the end of each run",
        before=0.60,
        after=0.57,
    ),
    Cause(
        name="tuning",
        columns=("hparams", "hyperparameters", "tuning", "tuned"),
        what="hyperparameters that were tuned at one size only",
        before=0.57,
        after=0.50,
    ),
)


def by_recipe(
    runs: Runs, exponent: Callable[[NDArray[np.bool_]], Array]
) -> tuple[list[Analysis], dict[str, str]]:
    """Exponents of the recipes in which runs differ, each compared with the least of its cause.

    Parameters
    ----------
    runs : Runs
    exponent : callable
        Draws of the exponent a, shape (sample,), of the runs where a mask (run,) is True.

    Returns
    -------
    analyses : list of Analysis
    untested : dict of str to str
        Causes of which the table does not tell.
    """
    analyses, untested = list[Analysis](), dict[str, str]()
    for cause in CAUSES:
        levels = cause.levels(runs)
        if not levels:
            untested[cause.name] = cause.untested()
            continue
        found = [exponent(level.rows) for level in levels]
        least = min(found, key=lambda a: float(np.median(a)))
        analyses += [
            Analysis(
                name=f"{cause.name}: {level.value}",
                what=f"the coupled law on the {level.rows.sum()} runs with {level.column} "
                f"{level.value!r}, whatever else is particular to them",
                a=a,
                cause="" if a is least else cause.name,
                than=None if a is least else least,
            )
            for level, a in zip(levels, found, strict=True)
        ]
    return analyses, untested
