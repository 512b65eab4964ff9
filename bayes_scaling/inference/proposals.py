"""Proposals of importance sampling: mixtures of Student-t, fitted to weighted draws.

One Student-t around the mode is symmetric; posteriors of few runs are bent and have one long tail,
which its draws reach too seldom. Mixtures fitted to what it found follow them (population Monte
Carlo, Cappe et al. 2008, arXiv:0710.4242), and draws of all proposals are weighted as if they came
from the mixture of these (Cornuet et al. 2012, arXiv:0907.1254).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WIDER", "Proposal", "balanced", "fitted_mixture", "moments", "resample"]

DEGREES_OF_FREEDOM = 7.0
WIDER = 1.3
"""Than the draws that a proposal is fitted to, so that tails are reached."""

COMPONENTS = 6
STEPS = 5
FITTED_TO = 1000
"""Draws that a mixture is fitted to."""

_NARROWEST, _PRIOR_WEIGHT = 0.3, 0.01
"""Variance that is mixed into each component, of whitened draws, and how much of it."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A mixture of multivariate Student-t.

    Parameters
    ----------
    shares : array of shape (component,)
        That sum to one.
    means : array of shape (component, coordinate)
    factors : array of shape (component, coordinate, coordinate)
        Square roots of the scale matrices.
    """

    shares: Array
    means: Array
    factors: Array

    @classmethod
    def single(cls, mean: Array, factor: Array) -> Proposal:
        """One Student-t."""
        return cls(shares=np.ones(1), means=mean[None], factors=factor[None])

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draws, shape (n, coordinate), of each component in proportion to its share."""
        which = np.searchsorted(np.cumsum(self.shares), (np.arange(n) + rng.uniform()) / n)
        which = which.clip(0, len(self.shares) - 1)
        normal = rng.standard_normal((n, self.means.shape[1]))
        gamma = rng.chisquare(DEGREES_OF_FREEDOM, n) / DEGREES_OF_FREEDOM
        standard = normal / np.sqrt(gamma)[:, None]
        z = np.empty_like(standard)
        for i, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            mine = which == i
            z[mine] = mean + standard[mine] @ factor.T
        return z

    def log_density(self, z: Array) -> Array:
        """Up to a constant that is the same for all proposals; shape (n,)."""
        d = z.shape[1]
        parts = []
        for share, mean, factor in zip(self.shares, self.means, self.factors, strict=True):
            square = (((z - mean) @ np.linalg.inv(factor).T) ** 2).sum(axis=1)
            tail = (DEGREES_OF_FREEDOM + d) / 2 * np.log1p(square / DEGREES_OF_FREEDOM)
            parts.append(np.log(share) - np.linalg.slogdet(factor)[1] - tail)
        return _log_sum(np.array(parts))


def balanced(proposals: Sequence[Proposal], z: Array) -> Array:
    """Log density of equally many draws of each proposal, taken together."""
    return _log_sum(np.array([proposal.log_density(z) for proposal in proposals]))


def moments(z: Array, weights: Array) -> tuple[Array, Array] | None:
    """Mean and square root of the covariance of weighted draws; None if there are too few."""
    mean = weights @ z
    centred = z - mean
    scale, axes = np.linalg.eigh((centred * weights[:, None]).T @ centred)
    if not np.all(scale > 0):
        return None
    return mean, np.asarray(axes * np.sqrt(scale))


def fitted_mixture(z: Array, weights: Array, rng: np.random.Generator) -> Proposal | None:
    """Mixture fitted to weighted draws by a few steps of expectation and maximisation."""
    found = moments(z, weights)
    if found is None:
        return None
    mean, factor = found
    u = (z[resample(weights, FITTED_TO, rng)] - mean) @ np.linalg.inv(factor).T
    shares = np.full(COMPONENTS, 1.0 / COMPONENTS)
    centres = u[rng.choice(len(u), COMPONENTS, replace=False)]
    roots = np.tile(np.sqrt(0.5) * np.eye(u.shape[1]), (COMPONENTS, 1, 1))
    for _ in range(STEPS):
        belongs = _responsibilities(u, shares, centres, roots)
        shares = belongs.mean(axis=0)
        shares, belongs = shares[shares > 1e-3], belongs[:, shares > 1e-3]
        shares = shares / shares.sum()
        centres = (belongs.T @ u) / belongs.sum(axis=0)[:, None]
        roots = np.array(
            [_root(u - centre, each) for centre, each in zip(centres, belongs.T, strict=True)]
        )
    return Proposal(shares=shares, means=mean + centres @ factor.T, factors=WIDER * factor @ roots)


def _responsibilities(u: Array, shares: Array, centres: Array, roots: Array) -> Array:
    """Probability that each draw is of each component, shape (draw, component)."""
    parts = []
    for share, centre, root in zip(shares, centres, roots, strict=True):
        square = (((u - centre) @ np.linalg.inv(root).T) ** 2).sum(axis=1)
        parts.append(np.log(share) - np.linalg.slogdet(root)[1] - 0.5 * square)
    log_parts = np.array(parts)
    return np.asarray(np.exp(log_parts - _log_sum(log_parts)).T)


def _root(centred: Array, belongs: Array) -> Array:
    """Square root of the covariance of the draws of a component, kept from collapsing."""
    prior = _PRIOR_WEIGHT * len(centred)
    scatter = (centred * belongs[:, None]).T @ centred
    scatter += prior * _NARROWEST * np.eye(centred.shape[1])
    return np.asarray(np.linalg.cholesky(scatter / (belongs.sum() + prior)))


def resample(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of equally weighted draws, systematically and in random order."""
    places = (rng.uniform() + np.arange(n)) / n
    chosen = np.searchsorted(np.cumsum(weights), places).clip(0, len(weights) - 1)
    return rng.permutation(chosen)


def _log_sum(parts: Array) -> Array:
    """Log of the sum of exponentials along the first axis."""
    largest = parts.max(axis=0)
    return np.asarray(largest + np.log(np.exp(parts - largest).sum(axis=0)))
