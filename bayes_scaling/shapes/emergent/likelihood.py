"""Likelihood of the scores of each size, with the scatter of sizes integrated out, as a table.

A size's own log a is the law's plus Student-t scatter, and its scores are beta-binomial around what
that gives. The integral over the scatter is a convolution that depends on the law's log a, the
scatter and the share of lucky answers alone: it is done once on a grid, and every draw only looks
it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import betaln
from scipy.stats import t as student_t

from bayes_scaling.shapes.emergent.card import EmergenceCard
from bayes_scaling.shapes.emergent.design import Observed
from bayes_scaling.shapes.emergent.links import expected

__all__ = ["REACH", "SizeLikelihood", "size_likelihood"]

Array = NDArray[np.float64]

LOWEST, HIGHEST, STEP = -14.0, 5.0, 0.02
"""Of log a: from an answer that is never wrong to one that is never right. A test set is
worth 1e4 questions at most (the card's ``within``): no likelihood is too narrow for this step."""

SPREADS = np.log(np.geomspace(0.02, 2.0, 16))
GUESSES = np.log((5e-5, 0.5))
"""Range of the share of lucky answers; its points depend on the scores."""

RESOLVED, COARSEST, MOST_GUESSES = 0.7, 0.55, 64
"""Distance of two points, in standard errors of the logarithm and at most, and how many at most."""

EXCLUDED = 40.0
"""Nats below its best share at which the lowest score rules a share of lucky answers out."""

REACH = 8.0
"""Of the scatter, to either side, in log a: beyond, it would make hopeless answers sure ones."""

LEAST = 1e-13
"""Of a size, as a share of the likelihood of its best log a: the rounding of the transform."""

_EDGE = 1e-9
"""Scores are kept this far from certain, where a beta distribution ends."""


@dataclass(frozen=True, kw_only=True)
class SizeLikelihood:
    """Log likelihood of the scores of each size.

    Parameters
    ----------
    table : array of shape (size, guess, spread, log a)
        One guess where lucky answers are not estimated.
    guesses : array of shape (guess,)
        Logarithms, ascending.
    """

    table: Array
    guesses: Array

    def __call__(self, log_error: Array, log_scatter: Array, log_guess: Array | None) -> Array:
        """Summed over sizes, linear between the points of the grid; shape (sample,).

        Parameters
        ----------
        log_error : array of shape (sample, size)
        log_scatter, log_guess : array of shape (sample,)
        """
        n_sizes, n_guess, n_spread, n_error = self.table.shape
        a, fa = _place(log_error, LOWEST, STEP, n_error)
        s, fs = _place(log_scatter, SPREADS[0], SPREADS[1] - SPREADS[0], n_spread)
        flat = self.table.reshape(-1)
        first = np.arange(n_sizes) * n_guess
        if log_guess is None:
            rows = [(first[None, :], np.ones((1, 1)))]
        else:
            g, fg = _between(log_guess, self.guesses)
            rows = [(first + g[:, None], 1 - fg[:, None]), (first + g[:, None] + 1, fg[:, None])]
        total = np.zeros(log_error.shape)
        for row, share in rows:
            for ds, weight in ((0, 1 - fs[:, None]), (1, fs[:, None])):
                start = (row * n_spread + s[:, None] + ds) * n_error + a
                total += share * weight * ((1 - fa) * flat[start] + fa * flat[start + 1])
        return np.asarray(total.sum(axis=1))


def _place(x: Array, low: float, step: float, n: int) -> tuple[NDArray[np.int64], Array]:
    """Index of the point of the grid below, and how far on to the next, as a share."""
    steps = ((x - low) / step).clip(0, n - 1 - 1e-9)
    index = steps.astype(np.int64)
    return index, steps - index


def _between(x: Array, points: Array) -> tuple[NDArray[np.int64], Array]:
    """As `_place`, of points that are not evenly spaced."""
    inside = x.clip(points[0], points[-1])
    index = np.searchsorted(points[1:-1], inside, side="right")
    return index, (inside - points[index]) / (points[index + 1] - points[index])


def size_likelihood(
    metrics: Sequence[Observed], card: EmergenceCard, *, tokens: float
) -> SizeLikelihood:
    """Tabulate the likelihood of a task's scores.

    Parameters
    ----------
    metrics : sequence of Observed
        Of one task, on the same sizes.
    card : EmergenceCard
    tokens : float
        L, of which only shares of right tokens depend.
    """
    grid = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)
    log_guesses = _guess_points([m for m in metrics if m.kind == "answer"], card)
    guesses = np.exp(log_guesses)
    points = np.zeros((len(metrics[0].right), len(guesses), len(grid)))
    for metric in metrics:
        mean = expected(
            metric.kind, np.exp(grid), chance=metric.chance, guess=guesses[:, None], tokens=tokens
        )
        within = card.noise.within_choice if metric.chance > 0 else card.noise.within
        for i in np.flatnonzero(np.isfinite(metric.right)):
            points[i] += beta_binomial(metric.right[i] * metric.n[i], metric.n[i], mean, within)
    return SizeLikelihood(table=_scattered(points, card.noise.nu), guesses=log_guesses)


