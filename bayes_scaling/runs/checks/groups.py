"""Whether a hierarchy has anything to pool over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_scaling.runs.problems import Problem
from bayes_scaling.units import format_count

if TYPE_CHECKING:
    from bayes_scaling.runs.table import Runs

__all__ = ["check_groups", "lookalikes"]

MOST_GROUPS = 200
OWN_GROUPS = 20
"""From so many groups on, more groups than half the runs are no groups but run names."""


def check_groups(runs: Runs, by: str | Sequence[str]) -> tuple[Problem, ...]:
    """Check the groups that `by` makes of a table of runs.

    Parameters
    ----------
    runs
        A checked table.
    by
        One column, or several that are joined.

    Returns
    -------
    tuple of Problem
        Warnings: a group with a single run, one group only, more than 200 groups, labels that
        differ only by case or white space. An error: groups that are nearly all single runs.

    Raises
    ------
    InputError
        If a column does not exist, or (as `RunsError`) has empty cells.
    """
    labels = runs.groups(by)
    counts = labels.value_counts(sort=False)
    found = [_single(runs, str(labels.name), counts[counts == 1].index.tolist(), labels.to_numpy())]
    found += [
        _number(runs, str(labels.name), len(counts)),
        *(_lookalike(runs, labels, alike) for alike in lookalikes(labels)),
    ]
    return tuple(problem for problem in found if problem is not None)


def _single(runs: Runs, column: str, names: list[str], labels: np.ndarray) -> Problem | None:
    if not names or len(runs) == 1:
        return None
    where = np.flatnonzero(np.isin(labels, names))
    rows, named = runs.origin.named(where)
    listed = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
    return Problem(
        code="single-run-group",
        severity="warning",
        message=f"{runs.origin.label}, {named}, column {column}: found a single run in {listed}; "
        "expected two or more. Such a group borrows nearly everything from the others.",
        column=column,
        rows=rows,
        n_rows=len(where),
        found=listed,
        expected="two or more runs a group",
    )


def _number(runs: Runs, column: str, n_groups: int) -> Problem | None:
    own = n_groups > OWN_GROUPS and n_groups > len(runs) / 2
    if 1 < n_groups <= MOST_GROUPS and not own:
        return None
    consequence = (
        "there is nothing to pool: fit without groups"
        if n_groups == 1
        else "sampling will be slow. Is this a column of run names? Choose a coarser one"
    )
    return Problem(
        code="one-group" if n_groups == 1 else "many-groups",
        severity="error" if own else "warning",
        message=f"{runs.origin.label}, column {column}: found "
        f"{format_count(n_groups, 'group')}; expected 2 to {MOST_GROUPS}: {consequence}.",
        column=column,
        n_rows=len(runs),
        found=format_count(n_groups, "group"),
        expected=f"2 to {MOST_GROUPS} groups",
    )


def lookalikes(labels: pd.Series) -> list[list[str]]:
    """Labels that differ in case or blanks only, together."""
    names = pd.Series(labels.unique(), dtype=object)
    folded = names.str.split().str.join(" ").str.casefold()
    return list(names[folded.duplicated(keep=False)].groupby(folded).agg(list))


def _lookalike(runs: Runs, labels: pd.Series, alike: list[str]) -> Problem:
    where = np.flatnonzero(labels.isin(alike))
    rows, named = runs.origin.named(where)
    listed = " and ".join(map(repr, alike))
    return Problem(
        code="lookalike-groups",
        severity="warning",
        message=f"{runs.origin.label}, {named}, column {labels.name}: found {listed}, "
        f"{len(alike)} groups with one name; expected one spelling. Unify them if they are one.",
        column=str(labels.name),
        rows=rows,
        n_rows=len(where),
        found=listed,
        expected="one spelling a group",
    )
