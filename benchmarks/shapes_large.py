"""One hierarchical fit of many tasks: seconds, effective draws a second, memory, divergences."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling.shapes.card import load_shape_card
from bayes_scaling.shapes.simulate import simulate_tasks
from benchmarks.memory import TreeMemory
from benchmarks.record import markdown, say
from benchmarks.shapes_fit import fit_with_care
from benchmarks.shapes_simulated import POPULATION, grid

__all__ = ["large", "large_report"]

TASKS, SIZES = 200, 10
WORLD = {"width": 0.2, "log_scatter_mean": np.log(0.15)}
"""Bends neither sharp nor mild, scatter neither small nor large, of `shapes_simulated.WORLDS`."""


def large(_: Path, seed: int) -> dict[str, Any]:
    """200 simulated tasks at 10 sizes, all at once, on one core."""
    card, design = load_shape_card("shapes"), grid(TASKS, SIZES)
    tasks = simulate_tasks(card, design, np.random.default_rng(seed), {**POPULATION, **WORLD})
    with TreeMemory(os.getpid()) as memory:
        fit, attempts = fit_with_care(card, design.with_scores(tasks.z), seed)
    figures = fit.diagnostics
    seconds = figures["seconds"]
    found = {
        "tasks": TASKS,
        "sizes": SIZES,
        "compile_seconds": seconds["compile"],
        "attempts": attempts,
        "sample_seconds": seconds["sample"],
        "peak_mib": memory.peak_mib,
        "bulk_ess_per_second": figures["min_ess_bulk"] / seconds["sample"],
        **{k: figures[k] for k in ("draws", "divergences", "max_rhat", "min_ess_bulk")},
    }
    say(str(found))
    return found


def large_report(found: Mapping[str, Any]) -> str:
    """The table of the file of results, as markdown."""
    heads = ["tasks x sizes", "attempts", "compile, s", "sample, s", "draws kept", "divergences",
             "largest R-hat", "least bulk ESS", "ESS/s", "peak memory, MiB"]  # fmt: skip
    row = [
        f"{found['tasks']} x {found['sizes']}", str(found["attempts"]),
        f"{found['compile_seconds']:.1f}", f"{found['sample_seconds']:.1f}",
        str(found["draws"]), str(found["divergences"]),
        f"{found['max_rhat']:.4f}", f"{found['min_ess_bulk']:.0f}",
        f"{found['bulk_ess_per_second']:.1f}", f"{found['peak_mib']:.0f}",
    ]  # fmt: skip
    return markdown(heads, [row])
