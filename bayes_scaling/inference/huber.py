"""The field's usual way: Huber least squares from a grid of starts, and a bootstrap of it.

Approach 3 of Hoffmann et al. 2022 as Besiroglu et al. 2024 repeat it: the sum of the Huber losses
(delta 1e-3) of log loss, with the law in log-sum-exp form, minimised by L-BFGS.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DELTA", "GRID", "HuberFit", "best_of", "bootstrap", "fit_huber", "log_law", "objective",
    "refit",
]  # fmt: skip

Array = NDArray[np.float64]

DELTA = 1e-3
GRID = np.array(
    list(
        itertools.product(
            np.arange(0, 30, 5.0),  # log A
            np.arange(0, 30, 5.0),  # log B
            np.arange(-1, 1.5, 0.5),  # log E
            np.arange(0, 2.5, 0.5),  # alpha
            np.arange(0, 2.5, 0.5),  # beta
        )
    )
)
"""Starts of Hoffmann et al. 2022, appendix D.3."""

STARTS, SCREENING, POLISHED = 50, 60, 3
"""Starts of the grid that are followed, those with the lowest objective; for how many steps; and
how many of the ends are then followed to the optimum. On the 240 runs of Besiroglu et al. 2024 they
lead where all 4,500 starts lead."""


def objective(theta: Array, runs: Array) -> tuple[float, Array]:
    """Sum of the Huber losses of log loss in units of delta squared, and its gradient.

    Parameters
    ----------
    theta : array of shape (5,)
        log A, log B, log E, alpha, beta.
    runs : array of shape (3, run)
        Logs of params, tokens and loss.
    """
    log_params, log_tokens, log_loss = runs
    terms = _terms(theta, log_params, log_tokens)
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    residual = (top + np.log(total) - log_loss) / DELTA
    slope = np.clip(residual, -1.0, 1.0)
    weight = share / total * (slope / DELTA)
    size, data, floor = weight.sum(axis=1)
    gradient = np.array([size, data, floor, -weight[0] @ log_params, -weight[1] @ log_tokens])
    return float(np.sum(slope * (residual - slope / 2))), gradient


def _terms(theta: Array, log_params: Array, log_tokens: Array) -> Array:
    return np.stack(
        [
            theta[0] - theta[3] * log_params,
            theta[1] - theta[4] * log_tokens,
            np.full_like(log_params, theta[2]),
        ]
    )


def log_law(theta: Array, log_params: Array, log_tokens: Array) -> Array:
    """Log of E + A / N^alpha + B / D^beta, shape (..., run) for theta of shape (..., 5)."""
    log_a, log_b, log_e, alpha, beta = np.moveaxis(theta, -1, 0)[..., None]
    size, data = log_a - alpha * log_params, log_b - beta * log_tokens
    return np.asarray(np.logaddexp(np.logaddexp(size, data), log_e))


def best_of(runs: Array, starts: Array) -> tuple[float, Array]:
    """Lowest objective over L-BFGS runs from each start, and where it is."""
    return min((_descend(runs, start) for start in starts), key=lambda end: end[0])


def _descend(runs: Array, start: Array, most_steps: int = 1000) -> tuple[float, Array]:
    """Objective and place where L-BFGS ends."""
    from scipy.optimize import minimize

    end = minimize(
        objective,
        start,
        args=(runs,),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": most_steps, "maxfun": 2000, "ftol": 1e-12, "gtol": 1e-6},
    )
    return float(end.fun), np.asarray(end.x)


def refit(seed: int, runs: Array, starts: Array) -> Array:
    """Optimum of runs drawn with replacement."""
    rows = np.random.default_rng(seed).integers(0, runs.shape[1], runs.shape[1])
    return best_of(runs[:, rows], starts)[1]


@dataclass(frozen=True, kw_only=True)
class HuberFit:
    """A point fit of Chinchilla's law.

    Attributes
    ----------
    theta : array of shape (5,)
        log A, log B, log E, alpha, beta.
    residuals : array of shape (run,)
        Observed less fitted log loss.
    """

    theta: Array
    residuals: Array


def fit_huber(runs: Array, *, starts: int = STARTS) -> HuberFit:
    """Fit Chinchilla's law by Huber least squares.

    Parameters
    ----------
    runs : array of shape (3, run)
        Logs of params, tokens and loss.
    starts : int
        How many of the grid's starts to follow: those with the lowest objective.
    """
    lowest = np.argsort([objective(start, runs)[0] for start in GRID], kind="stable")[:starts]
    ends = sorted((_descend(runs, start, SCREENING) for start in GRID[lowest]), key=lambda e: e[0])
    theta = best_of(runs, np.stack([place for _, place in ends[:POLISHED]]))[1]
    return HuberFit(theta=theta, residuals=runs[2] - log_law(theta, runs[0], runs[1]))


def bootstrap(runs: Array, theta: Array, *, resamples: int, seed: int) -> Array:
    """Optima of resampled runs, each sought from the optimum of all runs, (resample, 5)."""
    return np.stack([refit(seed + i, runs, theta[None]) for i in range(resamples)])
