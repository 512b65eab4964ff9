"""Runs as the arrays that a model takes: log inputs of the law, group and run indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.memory import Links, Seen, links_between
from bayes_scaling.laws import Reference, decades_beyond, log_inputs, log_scale
from bayes_scaling.runs.budgets import budget_index
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from bayes_scaling.runs import Runs

__all__ = ["ALL_RUNS", "Design", "make_design"]

ALL_RUNS = "all runs"
"""Label of the one group of a fit without a grouping column."""

_OF_ROWS = ("group_index", "training_run_index", "budget_index", "log_loss", "log_loss_se")

Array = NDArray[np.float64]
Index = NDArray[np.int64]


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
    budget_index : int array of shape (run,), or None
        Which budget of its group each run belongs to, where some parameters vary over budgets.
    budgets : tuple of str
        Labels of the budgets.
    log_inputs : mapping of str to float array of shape (run,)
        Natural logs of the law's inputs.
    log_loss : float array of shape (run,)
        Natural log of the loss in nats.
    log_loss_se : float array of shape (run,), or None
        Standard errors of `log_loss` that the table states.
    reference : Reference
        What is typical of the runs.
    edge : float array of shape (group,), or None
        Log of the compute (or other variable, see `bayes_scaling.laws.log_scale`) beyond which the
        loss of a group drifts away from the law. None where the card knows of no drift.
    within : float, or None
        Decades by which the edge lies below the costliest run.
    seen : Seen, or None
        Rows that were seen, where those of this design were not: what these remember.
    """

    by: tuple[str, ...]
    groups: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    group_levels: Index
    group_index: Index
    training_run_index: Index | None
    training_runs: tuple[str, ...]
    budget_index: Index | None = None
    budgets: tuple[str, ...] = ()
    log_inputs: Mapping[str, Array]
    log_loss: Array
    log_loss_se: Array | None
    reference: Reference
    edge: Array | None = None
    within: float | None = None
    seen: Seen | None = None

    @property
    def links(self) -> Links:
        """What each run remembers, where the noise has a memory: a row, and how far it is."""
        log_x = log_scale(self.log_inputs)
        if self.seen is None:
            return links_between(log_x, self.group_index)
        return self.seen.nearest(log_x, self.group_index)

    @property
    def beyond(self) -> Array | None:
        """Decades that each run lies beyond the edge of its group, shape (run,)."""
        if self.edge is None:
            return None
        return decades_beyond(log_scale(self.log_inputs), self.edge[self.group_index])

    @property
    def decades(self) -> Array:
        """Decades of compute (or other variable) between each run and the reference, (run,)."""
        reference = log_scale(self.reference.log_inputs)
        return np.asarray((log_scale(self.log_inputs) - reference) / np.log(10.0))

    @property
    def anchor(self) -> dict[str, Array]:
        """Middle of the log inputs of each group, shape (group,)."""
        return self._middles(self.group_index, len(self.groups))

    @property
    def training_run_anchor(self) -> tuple[dict[str, Array], Index]:
        """Middle of the log inputs, and the group, of each training run with several rows.

        Those of which `take` left no row lie at the reference, in the first group.
        """
        if self.training_run_index is None:
            raise ValueError("no rows of this table share a training run")
        n = len(self.training_runs)
        group = np.zeros(n + 1, dtype=np.int64)
        group[self.training_run_index] = self.group_index
        return self._middles(self.training_run_index, n), group[:n]

    def _middles(self, index: Index, n: int) -> dict[str, Array]:
        counts = np.bincount(index, minlength=n)[:n]
        middles = {}
        for name, values in self.log_inputs.items():
            middles[name] = np.full(n, float(self.reference.log_inputs[name]))
            # An input that some runs have none of has no mean log, nor has a run without a row.
            if np.all(np.isfinite(values)):
                sums = np.bincount(index, values, n)[:n]
                np.divide(sums, counts, out=middles[name], where=counts > 0)
        return middles

    def settled(self) -> Design:
        """The design with the reference and edges of its own rows."""
        edge = None
        if self.within is not None:
            log_x = log_scale(self.log_inputs)
            # A group of which no row is left keeps the edge it had.
            edge = np.full(len(self.groups), log_x.max()) if self.edge is None else self.edge.copy()
            for group in np.unique(self.group_index):
                most = log_x[self.group_index == group].max()
                edge[group] = most - self.within * np.log(10.0)
        reference = Reference.of(self.log_inputs, np.exp(self.log_loss))
        return replace(self, reference=reference, edge=edge)

    def seen_from(self, other: Design) -> Design:
        """The design with the reference and edges of another one, of the same groups.

        Its runs have not been seen: of the noise they remember what was left by those of `other`.
        """
        seen = Seen(
            log_inputs=other.log_inputs,
            log_loss=other.log_loss,
            group_index=other.group_index,
            beyond=other.beyond,
        )
        return replace(self, reference=other.reference, edge=other.edge, seen=seen)

    def take(self, rows: NDArray[np.bool_]) -> Design:
        """The design with some rows only; groups, training runs, reference and edges stay."""
        return replace(
            self,
            log_inputs={name: values[rows] for name, values in self.log_inputs.items()},
            **{
                name: getattr(self, name)[rows]
                for name in _OF_ROWS
                if getattr(self, name) is not None
            },
        )


