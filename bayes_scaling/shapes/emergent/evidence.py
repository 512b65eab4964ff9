"""Marginal likelihood and posterior draws by adaptive importance sampling.

Particles are tempered from the prior to the posterior, and mixtures are fitted to them
(`bayes_scaling.inference.proposals`). Draws of the prior and of the mixtures are weighted as if
they all came from their mixture, which the prior keeps from missing a mode that no particle has
found. The mean of the weights is the marginal likelihood, and their spread its Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from bayes_scaling.inference.proposals import (
    DEGREES_OF_FREEDOM,
    Proposal,
    fitted_mixture,
    resample,
)

__all__ = ["Evidence", "evidence"]

Array = NDArray[np.float64]

PARTICLES, MOVES = 2000, 6
"""That go from the prior to the posterior, and steps of each at every temperature."""

KEPT = 0.5
"""Share of the particles that the weights of a step in temperature are worth."""

_JUMP = 2.38
"""Of a random walk, in standard deviations over the root of the dimensions (Gelman et al. 1997)."""

DRAWS = 4096
"""Of each proposal."""

ROUNDS = (2, 6)
"""Mixtures that are fitted: at least, and at most while the weights are worth too few draws."""

WANTED = 2500.0
"""Independent draws that the weights should be worth."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What importance sampling found.

    Attributes
    ----------
    log_z : float
        Logarithm of the marginal likelihood.
    error : float
        Its Monte Carlo standard error.
    ess : float
        Independent draws that the weighted ones are worth.
    z : array of shape (sample, coordinate)
        Draws of the posterior, equally weighted.
    """

    log_z: float
    error: float
    ess: float
    z: Array


def evidence(
    log_likelihood: Callable[[Array], Array], dims: int, n: int, rng: np.random.Generator
) -> Evidence:
    """Marginal likelihood under a standard normal prior, and draws of the posterior.

    Parameters
    ----------
    log_likelihood : callable
        From coordinates (sample, coordinate) to (sample,).
    dims : int
        Coordinates.
    n : int
        Draws of the posterior.
    rng : Generator
    """
    z = rng.standard_normal((DRAWS, dims))
    likelihood, prior = log_likelihood(z), _normal(z)
    found, weights = _particles(log_likelihood, dims, rng), np.full(PARTICLES, 1 / PARTICLES)
    proposals, densities = list[Proposal](), [prior]
    least, most = ROUNDS
    for i in range(most):
        ratio = likelihood + prior - _together(densities)
        if i >= least:
            if _worth(ratio) >= WANTED:
                break
            found, weights = z, np.exp(ratio - logsumexp(ratio))
        mixture = fitted_mixture(found, weights, rng)
        if mixture is None:
            continue
        new = mixture.draw(DRAWS, rng)
        proposals.append(mixture)
        densities.append(_density(mixture, z))
        z, likelihood = np.vstack([z, new]), np.append(likelihood, log_likelihood(new))
        prior = np.append(prior, _normal(new))
        # Every density at every draw, each computed once.
        added = [prior[-DRAWS:], *(_density(each, new) for each in proposals)]
        densities = [np.append(old, add) for old, add in zip(densities, added, strict=True)]
    log_weights = likelihood + prior - _together(densities)
    log_z = float(logsumexp(log_weights) - np.log(len(z)))
    relative = np.exp(log_weights - log_z)
    weights = relative / relative.sum()
    return Evidence(
        log_z=log_z,
        error=float(relative.std() / np.sqrt(len(z))),
        ess=float(1 / np.square(weights).sum()),
        z=z[resample(weights, n, rng)],
    )


def _normal(z: Array) -> Array:
    return np.asarray(-0.5 * np.square(z).sum(axis=1) - z.shape[1] / 2 * np.log(2 * np.pi))


def _density(proposal: Proposal, z: Array) -> Array:
    d, nu = z.shape[1], DEGREES_OF_FREEDOM
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - d / 2 * np.log(nu * np.pi)
    return np.asarray(proposal.log_density(z) + constant)


def _together(densities: list[Array]) -> Array:
    """Log density of equally many draws of the prior and of every proposal."""
    parts = np.array(densities)
    top = parts.max(axis=0)
    return np.asarray(top + np.log(np.exp(parts - top).mean(axis=0)))


def _worth(log_weights: Array) -> float:
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / np.square(weights).sum())


def _particles(
    log_likelihood: Callable[[Array], Array], dims: int, rng: np.random.Generator
) -> Array:
    """Draws near the posterior, by tempering: for mixtures to be fitted to, no more."""
    z = rng.standard_normal((PARTICLES, dims))
    likelihood = log_likelihood(z)
    temperature = 0.0
    while temperature < 1:
        step = _step(likelihood, 1 - temperature)
        temperature += step
        weights = np.exp(step * likelihood - logsumexp(step * likelihood))
        chosen = resample(weights, PARTICLES, rng)
        z, likelihood = z[chosen], likelihood[chosen]
        root = np.linalg.cholesky(np.cov(z.T) + 1e-9 * np.eye(dims)) * _JUMP / np.sqrt(dims)
        for _ in range(MOVES):
            new = z + rng.standard_normal(z.shape) @ root.T
            there = log_likelihood(new)
            gain = temperature * (there - likelihood) + _normal(new) - _normal(z)
            taken = np.log(rng.uniform(size=PARTICLES)) < gain
            z, likelihood = np.where(taken[:, None], new, z), np.where(taken, there, likelihood)
    return z


def _step(likelihood: Array, rest: float) -> float:
    """Largest step in inverse temperature whose weights are worth enough particles."""
    enough = KEPT * len(likelihood)
    if _worth(rest * likelihood) >= enough:
        return rest
    low, high = 0.0, rest
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _worth(middle * likelihood) >= enough else (low, middle)
    return max(low, 1e-4 * rest)
