"""`backtest`: fit the cheaper runs, predict the others, and score the predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.backtest_draws import prediction_draws
from bayes_scaling.comparison.backtest_result import Backtest, prediction_rows
from bayes_scaling.comparison.baselines import BASELINES
from bayes_scaling.comparison.cuts import Cut, Cuts, make_cuts, read_cuts, whole
from bayes_scaling.comparison.executors import cores_of_one, place_for
from bayes_scaling.comparison.many_fits import announce_nuts, design_digest
from bayes_scaling.comparison.methods import (
    Method,
    Part,
    Problem,
    Registered,
    find_methods,
)
from bayes_scaling.comparison.posterior_method import Model, posterior
from bayes_scaling.comparison.scoring import compact, held_draws, score_draws
from bayes_scaling.comparison.studies import Task, run_tasks, seed_of
from bayes_scaling.comparison.study_folder import digest
from bayes_scaling.errors import InputError, StudyError
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import ALL_RUNS, Design, make_design
from bayes_scaling.inference.fitting import Question, check_engine, prepare
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.storage import FIT_FORMAT
from bayes_scaling.resources import DEFAULT_CARD
from bayes_scaling.runs import Runs
from bayes_scaling.runs.catalogue import catalogue_name

__all__ = ["backtest"]


def backtest(
    runs: Runs,
    *,
    model: str | Path | ModelCard | Sequence[str | Path | ModelCard] = DEFAULT_CARD,
    by: str | Sequence[str] | None = None,
    cuts: Sequence[float] | None = None,
    holdout: Any = None,
    along: str = "flops",
    methods: Sequence[str] = BASELINES,
    engine: str = "nuts",
    effort: Effort | None = None,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    executor: Any = None,
    scheduler: str | None = None,
    resume: str | Path | None = None,
    progress: bool = True,
) -> Backtest:
    """Fit the runs up to a cut, predict those beyond it, for several cuts and groups.

    Every method sees the same runs: a card that pools over the groups is fitted once a cut, to
    the runs of all groups up to their cuts; everything else is fitted to each group by itself.

    Parameters
    ----------
    runs : Runs
    model : card or sequence of cards
        Whose posteriors are tested, with the discrepancy that a card states and ("..., law only")
        without it; the answer names them as the cards are named.
    by : str or sequence of str, optional
        Column that makes the groups (or two crossed columns). By default what the card pools over.
    cuts : sequence of float
        Shares of each group's runs that are fitted, those of least compute; ties stay together. By
        default 0.5, 0.7 and 0.9.
    holdout : number, text such as "400M", or a sequence of them, optional
        Instead of shares: the limits beyond which runs are held out, those up to them fitted, in
        what `along` names. ``along="params", holdout="400M"`` fits runs up to 400M parameters.
    along : {"flops", "params", "tokens"}
        What the cuts are made along, and the distance of a prediction measured in.
    methods : sequence of str
        Baselines; see `bayes_scaling.comparison.methods`.
    engine : {"nuts", "quick"}
        As `fit` takes it: quick fits are of one group at a time, and NUTS fits cards that pool
        over groups. Fits that the quick engine hands over to NUTS are counted in the answer.
    effort : Effort, optional
        How hard to sample; by default 4 chains of 500 draws.
    seed : int
        The same seed gives the same answer, wherever it is computed.
    jobs : int
        Processes of this machine. A script that asks for more than one must do so under
        ``if __name__ == "__main__":``, since they import it.
    executor : concurrent.futures.Executor or distributed.Client, optional
        Where to run instead.
    scheduler : str, optional
        Address of a Dask scheduler to run on instead; needs the extra ``dask``. Give its workers
        one thread each.
    resume : str or Path, optional
        Folder where every finished fit is kept at once: the same call goes on where it stopped.
    progress : bool
        Show progress and the time left on standard error.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        A setting is not valid, a cut leaves too little to fit or nothing to predict, or the folder
        is of another study. Nothing has been sampled then.
    StudyError
        A fit failed, or its worker was lost again and again; what had finished is kept.
    """
    check_engine(engine)
    questions = _questions(runs, model, by)
    baselines = find_methods(tuple(methods))
    _check_names(questions, baselines)
    first = questions[0]
    part, labels = whole(first.runs, along), _labels(first)
    shares, limits = read_cuts(cuts, holdout, along)
    made = make_cuts(np.exp(part.log_x), labels, shares=shares, limits=limits)
    effort = effort or Effort(draws=500, tune=1000)
    announce_nuts(engine, [(each.card, _one_fit(each)) for each in questions], show=progress)
    with place_for(jobs, executor, scheduler) as place:
        cores = cores_of_one(jobs) if executor is None and scheduler is None else 1
        plan = _Plan(
            part=part, labels=labels, cuts=made, seed=seed, engine=engine,
            effort=replace(effort, cores=effort.cores or cores),
        )  # fmt: skip
        works = [*_of_cards(plan, questions), *_of_baselines(plan, baselines)]
        held = held_draws(sum(int(work.cut.held.sum()) for work in works))
        results = run_tasks(
            predict,
            [work.task for work in works],
            study=_study(first, questions, baselines, plan, along),
            place=place,
            resume=resume,
            compact=partial(compact, draws=held),
            what="back-test",
            progress=progress,
        )
    counts: Counter[str] = Counter()
    tables = []
    for work in works:
        result = results[work.task.key]
        counts.update(result["counts"])
        tables.append(prediction_rows(first.runs, labels, part, work.method, work.cut, result))
    table = pd.concat(tables, ignore_index=True)
    return Backtest(
        table=table,
        draws=prediction_draws(table, [results[work.task.key] for work in works]),
        name=first.runs.name,
        counting=str(first.runs.counting),
        by=first.design.by,
        along=along,
        cuts=tuple(dict.fromkeys(cut.at for cut in made.cuts)),
        titles={work.method: work.title for work in works},
        counts=dict(counts),
        left_out=made.left_out,
        learned_from_runs=_learned_from(first.runs, questions),
        engine=engine,
        seed=seed,
        n_runs=len(first.runs),
    )


def predict(problem: tuple[Method, Problem]) -> dict[str, Any]:
    """One task: predictions of a method, scored where they were made, so that little is sent."""
    method, question = problem
    answer = method(question)
    if not np.all(np.isfinite(answer.draws)):
        raise StudyError("some draws of the prediction are not finite")
    scores = score_draws(answer.draws, question.held.log_loss)
    return {**scores, "counts": dict(answer.counts)}


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A task, and which method and cut it is of."""

    method: str
    title: str
    cut: Cut
    task: Task


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What all tasks of a study have in common."""

    part: Part
    labels: pd.Series
    cuts: Cuts
    seed: int
    engine: str
    effort: Effort

    def at_each(self) -> Iterable[tuple[float, list[Cut]]]:
        """The cuts of all groups, cut by cut."""
        for at in dict.fromkeys(cut.at for cut in self.cuts.cuts):
            yield at, [cut for cut in self.cuts.cuts if cut.at == at]

    def work(
        self, of: Registered, cut: Cut, *, others: Any = (), model: Model | None = None
    ) -> _Work:
        """The task of one method at one cut."""
        key = f"{of.name} at cut {cut.at:g} of {cut.group}"
        problem = Problem(
            fitted=self.part.take(cut.fitted),
            held=self.part.take(cut.held),
            others=others,
            model=model,
            seed=seed_of(self.seed, key),
        )
        task = Task(key=key, data=(of.predict, problem))
        return _Work(method=of.name, title=of.title, cut=cut, task=task)


def _of_cards(plan: _Plan, questions: Sequence[Question]) -> Iterable[_Work]:
    for question in questions:
        card = question.card
        of = Registered(name=card.name, title=f"posterior of {card.title}", predict=posterior)
        if not _group_by_group(question):
            yield from _of_all_groups(plan, question, of)
            continue
        together = _one_fit(question)
        shared = together.training_run_index is None and together.budget_index is None
        for cut in plan.cuts.cuts:
            own = (plan.labels == cut.group).to_numpy()
            design = make_design(_rows_of(question.runs, own), (), card)
            model = _model(
                plan, card, design, together if shared else design, cut.fitted[own], cut.held[own]
            )
            yield plan.work(of, cut, model=model)


def _group_by_group(question: Question) -> bool:
    """Whether every group is fitted by itself."""
    return question.card.pooling is None and len(question.design.groups) > 1


def _one_fit(question: Question) -> Design:
    """The design that fits are of; of a card that is fitted group by group, all runs as one."""
    if _group_by_group(question):
        return make_design(question.runs, (), question.card)
    return question.design


def _of_all_groups(plan: _Plan, question: Question, of: Registered) -> Iterable[_Work]:
    """One fit a cut, to the runs of every group up to its own cut."""
    for at, cuts in plan.at_each():
        cut = Cut(
            group=cuts[0].group if len(cuts) == 1 else "all groups",
            at=at,
            fitted=np.any([each.fitted for each in cuts], axis=0),
            held=np.any([each.held for each in cuts], axis=0),
        )
        model = _model(plan, question.card, question.design, question.design, cut.fitted, cut.held)
        yield plan.work(of, cut, model=model)


def _model(
    plan: _Plan, card: ModelCard, design: Design, base: Design, fitted: Any, predicted: Any
) -> Model:
    return Model(
        card=card,
        design=design,
        base=base,
        fitted=fitted,
        predicted=predicted,
        effort=plan.effort,
        engine=plan.engine,
    )


def _rows_of(runs: Runs, rows: Any) -> Runs:
    return replace(
        runs, table=runs.table[rows].reset_index(drop=True), origin=runs.origin.take(rows)
    )


def _of_baselines(plan: _Plan, baselines: Sequence[Registered]) -> Iterable[_Work]:
    split = {
        (cut.group, cut.at): (plan.part.take(cut.fitted), plan.part.take(cut.held))
        for cut in plan.cuts.cuts
    }
    groups = dict.fromkeys(cut.group for cut in plan.cuts.cuts)
    for of in baselines:
        for cut in plan.cuts.cuts:
            others = tuple(
                tuple(each for (name, _), each in split.items() if name == other)
                for other in groups
                if of.uses_others and other != cut.group
            )
            yield plan.work(of, cut, others=others)


def _questions(runs: Runs, model: Any, by: str | Sequence[str] | None) -> list[Question]:
    """Each card with its rows; refused where they would be tested on different ones."""
    models = [model] if isinstance(model, str | Path | ModelCard) else list(model)
    if not models:
        raise InputError("name a model card to test, such as chinchilla")
    # Beside a card that knows of a discrepancy stands the plain posterior of its law.
    cards = [
        each
        for card in map(load_card, models)
        for each in ([card] if card.discrepancy is None else [card, card.law_only()])
    ]
    questions = [prepare(runs, each, by=by) for each in cards]
    first = questions[0]
    for other in questions[1:]:
        if (other.runs.hash, other.design.by) != (first.runs.hash, first.design.by):
            raise InputError(
                f"{first.card.name!r} and {other.card.name!r} would be tested on different runs or "
                "groups. Cards such as isoflop and envelope leave runs out, and hierarchical ones "
                "group by a column of their own unless by= (--by) names one; test them one by one"
            )
    return questions


def _check_names(questions: Sequence[Question], baselines: Sequence[Registered]) -> None:
    names = [*(each.card.name for each in questions), *(each.name for each in baselines)]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"{twice[0]!r} names two methods of this back-test; rename the card")


def _labels(question: Question) -> pd.Series:
    """Group of every run."""
    if question.design.by:
        return question.runs.groups(question.design.by)
    return pd.Series([ALL_RUNS] * len(question.runs))


def _learned_from(runs: Runs, questions: Sequence[Question]) -> tuple[str, ...]:
    """Names of the cards that learned from these runs, or from others of their data set."""
    name = catalogue_name(runs)
    return tuple(each.card.name for each in questions if name in each.card.learned_from)


def _study(
    question: Question,
    questions: Sequence[Question],
    baselines: Sequence[Registered],
    plan: _Plan,
    along: str,
) -> dict[str, str]:
    """What makes a back-test this one, by name."""
    effort = replace(plan.effort, cores=None)
    cuts = [(cut.group, cut.at, cut.fitted.tolist(), cut.held.tolist()) for cut in plan.cuts.cuts]
    designs = [design_digest(each.design) for each in questions]
    return {
        "runs": digest([question.runs.hash, designs]),
        "groups": digest([question.design.by, plan.labels.tolist()]),
        "model cards": digest([each.card.model_dump(mode="json") for each in questions]),
        "cuts": digest([along, cuts]),
        "methods": digest([each.name for each in baselines]),
        "engine": plan.engine,
        "settings of the sampler": repr(effort),
        "seed": str(plan.seed),
        "format of fits": str(FIT_FORMAT),
    }
