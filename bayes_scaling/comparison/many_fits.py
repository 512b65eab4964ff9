"""One compiled model for many tables of the same shape."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.fitting import check_engine
from bayes_scaling.inference.model import build_model, with_runs
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import Effort, Sampling

if TYPE_CHECKING:
    import pymc as pm

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
    engine : {"nuts", "quick"}
        As `fit` takes it.

    Attributes
    ----------
    handed_over : int
        Tables that the quick engine could not sample, so that NUTS did.
    """

    def __init__(
        self,
        card: ModelCard,
        design: Design,
        effort: Effort,
        compiled: Any = None,
        engine: str = "nuts",
    ) -> None:
        self.card, self.design, self.effort = card, design, effort
        self.quick = check_engine(engine) == "quick"
        self.handed_over = 0
        self._compiled = compiled

    @cached_property
    def model(self) -> pm.Model:
        """The PyMC model."""
        return build_model(self.card, self.design)

    def sample(self, design: Design, seed: int) -> tuple[Sampling, int]:
        """Draws for a table, and in how many attempts they were made."""
        if self.quick:
            try:
                return quick_sample(self.card, design, self.effort, seed=seed), 1
            except QuickError:
                self.handed_over += 1
        if self._compiled is None:
            import nutpie

            self._compiled = nutpie.compile_pymc_model(self.model)
        compiled = with_runs(self._compiled, self.model, design)
        return sample_with_care(self.model, self.effort, seed=seed, compiled=compiled)
