"""`fit`: from a table of runs to a posterior with its diagnostics."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.advice import advise
from bayes_scaling.inference.assemble import assemble
from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.card import ModelCard, Rows, load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.diagnostics import Evidence, diagnose
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort, Sampling, sample
from bayes_scaling.inference.threads import one_blas_thread
from bayes_scaling.laws import Law, log_inputs, log_scale
from bayes_scaling.resources import DEFAULT_CARD
from bayes_scaling.runs import Problem, Runs, RunsError, check_groups

__all__ = ["ENGINES", "Question", "check_engine", "fit", "prepare", "sample_fit"]

ENGINES = ("nuts", "quick")

REFIT_DRAWS, REFIT_TUNE = 250, 500
"""Of a chain, without a run: enough for where the plan moves to, at a third of the first cost."""

MOST_COMPILED = 3
_COMPILED: dict[tuple[object, ...], tuple[Law, Any]] = {}
"""Models that the last fits compiled, by card, runs and groups: fitting the same runs again, with
another seed or more draws, need not compile."""


def fit(
    runs: Runs,
    *,
    model: str | Path | ModelCard = DEFAULT_CARD,
    by: str | Sequence[str] | None = None,
    x: str | None = None,
    draws: int = 1000,
    tune: int = 1500,
    chains: int = 4,
    seed: int = DEFAULT_SEED,
    sampler: str = "nutpie",
    adaptation: str = "auto",
    target_accept: float = 0.95,
    engine: str = "nuts",
    progress: bool = True,
) -> Fit:
    """Sample the posterior of a law given runs.

    Chains that have nearly mixed go on for as long as they need, at most to sixteen times their
    length, of which as many draws are kept; where that is not enough, or draws diverge, they start
    anew with smaller steps.
    `Fit.diagnostics` says which attempt was kept.

    Parameters
    ----------
    runs : Runs
        From `read_runs` or `load_runs`.
    model : str, Path or ModelCard
        Name of a model card, or the path of one.
    by : str or sequence of str, optional
        Column that makes the groups (or two crossed columns). By default what the card pools
        over; all runs are one group if it pools over nothing.
    x : str, optional
        Variable of a law of one variable, such as "tokens"; the card's own by default.
    draws, tune, chains : int
        Kept and tuning draws of a chain, and the number of chains.
    seed : int
        The same seed gives the same draws, bit for bit, on one machine; but a model that is
        compiled for the first time there may round differently from one out of the cache.
    sampler : {"nutpie", "pymc", "numpyro"}
        Where NUTS comes from.
    adaptation : {"auto", "low_rank", "diag"}
        Mass matrix of nutpie; by default low rank where there are few enough parameters for it.
    target_accept : float
        Acceptance that the step size is tuned to.
    engine : {"nuts", "quick"}
        "quick" needs no compiler: the mode, an approximation around it, and importance sampling
        (see `bayes_scaling.inference.quick`). It is for one group of runs, and hands over to NUTS
        where it does not serve, which `Fit.problems` then says.
    progress : bool
        Show progress on standard error, or in the notebook.

    Returns
    -------
    Fit
        Check ``fit.trusted`` and ``fit.problems()`` before using it.

    Raises
    ------
    InputError
        The card, a column, or a setting is not valid, or nearly every run is its own group.

    Examples
    --------
    >>> runs = load_runs("pile-families")  # doctest: +SKIP
    >>> posterior = fit(runs, model="chinchilla-hierarchical", by="architecture")  # doctest: +SKIP
    """
    effort = Effort(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept, adaptation=adaptation
    )
    question = prepare(runs, model, by=by, x=x)
    for problem in question.warnings:
        if problem.code == "lookalike-groups":  # it is cheaper to mend before sampling
            announce(problem.message, show=progress)
    return sample_fit(
        question, effort, seed=seed, sampler=sampler, engine=engine, progress=progress
    )[0]


def check_engine(engine: str) -> str:
    """The name of an engine, if there is one.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if engine not in ENGINES:
        raise InputError(unknown_name("engine", engine, ENGINES))
    return engine


@dataclass(frozen=True, kw_only=True)
class Question:
    """A card and the runs it is asked about, read and checked, before anything is sampled."""

    card: ModelCard
    runs: Runs
    design: Design
    warnings: tuple[Problem, ...]


def prepare(
    runs: Runs,
    model: str | Path | ModelCard,
    *,
    by: str | Sequence[str] | None = None,
    x: str | None = None,
) -> Question:
    """Card, rows and arrays of a fit; the arguments are those of `fit`."""
    card = load_card(model).on(x)
    if by is None and card.pooling is not None:
        by = card.pooling.over
    by = (by,) if isinstance(by, str) else tuple(by or ())
    card = card.grouped_by(by)
    if card.rows is not None:
        runs = _chosen(runs, card.rows, card.get_law(), by)
    design = make_design(runs, by, card)
    warnings = (*advise(runs, card.get_law(), by), *_group_warnings(runs, design))
    return Question(card=card, runs=runs, design=design, warnings=warnings)


