"""`compare`: which law the runs support, and where the plans of laws differ."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.average import AveragedFit, average_fits, same_runs
from bayes_scaling.comparison.extrapolation import HeldOut, largest_runs, score_held_out
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.comparison.plans import PlanDifference, plan_difference
from bayes_scaling.decisions import Allocation, allocate
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.fitting import prepare, sample_fit
from bayes_scaling.inference.posterior import DEFAULT_PROB, NEW_GROUP, Fit
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.storage import design_of
from bayes_scaling.inference.summary import check_prob, summarise
from bayes_scaling.runs import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Comparison", "compare", "compare_models"]

FACTOR = 1.25
"""Sizes within this factor are the same plan in practice: the loss hardly changes."""

BUDGETS = (1.0, 10.0, 100.0)
"""Budgets that are planned for by default, times the largest compute of the runs."""

PARETO_K_MAX = 0.7
SCORE_EFFORT = Effort(draws=500, tune=1000)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Laws fitted to the same runs, side by side.

    Attributes
    ----------
    fits : dict of str to Fit
    loo : DataFrame
        Indexed by law, best first: ``elpd_loo`` (expected log predictive density of a run left
        out, summed over runs), ``se``, ``difference`` to the best and ``difference_se``,
        ``weight`` (stacking), ``unreliable`` (runs whose Pareto k is above 0.7).
    held_out : dict of str to HeldOut
        Prediction of the runs with the most compute by each law fitted without them; empty where
        it was not asked for.
    plans : list of PlanDifference
        Every pair of laws at every budget; laws that do not allocate compute are left out.
    group : str
        Group that plans and exponents are of.
    flops : tuple of float
        Budgets of the plans.
    prob : float
        Probability of the intervals.
    seconds : dict of str to float
        What the comparison took, by part.
    """

    fits: dict[str, Fit]
    loo: pd.DataFrame
    held_out: dict[str, HeldOut]
    plans: list[PlanDifference]
    group: str
    flops: tuple[float, ...]
    prob: float
    seconds: dict[str, float] = field(default_factory=dict)

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a law: scores, weight, and the exponents a and b with their intervals."""
        prob = self.prob if prob is None else check_prob(prob)
        table = self.loo.copy()
        table["elpd_extrapolation"] = [
            self.held_out[name].total if name in self.held_out else np.nan for name in table.index
        ]
        for exponent in ("a", "b"):
            found = {name: self._exponent(name, exponent, prob) for name in table.index}
            for key in ("median", "lower", "upper"):
                table[f"{exponent}_{key}"] = [found[name][key] for name in table.index]
        return table.assign(prob=prob)

    def _exponent(self, name: str, exponent: str, prob: float) -> dict[str, float]:
        fit = self.fits[name]
        if not fit.law.allocates:
            return dict.fromkeys(("mean", "median", "sd", "lower", "upper"), float("nan"))
        draws = fit.exponents(fit.parameters(self.group))[exponent]
        return {key: float(v) for key, v in summarise(np.asarray(draws), prob).items()}

    def weights(self) -> dict[str, float]:
        """Stacking weights, by law."""
        return {str(name): float(weight) for name, weight in self.loo["weight"].items()}

    def average(self) -> AveragedFit:
        """Answers averaged by the stacking weights; see `average_fits`."""
        return average_fits(self.fits, self.weights())

    def allocations(self) -> dict[str, Allocation]:
        """Compute-optimal plans of each law, at the budgets of the comparison."""
        return {
            name: allocate(fit, flops=list(self.flops), group=self.group, prob=self.prob)
            for name, fit in self.fits.items()
            if fit.law.allocates
        }

    def verdicts(self) -> list[str]:
        """What the comparison found, in sentences; the scores first."""
        return [self._score_verdict(), *self._held_out_verdict(), *(p.text for p in self.plans)]

    def _score_verdict(self) -> str:
        best, *others = self.loo.index
        parts = [f"Of the laws fitted, {best} predicts a run that is left out best"]
        for name in others:
            row = self.loo.loc[name]
            gap, error = float(row["difference"]), float(row["difference_se"])
            clear = "clearly" if gap > 4 and gap > 2 * error else "not clearly"
            parts.append(f"{clear} better than {name} (by {gap:.1f} +- {error:.1f} nats in sum)")
        doubtful = [str(n) for n in self.loo.index if self.loo.loc[n, "unreliable"] > 0]
        warning = (
            f" Scores of {', '.join(doubtful)} rest on runs that cannot be left out by importance "
            "sampling (Pareto k above 0.7): take them as rough."
            if doubtful
            else ""
        )
        return "; ".join(parts) + "." + warning

    def _held_out_verdict(self) -> list[str]:
        if not self.held_out:
            return []
        ordered = sorted(self.held_out, key=lambda name: -self.held_out[name].total)
        some = self.held_out[ordered[0]]
        scores = ", ".join(f"{name} {self.held_out[name].total:.1f}" for name in ordered)
        errors = ", ".join(f"{n} {100 * self.held_out[n].error.mean():+.2f} %" for n in ordered)
        return [
            f"Fitted without the {len(some.elpd)} runs of the most compute, which lie up to "
            f"{some.decades:.1f} decades beyond the rest, the laws score {scores} nats on them "
            f"(more is better); the runs were off by {errors} on average (negative: better than "
            "predicted)."
        ]

    def to_json(self) -> str:
        """Object with ``laws``, ``pairwise``, ``group``, ``prob``, ``verdicts`` and ``seconds``."""
        laws = []
        for name, row in self.loo.iterrows():
            held = self.held_out.get(str(name))
            laws.append(
                {
                    "name": str(name),
                    "elpd_loo": float(row["elpd_loo"]),
                    "se": float(row["se"]),
                    "weight": float(row["weight"]),
                    "elpd_extrapolation": None if held is None else held.total,
                    **{e: self._exponent(str(name), e, self.prob) for e in ("a", "b")},
                    "unreliable": int(row["unreliable"]),
                    "trusted": self.fits[str(name)].trusted,
                }
            )
        value = {
            "laws": laws,
            "pairwise": [plan.to_dict() for plan in self.plans],
            "group": self.group,
            "counting": next(iter(self.fits.values())).counting,
            "prob": self.prob,
            "verdicts": self.verdicts(),
            "seconds": self.seconds,
        }
        return json.dumps(value, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Optimal size against compute by each law; see `bayes_scaling.figures.plot_plans`."""
        from bayes_scaling.figures import plot_plans

        return plot_plans(self, ax=ax, **style)

    def __repr__(self) -> str:
        return "Comparison\n" + "\n".join(f"  {sentence}" for sentence in self.verdicts())


