"""`next_runs`: which runs to do next, by what they are expected to teach about a stated goal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.candidates import candidate_grid, read_candidates
from bayes_scaling.decisions.goals import Goal, read_goal, reread
from bayes_scaling.decisions.questions import Predictor, quantities
from bayes_scaling.decisions.reweighting import Estimate, Outcomes, now, weigh, with_error
from bayes_scaling.decisions.sentences import batch_sentences, ranking_sentences
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["BY", "NextRuns", "next_runs"]

BY = ("flop", "run")
"""What candidates are ranked by: gain per FLOP, or gain of the whole run."""

JSON_KEYS = (
    "params", "tokens", "group", "flops", "sd_now", "sd_after", "gain_per_flop", "mc_error",
)  # fmt: skip
FEW_DRAWS = 30.0
"""Effective draws behind an outcome below which an answer is marked: its batch is too long."""

MOST_RUNS = 50
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NextRuns:
    """Candidates ranked by what they are expected to teach, or the runs of a batch in order.

    Attributes
    ----------
    goal : Goal
        What should become more certain, with its draws.
    ranking : DataFrame
        One row a candidate, the best first: params, tokens, group, flops, sd_now and sd_after (of
        the goal, the second as the root of the expected variance), gain (their difference),
        mc_error (its Monte Carlo standard error), gain_per_flop (gain / flops), saved and
        saved_error (expected regret saved by deciding after the run, in nats, and its error), worth
        (the compute that would lower the loss as much, at the budget of the decision), ess
        (effective draws behind an outcome). The last ones are nan where nothing is decided.
    batch : DataFrame
        The same of the runs that were chosen, each after those before it, with sd_now that of
        before the run; one row if one run was asked for.
    by : str
        What it is ranked by: "flop" or "run".
    budget : float
        Compute of all runs of the batch together, at most; infinite if none was given.
    counting : str
        What N and C count.
    """

    goal: Goal
    ranking: pd.DataFrame
    batch: pd.DataFrame
    by: str
    budget: float
    counting: str

    def table(self) -> pd.DataFrame:
        """The ranking, or the batch where one of several runs was asked for."""
        return self.batch if len(self.batch) > 1 else self.ranking

    def verdicts(self) -> list[str]:
        """What to run next and what it is worth, in sentences."""
        if len(self.batch) > 1:
            return batch_sentences(self)
        return ranking_sentences(self)

    @property
    def few_draws(self) -> bool:
        """Whether the draws are too few to follow what is told."""
        return bool((self.batch["ess"] < FEW_DRAWS).any())

    def to_json(self) -> str:
        """List of objects, the best first, or those of a batch in the order they were chosen."""
        return json.dumps(self.table()[list(JSON_KEYS)].to_dict("records"), indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Candidates by size and tokens; see `bayes_scaling.figures.plot_next_runs`."""
        from bayes_scaling.figures import plot_next_runs

        return plot_next_runs(self, ax=ax, **style)

    def __repr__(self) -> str:
        return "\n".join(self.verdicts())


def next_runs(
    fit: Predictor,
    candidates: pd.DataFrame | None = None,
    *,
    goal: str,
    budget: Any = None,
    runs: int = 1,
    by: str = "flop",
    group: str | Sequence[str] | None = None,
    run_group: str | Sequence[str] | None = None,
) -> NextRuns:
    """Rank runs to do next by the uncertainty about a goal that they are expected to take away.

    Outcomes of every candidate are simulated from the posterior, with its noise; the posterior
    draws are reweighted by each. A run beyond the others also moves on the place where the
    discrepancy begins, as it will in the next fit. For a batch runs are added
    one at a time, each the best given outcomes of those before it.

    Parameters
    ----------
    fit : Fit or AveragedFit
    candidates : DataFrame, optional
        Columns params, tokens, and perhaps group (or the column that the fit groups by). By
        default a grid up to the budget: ten amounts of compute over two decades, by ten ratios of
        tokens to parameters as wide as those of the runs, and at least 5 to 200.
    goal : str
        ``"loss@70B,1.4T"``, the loss of that run; ``"optimum@5.76e23"``, the log of the
        compute-optimal size; ``"choice@1e23"``, which of two groups is better; ``"law"``, whether
        Kaplan's or Chinchilla's law holds.
    budget : number or text such as "1e21", optional
        FLOPs for all runs together; needed without candidates.
    runs : int
        Runs of the batch; it ends earlier where the budget does.
    by : {"flop", "run"}
        Rank by the gain per FLOP, which favours cheap runs, or by that of the whole run. By run,
        each run of a batch may take an equal share of what is left of the budget.
    group : str or sequence of str, optional
        The group that the goal is about, or the two to choose between.
    run_group : str or sequence of str, optional
        Groups that the runs may be of; by default those of the goal.

    Returns
    -------
    NextRuns

    Raises
    ------
    InputError
        The goal, a candidate, a group or the budget cannot be used, or no candidate is within it.
    """
    import pandas as pd

    if by not in BY:
        raise InputError(unknown_name("ranking", by, BY))
    if not 1 <= runs <= MOST_RUNS:
        raise InputError(f"a batch has 1 to {MOST_RUNS} runs, not {runs}")
    asked = read_goal(fit, goal, group)
    most = np.inf if budget is None else float(quantities(budget, "budget", flops=True)[0])
    each = most / runs if by == "run" else most
    points = _candidates(fit, candidates, each if candidates is None else most, run_group, asked)
    steps = list(_steps(fit, asked, points, most * _SLACK, runs, by))
    if not steps:
        raise InputError(
            f"the budget of {format_quantity(most)} FLOPs does not hold {runs} runs: the cheapest "
            f"candidate takes {format_quantity(points['flops'].min())}"
        )
    batch = pd.concat([ranked.head(1) for ranked in steps], ignore_index=True)
    return NextRuns(
        goal=asked,
        ranking=steps[0].reset_index(drop=True),
        batch=batch,
        by=by,
        budget=most,
        counting=fit.counting,
    )


