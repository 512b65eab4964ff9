"""Runs as the arrays that a model takes: reference units, group and run indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.laws import Reference
from bayes_scaling.runs import Runs

__all__ = ["ALL_RUNS", "Design", "make_design"]

ALL_RUNS = "all runs"
"""Label of the one group of a fit without a grouping column."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """Arrays of one table of runs, ready for a model.

    Parameters
    ----------
    by : tuple of str
        Grouping columns; empty where all runs are one group.
    groups : tuple of str
        Label of each group (combination of levels) that has runs.
    levels : tuple of tuple of str
        Levels of each grouping column.
    group_levels : int array of shape (by, group)
        Level of each group in each grouping column.
    group_index : int array of shape (run,)
    training_run_index : int array of shape (run,), or None
        Which training run each row is a checkpoint of; ``len(training_runs)`` for the only row
        of its run. None where no rows share a run.
    training_runs : tuple of str
        Labels of the training runs that have several rows.
    log_params, log_tokens, log_loss : float arrays of shape (run,)
        Natural logs in reference units.
    log_loss_se : float array of shape (run,), or None
        Standard errors of `log_loss` that the table states.
    reference : Reference
    """

    by: tuple[str, ...]
    groups: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    group_levels: NDArray[np.int64]
    group_index: NDArray[np.int64]
    training_run_index: NDArray[np.int64] | None
    training_runs: tuple[str, ...]
    log_params: NDArray[np.float64]
    log_tokens: NDArray[np.float64]
    log_loss: NDArray[np.float64]
    log_loss_se: NDArray[np.float64] | None
    reference: Reference

    @property
    def anchor(self) -> dict[str, NDArray[np.float64]]:
        """Mean log inputs of each group, shape (group,)."""
        return self._mean_inputs(self.group_index, len(self.groups))

    @property
    def training_run_anchor(self) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
        """Mean log inputs and the group of each training run with several rows."""
        if self.training_run_index is None:
            raise ValueError("no rows of this table share a training run")
        n = len(self.training_runs)
        _, first = np.unique(self.training_run_index, return_index=True)
        return self._mean_inputs(self.training_run_index, n), self.group_index[first[:n]]

    def _mean_inputs(self, index: NDArray[np.int64], n: int) -> dict[str, NDArray[np.float64]]:
        counts = np.bincount(index, minlength=n)[:n]
        return {
            name: np.bincount(index, values, n)[:n] / counts
            for name, values in self.log_inputs.items()
        }

    @property
    def log_inputs(self) -> dict[str, NDArray[np.float64]]:
        """Log inputs in reference units, as a law takes them."""
        return {"params": self.log_params, "tokens": self.log_tokens}


def make_design(
    runs: Runs, by: str | Sequence[str] | None, reference: Reference | None = None
) -> Design:
    """Arrays of `runs`, grouped by no column, one, or two crossed ones.

    A reference other than the runs' own may be given (to swap tables in one model).

    Raises
    ------
    InputError
        More than two grouping columns, or one that the table does not have.
    """
    by = (by,) if isinstance(by, str) else tuple(by or ())
    if len(by) > 2 or len(set(by)) < len(by):
        raise InputError(f"group by one column or by two different ones, not by {', '.join(by)}")
    reference = reference or Reference.of(runs.params, runs.tokens, runs.loss)
    groups, levels, group_levels, group_index = _groups(runs, by)
    log_inputs = reference.log_inputs(runs.params, runs.tokens)
    training_run_index, training_runs = _training_runs(runs)
    return Design(
        by=by,
        groups=groups,
        levels=levels,
        group_levels=group_levels,
        group_index=group_index,
        training_run_index=training_run_index,
        training_runs=training_runs,
        log_params=log_inputs["params"],
        log_tokens=log_inputs["tokens"],
        log_loss=np.log(runs.loss) - np.log(reference.loss),
        log_loss_se=_stated_errors(runs),
        reference=reference,
    )


def _groups(
    runs: Runs, by: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], NDArray[np.int64], NDArray[np.int64]]:
    if not by:
        index = np.zeros(len(runs), dtype=np.int64)
        return (ALL_RUNS,), (), np.zeros((0, 1), dtype=np.int64), index
    labels = runs.groups(by)
    group_index, groups = pd.factorize(labels, sort=True)
    _, first_rows = np.unique(group_index, return_index=True)
    codes, levels = zip(
        *(pd.factorize(runs.groups(column), sort=True) for column in by), strict=True
    )
    return (
        tuple(map(str, groups)),
        tuple(tuple(map(str, level)) for level in levels),
        np.stack([code[first_rows] for code in codes]).astype(np.int64),
        group_index.astype(np.int64),
    )


def _training_runs(runs: Runs) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Training runs that have several rows; rows that are alone get the index after the last."""
    if "run" not in runs.table:
        return None, ()
    labels = runs.table["run"].astype("string")
    shared = labels.notna() & labels.duplicated(keep=False)
    if not shared.any():
        return None, ()
    index, names = pd.factorize(labels.where(shared), use_na_sentinel=True)
    return np.where(index < 0, len(names), index).astype(np.int64), tuple(map(str, names))


def _stated_errors(runs: Runs) -> NDArray[np.float64] | None:
    if "loss_se" not in runs.table:
        return None
    stated = runs.table["loss_se"].to_numpy(dtype=float)
    return np.where(np.isfinite(stated), stated, 0.0) / runs.loss
