"""One compiled model for many tables of the same shape."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.comparison.study_folder import digest
from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.diagnostics.convergence import sampled_well
from bayes_scaling.inference.fitting import check_engine
from bayes_scaling.inference.model import build_model, with_runs
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.quick import QuickError, quick_sample, why_not
from bayes_scaling.inference.sample import Effort, Sampling

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["ONE_AT_A_TIME", "ManyFits", "announce_nuts", "design_digest", "kept", "mixed"]

MOST_MODELS = 6
"""Compiled models that a process keeps."""

_KEPT: OrderedDict[str, ManyFits] = OrderedDict()
ONE_AT_A_TIME = threading.Lock()
"""Workers of Dask may have threads; compiling is not made for that."""


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


def announce_nuts(engine: str, models: Iterable[tuple[ModelCard, Design]], *, show: bool) -> None:
    """Say before a study of quick fits which models NUTS has to fit, whatever their losses."""
    if engine != "quick":
        return
    cards: dict[str, list[str]] = {}
    for card, design in models:
        if (reason := why_not(card, design)) is not None:
            cards.setdefault(reason, []).append(card.name)
    for reason, names in cards.items():
        announce(
            f"The quick engine cannot fit {' and '.join(names)} here: {reason}. NUTS takes its "
            "place, minutes a fit instead of seconds.",
            show=show,
        )


def kept(card: ModelCard, base: Design, effort: Effort, engine: str) -> ManyFits:
    """What this process keeps for tasks with this card and base, so that it compiles once.

    The model is compiled with `base`, which must be the same for all tasks that share it: then
    draws do not depend on which of them came first.
    """
    key = digest([card.model_dump_json(), design_digest(base), repr(effort), engine])
    if key not in _KEPT:
        _KEPT[key] = ManyFits(card, base, effort, engine=engine)
        if len(_KEPT) > MOST_MODELS:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


def mixed(sampling: Sampling, attempts: int) -> bool:
    """Whether the draws may be used; those of a first attempt have been looked at already."""
    return attempts == 1 or sampled_well(sampling.tree)


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
