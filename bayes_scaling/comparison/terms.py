"""What a comparison is asked, read and checked before anything is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import NEW_GROUP
from bayes_scaling.inference.summary import check_prob

__all__ = ["FACTOR", "Terms", "default_group", "read_terms"]

FACTOR = 1.25
"""Sizes within this factor are the same plan in practice: the loss hardly changes."""

BUDGETS = (1.0, 10.0, 100.0)
"""Budgets that are planned for by default, times the largest compute of the runs."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Budgets to plan for, practical threshold, and probability of the intervals."""

    flops: tuple[float, ...]
    factor: float
    prob: float


def read_terms(largest: float, flops: Any, factor: float, prob: float) -> Terms:
    """The terms of a comparison of runs whose largest compute is `largest`.

    Raises
    ------
    InputError
        A budget, the factor or the probability is not valid.
    """
    check_prob(prob)
    if not factor > 1:
        raise InputError(f"factor must be above 1, such as 1.25, not {factor}")
    budgets = np.array(BUDGETS) * largest
    if flops is not None:
        budgets = quantities(flops, "flops", flops=True)
    return Terms(flops=tuple(budgets.tolist()), factor=factor, prob=prob)


def default_group(labels: NDArray[Any], *, pooled: bool) -> str:
    """Group of the plans unless another is named.

    Parameters
    ----------
    labels : array of str of shape (run,)
        Group of each run.
    pooled : bool
        Whether every law knows of groups without runs.

    Returns
    -------
    str
        The only group; else a new one where all laws know it; else the one with most runs.
    """
    groups, counts = np.unique(labels.astype(str), return_counts=True)
    if len(groups) > 1 and pooled:
        return NEW_GROUP
    return str(groups[np.argmax(counts)])
