"""The field's usual way: Huber least squares from a grid of starts, and a bootstrap of it.

The mathematics is that of `bayes_scaling.inference.huber`. Each of Hoffmann's 4,500 starts is
followed. Intervals are percentiles over refits of resampled runs. A refit starts at the optimum of
all runs and at a few of the grid's starts; doing the whole grid again would take a thousand times
as long.

The gradient is analytic and all cores are used: faster than most published scripts.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from bayes_scaling.inference.huber import GRID, best_of, objective, refit
from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["interval"]


def interval(
    table: Path,
    question: Question,
    seed: int,
    *,
    starts: int = len(GRID),
    others: int = 2,
    resamples: int = 1000,
) -> Answer:
    """Percentiles of the law over bootstrap refits.

    Parameters
    ----------
    table : Path
    question : Question
    seed : int
    starts : int
        How many of the grid's starts to run: those with the lowest objective.
    others : int
        Starts of a refit beside the optimum of all runs: those of the grid that ended lowest.
    resamples : int
    """
    began = time.perf_counter()
    runs = np.log(np.loadtxt(table, delimiter=",", skiprows=1, usecols=(0, 1, 2))).T
    order = np.argsort([objective(start, runs)[0] for start in GRID])[:starts]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        each = [start[None, :] for start in GRID[order]]
        ends = list(pool.map(partial(best_of, runs), each, chunksize=16))
        fitted = time.perf_counter()
        lowest = np.argsort([end[0] for end in ends])
        again = np.vstack([ends[lowest[0]][1], GRID[order][lowest[:others]]])
        one = partial(refit, runs=runs, starts=again)
        thetas = np.stack(list(pool.map(one, seed + np.arange(resamples), chunksize=25)))
    seconds = {"grid": fitted - began, "bootstrap": time.perf_counter() - fitted}
    log_A, log_B, log_E, alpha, beta = thetas.T
    loss = (
        np.exp(log_E)
        + np.exp(log_A - alpha * np.log(question.params))
        + np.exp(log_B - beta * np.log(question.tokens))
    )
    lower, upper = question.tails
    low, median, high = np.quantile(loss, [lower, 0.5, upper])
    return Answer(lower=low, median=median, upper=high, seconds=seconds)