def make_design(runs: Runs, by: str | Sequence[str] | None, card: ModelCard) -> Design:
    """Arrays of `runs` for the law of `card`, grouped by no column, one, or two crossed ones.

    Raises
    ------
    InputError
        More than two grouping columns, one that the table does not have, or an input of the law
        that the table does not give.
    """
    by = (by,) if isinstance(by, str) else tuple(by or ())
    if len(by) > 2 or len(set(by)) < len(by):
        raise InputError(f"group by one column or by two different ones, not by {', '.join(by)}")
    inputs = log_inputs(card.get_law().inputs, runs.numbers(), of=f"the law {card.law!r}")
    groups, levels, group_levels, group_index = _groups(runs, by)
    # Where the noise has a memory, rows of one curve are tied together by it already.
    alone = card.noise.memory is not None
    training_run_index, training_runs = (None, ()) if alone else _training_runs(runs)
    budget, budgets = _budgets(runs, groups, group_index) if card.varying else (None, ())
    design = Design(
        by=by,
        groups=groups,
        levels=levels,
        group_levels=group_levels,
        group_index=group_index,
        training_run_index=training_run_index,
        training_runs=training_runs,
        budget_index=budget,
        budgets=budgets,
        log_inputs=inputs,
        log_loss=np.log(runs.loss),
        log_loss_se=_stated_errors(runs),
        reference=Reference.of(inputs, runs.loss),
        within=card.within,
    )
    return design.settled()


def _groups(
    runs: Runs, by: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], Index, Index]:
    import pandas as pd

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


def _training_runs(runs: Runs) -> tuple[Index | None, tuple[str, ...]]:
    """Training runs that have several rows; rows that are alone get the index after the last."""
    import pandas as pd

    if "run" not in runs.table:
        return None, ()
    labels = runs.table["run"].astype("string")
    shared = labels.notna() & labels.duplicated(keep=False)
    if not shared.any():
        return None, ()
    index, names = pd.factorize(labels.where(shared), use_na_sentinel=True)
    return np.where(index < 0, len(names), index).astype(np.int64), tuple(map(str, names))


def _budgets(
    runs: Runs, groups: tuple[str, ...], group_index: Index
) -> tuple[Index, tuple[str, ...]]:
    """Budgets of each group, labelled by the geometric mean of their compute."""
    index = budget_index(runs.flops, group_index)
    log_flops = np.log(runs.flops)
    middle = np.bincount(index, log_flops) / np.bincount(index)
    _, first = np.unique(index, return_index=True)
    labels = [f"{format_quantity(flops)} FLOPs" for flops in np.exp(middle)]
    if len(groups) > 1:
        owners = (groups[g] for g in group_index[first])
        labels = [f"{name} at {label}" for name, label in zip(owners, labels, strict=True)]
    return index, tuple(labels)


def _stated_errors(runs: Runs) -> Array | None:
    if "loss_se" not in runs.table:
        return None
    stated = runs.table["loss_se"].to_numpy(dtype=float)
    return np.where(np.isfinite(stated), stated, 0.0) / runs.loss
