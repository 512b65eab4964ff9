"""Every check a table of runs goes through; each is one small function in `CHECKS`.

A check takes a `CheckedTable` and returns what is wrong with it. It looks only at columns
that exist and at rows that can be read, so that one bad cell hides nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.checks.design import DESIGN_CHECKS
from bayes_scaling.runs.checks.duplicates import check_duplicates
from bayes_scaling.runs.checks.groups import check_groups
from bayes_scaling.runs.checks.scales import SCALE_CHECKS
from bayes_scaling.runs.checks.values import VALUE_CHECKS
from bayes_scaling.runs.problems import Problem

__all__ = ["CHECKS", "check_groups", "check_table"]

Check = Callable[[CheckedTable], Iterable[Problem]]

CHECKS: tuple[Check, ...] = (*VALUE_CHECKS, *SCALE_CHECKS, check_duplicates, *DESIGN_CHECKS)


def check_table(table: CheckedTable) -> list[Problem]:
    """Run every check; errors come first.

    Parameters
    ----------
    table
        Any table, also one without rows.

    Returns
    -------
    list of Problem
        Everything that is wrong.
    """
    # Absurd cells overflow; they are reported as problems, not as numpy's warnings.
    with np.errstate(all="ignore"):
        problems = [problem for check in CHECKS for problem in check(table)]
    return sorted(problems, key=lambda problem: problem.severity != "error")
