"""Learning curves of Alabdulmohsin et al. 2022, their second half hidden.

Scores are those of the papers that used the benchmark: root mean square error of the log loss over
the hidden points of a curve (RMSLE), of the predictive median, and the mean log density of the
hidden losses (in the unit of the loss, the noise of a measurement included); both are averaged over
the curves of a domain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.fitting import Question, prepare
from bayes_scaling.inference.pointwise import log_likelihood, noise_of_runs
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import Effort, Sampling
from bayes_scaling.runs import Runs, read_runs
from benchmarks.record import machine, markdown, save, say

__all__ = ["CARDS", "DOMAINS", "Curve", "Prediction", "read_curves", "run", "score"]

FILE = Path("metrics") / "extrapolation_alabdulmohsin.csv.gz"
DOMAINS = {
    "IC": "image classification",
    "BB": "BIG-bench",
    "LM": "language",
    "NMT": "translation",
}
CARDS = ("learning-curve-tail", "saturating", "m4", "broken")
MIXED_CARDS = ("saturating", "m4", "broken")
REPEATED, MIXED = "repeat the last", "saturating, m4 and broken, equal weights"
ANY_SIZE = 1e8
"""Parameters, which laws of one variable do not look at."""

EFFORT = Effort(draws=500, tune=1)
ATTEMPTS = 3
"""Seeds that the quick engine is tried with, before a curve counts as refused."""

PUBLISHED: Mapping[str, Mapping[str, tuple[float, float | None]]] = {
    "M4, least squares": {"IC": (0.0415, None)},
    "BNSL, least squares": {"IC": (0.0406, None)},
    "MCMC on M4": {"IC": (0.0422, 3.024)},
    "MCMC on BNSL": {"IC": (0.0645, 2.921)},
    "LC-PFN": {"IC": (0.0428, 2.429)},
    "NSL-PFN": {"IC": (0.0280, 3.330)},
}
"""RMSLE and mean log density as given by Lee et al. 2025 (arXiv:2505.23032), over 72 curves."""

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A learning curve with its first part shown and the rest hidden; shapes (seen,), (hidden,)."""

    domain: str
    task: str
    family: str
    x: Array
    loss: Array
    hidden_x: Array
    hidden_loss: Array

    @property
    def name(self) -> str:
        """Domain, task and model."""
        return f"{self.domain}, {self.task}, {self.family}"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Of the hidden points of a curve: medians of log loss, and log density of what was there."""

    median: Array
    log_density: Array | None = None


def read_curves(data: Path) -> list[Curve]:
    """The 92 curves of the folder of published tables."""
    table = pd.read_csv(data / FILE)
    curves = []
    for (domain, task, family), rows in table.groupby(["domain", "task", "family"], sort=False):
        seen = rows[rows["split"] == "train"].sort_values("x", kind="stable")
        hidden = rows[rows["split"] != "train"].sort_values("x", kind="stable")
        x, loss, hidden_x, hidden_loss = (
            part[name].to_numpy(dtype=float) for part in (seen, hidden) for name in ("x", "value")
        )
        curves.append(
            Curve(domain=str(domain), task=str(task), family=str(family), x=x, loss=loss,
                  hidden_x=hidden_x, hidden_loss=hidden_loss)
        )  # fmt: skip
    return curves


def score(curve: Curve, prediction: Prediction) -> dict[str, float]:
    """RMSLE and mean log density of one curve."""
    off = prediction.median - np.log(curve.hidden_loss)
    density = prediction.log_density
    return {
        "rmsle": float(np.sqrt(np.mean(off**2))),
        # Of the loss, and not of its logarithm.
        "log_density": float("nan")
        if density is None
        else float(np.mean(density - np.log(curve.hidden_loss))),
    }


def repeat_last(curve: Curve) -> Prediction:
    """The last loss seen, for ever."""
    return Prediction(median=np.full(len(curve.hidden_x), np.log(curve.loss[-1])))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Draws of the predictive distribution of hidden points, each (sample, hidden)."""

    log_loss: Array
    log_density: Array

    def prediction(self) -> Prediction:
        """Median and density of the mixture over draws."""
        return Prediction(
            median=np.median(self.log_loss, axis=0),
            log_density=logsumexp(self.log_density, axis=0) - np.log(len(self.log_density)),
        )


def mixed(drawn: Sequence[Drawn]) -> Drawn:
    """Equal weights: as many draws of each."""
    return Drawn(
        log_loss=np.concatenate([d.log_loss for d in drawn]),
        log_density=np.concatenate([d.log_density for d in drawn]),
    )


