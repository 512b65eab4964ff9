"""One compiled model for many tables of the same shape."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.model import build_model, model_data
from bayes_scaling.inference.sample import Effort, sample

__all__ = ["ManyFits"]


class ManyFits:
    """Samples the model of a card on one table after another, compiling it once.

    Parameters
    ----------
    card : ModelCard
    design : Design
        Any of the tables: all must have its groups and training runs.
    effort : Effort
    """

    def __init__(self, card: ModelCard, design: Design, effort: Effort) -> None:
        self.model = build_model(card, design)
        self.effort = effort
        self._compiled: Any = None

    def posterior(self, design: Design, seed: int) -> tuple[xr.Dataset, int]:
        """Draws with dims (chain, draw, ...) for a table, and the number of divergences."""
        if self._compiled is None:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(self.model)
        sampling = sample(
            self.model,
            self.effort,
            seed=seed,
            compiled=self._compiled.with_data(**model_data(design)),
        )
        divergences = int(sampling.tree["sample_stats"]["diverging"].sum())
        return sampling.tree["posterior"].to_dataset(), divergences
