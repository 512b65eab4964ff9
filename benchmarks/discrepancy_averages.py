"""Mixtures of laws, with weights from runs that were held out, beside each law alone.

Of the runs that a case may see, those with the most compute are held out once more; weights are
those of the mixture of laws that predicts them best. All laws are then fitted to all runs that the
case may see, and predict what lies beyond as that mixture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.extrapolation import largest_runs, score_held_out, stacked
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import make_design
from bayes_scaling.inference.pointwise import noise_of_runs
from benchmarks.discrepancy import (
    EFFORT,
    LAWS,
    Case,
    Study,
    drift_of,
    flat,
    undressed,
    uneven,
    with_drift,
)
from benchmarks.discrepancy_scores import Score, average_score, frame, score_of
from benchmarks.record import machine, save, say

__all__ = ["mixture", "run_averages"]

HELD_OUT = 0.2
"""Share of the runs to fit that weights are learned from, as in `compare`."""

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class _Predicted:
    """What the laws say of the runs beyond a case: draws by law, (sample, run), and weights."""

    draws: Mapping[str, Array]
    weights: Mapping[str, float] | None


def run_averages(data: Path, seed: int, folder: Path) -> str:
    """Judge the mixtures, write ``discrepancy-averages.json`` and return the table."""
    facts = machine()
    study = Study.read(data)
    cards = {law: _informed(study, load_card(name)) for law, name in LAWS.items()}
    say("populations learned")
    scores: dict[str, dict[Any, Score]] = {}
    weights = {}
    for case in study.cases:
        own = {law: by_source[case.source] for law, by_source in cards.items()}
        said = _predicted(own, case, seed)
        key = (case.sweep, case.factor)
        weights[f"{case.sweep}, {case.factor:g}x"] = said.weights
        for name, draws in _contestants(said, seed).items():
            loss = np.log(case.runs.loss[~case.fitted])
            scores.setdefault(name, {})[key] = score_of(draws, loss)
        say(f"{case.sweep}, {case.factor:g}x: {said.weights}")
    content = {
        "machine": facts, "seed": seed, "held_out": HELD_OUT, "weights": weights,
        "scores": {name: average_score(own) for name, own in scores.items()},
    }  # fmt: skip
    save("discrepancy-averages", content, folder)
    return frame(pd.DataFrame([{"fit": k, **v} for k, v in content["scores"].items()]))


def _informed(study: Study, card: ModelCard) -> dict[str, ModelCard]:
    """The card with priors of all other sources and its own drift, by source."""
    start = uneven(undressed(card))
    return {
        source: with_drift(study.population(start, source), drift_of(card))
        for source in study.sources
    }


def _predicted(cards: Mapping[str, ModelCard], case: Case, seed: int) -> _Predicted:
    seen = case.runs.flops[case.fitted]
    try:
        held = largest_runs(seen, HELD_OUT)
    except InputError:
        held = None  # Runs of one budget stay together, and what is left may be too few to fit.
    draws, inner = {}, {}
    for law, card in cards.items():
        design = make_design(case.runs, (), card)
        fitted = design.take(case.fitted).settled()
        fits = ManyFits(card, fitted, EFFORT, engine="quick")
        if held is not None:
            inner[law] = score_held_out(card, fitted, seen, held, fits, seed)
        posterior = flat(fits.sample(fitted, seed)[0].tree)
        unseen = design.take(~case.fitted).seen_from(fitted)
        draws[law] = noise_of_runs(card, unseen, posterior).draw(np.random.default_rng(0))
    return _Predicted(draws=draws, weights=stacked(inner) if inner else None)


def _contestants(said: _Predicted, seed: int) -> dict[str, Array]:
    """Draws of each law alone, and of the mixtures; equal weights where none were learned."""
    equal = dict.fromkeys(said.draws, 1 / len(said.draws))
    return {
        **said.draws,
        "equal weights": mixture(said.draws, equal, seed),
        "weights from runs held out": mixture(said.draws, said.weights or equal, seed),
    }


def mixture(draws: Mapping[str, Array], weights: Mapping[str, float], seed: int) -> Array:
    """As many draws of a mixture of laws as the first has; a draw is of one law for all runs."""
    stack = np.stack(list(draws.values()))
    shares = np.array([weights[law] for law in draws])
    rng = np.random.default_rng([seed, 5])
    law = rng.choice(len(stack), size=stack.shape[1], p=shares / shares.sum())
    return np.asarray(stack[law, np.arange(stack.shape[1])])
