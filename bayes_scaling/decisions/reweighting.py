"""What runs that are not done yet would teach: posterior draws reweighted by simulated outcomes.

An outcome of a run is simulated from one draw, all draws are weighted by its likelihood, and what
is left of the uncertainty is averaged over outcomes: nested Monte Carlo (Rainforth et al. 2024,
arXiv:2302.14545, section 3) whose inner integral is importance sampling from the posterior, so that
nothing is sampled or fitted again. On a linear Gaussian model it is right within its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.pointwise import Noise, log_likelihood

__all__ = ["Estimate", "Outcomes", "Target", "now", "weigh", "with_error"]

N_OUTCOMES = 160
"""Simulated of each run. The error that they add is part of the one that is stated."""

N_BLOCKS = 20
"""Of neighbouring draws, left out one at a time for the Monte Carlo error."""

FLOOR = 2e-9
"""Weight of every draw, so that the posterior of now is left where no draw can explain an outcome
without those of a block."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an answer is about, for every posterior draw.

    Attributes
    ----------
    values : array of shape (sample, quantity)
        Quantities whose variances, relative to those now, are averaged.
    losses : array of shape (sample, action), optional
        Loss of each of the actions that are decided between, in nats.
    """

    values: Array
    losses: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is expected to be left of the uncertainty.

    Every array holds the estimate, and then the same without each block of draws, from which the
    Monte Carlo error follows.

    Attributes
    ----------
    left : array of shape (1 + block,)
        Standard deviation that is left over the one now, as the root of the mean variance.
    saved : array of shape (1 + block,)
        Expected regret that is saved (nats); nan where nothing is decided.
    ess : float
        Effective number of draws behind an outcome, on average.
    """

    left: Array
    saved: Array
    ess: float


