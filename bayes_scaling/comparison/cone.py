"""The conformal cone: a point fit, and an interval whose width grows with the distance.

The half-width of the interval of probability p is the larger of q_p times the decades beyond the
largest run that was fitted (a quarter of a decade for nearer runs, whose errors say little of a
slope), and the quantile p of the absolute residuals of the fit. q_p is the
least value with which a share p of calibration runs, whose losses are known, lie inside their own
cones: those of the other groups of the same table where there are at least three, else of public
sweeps. It is a quantile of errors and knows no law; errors on log loss.

Each group of runs weighs the same in the calibration, however many runs it has. Runs of one group
share a fit, so the guarantee of split conformal prediction (Vovk et al. 2005; Lei et al. 2018,
arXiv:1604.04173) holds only roughly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.methods import Part, decades_beyond
from bayes_scaling.inference.huber import HuberFit, fit_huber, log_law

__all__ = ["LEARNED", "PROBS", "cone_slopes", "fit_part", "half_widths"]

PROBS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Probabilities of the intervals that the cone is made of."""

LEARNED = (
    0.00550, 0.01035, 0.01600, 0.02318, 0.03245, 0.04088, 0.04865, 0.05879, 0.07163, 0.08068,
    0.12045,
)  # fmt: skip
"""Log loss a decade, by `PROBS`: learned from 14 public sweeps at three cuts each by
``python -m benchmarks cone``. Learned without a sweep and judged on it, the 90 % interval held 90 %
of its runs on average, and the 50 % interval 50 %."""

NEAREST = 0.25
"""Decades: nearer runs count as this far."""

_KEPT = 512

Array = NDArray[np.float64]


def fit_part(part: Part) -> HuberFit:
    """Huber fit of some runs; the same runs are fitted once in a process."""
    return _fit(part.stacked.tobytes(), len(part))


@lru_cache(maxsize=_KEPT)
def _fit(stacked: bytes, n: int) -> HuberFit:
    return fit_huber(np.frombuffer(stacked).reshape(3, n))


def half_widths(slopes: Array, residuals: Array, decades: Array) -> Array:
    """Half-widths of the intervals of `PROBS` at each run, in log loss, shape (prob, run)."""
    floor = np.quantile(np.abs(residuals), PROBS)
    wide: Array = np.maximum(np.outer(slopes, np.maximum(decades, NEAREST)), floor[:, None])
    return wide


def cone_slopes(groups: Sequence[Sequence[tuple[Part, Part]]]) -> Array:
    """Log loss a decade at which a share p of the held-out runs lies inside, for p of `PROBS`.

    Parameters
    ----------
    groups : sequence of sequences of (Part, Part)
        Of every group, the runs that were fitted and those beyond, at its cuts.

    Returns
    -------
    array of shape (prob,)
    """
    parts, weights = [], []
    for cuts in groups:
        needed = [_needed(*each) for each in cuts]
        parts += needed
        n = sum(each.shape[1] for each in needed)
        weights += [np.full(each.shape[1], 1 / n) for each in needed]
    every, weight = np.concatenate(parts, axis=1), np.concatenate(weights)
    slopes = [
        np.quantile(row, p, weights=weight, method="inverted_cdf")
        for row, p in zip(every, PROBS, strict=True)
    ]
    return np.maximum.accumulate(slopes)


def _needed(fitted: Part, held: Part) -> Array:
    """Slope that each held-out run needs to lie inside; none if the floor does, (prob, run)."""
    fit = fit_part(fitted)
    error = np.abs(held.log_loss - log_law(fit.theta, held.log_params, held.log_tokens))
    floor = np.quantile(np.abs(fit.residuals), PROBS)
    return np.where(
        error <= floor[:, None], 0.0, error / np.maximum(decades_beyond(fitted, held), NEAREST)
    )
