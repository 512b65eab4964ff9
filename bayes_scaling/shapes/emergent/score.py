"""Schaeffer et al.'s emergence score, and Wei et al.'s definition, with their posteriors.

Neither needs a law: both follow from the scores, of which the binomial posterior (Jeffreys' prior)
says how far they may be off. So the first is defined where its formula divides by zero, and the
second is a probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.errors import InputError

__all__ = [
    "NEAR_CHANCE", "WELL_ABOVE", "WeiEmergence", "emergence_score", "risen", "score_draws", "wei",
]  # fmt: skip

Array = NDArray[np.float64]

NEAR_CHANCE, WELL_ABOVE = 0.05, 0.10
"""Above chance by no more than the first is random-like, by more than the second well above it: Wei
et al. give no numbers, and their figures span five to ten points."""

FEWEST_RANDOM = 2
"""Sizes that must be random-like, from the smallest on: one of them is no plateau."""


def emergence_score(scores: ArrayLike) -> Array:
    r"""Emergence score of Schaeffer et al. 2023 (arXiv:2304.15004), eq. 1.

    sign(argmax y - argmin y) (max y - min y) / sqrt(median of (y_i - y_{i-1})^2)

    Parameters
    ----------
    scores : array of shape (..., size)
        By ascending scale.

    Returns
    -------
    array of shape (...)
        nan where the scores do not change from size to size in the median.

    Examples
    --------
    >>> float(emergence_score([0.0, 0.1, 0.2, 1.0]))
    10.0
    """
    y = np.asarray(scores, dtype=float)
    if y.ndim < 1 or y.shape[-1] < 2:
        raise InputError("an emergence score needs the scores of two sizes or more")
    rises = np.sign(y.argmax(axis=-1) - y.argmin(axis=-1))
    steps = np.sqrt(np.median(np.square(np.diff(y, axis=-1)), axis=-1))
    span = y.max(axis=-1) - y.min(axis=-1)
    # Equal scores in decimals differ by rounding.
    flat = steps <= 1e-12
    return np.where(flat, np.nan, rises * span / np.where(flat, 1.0, steps))


def score_draws(right: Array, n: Array, draws: int, rng: np.random.Generator) -> Array:
    """Draws of the scores behind those measured, shape (sample, size).

    Parameters
    ----------
    right, n : array of shape (size,)
        Shares that are right, and of how many questions.
    draws : int
    rng : Generator
    """
    k = right * n
    return rng.beta(k + 0.5, n - k + 0.5, size=(draws, len(right)))


def risen(scores: Array) -> float:
    """Probability that the score at the largest scale is above that at the smallest.

    Parameters
    ----------
    scores : array of shape (sample, size)
        By ascending scale, 1 is right.
    """
    return float((scores[:, -1] > scores[:, 0]).mean())


@dataclass(frozen=True, kw_only=True)
class WeiEmergence:
    """Emergence as Wei et al. 2022 (arXiv:2206.07682) define it.

    Attributes
    ----------
    probability : float
        That scores are random-like at the smallest sizes (`FEWEST_RANDOM` at least) and well above
        chance at the largest.
    scale : float
        Smallest scale from which on all scores are beyond random-like: the median over the draws
        that are emergent, nan where none is.
    """

    probability: float
    scale: float


def wei(scores: Array, scale: Array, chance: float) -> WeiEmergence:
    """Whether scores are emergent by Wei et al.'s definition, draw by draw.

    Parameters
    ----------
    scores : array of shape (sample, size)
        By ascending scale, 1 is right.
    scale : array of shape (size,)
    chance : float
    """
    above = scores - chance
    random_like = (above[:, :FEWEST_RANDOM] <= NEAR_CHANCE).all(axis=1)
    emergent = random_like & (above[:, -1] > WELL_ABOVE)
    if not emergent.any():
        return WeiEmergence(probability=0.0, scale=float("nan"))
    beyond = above > NEAR_CHANCE
    # Index of the first size after the last one that is random-like.
    first = beyond.shape[1] - np.argmin(beyond[:, ::-1], axis=1)
    return WeiEmergence(
        probability=float(emergent.mean()), scale=float(np.median(scale[first[emergent]]))
    )
