"""Our posterior of many tables from one compiled model.

`bayes_scaling.fit` compiles once a call. All data of the model are `pm.Data`, so a study of
hundreds of tables need not: this is the same card, the same sampler settings and the same second,
more careful attempt as `fit` makes, with the table swapped in the compiled model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.diagnostics import sampled_well
from bayes_scaling.inference.fitting import CAREFUL
from bayes_scaling.inference.model import build_model, model_data
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.sample import Effort, sample
from bayes_scaling.runs import read_runs
from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["ManyFits"]


class ManyFits:
    """Fits of tables of one group, one after the other.

    Attributes
    ----------
    attempts : list of int
        Of each table so far: 2 where the first sampling had not mixed.
    """

    def __init__(self, model: str = "chinchilla") -> None:
        self.card, self.effort = load_card(model), Effort()
        self.law = self.card.get_law()
        self.attempts: list[int] = []
        self._model: Any = None
        self._compiled: Any = None

    def interval(self, table: pd.DataFrame, question: Question, seed: int) -> Answer:
        """Percentiles of the law over posterior draws."""
        design = make_design(read_runs(table), None, self.card)
        self._swap(design)
        theta = self._draw(seed)["theta"].to_numpy()[:, :, 0]
        values = self.law.natural(np, parameter_values(self.card, theta), design.reference)
        theta_natural = {p.name: values[p.name] for p in self.law.parameters}
        loss = self.law.loss(question.params, question.tokens, **theta_natural)
        lower, upper = question.tails
        low, middle, high = np.quantile(loss, [lower, 0.5, upper])
        return Answer(lower=low, median=middle, upper=high)

    def _swap(self, design: Design) -> None:
        if self._compiled is None:
            self._model = build_model(self.card, design)
        else:
            self._compiled = self._compiled.with_data(**model_data(design))

    def _draw(self, seed: int) -> xr.Dataset:
        first = sample(self._model, self.effort, seed=seed, compiled=self._compiled)
        self._compiled, tree = first.compiled, first.tree
        well = sampled_well(tree)
        self.attempts.append(1 if well else 2)
        if not well:
            careful = replace(self.effort, **CAREFUL, draws=2 * self.effort.draws)
            tree = sample(self._model, careful, seed=seed, compiled=self._compiled).tree
        return tree["posterior"].to_dataset()
