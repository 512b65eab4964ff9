"""The question that every contestant answers, and simulated tables of runs with a known answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["CHINCHILLA", "QUESTION", "TRUTH", "Noise", "Question", "simulate", "true_loss", "write"]

Array = NDArray[np.float64]

TRUTH = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
"""Besiroglu et al. 2024, arXiv:2404.10102, Table 1."""

BUDGETS = np.array([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21])
"""Budgets of the isoFLOP profiles of Hoffmann et al. 2022."""

SIZES = (4e7, 1.6e10)
TOKENS_PER_PARAM = (1.0, 300.0)
GROUP_SPREAD = {"E": 0.05, "A": 0.15, "B": 0.15, "alpha": 0.02, "beta": 0.02}
"""Standard deviations of the logarithms between simulated groups."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A run that nobody has done yet, and the probability of the interval asked for."""

    params: float
    tokens: float
    prob: float = 0.9

    @property
    def tails(self) -> tuple[float, float]:
        """Probabilities below the lower and the upper end of the interval."""
        return (1 - self.prob) / 2, (1 + self.prob) / 2


QUESTION = Question(params=70e9, tokens=5.76e23 / (6 * 70e9))
"""Chinchilla's own run, 2.3 decades of compute above the largest simulated one."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Student-t scatter of log loss, and runs spoiled to one side.

    Parameters
    ----------
    sigma, nu : float
        Scale and degrees of freedom.
    spoiled : float
        Share of the runs whose loss is `excess` (a fraction) too high.
    excess : float
    """

    sigma: float = 0.0037
    nu: float = 5.0
    spoiled: float = 0.0
    excess: float = 0.05


CHINCHILLA = Noise(nu=1.7)
"""Scatter of the 245 reconstructed runs around Chinchilla's law, gross outliers included."""


def true_loss(params: Array | float, tokens: Array | float, law: dict[str, float] = TRUTH) -> Array:
    """Loss that Chinchilla's law gives."""
    size = law["A"] * np.asarray(params, dtype=float) ** -law["alpha"]
    return law["E"] + size + law["B"] * np.asarray(tokens, dtype=float) ** -law["beta"]


def simulate(rng: np.random.Generator, rows: int, noise: Noise, groups: int = 1) -> pd.DataFrame:
    """Simulate a table of `rows` runs a group, with columns params, tokens, loss and architecture.

    Each group's law lies around `TRUTH`, except that a single group has exactly that law.
    """
    tables = []
    for i in range(groups):
        table = _simulate_group(rng, rows, noise, _law(rng, groups))
        tables.append(table.assign(architecture=f"arch-{i:02d}"))
    return pd.concat(tables, ignore_index=True)


def write(table: pd.DataFrame, path: Path) -> Path:
    """Write the columns that every contestant reads, at full precision."""
    columns = [c for c in ("params", "tokens", "loss", "architecture") if c in table]
    table[columns].to_csv(path, index=False)
    return path


def _law(rng: np.random.Generator, groups: int) -> dict[str, float]:
    if groups == 1:
        return TRUTH
    return {k: v * np.exp(GROUP_SPREAD[k] * rng.standard_normal()) for k, v in TRUTH.items()}


def _simulate_group(
    rng: np.random.Generator, rows: int, noise: Noise, law: dict[str, float]
) -> pd.DataFrame:
    params, tokens = _design(rng, rows)
    loss = true_loss(params, tokens, law) * np.exp(noise.sigma * rng.standard_t(noise.nu, rows))
    spoiled = rng.choice(rows, round(noise.spoiled * rows), replace=False)
    loss[spoiled] *= 1 + noise.excess
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def _design(rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Sizes and tokens on isoFLOP profiles, log-uniform in tokens per parameter."""
    params, tokens = np.empty(0), np.empty(0)
    while len(params) < rows:
        flops = rng.choice(BUDGETS, 4 * rows)
        low, high = np.log(TOKENS_PER_PARAM)
        ratio = np.exp(rng.uniform(low, high, 4 * rows))
        size = np.sqrt(flops / 6 / ratio)
        kept = (SIZES[0] <= size) & (size <= SIZES[1])
        params = np.append(params, size[kept])
        tokens = np.append(tokens, (size * ratio)[kept])
    return params[:rows], tokens[:rows]
