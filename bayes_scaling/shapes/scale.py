"""Scores on the scale where they are unbounded, oriented so that up is better.

Scores with a ceiling (accuracies, F1, ...) go to log odds, losses to logarithms. The floor of the
log odds is 0 and not the chance level, since tasks of inverse scaling fall below chance; chance is
where the scale has its zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ASSUMED_EXAMPLES", "MetricScale", "error_is_known", "implied_examples", "latent"]

Array = NDArray[np.float64]

ASSUMED_EXAMPLES = 2000.0
"""Where neither a standard error nor the number of questions is known: what a test set of a usual
size has. It keeps scores of 0 and 1 off the ends, and a curve of few sizes from being taken for one
without any scatter."""


@dataclass(frozen=True, kw_only=True)
class MetricScale:
    """How a curve's scores and its latent scale go together.

    Attributes
    ----------
    bounded : bool
        Whether scores lie between 0 and 1; they are positive otherwise.
    sign : float
        1 where a higher score is better, -1 where a lower one is.
    zero : float
        Latent value, before this shift, that the scale calls zero: that of chance where it is
        known and inside, else an even chance; of losses the typical one.
    """

    bounded: bool
    sign: float
    zero: float

    def score(self, z: Array) -> Array:
        """Scores of latent values, any shape."""
        raw = self.sign * (z + self.zero)
        return np.asarray(_expit(raw) if self.bounded else np.exp(raw))

    def goodness(self, z: Array) -> Array:
        """Latent values in points of the metric, up is better; losses as shares (log)."""
        if not self.bounded:
            return np.asarray(z)
        return self.sign * self.score(z)

    def worth(self, score: Array) -> Array:
        """Points of the metric (of losses: the share) that a latent unit is worth at a score."""
        return np.asarray(score * (1 - score) if self.bounded else np.ones_like(score))

    def value(self, score: Array) -> Array:
        """Latent values of scores inside their range."""
        raw = np.log(score) - np.log1p(-score) if self.bounded else np.log(score)
        return np.asarray(self.sign * raw - self.zero)


def _expit(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def latent(
    score: Array, stderr: Array, n_examples: Array, chance: Array, *, bounded: bool, better: bool
) -> tuple[MetricScale, Array, Array]:
    """Scale, latent values and their sampling errors of one curve.

    Parameters
    ----------
    score, stderr, n_examples, chance : array of shape (point,)
        nan where not known.
    bounded : bool
    better : bool
        Whether a higher score is better.

    Returns
    -------
    MetricScale
    z, error : array of shape (point,)
        Those of `ASSUMED_EXAMPLES` where nothing is known of a bounded score, else zero.
    """
    sign = 1.0 if better else -1.0
    if not bounded:
        scale = MetricScale(bounded=False, sign=sign, zero=float(np.mean(sign * np.log(score))))
        return scale, scale.value(score), np.nan_to_num(stderr / score)
    known = implied_examples(score, stderr, n_examples)
    n = np.where(np.isnan(known), ASSUMED_EXAMPLES, known)
    # Half a question right and half a question wrong beside those that were asked.
    inside = (score * n + 0.5) / (n + 1)
    error = np.sqrt(1 / (n * inside * (1 - inside)))
    zero = 0.0
    if np.isfinite(chance[0]) and 0 < chance[0] < 1:
        zero = sign * float(np.log(chance[0] / (1 - chance[0])))
    scale = MetricScale(bounded=True, sign=sign, zero=zero)
    return scale, scale.value(inside), error


def error_is_known(score: Array, stderr: Array, n_examples: Array, *, bounded: bool) -> bool:
    """Whether the sampling errors of a curve come from its table, rather than being assumed."""
    if not bounded:
        return bool((stderr > 0).all())
    return bool(np.isfinite(implied_examples(score, stderr, n_examples)).all())


def implied_examples(score: Array, stderr: Array, n_examples: Array) -> Array:
    """Number of questions; else what the standard errors of the curve imply, else nan."""
    variance = np.where((score > 0) & (score < 1) & (stderr > 0), score * (1 - score), np.nan)
    implied = variance / np.square(np.where(stderr > 0, stderr, np.nan))
    typical = np.nanmedian(implied) if np.isfinite(implied).any() else np.nan
    return np.where(np.isnan(n_examples), np.maximum(typical, 1.0), n_examples)
