"""What priors public sweeps teach, and how well the runs beyond a sweep are predicted with them.

Two questions, each answered for sweeps of sources that had no part in the answer:

- *population*: how E, alpha, ... lie over sweeps. A hierarchical fit of all of them, by Monte Carlo
  EM: every sweep is fitted with the population as its prior (by the quick engine), and the
  population's means and spreads are those of the posteriors.
- *drift*: how fast a law is left behind beyond the runs. Of those whose 90 % intervals hold nine
  in ten, 3, 10, 30 and 100 times beyond a cut in compute, the one with the lowest continuous ranked
  probability score.

What all sources teach together stands in the cards ``coupled-informed`` and
``chinchilla-informed``. What it is worth with few runs, `benchmarks.few` measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.cards import LogNormal, Normal
from bayes_scaling.inference.card import Discrepancy, ModelCard, load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.pointwise import noise_of_runs
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import Runs, read_runs
from benchmarks.cone import ANY_COUNTING, sweeps
from benchmarks.discrepancy_scores import (
    FACTORS,
    LAW_ONLY,
    Key,
    Score,
    average_score,
    best_drift,
    differences,
    frame,
    judged_table,
    score_of,
    tried_rows,
)
from benchmarks.record import machine, save, say

__all__ = [
    "EFFORT", "FEWEST", "LAWS", "Case", "Study", "best_drifts", "chosen_by_others", "drift_of",
    "drifts", "everywhere", "flat", "run", "score_draws", "undressed", "uneven", "with_drift",
]  # fmt: skip

FEWEST = 8
"""Runs that a fit must have."""

LAWS = {"coupled": "coupled-informed", "chinchilla": "chinchilla-informed"}
ITERATIONS = 8
EFFORT = Effort(draws=1000, tune=1)
NARROWEST = 0.05
"""Least spread of a population: fourteen sweeps cannot tell a smaller one from none."""

WITHIN, LOSS, TERMS = (0.0, 0.15), (0.01, 0.015, 0.018, 0.02, 0.03), (0.0, 0.04)
WHY = "as tried"

Drift = tuple[float, float, float]
"""Decades before the costliest run where it begins, and sds a decade of log loss and of terms."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A sweep cut at so many times less compute than its costliest run has."""

    sweep: str
    factor: float
    runs: Runs
    fitted: np.ndarray

    @property
    def source(self) -> str:
        """Paper or project that the sweep is of."""
        return self.sweep.split()[0]

    @property
    def limit(self) -> float:
        """Most compute that is fitted, FLOPs."""
        return float(self.runs.flops.max() / self.factor)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Sweeps, their cuts, and what is learned without each source."""

    tables: Mapping[str, Runs]

    @classmethod
    def read(cls, data: Path) -> Study:
        """All sweeps of a folder."""
        return cls(tables={name: runs_of(part) for name, part in sweeps(data).items()})

    @cached_property
    def cases(self) -> list[Case]:
        """Every cut that leaves enough to fit and something to predict."""
        return list(_cases(self.tables))

    @cached_property
    def sources(self) -> list[str]:
        """Sources of the sweeps."""
        return list(dict.fromkeys(name.split()[0] for name in self.tables))

    def population(self, card: ModelCard, without: str | None = None) -> ModelCard:
        """The card with priors that all sweeps teach, or those of all sources but one."""
        names = [name for name in self.tables if name.split()[0] != without]
        designs = {name: make_design(self.tables[name], (), card) for name in names}
        moments: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for _ in range(ITERATIONS):
            # A sweep whose fit is refused counts as in the step before.
            moments |= {
                name: m for name, d in designs.items() if (m := _moments(card, d)) is not None
            }
            means, variances = (np.array([m[i] for m in moments.values()]) for i in range(2))
            centre, n = means.mean(axis=0), len(moments)
            spread = np.sqrt((variances + (means - centre) ** 2).sum(axis=0) / (n - 1))
            card = _with_population(card, centre, np.maximum(spread, NARROWEST))
        return card


def run(data: Path, seed: int, folder: Path) -> str:
    """Learn and judge, write ``discrepancy.json`` and return the tables as markdown."""
    facts = machine()
    study = Study.read(data)
    content: dict[str, Any] = {"machine": facts, "factors": FACTORS, "seed": seed}
    texts = []
    for law in LAWS:
        plain = undressed(load_card(law))
        start = uneven(plain)
        informed = {source: study.population(start, source) for source in study.sources}
        learned = study.population(start)
        say(f"{law}: population learned")
        content[law] = {"population": _statistics(learned)}
        texts += [f"### {law}: population of {len(study.tables)} sweeps", _population(learned)]
        judged = {
            "weak priors, law only": everywhere(study, dict.fromkeys(study.sources, plain), None),
            LAW_ONLY: everywhere(study, informed, None),
        }
        tried = {}
        for label, cards in (("weak", dict.fromkeys(study.sources, plain)), ("learned", informed)):
            for drift in drifts():
                tried[label, drift] = everywhere(study, cards, drift)
            say(f"{law}, {label} priors: {len(list(drifts()))} drifts tried")
            own = {drift: scores for (which, drift), scores in tried.items() if which == label}
            judged[f"{label} priors, drift chosen by other sources"] = chosen_by_others(study, own)
            content[law][f"chosen, {label} priors"] = best_drift(own)
        shipped = tried["learned", drift_of(load_card(LAWS[law]))]
        judged["learned priors, drift of the card"] = shipped
        content[law]["differences"] = differences(judged)
        content[law]["judged"] = {name: average_score(scores) for name, scores in judged.items()}
        content[law]["tried"] = tried_rows(tried)
        texts += [judged_table(judged), frame(pd.DataFrame(content[law]["differences"]))]
        texts += [frame(pd.DataFrame(tried_rows(tried)).sort_values("crps, mean"))]
    save("discrepancy", content, folder)
    return "\n\n".join(texts)


def runs_of(table: pd.DataFrame) -> Runs:
    columns = [c for c in ("params", "tokens", "flops", "loss") if c in table]
    return read_runs(table[columns].reset_index(drop=True), tolerance=ANY_COUNTING)


def _cases(tables: Mapping[str, Runs]) -> Iterator[Case]:
    for name, runs in tables.items():
        sizes: set[int] = set()
        for factor in FACTORS:
            fitted = runs.flops <= runs.flops.max() / factor * (1 + 1e-9)
            # A sweep with few budgets has the same runs below several cuts.
            if fitted.sum() >= FEWEST and int(fitted.sum()) not in sizes:
                sizes.add(int(fitted.sum()))
                yield Case(sweep=name, factor=factor, runs=runs, fitted=fitted)


def undressed(card: ModelCard) -> ModelCard:
    """The card without discrepancy and hierarchy."""
    priors = {name: p for name, p in card.priors.items() if not name.startswith("drift")}
    return card.model_copy(update={"priors": priors, "discrepancy": None, "pooling": None})


def uneven(card: ModelCard) -> ModelCard:
    """The card with noise that may change with compute."""
    slope = Normal(distribution="normal", mean=0.0, sigma=0.3, reason=WHY)
    return card.model_copy(update={"noise": card.noise.model_copy(update={"slope": slope})})


def with_drift(card: ModelCard, drift: Drift) -> ModelCard:
    """The card with a drift beyond the runs."""
    within, loss, terms = drift
    priors: dict[str, Any] = dict(card.priors)
    for name in ("drift", *(f"drift_{each}" for each in card.get_law().drifting)):
        # A spread of zero has no density; this one is as good as none.
        sigma = max(loss if name == "drift" else terms, 1e-5)
        priors[name] = Normal(distribution="normal", mean=0.0, sigma=sigma, reason=WHY)
    discrepancy = Discrepancy(within=within, reason=WHY)
    return card.model_copy(update={"priors": priors, "discrepancy": discrepancy})


def drift_of(card: ModelCard) -> Drift:
    """The drift that a card ships."""
    if card.discrepancy is None:
        raise ValueError(f"{card.name} has no drift")
    names = ("drift", f"drift_{card.get_law().drifting[0]}")
    loss, terms = (float(card.prior_of(name).sigma) for name in names)
    return card.discrepancy.within, loss, terms


def _with_population(card: ModelCard, centre: np.ndarray, spread: np.ndarray) -> ModelCard:
    new = {
        name: Normal(distribution="normal", mean=float(m), sigma=float(s), reason=WHY)
        if isinstance(card.prior_of(name), Normal)
        else LogNormal(
            distribution="lognormal", median=float(np.exp(m)), sigma=float(s), reason=WHY
        )
        for name, m, s in zip(card.parameter_names, centre, spread, strict=True)
    }
    noise = {"sigma": new.pop("sigma")} | (
        {"slope": new.pop("sigma_slope")} if "sigma_slope" in new else {}
    )
    return card.model_copy(update={"priors": new, "noise": card.noise.model_copy(update=noise)})


def _moments(card: ModelCard, design: Design) -> tuple[np.ndarray, np.ndarray] | None:
    """Posterior mean and variance of the parameters of a sweep, as they are sampled."""
    try:
        tree = quick_sample(card, design, EFFORT, seed=1).tree
    except QuickError as error:
        say(f"a sweep is not fitted in a step: {error}")
        return None
    theta = tree["posterior"]["theta"].to_numpy().reshape(-1, len(card.parameter_names))
    return theta.mean(axis=0), theta.var(axis=0)


def everywhere(
    study: Study, cards: Mapping[str, ModelCard], drift: Drift | None
) -> dict[Key, Score]:
    """Scores of every case, by the card of its source."""
    scores = {}
    for case in study.cases:
        card = cards[case.source]
        score = _score(card if drift is None else with_drift(card, drift), case)
        if score is not None:
            scores[case.sweep, case.factor] = score
    return scores


def _score(card: ModelCard, case: Case) -> Score | None:
    design = make_design(case.runs, (), card)
    seen = design.take(case.fitted).settled()
    try:
        tree = quick_sample(card, seen, EFFORT, seed=1).tree
    except QuickError:
        return None
    return score_draws(card, design.take(~case.fitted).seen_from(seen), flat(tree))


def flat(tree: xr.DataTree) -> xr.Dataset:
    """Draws of a posterior along one dimension, sample."""
    return tree["posterior"].to_dataset().stack(sample=("chain", "draw"), create_index=False)


def score_draws(card: ModelCard, unseen: Design, draws: xr.Dataset) -> Score:
    """Score of what draws of a posterior, (sample,), say of runs that were not fitted."""
    return score_of(
        noise_of_runs(card, unseen, draws).draw(np.random.default_rng(0)), unseen.log_loss
    )


def chosen_by_others[D](study: Study, tried: Mapping[D, Mapping[Key, Score]]) -> dict[Key, Score]:
    """Scores of each source by the drift that the others choose."""
    scores: dict[Key, Score] = {}
    for source, best in best_drifts(study, tried).items():
        say(f"without {source}: {best}")
        scores |= {k: v for k, v in tried[best].items() if k[0].split()[0] == source}
    return scores


def best_drifts[D](study: Study, tried: Mapping[D, Mapping[Key, Score]]) -> dict[str, D]:
    """For each source, the drift that is best on all others."""
    return {source: best_drift(tried, without=source) for source in study.sources}


def drifts() -> Iterator[Drift]:
    """Every drift that is tried."""
    yield from product(WITHIN, LOSS, TERMS)


def _statistics(card: ModelCard) -> dict[str, dict[str, float]]:
    return {
        name: card.prior_of(name).model_dump(exclude={"distribution", "reason"})
        for name in card.parameter_names
    }


def _population(card: ModelCard) -> str:
    rows = [
        {"parameter": name, "centre": next(iter(v.values())), "spread": v["sigma"]}
        for name, v in _statistics(card).items()
    ]
    return frame(pd.DataFrame(rows))