def predict(curve: Curve, card: str | ModelCard, seed: int) -> Drawn:
    """A card of the package, by its quick engine.

    Raises
    ------
    QuickError
        It does not serve this curve, whatever the seed.
    """
    seen = _runs(curve.x, curve.loss)
    question = prepare(seen, card, x="tokens")
    sampling = _sampled(question, seed)
    draws = sampling.tree["posterior"].to_dataset()
    stacked = draws.stack(sample=("chain", "draw"), create_index=False)
    hidden = replace(
        question.design,
        log_inputs={"tokens": np.log(curve.hidden_x)},
        log_loss=np.log(curve.hidden_loss),
        group_index=np.zeros(len(curve.hidden_x), dtype=np.int64),
    ).seen_from(question.design)
    noise = noise_of_runs(question.card, hidden, stacked)
    rng = np.random.default_rng([seed, 5])
    return Drawn(log_loss=noise.draw(rng), log_density=log_likelihood(noise, hidden.log_loss))


def _sampled(question: Question, seed: int) -> Sampling:
    """Draws of the quick engine, with another seed where importance sampling failed."""
    for attempt in range(ATTEMPTS):
        try:
            return quick_sample(question.card, question.design, EFFORT, seed=seed + attempt)
        except QuickError as error:
            failed = error
    raise failed


def _runs(x: Array, loss: Array) -> Runs:
    """A table of runs; copies of a row, which the source has, are fitted once."""
    table = pd.DataFrame({"params": ANY_SIZE, "tokens": x, "loss": loss})
    return read_runs(table.drop_duplicates(ignore_index=True))


def run(data: Path, only: Sequence[str], seed: int, folder: Path) -> str:
    """Predict every curve, write ``curves.json`` and return the tables as markdown."""
    facts, curves = machine(), read_curves(data)
    began, cpu_began = time.perf_counter(), time.process_time()
    scores: list[dict[str, Any]] = []
    seconds: dict[str, float] = dict.fromkeys(only, 0.0)
    for i, curve in enumerate(curves):
        about = {"domain": curve.domain, "task": curve.task, "family": curve.family}
        scores.append({**about, "method": REPEATED, **score(curve, repeat_last(curve))})
        drawn = {}
        for card in only:
            start = time.perf_counter()
            try:
                drawn[card] = predict(curve, card, seed)
            except QuickError as error:
                scores.append({**about, "method": card, "refused": str(error)})
            else:
                scores.append({**about, "method": card, **score(curve, drawn[card].prediction())})
            seconds[card] += time.perf_counter() - start
        parts = [drawn[card] for card in MIXED_CARDS if card in drawn]
        if len(parts) > 1:
            scores.append({**about, "method": MIXED, **score(curve, mixed(parts).prediction())})
        if i % 10 == 9:
            say(f"{i + 1} of {len(curves)} curves, {sum(seconds.values()):.0f} s")
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    table = pd.DataFrame(scores)
    summary = summarise(table)
    content = {
        "machine": facts, "seed": seed, "seconds": seconds, "wall_seconds": wall,
        "cpu_seconds": cpu, "summary": summary,
        "curves": table.round(5).astype(object).where(table.notna(), None).to_dict("records"),
    }  # fmt: skip
    save("curves", content, folder)
    return f"{_report(summary, seconds)}\n\n{wall:.0f} s in all, {cpu:.0f} s of CPU"


def summarise(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over the curves of a domain; those that a method refused are counted, and left out."""
    rows = []
    for method, own in scores.groupby("method", sort=False):
        for domain in DOMAINS:
            here = own[own["domain"] == domain]
            served = here[here["rmsle"].notna()]
            if len(served):
                rows.append(
                    {
                        "method": method,
                        "domain": domain,
                        "curves": len(served),
                        "refused": len(here) - len(served),
                        "rmsle": float(served["rmsle"].mean()),
                        "log_density": _or_none(served["log_density"].mean()),
                    }
                )
    return rows


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _report(summary: Sequence[Mapping[str, Any]], seconds: Mapping[str, float]) -> str:
    heads = ["method", *(f"{name}: RMSLE, log density" for name in DOMAINS.values()), "seconds"]
    rows = []
    for method in dict.fromkeys(row["method"] for row in summary):
        own = {row["domain"]: row for row in summary if row["method"] == method}
        cells = [_cell(own.get(domain)) for domain in DOMAINS]
        rows.append([str(method), *cells, f"{seconds[method]:.0f}" if method in seconds else "-"])
    for method, known in PUBLISHED.items():
        found = {d: {"rmsle": r, "log_density": p, "refused": 0} for d, (r, p) in known.items()}
        rows.append([f"{method} (published)", *(_cell(found.get(d)) for d in DOMAINS), "-"])
    return markdown(heads, rows)


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    density = "-" if row["log_density"] is None else f"{row['log_density']:.3f}"
    missing = f" ({row['curves']} curves)" if row["refused"] else ""
    return f"{row['rmsle']:.4f}, {density}{missing}"
