"""Simulated tasks: whether probabilities of shapes hold what they say, and SBC of the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs.metrics import read_metrics
from bayes_scaling.shapes.card import load_shape_card
from bayes_scaling.shapes.classify import SHAPES, classify, path
from bayes_scaling.shapes.design import ShapeDesign, make_shape_design
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.probabilities import DEFAULT_ROPE, shape_probabilities
from bayes_scaling.shapes.scale import MetricScale
from bayes_scaling.shapes.simulate import SimulatedTasks, simulate_tasks
from bayes_scaling.shapes.words import NAMES
from benchmarks.ranks import rank, ranks_table, uniform
from benchmarks.record import markdown, say
from benchmarks.shapes_fit import compiled_for, fit_with_care

__all__ = [
    "POPULATION", "grid", "recovery", "sbc", "sbc_report", "shapes_of", "simulated",
    "simulated_report",
]  # fmt: skip

HORIZON = 1.0
"""Decades beyond the sizes seen at which simulated tasks are judged."""

Array = np.ndarray

WORLDS = {
    "sharp, clean": {"width": 0.05, "log_scatter_mean": np.log(0.05)},
    "sharp, noisy": {"width": 0.05, "log_scatter_mean": np.log(0.3)},
    "mild, clean": {"width": 0.4, "log_scatter_mean": np.log(0.05)},
    "mild, noisy": {"width": 0.4, "log_scatter_mean": np.log(0.3)},
    "flat at first": {"width": 0.15, "log_scatter_mean": np.log(0.05), "slope_spread": 0.15},
}
ROPES = {"flat at first": 0.05}
"""Thresholds other than the usual one, so that many tasks are flat or delayed."""

POPULATION = {
    "level_mean": 0.0, "level_spread": 0.7, "slope_mean": 0.0, "slope_spread": 0.4,
    "change_spread": 0.4, "recovery": 2.0, "saturation": 0.05, "scatter_spread": 0.5,
    "persistence": 0.4, "nu": 6.0, "early": 0.6,
}  # fmt: skip
TASKS, SIZES = 125, 8
EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Of the bins of probabilities, of any shape of any task."""


def simulated(_: Path, seed: int) -> dict[str, Any]:
    """Whether the probabilities of shapes of 625 tasks of five kinds are right as often as said."""
    card, design, found = load_shape_card("shapes"), grid(TASKS, SIZES), {}
    compiled = compiled_for(card, design)
    for i, (name, special) in enumerate(WORLDS.items()):
        rng = np.random.default_rng([seed, i])
        tasks = simulate_tasks(card, design, rng, {**POPULATION, **special})
        own = design.with_scores(tasks.z)
        fit, _ = fit_with_care(card, own, seed, compiled=compiled.with_data(z=own.z))
        found[name] = recovery(*shapes_of(fit, own, tasks.trends, ROPES.get(name, DEFAULT_ROPE)))
        found[name] |= {"rhat": fit.diagnostics["max_rhat"], "seconds": fit.diagnostics["seconds"]}
        say(f"{name}: {found[name]}")
    return {**found, "all": _together(list(found.values()))}


def grid(n: int, sizes: int) -> ShapeDesign:
    """Tasks on the same sizes, 0.4 decades apart, of 500 questions; scores are to come."""
    x = np.geomspace(1e8, 1e8 * 10 ** (0.4 * (sizes - 1)), sizes)
    about = {"n_examples": 500, "metric": "acc", "chance": 0.5}
    rows = [
        {"task": f"task {i:03d}", "params": p, "value": 0.3 + 0.01 * k, **about}
        for i in range(n)
        for k, p in enumerate(x)
    ]
    return make_shape_design(read_metrics(pd.DataFrame(rows)))


def shapes_of(
    fit: ShapeFit, design: ShapeDesign, trends: Sequence[Any], rope: float = DEFAULT_ROPE
) -> tuple[Array, Array, Array]:
    """True shapes (task,), their posterior draws (sample, task), and P(worse) beside the truth."""
    scale: MetricScale = design.scales[0]
    at = 10 ** (design.middle[0] + design.last[0] + HORIZON)
    draws = shape_probabilities(fit, at_params=at, rope=rope).draws.sel(curve=list(design.curves))
    sizes, last = path(design.x[0].min(), design.last[0], design.last[0] + HORIZON)
    truth, falls = [], []
    for trend in trends:
        good = scale.goodness(trend.at(sizes))
        truth.append(int(classify(good, last, rope)[0]))
        falls.append(float(good[0, -1] < good[0, last]))
    worse = draws["worse"].mean("sample").to_numpy()
    codes = draws["shape"].transpose("sample", "curve").to_numpy()
    return np.array(truth), codes, np.column_stack([worse, falls])