def with_error(values: Array) -> tuple[float, float]:
    """Value, and the Monte Carlo standard error of a delete-a-group jackknife.

    Of differences of two estimates, too, whose errors cancel in part: draws are shared.
    """
    left = values[1:]
    spread = (len(left) - 1) / len(left) * np.sum((left - left.mean()) ** 2)
    return float(values[0]), float(np.sqrt(spread))


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Outcomes simulated from some of the draws, and the log weights that they give to all draws.

    Attributes
    ----------
    source : int array of shape (outcome,)
        The draw that each outcome comes from, which has no weight for it.
    log_weights : array of shape (sample, outcome)
        Sum over the runs that have been added.
    """

    source: NDArray[np.int64]
    log_weights: Array

    @classmethod
    def none_yet(cls, values: Array, n: int = N_OUTCOMES) -> Outcomes:
        """Before any run: the draws to simulate from are `n` quantiles of `values` (sample,)."""
        n_draws, n = len(values), min(n, len(values))
        ranks = (np.arange(n) * n_draws + n_draws // 2) // n
        source = np.argsort(values, kind="stable")[ranks]
        return cls(source=source, log_weights=np.zeros((n_draws, n), dtype=np.float32))

    def after(self, log_loss: Array, noise: Noise, rng: np.random.Generator) -> Outcomes:
        """The outcomes with one more run.

        Parameters
        ----------
        log_loss : array of shape (sample,)
            What each draw expects of the run.
        noise : Noise
            Its scatter, arrays of shape (sample, 1) or (1, 1).
        rng : numpy.random.Generator
            The same state gives candidates the same luck, so that they compare better.
        """
        shape = (len(log_loss), 1)
        parts = {k: np.broadcast_to(getattr(noise, k), shape) for k in ("scale", "nu", "skew")}
        # From the mean, single precision loses nothing beside the noise, and is twice as fast.
        parts["centre"] = (log_loss - log_loss.mean())[:, None]
        drawn = Noise(**{k: v[self.source] for k, v in parts.items()}).draw(rng).T
        lean: dict[str, Any] = {k: v.astype(np.float32) for k, v in parts.items()}
        density = log_likelihood(Noise(**lean), drawn.astype(np.float32))
        return Outcomes(source=self.source, log_weights=self.log_weights + density)

    @property
    def weights(self) -> Array:
        """Weights of the draws given each outcome, (sample, outcome), the largest about one."""
        others = self.log_weights.copy()
        # With its own draw an outcome would look better known than it is.
        others[self.source, np.arange(len(self.source))] = -np.inf
        return np.asarray(np.exp(others - others.max(axis=0)) + FLOOR)


def now(target: Target) -> Estimate:
    """The uncertainty before any run."""
    standard, blocks = _standard(target), _blocks(len(target.values))
    even = np.ones((len(standard), 1))
    variances = _variances(_moments(even, standard, blocks), standard.shape[1])
    nothing = np.zeros(1 + N_BLOCKS) if target.losses is not None else np.full(1 + N_BLOCKS, np.nan)
    return Estimate(left=np.sqrt(variances[:, 0]), saved=nothing, ess=np.inf)


def weigh(outcomes: Outcomes, target: Target) -> Estimate:
    """Uncertainty that is left on average over outcomes, and regret that they save.

    Errors are of a jackknife that leaves out blocks of neighbouring draws, together with the
    outcomes simulated from them: it counts both layers, and the autocorrelation of chains.
    """
    weights, standard = outcomes.weights, _standard(target)
    blocks = _blocks(len(weights))
    own = np.searchsorted([block[-1] for block in blocks], outcomes.source)
    moments = _moments(weights, standard, blocks)
    left = np.sqrt(_jackknifed(_variances(moments, standard.shape[1]), own))
    saved = np.full(1 + N_BLOCKS, np.nan)
    if target.losses is not None:
        saved = _saved(weights, target.losses, blocks, own)
    total, squares = moments[:, :, 0].sum(axis=0), moments[:, :, 1].sum(axis=0)
    return Estimate(left=left, saved=saved, ess=float(np.mean(total**2 / squares)))


def _standard(target: Target) -> Array:
    """Quantities with mean 0 and variance 1; without those that are known already."""
    variance = np.var(target.values, axis=0, ddof=1)
    known = variance > 0
    centred = (target.values - target.values.mean(axis=0))[:, known]
    return np.asarray(centred / np.sqrt(variance[known]))


def _blocks(n: int) -> list[NDArray[np.int64]]:
    return np.array_split(np.arange(n), N_BLOCKS)


def _moments(weights: Array, values: Array, blocks: list[NDArray[np.int64]]) -> Array:
    """Sums within blocks of w, w^2, w g and w g^2: (block, outcome, moment)."""
    features = np.concatenate([np.ones((len(values), 1)), values, values**2], axis=1)
    features = features.astype(weights.dtype)
    parts = []
    for block in blocks:
        own = weights[block]
        sums = (own.T @ features[block]).astype(float)
        parts.append(np.insert(sums, 1, np.einsum("so,so->o", own, own), axis=1))
    return np.stack(parts)


def _variances(moments: Array, k: int) -> Array:
    """Weighted variance by outcome, from all blocks and without each: (1 + block, outcome).

    The factor 1 / (1 - sum w^2) takes away the bias of few effective draws.
    """
    whole = moments.sum(axis=0)
    sums = np.concatenate([whole[None], whole - moments])
    total, squares = sums[..., 0], sums[..., 1]
    mean, square = (sums[..., a : a + k] / total[..., None] for a in (2, 2 + k))
    lost = np.clip(1.0 - squares / total**2, 1e-12, None)
    return np.asarray(np.mean(np.clip(square - mean**2, 0.0, None), axis=-1) / lost)


def _jackknifed(values: Array, own: NDArray[np.int64]) -> Array:
    """Means over outcomes: over all, then without each block and the outcomes that it simulated."""
    left = [values[1 + block, own != block].mean() for block in range(len(values) - 1)]
    return np.array([values[0].mean(), *left])


def _saved(
    weights: Array, losses: Array, blocks: list[NDArray[np.int64]], own: NDArray[np.int64]
) -> Array:
    """Regret saved by deciding after the outcome, cross-fitted.

    Half of the blocks choose the action and the others price it, and the other way round: an
    action that looks best by chance is then not counted as a gain.
    """
    planned = int(np.argmin(losses.mean(axis=0)))
    relative = losses - losses[:, planned : planned + 1]
    features = np.concatenate([np.ones((len(losses), 1)), relative], axis=1).astype(weights.dtype)
    sums = np.stack([weights[block].T @ features[block] for block in blocks]).astype(float)
    half = np.arange(len(blocks)) % 2

    def priced(kept: NDArray[np.bool_]) -> Array:
        halves = [sums[kept & (half == h)].sum(axis=0) for h in (0, 1)]
        means = [each[:, 1:] / each[:, :1] for each in halves]
        best = [np.argmin(mean, axis=1) for mean in means]
        rows = np.arange(len(own))
        return np.asarray(-(means[0][rows, best[1]] + means[1][rows, best[0]]) / 2)

    every = np.ones(len(blocks), dtype=bool)
    left = [priced(np.arange(len(blocks)) != block) for block in range(len(blocks))]
    return _jackknifed(np.stack([priced(every), *left]), own)