def _chosen(runs: Runs, rows: Rows, law: Law, by: tuple[str, ...]) -> Runs:
    """The rows that a card is about."""
    if rows.near_best is not None:
        runs = runs.near_best(rows.near_best, by, bracketed_only=rows.bracketed)
    if rows.recent is not None:
        inputs = log_inputs(law.inputs, runs.numbers(), of=f"the law {law.name!r}")
        runs = runs.recent(np.exp(log_scale(inputs)), rows.recent, by, fewest=rows.fewest)
    return runs


def sample_fit(
    question: Question,
    effort: Effort,
    *,
    seed: int = DEFAULT_SEED,
    sampler: str = "nutpie",
    engine: str = "nuts",
    progress: bool = False,
) -> tuple[Fit, Any]:
    """Sample, assemble and check a fit; returns it with the compiled model (nutpie only)."""
    if check_engine(engine) == "quick":
        try:
            return _quick_fit(question, effort, seed), None
        except QuickError as error:
            handed_over = Problem(
                code="engine",
                severity="warning",
                message=f"NUTS took the place of the quick engine: {error}.",
            )
            question = replace(question, warnings=(*question.warnings, handed_over))
            announce(handed_over.message, show=progress)
    start = time.perf_counter()
    from bayes_scaling.inference.model import build_model, with_runs

    design = question.design
    model = build_model(question.card, design)
    seconds = {"import": time.perf_counter() - start}
    sampling, attempt = sample_with_care(
        model, effort, seed=seed, sampler=sampler, progress=progress, compiled=_compiled(question)
    )
    _keep(question, sampling.compiled)
    shorter = replace(effort, draws=REFIT_DRAWS, tune=REFIT_TUNE)

    def refit(fewer: Design) -> Sampling:
        compiled = with_runs(sampling.compiled, model, fewer)
        return sample(model, shorter, seed=seed, compiled=compiled)

    made = _Made(
        sampling=sampling,
        attempt=attempt,
        sampler=sampler,
        refit=None if sampling.compiled is None else refit,
    )
    return _checked(question, made, seed, seconds, start), sampling.compiled


def _compiled(question: Question) -> Any:
    """What an earlier fit of this process compiled for the same runs, or None."""
    # A law of one's own may have been registered again, and changed, under the same name.
    law, compiled = _COMPILED.get(_key(question), (None, None))
    return compiled if law is question.card.get_law() else None


def _keep(question: Question, compiled: Any) -> None:
    if compiled is None:
        return
    _COMPILED.pop(_key(question), None)
    _COMPILED[_key(question)] = (question.card.get_law(), compiled)
    if len(_COMPILED) > MOST_COMPILED:
        del _COMPILED[next(iter(_COMPILED))]


def _key(question: Question) -> tuple[object, ...]:
    # The runs are in it, since the geometry is theirs: the same seed gives the same draws.
    card, design = question.card.model_dump_json(), question.design
    return card, question.runs.hash, design.by, design.groups, design.group_index.tobytes()


def _quick_fit(question: Question, effort: Effort, seed: int) -> Fit:
    start = time.perf_counter()

    def draw(design: Design) -> Sampling:
        return quick_sample(question.card, design, effort, seed=seed)

    with one_blas_thread():
        sampling = draw(question.design)
        made = _Made(sampling=sampling, attempt=1, sampler="quick", refit=draw)
        return _checked(question, made, seed, {"import": 0.0}, start)


@dataclass(frozen=True, kw_only=True)
class _Made:
    """Draws, and how they came about."""

    sampling: Sampling
    attempt: int
    sampler: str
    refit: Callable[[Design], Sampling] | None


def _checked(
    question: Question, made: _Made, seed: int, seconds: dict[str, float], start: float
) -> Fit:
    """The fit of some draws, with its verdicts."""
    card, design = question.card, question.design
    tree = assemble(
        card, design, question.runs, made.sampling.tree, seed=seed, sampler=made.sampler
    )
    evidence = Evidence(
        fit=Fit(tree),
        design=design,
        warnings=question.warnings,
        attempt=made.attempt,
        refit=made.refit,
    )
    tree = diagnose(evidence)
    total = {"total": time.perf_counter() - start}
    tree.attrs["seconds"] = json.dumps(seconds | made.sampling.seconds | total)
    return Fit(tree)


def _group_warnings(runs: Runs, design: Design) -> tuple[Problem, ...]:
    problems = check_groups(runs, list(design.by)) if design.by else ()
    if any(problem.severity == "error" for problem in problems):
        raise RunsError(problems)
    return problems