def recovery(truth: Array, codes: Array, worse: Array) -> dict[str, Any]:
    """How often shapes are right, beside how often they should be.

    Tasks of one fit share its population, so that the standard errors are those of the number of
    tasks over the draws, which move together, and not those of independent tasks.
    """
    shares = np.stack([(codes == i).mean(axis=0) for i in range(len(SHAPES))], axis=1)
    rows = {}
    for i, name in enumerate(SHAPES):
        count = (codes == i).sum(axis=1)
        rows[name] = {"expected": float(count.mean()), "variance": float(count.var()),
                      "true": int((truth == i).sum())}  # fmt: skip
    likely = shares.argmax(axis=1)
    agree = (codes == likely).sum(axis=1)
    hits = codes[..., None] == np.arange(len(SHAPES))
    right = truth[:, None] == np.arange(len(SHAPES))
    which, bins = np.digitize(shares, EDGES[1:-1]), {}
    for i, (low, high) in enumerate(pairwise(EDGES)):
        within = which == i
        count = hits[:, within].sum(axis=1)
        bins[f"{low:g} to {high:g}"] = {
            "n": int(within.sum()), "expected": float(count.mean()),
            "variance": float(count.var()), "true": int(right[within].sum()),
        }  # fmt: skip
    rates = np.bincount(truth, minlength=len(SHAPES)) / len(truth)
    p_true = shares[np.arange(len(truth)), truth]
    return {
        "shapes": rows,
        "bins": bins,
        "tasks": len(truth),
        "right": int((likely == truth).sum()),
        "said": float(agree.mean()),
        "said_variance": float(agree.var()),
        "brier": float(((shares - np.eye(len(SHAPES))[truth]) ** 2).sum(axis=1).mean()),
        "brier_base_rates": float(1 - (rates**2).sum()),
        "log": float(-np.log(p_true.clip(1e-3)).mean()),
        "brier_worse": float(((worse[:, 0] - worse[:, 1]) ** 2).mean()),
        "base_worse": float(worse[:, 1].mean()),
    }