def compare(
    fits: Mapping[str, Fit],
    *,
    flops: Any = None,
    group: str | None = None,
    hold_out: float | None = None,
    factor: float = FACTOR,
    prob: float = DEFAULT_PROB,
    seed: int = DEFAULT_SEED,
    compiled: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare laws that were fitted to the same runs.

    Parameters
    ----------
    fits : mapping of str to Fit
        By the name that the answer should use.
    flops : number, text, or a sequence of them, optional
        Budgets to plan for; by default the largest compute of the runs, and 10 and 100 times that.
    group : str, optional
        Group of the plans and exponents; by default the only one, or a new one.
    hold_out : float, optional
        Share of the runs, those with the most compute, to predict by each law fitted without
        them (samples once more for each law). None leaves it out.
    factor : float
        Practical threshold: sizes within this factor are the same plan.
    prob : float
        Probability of the intervals.
    seed : int
    compiled : mapping of str to object, optional
        Models that `sample_fit` compiled, by the name of their fit; `hold_out` compiles the others.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        The fits are of different runs or count differently, or a question is not valid.
    """
    held = {} if hold_out is None else _held_out(fits, hold_out, seed, compiled or {})
    return _compare(fits, held, flops, group, factor, prob)


def compare_models(
    runs: Runs,
    models: Sequence[str | Path | ModelCard],
    *,
    by: str | Sequence[str] | None = None,
    flops: Any = None,
    group: str | None = None,
    hold_out: float | None = 0.2,
    factor: float = FACTOR,
    prob: float = DEFAULT_PROB,
    seed: int = DEFAULT_SEED,
    effort: Effort | None = None,
    progress: bool = True,
) -> Comparison:
    """Fit several cards to the same runs and compare them.

    Each model is compiled once, for the fit to all runs and for the one without the largest.

    Parameters
    ----------
    runs : Runs
    models : sequence of str, Path or ModelCard
        Cards, as `bayes_scaling.fit` takes them; the answer names them as the cards do.
    by : str or sequence of str, optional
        Grouping columns.
    flops, group, hold_out, factor, prob, seed
        As `compare` takes them.
    effort : Effort, optional
        How hard to sample.
    progress : bool
        Show progress.

    Returns
    -------
    Comparison
    """
    questions = {}
    for model in models:
        question = prepare(runs, model, by=by)
        questions[question.card.name] = question
    if len(questions) < max(2, len(models)):
        raise InputError("name two different model cards or more")
    if hold_out is not None:
        largest_runs(runs.flops, hold_out)  # what can be refused is refused before sampling
    fits: dict[str, Fit] = {}
    compiled: dict[str, Any] = {}
    for name, question in questions.items():
        fits[name], compiled[name] = sample_fit(
            question, effort or Effort(), seed=seed, progress=progress
        )
    same_runs(fits)
    start = time.perf_counter()
    held = {} if hold_out is None else _held_out(fits, hold_out, seed, compiled)
    seconds = {"hold_out": time.perf_counter() - start}
    for part in ("compile", "sample", "total"):
        seconds[part] = sum(fit.seconds[part] for fit in fits.values())
    comparison = _compare(fits, held, flops, group, factor, prob)
    return replace(comparison, seconds=seconds)


def _compare(
    fits: Mapping[str, Fit],
    held: dict[str, HeldOut],
    flops: Any,
    group: str | None,
    factor: float,
    prob: float,
) -> Comparison:
    same_runs(fits)
    check_prob(prob)
    if not factor > 1:
        raise InputError(f"factor must be above 1, such as 1.25, not {factor}")
    first = next(iter(fits.values()))
    budgets = np.array(BUDGETS) * first.columns["flops"].max()
    if flops is not None:
        budgets = quantities(flops, "flops", flops=True)
    chosen = group or (first.groups[0] if len(first.groups) == 1 else NEW_GROUP)
    for fit in fits.values():
        fit.select_groups(chosen)
    return Comparison(
        fits=dict(fits),
        loo=_leave_one_out(fits),
        held_out=held,
        plans=_plans(fits, chosen, budgets.tolist(), factor),
        group=chosen,
        flops=tuple(budgets.tolist()),
        prob=prob,
    )


def _leave_one_out(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Scores by PSIS-LOO and stacking weights (Yao et al. 2018, arXiv:1704.02030)."""
    import arviz_stats

    with warnings.catch_warnings():
        # Told by `unreliable`, and in the verdict.
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        scores = {
            name: arviz_stats.loo(fit.tree, pointwise=True, reff=1.0) for name, fit in fits.items()
        }
        ranked = arviz_stats.compare(scores, method="stacking", round_to="none")
    rows = {}
    for name in ranked.index:
        score, row = scores[name], ranked.loc[name]
        rows[name] = {
            "elpd_loo": float(score.elpd),
            "se": float(score.se),
            "difference": abs(float(row["elpd_diff"])),
            "difference_se": float(row["dse"]),
            "weight": float(row["weight"]),
            "unreliable": int(np.sum(np.asarray(score.pareto_k) > PARETO_K_MAX)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _held_out(
    fits: Mapping[str, Fit], share: float, seed: int, compiled: Mapping[str, Any]
) -> dict[str, HeldOut]:
    same_runs(fits)
    flops = next(iter(fits.values())).columns["flops"]
    held = largest_runs(flops, share)
    scores = {}
    for name, fit in fits.items():
        design = design_of(fit)
        many = ManyFits(fit.card, design, SCORE_EFFORT, compiled.get(name))
        scores[name] = score_held_out(fit.card, design, flops, held, many, seed)
    return scores


def _plans(
    fits: Mapping[str, Fit], group: str, budgets: Sequence[float], factor: float
) -> list[PlanDifference]:
    able = [(name, fit) for name, fit in fits.items() if fit.law.allocates]
    return [
        plan_difference((one, other), (a, b), group, flops, factor)
        for (one, a), (other, b) in combinations(able, 2)
        for flops in budgets
    ]
