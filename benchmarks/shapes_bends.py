"""One bend or two: simulated tasks of both kinds, each fitted with both."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling.shapes.card import load_shape_card
from bayes_scaling.shapes.classify import SHAPES
from bayes_scaling.shapes.simulate import simulate_tasks
from benchmarks.record import markdown, say
from benchmarks.shapes_fit import compiled_for, fit_with_care
from benchmarks.shapes_simulated import POPULATION, grid, shapes_of

__all__ = ["bends", "bends_report"]

TASKS, SIZES = 60, 10
SECOND_SPREADS = {"no second bends": 1e-6, "some": 0.1, "in most tasks": 0.6}
WORLD = {**POPULATION, "width": 0.15, "log_scatter_mean": np.log(0.1)}


def bends(_: Path, seed: int) -> dict[str, Any]:
    """Scores of both trends on tasks with and without second bends."""
    design, cards = grid(TASKS, SIZES), {n: load_shape_card("shapes").with_bends(n) for n in (1, 2)}
    compiled = {n: compiled_for(card, design) for n, card in cards.items()}
    found: dict[str, Any] = {}
    for i, (name, spread) in enumerate(SECOND_SPREADS.items()):
        rng = np.random.default_rng([seed, i])
        tasks = simulate_tasks(cards[2], design, rng, {**WORLD, "second_spread": spread})
        own = design.with_scores(tasks.z)
        for n, card in cards.items():
            fit, _ = fit_with_care(card, own, seed, compiled=compiled[n].with_data(z=own.z))
            truth, codes, worse = shapes_of(fit, own, tasks.trends)
            shares = np.stack([(codes == k).mean(axis=0) for k in range(len(SHAPES))], axis=1)
            brier = ((shares - np.eye(len(SHAPES))[truth]) ** 2).sum(axis=1)
            one = {
                "brier": float(brier.mean()),
                "brier_se": float(brier.std(ddof=1) / np.sqrt(TASKS)),
                "brier_worse": float(((worse[:, 0] - worse[:, 1]) ** 2).mean()),
            }
            if n > 1:
                one["second_spread"] = [
                    float(v) for v in np.quantile(fit.draws("second_spread"), [0.05, 0.5, 0.95])
                ]
            kept = ("max_rhat", "min_ess_bulk", "divergences", "seconds")
            found[f"{name}, {n}"] = one | {k: fit.diagnostics[k] for k in kept}
            say(f"{name}, {n}: {found[f'{name}, {n}']}")
    return found


def bends_report(content: Mapping[str, Any]) -> str:
    """The table of the file of results, as markdown."""
    heads = ["second bends of the tasks", "bends of the model", "Brier of shapes (se)",
             "Brier of P(worse)", "spread of second changes, 90 %", "largest R-hat",
             "divergences", "sampling, s"]  # fmt: skip
    rows = []
    for world, n in product(SECOND_SPREADS, (1, 2)):
        own = content[f"{world}, {n}"]
        spread = own.get("second_spread")
        rows.append(
            [world, str(n), f"{own['brier']:.3f} ({own['brier_se']:.3f})",
             f"{own['brier_worse']:.3f}",
             f"{spread[0]:.2f} to {spread[2]:.2f}" if spread else "-",
             f"{own['max_rhat']:.3f}", str(own["divergences"]), f"{own['seconds']['sample']:.0f}"]
        )  # fmt: skip
    return markdown(heads, rows)