def _candidates(
    fit: Predictor,
    table: pd.DataFrame | None,
    budget: float,
    run_group: str | Sequence[str] | None,
    goal: Goal,
) -> pd.DataFrame:
    """Candidates that the budget allows."""
    groups = goal.groups if run_group is None else fit.select_groups(run_group)
    if table is None:
        if not np.isfinite(budget):
            raise InputError("give a budget, such as budget='1e21', or a table of candidates")
        return candidate_grid(fit, budget, groups)
    points = read_candidates(fit, table, groups, named=run_group is not None)
    # What is written with three digits may lie a little beyond a budget in round numbers.
    affordable = points[points["flops"] <= budget * _SLACK].reset_index(drop=True)
    if affordable.empty:
        raise InputError(
            f"no candidate is within the budget of {format_quantity(budget)} FLOPs; the cheapest "
            f"takes {format_quantity(points['flops'].min())} (6 N D)"
        )
    return affordable


_SLACK = 1.01


@dataclass(frozen=True, kw_only=True)
class _State:
    """A posterior after some runs: with what it says of the goal, and their outcomes."""

    fit: Predictor
    goal: Goal
    outcomes: Outcomes
    estimate: Estimate

    @property
    def left(self) -> Array:
        """Standard deviation of the goal that is left, with its jackknife replicates."""
        return self.goal.now * self.estimate.left


def _steps(
    fit: Predictor, goal: Goal, points: pd.DataFrame, left: float, runs: int, by: str
) -> Iterator[pd.DataFrame]:
    """Rankings, each after the best of the one before, while the budget lasts."""
    outcomes = Outcomes.none_yet(goal.target.values[:, 0])
    state = _State(fit=fit, goal=goal, outcomes=outcomes, estimate=now(goal.target))
    for step in range(runs):
        # By run alone the first would take all: those to come keep an equal share.
        most = left / (runs - step) if by == "run" else left
        allowed = points[points["flops"] <= most]
        if allowed.empty:
            return
        ranked = _ranked(state, allowed, step, by)
        yield ranked
        best = points.loc[[ranked.index[0]]]
        left -= float(best["flops"].iloc[0])
        if step + 1 < runs:
            state = next(each for _, each in _after(state, best, step))


def _ranked(state: _State, points: pd.DataFrame, step: int, by: str) -> pd.DataFrame:
    """Every candidate with what it teaches, the best first."""
    import pandas as pd

    told = {index: _told(state, after) for index, after in _after(state, points, step)}
    table = pd.concat([points, pd.DataFrame.from_dict(told, orient="index")], axis=1)
    table["gain_per_flop"] = table["gain"] / table["flops"]
    table["worth"] = table["saved"] / state.goal.slope
    order = "gain_per_flop" if by == "flop" else "gain"
    return table.sort_values(order, ascending=False, kind="stable")


def _told(before: _State, after: _State) -> dict[str, float]:
    gain, gain_error = with_error(before.left - after.left)
    saved, saved_error = with_error(after.estimate.saved - before.estimate.saved)
    return {
        "sd_now": float(before.left[0]),
        "sd_after": float(after.left[0]),
        "gain": gain,
        "mc_error": gain_error,
        "saved": saved,
        "saved_error": saved_error,
        "ess": after.estimate.ess,
    }


def _after(state: _State, points: pd.DataFrame, step: int) -> Iterator[tuple[Any, _State]]:
    """The state after each candidate by itself, with the index of that.

    A run beyond the others moves the place where the drift begins, as it will in the next fit: the
    drift up to there is no part of what is predicted any more, and the rest begins anew. (Weights
    of the runs before keep the edge that these had.)
    """
    for name, flops, rows in _alike(state.fit, points):
        fit = state.fit.reaching(name, flops)
        goal = state.goal if fit is state.fit else reread(fit, state.goal)
        here = {key: np.log(rows[key].to_numpy()) for key in ("params", "tokens")}
        log_loss, noise = np.log(fit.predict(name, here)), fit.run_noise(name, here)
        for i, index in enumerate(rows.index):
            rng = np.random.default_rng([fit.seed, 11, step])
            outcomes = state.outcomes.after(log_loss[:, i], _column(noise, i), rng)
            estimate = weigh(outcomes, goal.target)
            yield index, _State(fit=fit, goal=goal, outcomes=outcomes, estimate=estimate)


def _alike(fit: Predictor, points: pd.DataFrame) -> Iterator[tuple[str, float, pd.DataFrame]]:
    """Candidates of one group and compute together; those that move no edge count as of one."""
    for name, rows in points.groupby("group", sort=False):
        levels = [float(f"{flops:.3g}") for flops in rows["flops"]]
        keys = np.array([c if fit.reaching(str(name), c) is not fit else 1.0 for c in levels])
        for key in np.unique(keys):
            yield str(name), float(key), rows[keys == key]


def _column(noise: Noise, i: int) -> Noise:
    """Noise of one candidate, arrays of shape (sample, 1)."""
    parts = {k: getattr(noise, k) for k in ("centre", "scale", "nu", "skew")}
    return Noise(**{k: v[:, [min(i, v.shape[1] - 1)]] for k, v in parts.items()})
