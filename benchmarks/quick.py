"""Whether the quick engine and NUTS give the same posterior on public sweeps.

Every quantile is compared in units of its Monte Carlo error. That of NUTS follows from the
effective sample size of the quantile; that of the quick engine is the scatter of the same quantile
over independent fits with other seeds, whose mean is what is compared. Beside the parameters of a
card, of its drift and of its noise stands what users see: the forecast of a loss beyond the runs,
with the drift, and by the law alone.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.comparison.many_fits import ManyFits, mixed
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.fitting import Question, prepare
from bayes_scaling.inference.model import parameter_names
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.quick import QuickError, quick_sample
from bayes_scaling.inference.sample import Effort
from bayes_scaling.laws import decades_beyond, log_mean, log_scale
from bayes_scaling.runs import Runs, read_runs
from benchmarks.cone import ANY_COUNTING, sweeps
from benchmarks.record import machine, markdown, save, saved, say, time_left

__all__ = ["CARDS", "run"]

CARDS = ("chinchilla", "coupled", "coupled-informed")
PROBS = (0.05, 0.5, 0.95)
NUTS = Effort(draws=4000, tune=1500)
QUICK = Effort(draws=1000, tune=1)
SEEDS = 20
"""Fits by the quick engine to each table."""

BEYOND = 10.0
"""Compute of the forecast over the largest that was spent on a run."""

FORECAST, LAW_ONLY = "loss at 10x", "loss at 10x, law only"
FAR = 3.0
"""Monte Carlo errors beyond which the differences of quantiles are counted."""

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
    nuts_mixed: bool

    @property
    def row(self) -> list[str]:
        """Of the table."""
        if not self.z:
            return [self.sweep, self.card, str(self.runs), *["-"] * 10, f"{self.failed} of {SEEDS}"]
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
            f"{np.abs(self.z[LAW_ONLY]).max():.1f}",
            f"{100 * self.ends_off:.1f} %",
            f"{shares.flat[np.argmax(np.abs(shares))]:+.3f}",
            f"{max(max(each) for each in self.scatter.values()):.3f}",
            f"{np.median(self.pareto_k):.2f}",
            f"{max(self.pareto_k):.2f}",
            f"{self.failed} of {SEEDS}",
        ]

    @property
    def ends_off(self) -> float:
        """By how much quick fits misplace an end of the forecast on average, over its width."""
        ends = np.array(self.nuts[FORECAST])[[0, -1]]
        away = (np.array(self.quick[FORECAST]) - np.array(self.nuts[FORECAST]))[[0, -1]]
        return float(np.abs(away).max() / np.ptp(ends))


def run(cards: list[str], data: Path, seed: int, folder: Path) -> str:
    """Compare and return the table of ``quick.json`` as markdown.

    Each table is saved as soon as it is done, and what is saved already for these settings stands:
    hours of work may be interrupted.
    """
    settings: dict[str, Any] = {"probs": PROBS, "seeds": SEEDS, "seed": seed, "beyond": BEYOND}
    settings |= {"nuts": asdict(NUTS), "quick": asdict(QUICK)}
    new: dict[str, Any] = {"machine": machine(), **settings, "sweeps": []}
    content = saved("quick", settings, folder) or new
    found = {(each["sweep"], each["card"]): Agreement(**each) for each in content["sweeps"]}
    tables = {name: _runs(table) for name, table in sweeps(data).items()}
    tasks = [(name, card) for card in cards for name in tables if (name, card) not in found]
    # The model is compiled with the first table, wherever this start goes on.
    base = {card: prepare(next(iter(tables.values())), card) for card in cards}
    fits = {card: ManyFits(each.card, each.design, NUTS) for card, each in base.items()}
    start = time.perf_counter()
    for i, (name, card) in enumerate(tasks, start=1):
        found[name, card] = _compare(name, prepare(tables[name], card), fits[card], seed)
        save("quick", content | {"sweeps": [asdict(each) for each in found.values()]}, folder)
        say(f"{' | '.join(found[name, card].row)}: {time_left(start, i, len(tasks))}")
    return _report(list(found.values()))


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
        nuts_mixed=mixed(sampling, attempts),
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
    named = {**natural, **{name: relative[name] for name in card.own_names}}
    beyond = None if design.edge is None else decades_beyond(log_scale(at), design.edge[0])
    loss = {FORECAST: log_mean(np, law, at, named, beyond), LAW_ONLY: log_mean(np, law, at, named)}
    # A drift that no run has a say in comes from its prior, whoever draws it.
    told = design.beyond is not None and bool(np.any(design.beyond > 0))
    kept = {name: v for name, v in named.items() if told or not name.startswith("drift")}
    return {**kept, "nu": nu, **{name: np.exp(value) for name, value in loss.items()}}


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
        "by the law alone", "ends of its interval off, of its width",
        "largest difference, posterior sd", "scatter of one quick fit, posterior sd",
        "Pareto k: median", "worst", "handed to NUTS",
    )  # fmt: skip
    return f"{markdown(heads, [each.row for each in found])}\n\n{_counts(found)}"


def _counts(found: list[Agreement]) -> str:
    """How many quantiles are far apart, and where NUTS itself is not to be trusted."""
    told = []
    for card in dict.fromkeys(each.card for each in found):
        own = [each for each in found if each.card == card]
        z = np.array([values for each in own for values in each.z.values()])
        seen = np.array([each.z[FORECAST] for each in own if each.z])
        off, scatter = (
            np.array([values for each in own for values in getattr(each, part).values()])
            for part in ("off", "scatter")
        )
        told.append(
            f"{card}: {np.sum(np.abs(z) > FAR)} of {z.size} quantiles differ by more than {FAR:g} "
            f"errors, of the {FORECAST} {np.sum(np.abs(seen) > FAR)} of {seen.size}; "
            f"{np.median(np.abs(off)):.3f} posterior sd in the median, and by more than "
            f"{FAR:g} errors of one quick fit {np.sum(np.abs(off) > FAR * scatter)}."
        )
    poor = [f"{each.sweep} ({each.card})" for each in found if not each.nuts_mixed]
    told.append(f"NUTS did not mix on: {', '.join(poor) or 'none'}.")
    return "\n".join(told)
