"""The resolution of a test set: how many questions show progress, and from which scale on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

__all__ = ["ALPHA", "POWER", "questions_needed", "scale_shown"]

Array = NDArray[np.float64]

POWER, ALPHA = 0.8, 0.05
"""Probability of showing what is there, and of showing what is not (one-sided)."""

MOST = 1e12


def questions_needed(score: Array, baseline: Array | float, *, power: float = POWER) -> Array:
    """Questions with which a score is told from its baseline, any shape; at most `MOST`.

    A one-sided test at level `ALPHA` of 2 asin(sqrt(share)), whose variance is 1 / n for every
    share (Cohen 1988, chapter 6). Against a baseline of zero it asks for about as many questions
    as make one right answer likely.

    Parameters
    ----------
    score : array
        Expected share of right answers.
    baseline : array or float
        Of chance and lucky answers.
    power : float

    Examples
    --------
    >>> questions_needed(np.array([0.01, 0.6]), np.array([0.0, 0.5])).round()
    array([154., 152.])
    """
    # Rounding may put a share a hair above one.
    turned = (np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0))) for share in (score, baseline))
    gain = 2 * np.subtract(*turned)
    wanted = norm.isf(ALPHA) + norm.ppf(power)
    least = wanted / np.sqrt(MOST)
    return np.asarray(np.maximum(np.square(wanted / np.maximum(gain, least)), 1.0))


def scale_shown(needed: Array, scale: Array, n: float) -> Array:
    """Smallest scale from which on n questions are enough, (sample,); inf where at none seen.

    Between two sizes by interpolation of logarithms.

    Parameters
    ----------
    needed : array of shape (sample, size)
        Falling with the scale, as those of a law do.
    scale : array of shape (size,)
    n : float
    """
    log_needed, log_scale = np.log(needed), np.log(scale)
    enough = log_needed <= np.log(n)
    first = np.argmax(enough, axis=1)
    rows = np.arange(len(needed))
    before = np.maximum(first - 1, 0)
    high, low = log_needed[rows, before], log_needed[rows, first]
    share = np.where(high > low, (high - np.log(n)) / np.where(high > low, high - low, 1.0), 0.0)
    between = log_scale[before] + share.clip(0, 1) * (log_scale[first] - log_scale[before])
    found = np.where(first == 0, log_scale[0], between)
    return np.where(enough.any(axis=1), np.exp(found), np.inf)