def _together(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All worlds as one: numbers and variances add, scores are means."""
    sums = {k: sum(own[k] for own in found) for k in ("tasks", "right", "said", "said_variance")}
    scores = ("brier", "brier_base_rates", "log", "brier_worse", "base_worse")
    means = {k: float(np.mean([own[k] for own in found])) for k in scores}
    counts = {
        part: {name: {k: sum(own[part][name][k] for own in found) for k in first}
               for name, first in found[0][part].items()}
        for part in ("shapes", "bins")
    }  # fmt: skip
    return {**sums, **means, **counts}


def simulated_report(content: Mapping[str, Any]) -> str:
    """Tables of the file of results, as markdown; z counts standard deviations of the posterior."""
    found = {name: content[name] for name in (*WORLDS, "all")}
    base = {w: found[w]["base_worse"] * (1 - found[w]["base_worse"]) for w in WORLDS}
    base["all"] = float(np.mean(list(base.values())))
    heads = ["tasks", "n", "most likely shape is true", "said to be (sd)", "z", "Brier",
             "of base rates", "Brier of P(worse)", "of the base rate"]  # fmt: skip
    rows = [
        [name, str(s["tasks"]), str(s["right"]), _with_sd(s["said"], s["said_variance"]),
         _z(s["right"], s["said"], s["said_variance"]), f"{s['brier']:.3f}",
         f"{s['brier_base_rates']:.3f}", f"{s['brier_worse']:.3f}", f"{base[name]:.3f}"]
        for name, s in found.items()
    ]  # fmt: skip
    shapes = [
        [NAMES[name], str(r["true"]), _with_sd(r["expected"], r["variance"]),
         _z(r["true"], r["expected"], r["variance"])]
        for name, r in found["all"]["shapes"].items()
    ]  # fmt: skip
    bins = [
        [name, str(r["n"]), str(r["true"]), _with_sd(r["expected"], r["variance"]),
         _z(r["true"], r["expected"], r["variance"])]
        for name, r in found["all"]["bins"].items()
    ]  # fmt: skip
    by_world = [[NAMES[s], *(_counted(found[w]["shapes"][s]) for w in WORLDS)] for s in SHAPES]
    return "\n\n".join(
        [
            markdown(heads, rows),
            markdown(["shape", "true", "expected (sd)", "z"], shapes),
            markdown(["probability given", "of so many", "true", "expected (sd)", "z"], bins),
            markdown(["shape: true, expected, z", *WORLDS], by_world),
        ]
    )


def _counted(own: Mapping[str, float]) -> str:
    z = _z(own["true"], own["expected"], own["variance"])
    return f"{own['true']}, {own['expected']:.1f}, {z}"


def _with_sd(expected: float, variance: float) -> str:
    return f"{expected:.1f} ({np.sqrt(variance):.1f})"


def _z(found: float, expected: float, variance: float) -> str:
    return f"{(found - expected) / np.sqrt(variance):+z.1f}" if variance else "-"


SIMULATIONS = 100
SBC_TASKS, SBC_SIZES = 12, 6
JUDGED = (
    "level_mean", "level_spread", "slope_mean", "slope_spread", "width", "change_spread",
    "recovery", "saturation", "early", "scatter_spread", "persistence", "nu", "log_scatter_mean",
)  # fmt: skip


def sbc(_: Path, seed: int) -> dict[str, Any]:
    """Truths from the card's priors, posteriors of their scores, ranks of the truths."""
    card, design = load_shape_card("shapes"), grid(SBC_TASKS, SBC_SIZES)
    effort = Effort(draws=500, tune=500, target_accept=0.9)
    compiled = compiled_for(card, design)
    ranks: dict[str, list[float]] = {}
    divergences, again, rhats = 0, 0, []
    for i in range(SIMULATIONS):
        rng = np.random.default_rng([seed, i])
        tasks = simulate_tasks(card, design, rng)
        own = design.with_scores(tasks.z)
        data = compiled.with_data(z=own.z)
        fit, attempts = fit_with_care(card, own, seed + i, effort=effort, compiled=data)
        again += attempts > 1
        divergences += int(fit.diagnostics["divergences"])
        rhats.append(fit.diagnostics["max_rhat"])
        for name, (draws, truth) in _quantities(fit, own, tasks).items():
            ranks.setdefault(name, []).append(rank(draws, truth, rng))
        if i % 10 == 9:
            say(f"{i + 1} of {SIMULATIONS}: {again} again, R-hat up to {max(rhats):.3f}")
    verdicts = {name: uniform(values) for name, values in ranks.items()}
    return {"simulations": SIMULATIONS, "divergences": divergences, "further_attempts": again,
            "max_rhat": max(rhats), "rhat_above_1.01": sum(r > 1.01 for r in rhats),
            "quantities": verdicts, "ranks": ranks}  # fmt: skip


def _quantities(
    fit: ShapeFit, design: ShapeDesign, tasks: SimulatedTasks
) -> dict[str, tuple[Array, float]]:
    """Draws and truth of the population, and of the first task's parameters and forecast."""
    found = {name: (fit.draws(name), tasks.population[name]) for name in JUDGED}
    curve = design.curves[0]
    for name in ("level", "slope", "scatter"):
        found[f"task {name}"] = (fit.draws(name, curve), float(tasks.own[name][0]))
    for name in ("change", "place"):
        found[f"task {name}"] = (fit.draws(name, curve)[:, 0], float(tasks.own[name][0, 0]))
    at = np.array([design.last[0] + HORIZON])
    found["task trend, a decade beyond"] = (
        fit.trend(curve).at(at)[:, 0], float(tasks.trends[0].at(at)[0, 0]),
    )  # fmt: skip
    return found


def sbc_report(content: Mapping[str, Any]) -> str:
    """The table of the file of results, as markdown."""
    verdicts = content["quantities"]
    least = min(v["p"] for v in verdicts.values())
    return (
        f"{ranks_table(verdicts)}\n\n"
        f"{content['simulations']} simulations, {content['divergences']} divergences, "
        f"{content['further_attempts']} fits with further attempts, largest R-hat "
        f"{content['max_rhat']:.3f} ({content['rhat_above_1.01']} above 1.01); "
        f"least p {least:.3f} of {len(verdicts)}, "
        f"{min(1.0, least * len(verdicts)):.2f} after Bonferroni."
    )
