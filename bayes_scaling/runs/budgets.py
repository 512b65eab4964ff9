"""Budgets of a table of runs: clusters of nearly equal compute."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["bracketed", "budget_index", "least_so_far"]

ONE_BUDGET = 1.05
"""Runs whose compute differs by less than this factor, step by step, share a budget."""

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def budget_index(flops: Floats, group: Index) -> Index:
    """Which budget of its group each run belongs to, shape (run,); numbered by group and compute.

    Parameters
    ----------
    flops : float array of shape (run,)
    group : int array of shape (run,)
    """
    log_flops = np.log(flops)
    order = np.lexsort((log_flops, group))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(log_flops[order]) > np.log(ONE_BUDGET)) | (np.diff(group[order]) > 0)
    index = np.empty(len(order), dtype=np.int64)
    index[order] = np.cumsum(new) - 1
    return index


def bracketed(params: Floats, loss: Floats, budget: Index) -> npt.NDArray[np.bool_]:
    """Whether a run's budget has its least loss strictly between its smallest and largest size."""
    kept = np.zeros(len(params), dtype=bool)
    for i in np.unique(budget):
        own = np.flatnonzero(budget == i)
        best = params[own[np.argmin(loss[own])]]
        kept[own] = params[own].min() < best < params[own].max()
    return kept


def least_so_far(flops: Floats, loss: Floats, group: Index) -> Floats:
    """Least loss of the same group with no more compute than each run, shape (run,)."""
    least = np.empty(len(flops))
    for i in np.unique(group):
        own = np.flatnonzero(group == i)
        order = own[np.argsort(flops[own], kind="stable")]
        reached = np.searchsorted(flops[order], ONE_BUDGET * flops[own], side="right") - 1
        least[own] = np.minimum.accumulate(loss[order])[reached]
    return least
