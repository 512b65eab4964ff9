"""Whether the quick engine and NUTS give the same posterior on public sweeps.

Every quantile is compared in units of its Monte Carlo error. That of NUTS follows from the
effective sample size of the quantile; that of the quick engine is the scatter of the same quantile
over independent fits with other seeds, whose mean is what is compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.fitting import Question, prepare
from bayes_scaling.inference.model import parameter_names
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import Runs, read_runs
from benchmarks.cone import ANY_COUNTING, sweeps
from benchmarks.record import machine, markdown, save, say

__all__ = ["CARDS", "run"]

CARDS = ("chinchilla", "coupled")
PROBS = (0.05, 0.5, 0.95)
NUTS = Effort(draws=4000, tune=1500)
QUICK = Effort(draws=1000, tune=1)
SEEDS = 20
"""Fits by the quick engine to each table."""

BEYOND = 10.0
"""Compute of the forecast over the largest that was spent on a run."""

FORECAST = "loss at 10x"

PARTS = ("z", "off", "scatter", "nuts", "quick")

Draws = dict[str, np.ndarray]
"""By quantity, shape (chain, draw)."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One sweep and card.

    ``z`` holds for each quantity and probability the difference of the quantiles over its Monte
    Carlo error; ``off`` the difference, and ``scatter`` the standard deviation of a single quick
    fit, over the standard deviation of the posterior.
    """

    sweep: str
    card: str
    runs: int
    pareto_k: list[float]
    failed: int
    z: dict[str, list[float]]
    off: dict[str, list[float]]
    scatter: dict[str, list[float]]
    nuts: dict[str, list[float]]
    quick: dict[str, list[float]]
    nuts_attempts: int

    @property
    def row(self) -> list[str]:
        """Of the table."""
        if not self.z:
            return [self.sweep, self.card, str(self.runs), *["-"] * 8, f"{self.failed} of {SEEDS}"]
        values = np.array(list(self.z.values()))
        i, j = np.unravel_index(np.argmax(np.abs(values)), values.shape)
        shares = np.array(list(self.off.values()))
        return [
            self.sweep,
            self.card,
            str(self.runs),
            f"{values[i, j]:+.1f}",
            f"{list(self.z)[i]}, {100 * PROBS[j]:g} %",
            f"{np.sqrt(np.mean(values**2)):.2f}",
            f"{np.abs(self.z[FORECAST]).max():.1f}",
            f"{shares.flat[np.argmax(np.abs(shares))]:+.3f}",
            f"{max(max(each) for each in self.scatter.values()):.3f}",
            f"{np.median(self.pareto_k):.2f}",
            f"{max(self.pareto_k):.2f}",
            f"{self.failed} of {SEEDS}",
        ]


def run(cards: list[str], data: Path, seed: int, folder: Path) -> str:
    """Compare, write ``quick.json`` and return the table as markdown."""
    facts = machine()
    found: list[Agreement] = []
    tables = sweeps(data)
    for card in cards:
        fits = None
        for name, table in tables.items():
            question = prepare(_runs(table), card)
            fits = fits or ManyFits(question.card, question.design, NUTS)
            found.append(_compare(name, question, fits, seed))
            say(" | ".join(found[-1].row))
    content = {"machine": facts, "probs": PROBS, "seeds": SEEDS, "seed": seed}
    save("quick", content | {"sweeps": [asdict(each) for each in found]}, folder)
    return _report(found)


def _runs(table: pd.DataFrame) -> Runs:
    columns = [c for c in ("params", "tokens", "flops", "loss") if c in table]
    return read_runs(table[columns].reset_index(drop=True), tolerance=ANY_COUNTING)


def _compare(name: str, question: Question, fits: ManyFits, seed: int) -> Agreement:
    card, design = question.card, question.design
    at = _question(question)
    sampling, attempts = fits.sample(design, seed)
    nuts = _quantities(card, design, sampling.tree, at)
    quick, pareto_k, failed = [], [], 0
    for i in range(SEEDS):
        try:
            drawn = quick_sample(card, design, QUICK, seed=seed + i).tree
        except QuickError:
            failed += 1
            continue
        pareto_k.append(float(drawn["sample_stats"]["pareto_k"]))
        quick.append(_quantities(card, design, drawn, at))
    few = len(quick) < 2
    return Agreement(
        sweep=name,
        card=card.name,
        runs=len(design.log_loss),
        pareto_k=pareto_k,
        failed=failed,
        nuts_attempts=attempts,
        **({part: {} for part in PARTS} if few else _differences(nuts, quick)),
    )


def _question(question: Question) -> dict[str, float]:
    """Log inputs at ten times the largest compute, at the tokens per parameter of the runs."""
    inputs = question.design.log_inputs
    ratio = float(np.median(inputs["tokens"] - inputs["params"]))
    flops = np.log(BEYOND * question.runs.flops.max())
    side = (flops - np.log(6) - ratio) / 2
    return {"params": side, "tokens": side + ratio}


def _quantities(card: ModelCard, design: Design, tree: xr.DataTree, at: dict[str, float]) -> Draws:
    posterior, law = tree["posterior"].to_dataset(), card.get_law()
    theta = posterior["theta"].isel(group=0).transpose("chain", "draw", "parameter")
    relative = parameter_values(card, theta.sel(parameter=parameter_names(card)).to_numpy())
    natural = law.natural(np, relative, design.reference)
    nu = posterior["nu"].transpose("chain", "draw").to_numpy()
    loss = np.asarray(law.mean(np, at, natural))
    return {**natural, "sigma": relative["sigma"], "nu": nu, FORECAST: loss}


def _differences(nuts: Draws, quick: list[Draws]) -> dict[str, dict[str, list[float]]]:
    from arviz_stats.base import array_stats

    result: dict[str, dict[str, list[float]]] = {part: {} for part in PARTS}
    for name, draws in nuts.items():
        theirs = np.array([np.quantile(each[name], PROBS) for each in quick])
        ours = np.quantile(draws, PROBS)
        mcse = [float(array_stats.mcse(draws, method="quantile", prob=p)) for p in PROBS]
        scatter = theirs.std(axis=0, ddof=1)
        error = np.hypot(mcse, scatter / np.sqrt(len(quick)))
        away = theirs.mean(axis=0) - ours
        result["z"][name] = (away / error).tolist()
        result["off"][name] = (away / draws.std()).tolist()
        result["scatter"][name] = (scatter / draws.std()).tolist()
        result["nuts"][name] = ours.tolist()
        result["quick"][name] = theirs.mean(axis=0).tolist()
    return result


def _report(found: list[Agreement]) -> str:
    heads = (
        "sweep", "card", "runs", "worst z", "of", "rms z", "worst z of the loss at 10x",
        "largest difference, posterior sd", "scatter of one quick fit, posterior sd",
        "Pareto k: median", "worst", "handed to NUTS",
    )  # fmt: skip
    return markdown(heads, [each.row for each in found])
