"""How well a law that has seen the cheaper runs predicts the more expensive ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.pointwise import log_likelihood, noise_of_runs

__all__ = ["HeldOut", "largest_runs", "score_held_out", "stacked"]

FEWEST_FITTED = 6
"""Runs that must be left to fit a law of five parameters."""

STEPS = 2000
"""Of a fixed point that climbs a concave function."""

Array = NDArray[np.float64]


def largest_runs(flops: Array, share: float) -> NDArray[np.bool_]:
    """Which runs are among the `share` of them with the most compute, shape (run,).

    Runs of equal compute stay together.

    Raises
    ------
    InputError
        The share does not lie between 0 and 1, or leaves nothing to predict or too little to fit.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of runs held out must lie between 0 and 1, not {share}")
    ordered = np.sort(flops)
    cut = ordered[len(ordered) - max(1, round(share * len(ordered)))]
    held = np.asarray(flops >= cut * (1 - 1e-9))
    if (~held).sum() < FEWEST_FITTED:
        raise InputError(
            f"holding out the {share:.0%} of {len(flops)} runs with the most compute leaves "
            f"{(~held).sum()} to fit; {FEWEST_FITTED} are needed. Hold out fewer"
        )
    return held


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Prediction of runs that were held out.

    Attributes
    ----------
    elpd : float array of shape (run,)
        Log predictive density of the log loss of each run held out.
    error : float array of shape (run,)
        Observed less predicted (posterior median) log loss.
    decades : float
        From the largest run that was fitted to the largest one held out.
    """

    elpd: Array
    error: Array
    decades: float

    @property
    def total(self) -> float:
        """Sum of the log predictive densities."""
        return float(self.elpd.sum())


def score_held_out(
    card: ModelCard,
    design: Design,
    flops: Array,
    held: NDArray[np.bool_],
    fits: ManyFits,
    seed: int,
) -> HeldOut:
    """Fit the runs that are not held out, and score those that are.

    Parameters
    ----------
    card : ModelCard
    design : Design
        Of all runs.
    flops : float array of shape (run,)
    held : bool array of shape (run,)
    fits : ManyFits
        Whose compiled model is used.
    seed : int
    """
    from scipy.special import logsumexp

    seen = design.take(~held).settled()
    sampling, _ = fits.sample(seen, seed)
    draws = sampling.tree["posterior"].to_dataset()
    stacked = draws.stack(sample=("chain", "draw"), create_index=False)
    unseen = design.take(held).seen_from(seen)
    noise = noise_of_runs(card, unseen, stacked)
    density = log_likelihood(noise, unseen.log_loss)
    return HeldOut(
        elpd=logsumexp(density, axis=0) - np.log(len(density)),
        error=unseen.log_loss - np.median(noise.centre, axis=0),
        decades=float(np.log10(flops[held].max() / flops[~held].max())),
    )


def stacked(held_out: Mapping[str, HeldOut]) -> dict[str, float]:
    """Weights of the mixture of predictions with the highest density of the runs held out.

    Stacking (Yao et al. 2018, arXiv:1704.02030, eq. 4), of predictions at scale instead of runs
    left out one at a time. The weights are those of a mixture of known densities, by expectation
    and maximisation.
    """
    log_density = np.array([held.elpd for held in held_out.values()])
    density = np.exp(log_density - log_density.max(axis=0))
    weights = np.full(len(density), 1 / len(density))
    for _ in range(STEPS):
        parts = weights[:, None] * density
        weights = (parts / parts.sum(axis=0)).mean(axis=1)
    return dict(zip(held_out, weights.tolist(), strict=True))
