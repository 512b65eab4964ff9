"""Simulation-based calibration: whether intervals are right for truths from a card's priors.

Talts et al. 2018, arXiv:1804.06788: draw parameters from the prior, runs from the parameters, and
the posterior from the runs; the rank of the truth among the draws is then uniform. Ranks of
parameters alone would be uniform for a posterior that ignores the runs, too; that of the
likelihood would not (Modrak et al. 2023, arXiv:2211.02383), and is looked at beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.comparison.calibration_result import Calibration
from bayes_scaling.comparison.executors import cores_of_one, place_for
from bayes_scaling.comparison.many_fits import (
    ONE_AT_A_TIME,
    announce_nuts,
    design_digest,
    kept,
    mixed,
)
from bayes_scaling.comparison.studies import Task, run_tasks, seed_of
from bayes_scaling.comparison.study_folder import digest
from bayes_scaling.errors import InputError, StudyError
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.fitting import check_engine, prepare
from bayes_scaling.inference.invented import invented_design
from bayes_scaling.inference.model import parameter_names, varying_names
from bayes_scaling.inference.pointwise import log_likelihood, noise_of_runs
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss
from bayes_scaling.inference.storage import FIT_FORMAT
from bayes_scaling.runs import Runs

__all__ = ["ONE_GROUP", "SEVERAL_GROUPS", "calibrate", "calibrate_models", "design_of_card"]

Card = str | Path | ModelCard

ONE_GROUP, SEVERAL_GROUPS = (40,), (8, 14, 20, 30)
"""Runs of each group of a table that is invented."""

N_RANKS = 200
"""Draws that the truth is ranked among, thinned so that they are nearly independent."""

MOST_REDRAWS = 1000

INVENTED = "invented runs"

_OF_QUANTITIES = ("group", "parameter", "varying")
"""Dims of what is ranked; effects of single budgets, training runs and levels are left out."""


def design_of_card(card: Card, *, seed: int = 0) -> tuple[ModelCard, Design]:
    """A card as it is fitted without further ado, and invented runs that suit it.

    One group of 40 runs; four of 8 to 30 for a card that pools over a column by itself.
    """
    card = load_card(card)
    over = () if card.pooling is None else card.pooling.over
    card = card.grouped_by(over)
    sizes = SEVERAL_GROUPS if over else ONE_GROUP
    return card, invented_design(card, sizes, np.random.default_rng(seed))


def calibrate(
    card: Card,
    design: Runs | Design | None = None,
    *,
    by: str | Sequence[str] | None = None,
    simulations: int = 200,
    engine: str = "nuts",
    effort: Effort | None = None,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    executor: Any = None,
    scheduler: str | None = None,
    resume: str | Path | None = None,
    progress: bool = False,
) -> Calibration:
    """Rank true parameters among posterior draws, over many tables simulated from the card.

    Parameters
    ----------
    card : str, Path or ModelCard
    design : Runs or Design, optional
        Whose sizes, tokens, groups and reference units every simulated table has; its losses do
        not matter. By default invented runs, see `design_of_card`.
    by : str or sequence of str, optional
        Grouping columns of `Runs`; by default what the card pools over.
    simulations : int
        Tables to simulate. With `resume`, a study goes on where one of fewer stopped.
    engine : {"nuts", "quick"}
        As `fit` takes it. Fits that the quick engine hands over to NUTS are counted.
    effort : Effort, optional
        By default 4 chains of 500 draws.
    seed : int
        The same seed gives the same ranks, wherever they are computed.
    jobs, executor, scheduler, resume, progress
        As `backtest` takes them.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        A setting is not valid, or the folder is of another study. Nothing has been sampled then.
    StudyError
        A fit failed, or its worker was lost again and again; what had finished is kept.
    """
    made = calibrate_models(
        [card], design, by=by, simulations=simulations, engine=engine, effort=effort, seed=seed,
        jobs=jobs, executor=executor, scheduler=scheduler, resume=resume, progress=progress,
    )  # fmt: skip
    return next(iter(made.values()))


def calibrate_models(
    cards: Sequence[Card],
    design: Runs | Design | None = None,
    *,
    by: str | Sequence[str] | None = None,
    simulations: int = 200,
    engine: str = "nuts",
    effort: Effort | None = None,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    executor: Any = None,
    scheduler: str | None = None,
    resume: str | Path | None = None,
    progress: bool = False,
) -> dict[str, Calibration]:
    """`calibrate` of several cards in one study, by the name of the card.

    A card's ranks are the same with others as alone.
    """
    check_engine(engine)
    if not isinstance(simulations, int) or simulations < 1:
        raise InputError(f"simulations must be a whole number, 1 or more, not {simulations!r}")
    subjects = [_subject(card, design, by) for card in cards]
    _check_names([subject.card.name for subject in subjects])
    effort = effort or Effort(draws=500, tune=1000)
    announce_nuts(engine, [(each.card, each.design) for each in subjects], show=progress)
    with place_for(jobs, executor, scheduler) as place:
        cores = cores_of_one(jobs) if executor is None and scheduler is None else 1
        in_task = replace(effort, cores=effort.cores or cores)
        tasks = {
            subject.card.name: [
                _task(subject, i, engine, in_task, seed) for i in range(simulations)
            ]
            for subject in subjects
        }
        results = run_tasks(
            simulate_and_rank,
            [task for each in tasks.values() for task in each],
            study=_study(subjects, engine, effort, seed),
            place=place,
            resume=resume,
            what="calibration",
            progress=progress,
        )
    return {
        subject.card.name: _gathered(
            subject, [results[task.key] for task in tasks[subject.card.name]], engine, seed
        )
        for subject in subjects
    }


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A card as it is fitted, and the runs that tables are simulated for."""

    card: ModelCard
    design: Design
    runs: str


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One simulated table to be fitted."""

    card: ModelCard
    design: Design
    effort: Effort
    engine: str
    seed: int


def _subject(card: Card, design: Runs | Design | None, by: str | Sequence[str] | None) -> Subject:
    if isinstance(design, Runs):
        question = prepare(design, card, by=by)
        return Subject(card=question.card, design=question.design, runs=design.name)
    if by is not None:
        raise InputError("by (--by) names a column of runs: give runs (--runs), too")
    if design is not None:
        return Subject(card=load_card(card), design=design, runs="a design")
    suited, invented = design_of_card(card)
    return Subject(card=suited, design=invented, runs=INVENTED)


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise InputError("name a model card to calibrate, such as chinchilla")
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"{twice[0]!r} names two model cards of this study; rename one")


def _task(subject: Subject, i: int, engine: str, effort: Effort, seed: int) -> Task:
    key = f"simulation {i + 1} of {subject.card.name}"
    simulation = Simulation(
        card=subject.card,
        design=subject.design,
        effort=effort,
        engine=engine,
        seed=seed_of(seed, key),
    )
    return Task(key=key, data=simulation)


def _study(
    subjects: Sequence[Subject], engine: str, effort: Effort, seed: int
) -> Mapping[str, str]:
    """What makes a calibration this one, by name; it may be gone on with for more simulations."""
    return {
        "kind": "calibration",
        "runs": digest([design_digest(each.design) for each in subjects]),
        "model cards": digest([each.card.model_dump(mode="json") for each in subjects]),
        "engine": engine,
        "settings of the sampler": repr(replace(effort, cores=None)),
        "seed": str(seed),
        "format of fits": str(FIT_FORMAT),
    }


def simulate_and_rank(simulation: Simulation) -> dict[str, Any]:
    """One task: a truth, its table, the posterior, and the rank of the truth among its draws."""
    card, design = simulation.card, simulation.design
    rng = np.random.default_rng(simulation.seed)
    truth, table = _simulated(card, design, rng)
    with ONE_AT_A_TIME:
        fits = kept(card, design, simulation.effort, simulation.engine)
        before = fits.handed_over
        sampling, attempts = fits.sample(table, simulation.seed)
        handed_over = fits.handed_over - before
    draws = _thinned(sampling.tree["posterior"].to_dataset())
    counts = {
        "fits": 1,
        "divergences": int(sampling.tree["sample_stats"]["diverging"].sum()),
        "handed_over": handed_over,
        "second_attempt": int(attempts > 1),
        "doubtful": int(not mixed(sampling, attempts)),
    }
    return {"ranks": _ranks(card, table, truth, draws, rng), "counts": counts}


def _simulated(
    card: ModelCard, design: Design, rng: np.random.Generator
) -> tuple[xr.Dataset, Design]:
    """A truth and its table.

    Tables with losses that are no numbers are drawn again: that depends on the table alone, and
    leaves the posterior of the others as it is.
    """
    for _ in range(MOST_REDRAWS):
        truth = draw_parameters(card, design, rng)
        with np.errstate(all="ignore"):
            log_loss = simulate_log_loss(card, design, truth, rng)
        if np.all(np.isfinite(log_loss)):
            return truth, replace(design, log_loss=log_loss)
    raise StudyError(
        f"the priors of the card {card.name!r} give no finite losses in {MOST_REDRAWS} draws"
    )


def _thinned(posterior: xr.Dataset) -> xr.Dataset:
    keep = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // N_RANKS)
    draws = posterior.stack(sample=("chain", "draw"), create_index=False)
    return draws.isel(sample=slice(None, None, keep))


def _ranks(
    card: ModelCard, table: Design, truth: xr.Dataset, draws: xr.Dataset, rng: np.random.Generator
) -> dict[str, Any]:
    """Share of the draws below the truth, by quantity.

    A rank is a whole number; a uniform draw within it makes the share continuous, and exactly
    uniform where the posterior is right.
    """
    n = draws.sizes["sample"]
    below = {"log_likelihood": np.asarray(_fit(card, table, draws) < _fit(card, table, truth)[0])}
    for name, dims in _ranked(truth):
        true = truth[name].transpose("sample", *dims).to_numpy()
        below[name] = draws[name].transpose("sample", *dims).to_numpy() < true
    ranks = {}
    for name, each in sorted(below.items()):
        count = each.sum(axis=0)
        ranks[name] = ((count + rng.uniform(size=count.shape)) / (n + 1)).tolist()
    return ranks


def _ranked(truth: xr.Dataset) -> list[tuple[str, list[str]]]:
    """Names and dims of what is ranked of a truth."""
    found = []
    for name, values in truth.data_vars.items():
        dims = [str(dim) for dim in values.dims if dim != "sample"]
        if all(dim in _OF_QUANTITIES for dim in dims):
            found.append((str(name), dims))
    return found


def _fit(card: ModelCard, table: Design, draws: xr.Dataset) -> NDArray[np.float64]:
    """Log likelihood of the whole table, shape (sample,)."""
    with np.errstate(all="ignore"):
        each = log_likelihood(noise_of_runs(card, table, draws), table.log_loss)
    return np.asarray(each.sum(axis=1))


def _gathered(
    subject: Subject, results: Sequence[Mapping[str, Any]], engine: str, seed: int
) -> Calibration:
    """The ranks of all simulations of a card."""
    card, design = subject.card, subject.design
    dims = dict(_ranked(draw_parameters(card, design, np.random.default_rng(0))))
    coords = {
        "group": list(design.groups),
        "parameter": parameter_names(card),
        "varying": varying_names(card),
    }
    used = {dim for each in dims.values() for dim in each}
    ranks = {
        name: (("simulation", *of), np.array([result["ranks"][name] for result in results]))
        for name, of in {**dims, "log_likelihood": []}.items()
    }
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result["counts"])
    return Calibration(
        pit=xr.Dataset(ranks, coords={name: coords[name] for name in coords if name in used}),
        counts=dict(counts),
        card=card.name,
        runs=subject.runs,
        engine=engine,
        seed=seed,
    )
