"""Pareto-smoothed importance weights, many at once (Vehtari et al. 2024, arXiv:1507.02646).

`arviz_stats` has them too, and tests hold these to it. Its import takes a quarter of a quick fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

__all__ = ["pareto_smoothed"]

TAIL_SHARE, TAIL_ROOT = 0.2, 3.0
"""At most this share of the draws is the tail, and this multiple of their root (section 2.4)."""

FEWEST = 25
"""Samples: their tail are five."""

GRID, QUARTILE_SCALE = 30, 3.0
"""Of the profile likelihood (Zhang and Stephens 2009, doi:10.1198/tech.2009.08017, section 4)."""

PRIOR_K, PRIOR_DRAWS = 0.5, 10.0
"""The shape is drawn to 0.5 with the weight of so many draws (Vehtari et al., appendix G)."""

ROWS = 500
"""Rows at a time: each needs up to 100 times its tail."""

Array = NDArray[np.float64]


def pareto_smoothed(log_ratios: Array) -> tuple[Array, Array]:
    """Importance weights whose largest follow a generalised Pareto distribution.

    Parameters
    ----------
    log_ratios : array of shape (row, sample)
        Logarithms of importance ratios, up to a constant a row.

    Returns
    -------
    array of shape (row, sample)
        Log weights that sum to one in a row.
    array of shape (row,)
        Pareto k; not a number where the tail has no shape, since most of it is the same.

    Raises
    ------
    ValueError
        There are fewer than `FEWEST` samples.
    """
    if log_ratios.shape[1] < FEWEST:
        raise ValueError(f"{log_ratios.shape[1]} samples have no tail; {FEWEST} are needed")
    blocks = [_smoothed(log_ratios[i : i + ROWS]) for i in range(0, len(log_ratios), ROWS)]
    weights, k = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return weights, k


def _smoothed(log_ratios: Array) -> tuple[Array, Array]:
    weights = log_ratios - log_ratios.max(axis=1, keepdims=True)
    n = weights.shape[1]
    size = int(min(TAIL_SHARE * n, TAIL_ROOT * np.sqrt(n)))
    order = np.argsort(weights, axis=1)
    tail, cutoff = order[:, -size:], order[:, -size - 1, None]
    least = np.exp(np.take_along_axis(weights, cutoff, axis=1))
    k, scale = _fitted(np.exp(np.take_along_axis(weights, tail, axis=1)) - least)
    share = (np.arange(size) + 0.5) / size
    with np.errstate(all="ignore"):
        quantiles = scale[:, None] * np.expm1(-k[:, None] * np.log1p(-share)) / k[:, None]
        smooth = np.minimum(np.log(quantiles + least), 0.0)
    smoothed = weights.copy()
    np.put_along_axis(smoothed, tail, smooth, axis=1)
    weights = np.where(np.isfinite(k)[:, None], smoothed, weights)
    return weights - logsumexp(weights, axis=1, keepdims=True), k


def _fitted(excess: Array) -> tuple[Array, Array]:
    """Shape and scale of generalised Pareto distributions of (row, draw), in ascending order."""
    n = excess.shape[1]
    quartile, largest = excess[:, int(n / 4 + 0.5) - 1, None], excess[:, -1:]
    grid = np.arange(GRID + int(np.sqrt(n))) + 1.0
    with np.errstate(all="ignore"):
        b = (1 - np.sqrt(len(grid) / (grid - 0.5))) / (QUARTILE_SCALE * quartile) + 1 / largest
        shapes = np.log1p(-b[..., None] * excess[:, None, :]).mean(axis=2)
        profile = n * (np.log(-b / shapes) - shapes - 1)
        posterior = np.exp(profile - logsumexp(profile, axis=1, keepdims=True))
        mean_b = (posterior * b).sum(axis=1)
        shape = np.log1p(-mean_b[:, None] * excess).mean(axis=1)
        scale = -shape / mean_b
        k = (n * shape + PRIOR_DRAWS * PRIOR_K) / (n + PRIOR_DRAWS)
    k[quartile[:, 0] <= excess[:, 0]] = np.nan
    return k, scale
