"""Ranks of truths among the draws of their posteriors: uniform where these are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import kstest

from benchmarks.record import markdown

__all__ = ["RANKS", "rank", "ranks_table", "uniform"]

RANKS = 100
"""Number of ranks: a truth is among one draw less."""

Array = np.ndarray


def rank(draws: Array, truth: float, rng: np.random.Generator) -> float:
    """Of a truth among some of the draws of a posterior, between 0 and `RANKS`."""
    every = np.linspace(0, len(draws) - 1, RANKS - 1).astype(int)
    return float((draws[every] < truth).sum() + rng.random())


def uniform(ranks: Sequence[float]) -> dict[str, float]:
    """Whether ranks are uniform, and how many lie inside the middle 50 and 90 %."""
    u = np.array(ranks) / RANKS
    inside = {p: float((np.abs(u - 0.5) < p / 2).mean()) for p in (0.5, 0.9)}
    p = float(kstest(u, "uniform").pvalue)
    return {"p": p, "inside_50": inside[0.5], "inside_90": inside[0.9]}


def ranks_table(verdicts: Mapping[str, Mapping[str, float]]) -> str:
    """What `uniform` found of each quantity, as markdown."""
    rows = [
        [name, f"{v['p']:.2f}", f"{100 * v['inside_50']:.0f} %", f"{100 * v['inside_90']:.0f} %"]
        for name, v in verdicts.items()
    ]
    return markdown(["quantity", "p (uniform ranks)", "inside 50 %", "inside 90 %"], rows)
