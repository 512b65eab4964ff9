"""One compiled model for many tables of the same shape."""

from __future__ import annotations

from typing import Any

from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.model import build_model, with_runs
from bayes_scaling.inference.sample import Effort, Sampling

__all__ = ["ManyFits"]


class ManyFits:
    """Samples the model of a card on one table after another, compiling it once.

    Parameters
    ----------
    card : ModelCard
    design : Design
        Any of the tables: all must have its groups, budgets and training runs.
    effort : Effort
    compiled : optional
        What an earlier fit of the same card and groups compiled.
    """

    def __init__(
        self, card: ModelCard, design: Design, effort: Effort, compiled: Any = None
    ) -> None:
        self.model = build_model(card, design)
        self.effort = effort
        self._compiled = compiled

    def sample(self, design: Design, seed: int) -> tuple[Sampling, int]:
        """Draws for a table, and in how many attempts they were made."""
        if self._compiled is None:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(self.model)
        compiled = with_runs(self._compiled, self.model, design)
        return sample_with_care(self.model, self.effort, seed=seed, compiled=compiled)
