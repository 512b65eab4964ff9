"""`compare`: which law the runs support, and where the plans of laws differ."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.average import same_runs
from bayes_scaling.comparison.extrapolation import HeldOut, largest_runs, score_held_out
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.comparison.plans import PlanDifference, plan_difference
from bayes_scaling.comparison.result import Comparison
from bayes_scaling.comparison.terms import FACTOR, Terms, default_group, read_terms
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.fitting import Question, check_engine, prepare, sample_fit
from bayes_scaling.inference.posterior import DEFAULT_PROB, NEW_GROUP, Fit
from bayes_scaling.inference.progress import announce, working
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.storage import design_of
from bayes_scaling.runs import Runs

__all__ = ["compare", "compare_models"]

PARETO_K_MAX = 0.7
SCORE_EFFORT = Effort(draws=500, tune=1000)


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
    progress: bool = False,
) -> Comparison:
    """Compare laws that were fitted to the same runs.

    Parameters
    ----------
    fits : mapping of str to Fit
        By the name that the answer should use.
    flops : number, text, or a sequence of them, optional
        Budgets to plan for; by default the largest compute of the runs, and 10 and 100 times that.
    group : str, optional
        Group of the plans and exponents. By default the only one; else a new one if every law
        pools over groups, and the one with most runs if not.
    hold_out : float, optional
        Share of the runs, those with the most compute, to predict by each law fitted without
        them (samples once more for each law, in this process). None leaves it out. `backtest`
        judges several cards by several cuts, on all cores or machines, and can be resumed.
    factor : float
        Practical threshold: sizes within this factor are the same plan.
    prob : float
        Probability of the intervals.
    seed : int
    compiled : mapping of str to object, optional
        Models that `sample_fit` compiled, by the name of their fit; `hold_out` compiles the others.
    progress : bool
        Show progress.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        The fits are of different runs or count differently, or a question is not valid.
    """
    same_runs(fits)
    first = next(iter(fits.values()))
    terms = read_terms(float(first.columns["flops"].max()), flops, factor, prob)
    pooled = all(fit.pooled for fit in fits.values())
    chosen = group or default_group(first.data["group"].to_numpy(), pooled=pooled)
    for fit in fits.values():
        fit.select_groups(chosen)
    held = {} if hold_out is None else _held_out(fits, hold_out, seed, compiled or {}, progress)
    return _compare(fits, held, chosen, terms)


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
    engine: str = "nuts",
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
    engine : {"nuts", "quick"}
        As `fit` takes it. The quick engine needs seconds where NUTS compiles for a minute.
    progress : bool
        Show progress.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Fewer than two different cards, or cards that would be fitted to different runs or groups;
        otherwise as `compare`. Nothing has been sampled then.
    """
    check_engine(engine)
    questions = _questions(runs, models, by)
    first = next(iter(questions.values()))
    terms = read_terms(float(first.runs.flops.max()), flops, factor, prob)
    chosen = _group_of(questions, group)
    if hold_out is not None:
        largest_runs(first.runs.flops, hold_out)
    fits: dict[str, Fit] = {}
    compiled: dict[str, Any] = {}
    for i, (name, question) in enumerate(questions.items(), start=1):
        announce(f"{name} ({i} of {len(questions)})", show=progress)
        fits[name], compiled[name] = sample_fit(
            question, effort or Effort(), seed=seed, engine=engine, progress=progress
        )
    start = time.perf_counter()
    held = {} if hold_out is None else _held_out(fits, hold_out, seed, compiled, progress)
    seconds = {"hold_out": time.perf_counter() - start}
    for part in ("compile", "sample", "total"):
        seconds[part] = sum(fit.seconds[part] for fit in fits.values())
    return replace(_compare(fits, held, chosen, terms), seconds=seconds)


def _questions(
    runs: Runs, models: Sequence[str | Path | ModelCard], by: str | Sequence[str] | None
) -> dict[str, Question]:
    """Each card with its rows, by its name; refused where the answers could not be compared."""
    prepared = [prepare(runs, model, by=by) for model in models]
    questions = {question.card.name: question for question in prepared}
    if len(questions) < max(2, len(prepared)):
        names = ", ".join(question.card.name for question in prepared)
        raise InputError(f"name two different model cards or more, not {names or 'none'}")
    (name, first), *others = questions.items()
    for other, question in others:
        if (question.runs.hash, question.design.by) != (first.runs.hash, first.design.by):
            raise InputError(
                f"{name!r} and {other!r} would be fitted to different runs or groups "
                f"({_described(first)}; {_described(question)}), so their scores cannot be "
                "compared. Cards such as isoflop and envelope leave runs out, and hierarchical "
                "ones group by a column of their own unless by= (--by) names one"
            )
    return questions


def _described(question: Question) -> str:
    return f"{len(question.runs)} runs by {', '.join(question.design.by) or 'nothing'}"


def _group_of(questions: Mapping[str, Question], group: str | None) -> str:
    """Group of the plans, which every law will know."""
    design = next(iter(questions.values())).design
    pooled = all(question.card.pooling is not None for question in questions.values())
    if group is None:
        return default_group(np.array(design.groups)[design.group_index], pooled=pooled)
    known = [*design.groups, *([NEW_GROUP] if pooled and design.by else [])]
    crossed = pooled and len(design.by) > 1
    if group not in known and not crossed:
        raise InputError(unknown_name("group", group, known))
    return group


def _compare(
    fits: Mapping[str, Fit], held: dict[str, HeldOut], group: str, terms: Terms
) -> Comparison:
    return Comparison(
        fits=dict(fits),
        loo=_leave_one_out(fits),
        held_out=held,
        plans=_plans(fits, group, terms),
        group=group,
        flops=terms.flops,
        factor=terms.factor,
        prob=terms.prob,
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
    fits: Mapping[str, Fit],
    share: float,
    seed: int,
    compiled: Mapping[str, Any],
    progress: bool,
) -> dict[str, HeldOut]:
    flops = next(iter(fits.values())).columns["flops"]
    held = largest_runs(flops, share)
    scores = {}
    for name, fit in fits.items():
        design = design_of(fit)
        # As the fit to all runs was made.
        engine = "quick" if fit.tree.attrs["sampler"] == "quick" else "nuts"
        many = ManyFits(fit.card, design, SCORE_EFFORT, compiled.get(name), engine=engine)
        with working(f"predicting {held.sum()} runs held out by {name}", show=progress):
            scores[name] = score_held_out(fit.card, design, flops, held, many, seed)
    return scores


def _plans(fits: Mapping[str, Fit], group: str, terms: Terms) -> list[PlanDifference]:
    able = [(name, fit) for name, fit in fits.items() if fit.law.allocates]
    return [
        plan_difference((one, other), (a, b), group, flops, terms.factor)
        for (one, a), (other, b) in combinations(able, 2)
        for flops in terms.flops
    ]
