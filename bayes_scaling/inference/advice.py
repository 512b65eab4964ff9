"""What a table of runs leaves open for the law and the groups that it is asked about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayes_scaling.laws import Law
from bayes_scaling.runs import Problem, Runs
from bayes_scaling.units import format_quantity

__all__ = ["advise"]

OF_SIZE_AND_DATA = ("one-size", "one-token-count", "proportional", "ratio-outliers")
"""Findings about a table that matter to laws of size and tokens only."""

GROUPING = ("architecture", "dataset")
VARIES = 1.5
"""A factor over which size or tokens may vary under a law that does not depend on them."""


def advise(runs: Runs, law: Law, by: Sequence[str]) -> tuple[Problem, ...]:
    """Warnings of the table that concern the law, and what the question leaves out.

    Parameters
    ----------
    runs : Runs
    law : Law
    by : sequence of str
        Grouping columns.
    """
    one_variable = len(law.inputs) == 1
    own = [p for p in runs.problems if not (one_variable and p.code in OF_SIZE_AND_DATA)]
    return (*own, *_not_in_the_law(runs, law), *_not_grouped(runs, by))


def _not_in_the_law(runs: Runs, law: Law) -> list[Problem]:
    """Size or tokens that vary, under a law of the other alone."""
    if law.inputs not in (("tokens",), ("params",)):
        return []
    (x,) = law.inputs
    other = "params" if x == "tokens" else "tokens"
    values = runs.table[other].to_numpy(dtype=float)
    low, high = values.min(), values.max()
    if high < VARIES * low:
        return []
    span = f"{format_quantity(low)} to {format_quantity(high)}"
    return [
        Problem(
            code="not-in-the-law",
            severity="warning",
            message=f"The law depends on {x} alone, while {other} vary from {span}: what they "
            f"change counts as scatter. Use runs of nearly equal {other}, or a law of both.",
            column=other,
            found=span,
            expected=f"nearly equal {other}",
        )
    ]


def _not_grouped(runs: Runs, by: Sequence[str]) -> list[Problem]:
    """Architectures or data sets that are fitted as one."""
    problems = []
    for name in GROUPING:
        if by or name not in runs.table:
            continue
        found = [str(each) for each in runs.table[name].dropna().unique()]
        if not 1 < len(found) <= np.sqrt(len(runs)):
            continue
        problems.append(
            Problem(
                code="not-grouped",
                severity="warning",
                message=f"All runs are fitted as one group, while {name} has {len(found)} values "
                f"({', '.join(found[:3])}{', ...' if len(found) > 3 else ''}). Group by {name} "
                f"(--by {name}) to let them differ.",
                column=name,
                found=f"{len(found)} values",
                expected="one group, or grouping by the column",
            )
        )
    return problems
