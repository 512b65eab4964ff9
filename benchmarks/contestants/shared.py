"""Our posterior of many tables of one group from one compiled model.

`bayes_scaling.fit` compiles once a call, which a study of hundreds of tables need not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.design import make_design
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import read_runs
from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["Shared"]


class Shared:
    """Fits of tables of one group, one after the other."""

    def __init__(self, model: str = "chinchilla") -> None:
        self.card = load_card(model)
        self._fits: ManyFits | None = None

    def interval(self, table: pd.DataFrame, question: Question, seed: int) -> Answer:
        """Percentiles of the law over posterior draws."""
        design = make_design(read_runs(table), None, self.card)
        self._fits = self._fits or ManyFits(self.card, design, Effort())
        sampling, _ = self._fits.sample(design, seed)
        theta = sampling.tree["posterior"]["theta"].to_numpy()[:, :, 0]
        law = self.card.get_law()
        natural = law.natural(np, parameter_values(self.card, theta), design.reference)
        loss = law.planned_loss(np.asarray(question.params), np.asarray(question.tokens), natural)
        lower, upper = question.tails
        low, middle, high = np.quantile(loss, [lower, 0.5, upper])
        return Answer(lower=low, median=middle, upper=high)