def _guess_points(metrics: Sequence[Observed], card: EmergenceCard) -> Array:
    """Logarithms of shares of lucky answers, close where the scores tell them apart.

    Where luck makes up a score, the logarithm of its share g has the information of n g questions,
    and of n g^2 / s where it is a part of the score s: a power of the size explains the rest.
    """
    if not metrics:
        return np.full(1, -np.inf)
    log_g = np.linspace(GUESSES[0], GUESSES[1], 2000)
    g, information = np.exp(log_g), np.zeros(len(log_g))
    excluded = np.zeros(len(log_g), dtype=bool)
    for metric in metrics:
        mean = expected("answer", np.array(np.inf), chance=metric.chance, guess=g)
        for i in np.flatnonzero(np.isfinite(metric.right)):
            right, n = metric.right[i], metric.n[i]
            independent = n / (1 + (n - 1) * card.noise.within)
            information += independent * g**2 / np.maximum(mean, right)
            density = beta_binomial(right * n, n, mean, card.noise.within)
            excluded |= (mean > right) & (density < density.max() - EXCLUDED)
    step = np.minimum(RESOLVED / np.sqrt(information), COARSEST)
    step[excluded] = COARSEST
    passed = np.append(0, np.cumsum(np.diff(log_g) / step[1:]))
    n_points = min(int(np.ceil(passed[-1])) + 1, MOST_GUESSES)
    return np.asarray(np.interp(np.linspace(0, passed[-1], n_points), passed, log_g))


def beta_binomial(k: float, n: float, mean: Array, within: float) -> Array:
    """Log probability of k of n, up to a constant; k and n need not be whole numbers."""
    strength = 1 / within - 1
    mean = mean.clip(_EDGE, 1 - _EDGE)
    a, b = mean * strength, (1 - mean) * strength
    return np.asarray(betaln(k + a, n - k + b) - betaln(a, b))


def _scattered(points: Array, nu: float) -> Array:
    """Integral over the scatter, by convolution along log a; (size, guess, spread, log a)."""
    n, reach = points.shape[-1], round(REACH / STEP)
    top = points.max(axis=-1, keepdims=True)
    # Outside the grid nothing changes any more: answers are all right, or all wrong.
    padded = np.pad(
        np.exp(points - top), [(0, 0)] * (points.ndim - 1) + [(reach, reach)], mode="edge"
    )
    length, kernels = _kernels(n, reach, nu)
    product = rfft(padded, length)[..., None, :] * kernels
    blurred = irfft(product, length)[..., 2 * reach : 2 * reach + n]
    return np.asarray(np.log(blurred.clip(LEAST)) + top[..., None, :])


@cache
def _kernels(n: int, reach: int, nu: float) -> tuple[int, NDArray[np.complex128]]:
    """Transforms of the scatter over so many points to either side, one a spread; their length."""
    kernels = student_t.logpdf(STEP * np.arange(-reach, reach + 1) / np.exp(SPREADS)[:, None], nu)
    kernels = np.exp(kernels - kernels.max())
    kernels /= kernels.sum(axis=1, keepdims=True)
    length = next_fast_len(n + 4 * reach, real=True)
    return length, rfft(kernels, length)
