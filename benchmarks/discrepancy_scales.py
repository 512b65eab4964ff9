"""A scale of the drift that the runs of a sweep update, beside a scale that the card fixes.

One fit of every case has a drift much wider than any that is believed. Its draws, weighted by the
density of another prior over that of the wide one, are those of a fit with the other prior: of a
fixed scale, or of a scale that is lognormal itself, of which the runs then say what they know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm

from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.proposals import resample
from bayes_scaling.inference.quick import QuickError, quick_sample
from benchmarks.discrepancy import (
    EFFORT,
    Case,
    Study,
    chosen_by_others,
    everywhere,
    flat,
    score_draws,
    undressed,
    uneven,
    with_drift,
)
from benchmarks.discrepancy_scores import Score, average_score, frame
from benchmarks.record import machine, save, say

__all__ = ["Scale", "log_weights", "run_scales", "updated"]

WITHIN, TERMS = 0.15, 0.04
"""Where the drift begins, and the drift of the terms, as in the default card."""

WIDE = 0.1
"""Standard deviation a decade of the drift of the fits that are weighted."""

NODES = 21
FIXED, MEDIANS, SPREADS = (0.01, 0.015, 0.018, 0.02, 0.03), (0.005, 0.01, 0.015, 0.02), (0.5, 1.0)

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Prior of the standard deviation of the drift: lognormal; a number where `sigma` is 0."""

    median: float
    sigma: float

    def nodes(self) -> Array:
        """Equally probable values."""
        share = (np.arange(NODES) + 0.5) / NODES
        return np.asarray(self.median * np.exp(self.sigma * norm.ppf(share)))

    def __str__(self) -> str:
        if not self.sigma:
            return f"fixed at {self.median:g}"
        return f"lognormal, median {self.median:g}, sigma {self.sigma:g}"


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    """A case under the wide drift."""

    card: ModelCard
    unseen: Design
    draws: xr.Dataset

    @property
    def drift(self) -> Array:
        theta = self.draws["theta"].sel(parameter="drift").to_numpy()
        return np.asarray(theta.reshape(-1))


def run_scales(data: Path, seed: int, folder: Path) -> str:
    """Judge every scale, write ``discrepancy-scales.json`` and return the tables as markdown."""
    facts = machine()
    study = Study.read(data)
    start = uneven(undressed(load_card("coupled-informed")))
    informed = {source: study.population(start, source) for source in study.sources}
    say("populations learned")
    fitted = {}
    for case in study.cases:
        one = _fitted(with_drift(informed[case.source], (WITHIN, WIDE, TERMS)), case)
        if one is not None:
            fitted[case.sweep, case.factor] = one
    say(f"{len(fitted)} of {len(study.cases)} cases fitted")
    tried = {
        scale: {key: _score(one, scale, seed) for key, one in fitted.items()}
        for scale in scales()
    }  # fmt: skip
    fixed, free = ({s: v for s, v in tried.items() if bool(s.sigma) == b} for b in (False, True))
    judged = {
        "fixed, chosen by other sources": chosen_by_others(study, fixed),
        "updated, its prior chosen by other sources": chosen_by_others(study, free),
        "fixed at 0.018, by weights": tried[Scale(median=0.018, sigma=0.0)],
        "fixed at 0.018, by fits": {
            key: score
            for key, score in everywhere(study, informed, (WITHIN, 0.018, TERMS)).items()
            if key in fitted
        },
    }
    told = {str(scale): [updated(one.drift, scale) for one in fitted.values()] for scale in free}
    content: dict[str, Any] = {
        "machine": facts, "seed": seed, "wide": WIDE,
        "judged": {name: average_score(scores) for name, scores in judged.items()},
        "tried": [{"scale": str(s), **average_score(scores)} for s, scores in tried.items()],
        "updates": told,
    }  # fmt: skip
    save("discrepancy-scales", content, folder)
    return "\n\n".join(
        [
            frame(pd.DataFrame([{"scale": k, **v} for k, v in content["judged"].items()])),
            frame(pd.DataFrame(content["tried"]).sort_values("crps, mean")),
            _updates(told),
        ]
    )


def scales() -> Iterator[Scale]:
    """Every prior that is tried."""
    yield from (Scale(median=sd, sigma=0.0) for sd in FIXED)
    yield from (Scale(median=m, sigma=s) for m, s in product(MEDIANS, SPREADS))


def _fitted(card: ModelCard, case: Case) -> _Fitted | None:
    design = make_design(case.runs, (), card)
    seen = design.take(case.fitted).settled()
    try:
        tree = quick_sample(card, seen, EFFORT, seed=1).tree
    except QuickError as error:
        say(f"{case.sweep}, {case.factor:g}x: {error}")
        return None
    return _Fitted(card=card, unseen=design.take(~case.fitted).seen_from(seen), draws=flat(tree))


def log_weights(drift: Array, scale: Scale) -> Array:
    """Log density of drifts under each node of a scale, over that of the wide drift, (node, n)."""
    nodes = scale.nodes()[:, None]
    return np.asarray(norm.logpdf(drift, 0.0, nodes) - norm.logpdf(drift, 0.0, WIDE))


def _score(one: _Fitted, scale: Scale, seed: int) -> Score:
    weights = np.exp(logsumexp(log_weights(one.drift, scale), axis=0))
    rng = np.random.default_rng(seed)
    chosen = resample(weights / weights.sum(), len(weights), rng)
    return score_draws(one.card, one.unseen, one.draws.isel(sample=chosen))


def updated(drift: Array, scale: Scale) -> dict[str, float]:
    """What the runs say of the scale: its geometric mean, and what is left of its log's spread."""
    log_evidence = logsumexp(log_weights(drift, scale), axis=1)
    share = np.exp(log_evidence - logsumexp(log_evidence))
    log_scale = np.log(scale.nodes())
    mean = float(share @ log_scale)
    sd = np.sqrt(share @ (log_scale - mean) ** 2)
    return {"scale": float(np.exp(mean)), "left": float(sd / log_scale.std())}


def _updates(told: Mapping[str, list[dict[str, float]]]) -> str:
    rows: list[dict[str, Any]] = []
    for name, each in told.items():
        scale, left = (np.array([one[key] for one in each]) for key in ("scale", "left"))
        rows.append(
            {"prior": name, "cases": len(each), "least": float(scale.min()),
             "median": float(np.median(scale)), "largest": float(scale.max()),
             "spread left, median": float(np.median(left)), "least left": float(left.min())}
        )  # fmt: skip
    return frame(pd.DataFrame(rows))
