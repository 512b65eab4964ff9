"""The posterior of a model card as a method of a back-test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.many_fits import ONE_AT_A_TIME, kept, mixed
from bayes_scaling.comparison.methods import Answer, Problem
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.pointwise import noise_of_runs
from bayes_scaling.inference.sample import Effort

__all__ = ["Model", "posterior"]


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


def posterior(problem: Problem) -> Answer:
    """Draws of the posterior predictive of every run beyond the cut, noise of a run included.

    Counts: ``fits``, those ``handed_over`` from the quick engine to NUTS, and those ``doubtful``,
    which had not mixed after further attempts.
    """
    model = problem.model
    if model is None:
        raise ValueError("the posterior of a card needs a model")
    seen = model.design.take(model.fitted).settled()
    with ONE_AT_A_TIME:
        fits = kept(model.card, model.base, model.effort, model.engine)
        before = fits.handed_over
        sampling, attempts = fits.sample(seen, problem.seed)
        handed_over = fits.handed_over - before
    draws = sampling.tree["posterior"].to_dataset()
    stacked = draws.stack(sample=("chain", "draw"), create_index=False)
    unseen = model.design.take(model.predicted).seen_from(seen)
    noise = noise_of_runs(model.card, unseen, stacked)
    rng = np.random.default_rng([problem.seed, 4])
    doubtful = int(not mixed(sampling, attempts))
    return Answer(
        draws=noise.draw(rng),
        counts={"fits": 1, "handed_over": handed_over, "doubtful": doubtful},
    )
