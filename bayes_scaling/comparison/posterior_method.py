"""The posterior of a model card as a method of a back-test."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.comparison.methods import Answer, Problem
from bayes_scaling.comparison.study_folder import digest
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.diagnostics.convergence import sampled_well
from bayes_scaling.inference.pointwise import noise_of_runs
from bayes_scaling.inference.sample import Effort, Sampling

__all__ = ["Model", "design_digest", "posterior"]

MOST_MODELS = 6
"""Compiled models that a process keeps."""

_MODELS: OrderedDict[str, ManyFits] = OrderedDict()
_ONE_AT_A_TIME = threading.Lock()
"""Workers of Dask may have threads; compiling is not made for that."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """What the posterior of a card needs besides the runs.

    Attributes
    ----------
    card : ModelCard
    design : Design
        Of all rows, those to fit and those to predict among them.
    base : Design
        Table that the model is compiled with. It is the same for all tasks that can share a
        compiled model, so that draws do not depend on which of them came first.
    fitted, predicted : bool array of shape (run,)
        Rows of the design.
    effort : Effort
    engine : {"nuts", "quick"}
    """

    card: ModelCard
    design: Design
    base: Design
    fitted: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    effort: Effort
    engine: str


def design_digest(design: Design) -> str:
    """Hash of a design's arrays and labels."""
    facts = {name: _plain(value) for name, value in vars(design).items()}
    return digest(facts | {"reference": design.reference.log_loss})


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if isinstance(value, tuple | str | int | float) else None


def _many_fits(model: Model) -> ManyFits:
    """The compiled model of this process for tasks like this one."""
    key = digest(
        [model.card.model_dump_json(), design_digest(model.base), repr(model.effort), model.engine]
    )
    if key not in _MODELS:
        _MODELS[key] = ManyFits(model.card, model.base, model.effort, engine=model.engine)
        if len(_MODELS) > MOST_MODELS:
            _MODELS.popitem(last=False)
    _MODELS.move_to_end(key)
    return _MODELS[key]


def posterior(problem: Problem) -> Answer:
    """Draws of the posterior predictive of every run beyond the cut, noise of a run included.

    Counts: ``fits``, those ``handed_over`` from the quick engine to NUTS, and those ``doubtful``,
    which had not mixed after a second attempt.
    """
    model = problem.model
    if model is None:
        raise ValueError("the posterior of a card needs a model")
    seen = model.design.take(model.fitted).settled()
    with _ONE_AT_A_TIME:
        fits = _many_fits(model)
        before = fits.handed_over
        sampling, _ = fits.sample(seen, problem.seed)
        handed_over = fits.handed_over - before
    draws = sampling.tree["posterior"].to_dataset()
    stacked = draws.stack(sample=("chain", "draw"), create_index=False)
    unseen = model.design.take(model.predicted).seen_from(seen)
    noise = noise_of_runs(model.card, unseen, stacked)
    rng = np.random.default_rng([problem.seed, 4])
    return Answer(
        draws=noise.draw(rng),
        counts={"fits": 1, "handed_over": handed_over, "doubtful": int(not _mixed(sampling))},
    )


def _mixed(sampling: Sampling) -> bool:
    """Whether the draws may be used; those of the quick engine have passed a test of their own."""
    return "pareto_k" in sampling.tree["sample_stats"] or sampled_well(sampling.tree)
