"""Sampling once, with more care if that has not mixed, and for longer if that has nearly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.diagnostics.convergence import nearly_mixed, sampled_well
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.sample import Effort, Sampling, sample

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["draws_multiple", "sample_with_care"]

CAREFUL_TUNE, CAREFUL_ACCEPT = 3000, 0.99
STARTS = 200
TINY = 1e-300

Array = NDArray[np.float64]


def draws_multiple(attempt: int) -> int:
    """How many times the draws asked for an attempt keeps: 1, 2 and 4."""
    return int(2 ** (attempt - 1))


def sample_with_care(
    model: pm.Model,
    effort: Effort,
    *,
    seed: int,
    sampler: str = "nutpie",
    progress: bool = False,
    compiled: Any = None,
) -> tuple[Sampling, int]:
    """Sample as `sample` does; with divergences or poor mixing again, in smaller steps.

    The second attempt tunes longer and keeps twice the draws; its chains start where those of the
    first found most of the posterior. Where they nearly agree, a third one is the same with four
    times the draws.

    Returns
    -------
    Sampling
        Of the last attempt, with the seconds of all.
    int
        Number of attempts.
    """
    sampling = sample(
        model, effort, seed=seed, sampler=sampler, progress=progress, compiled=compiled
    )
    if sampled_well(sampling.tree):
        return sampling, 1
    seconds = sampling.seconds
    starts = None if sampling.points is None else _starts(sampling.points, sampling.tree, seed)
    for attempt, said in (
        (2, "that did not mix: once more, with longer tuning and smaller steps"),
        (3, "that nearly mixed: once more, with twice the draws"),
    ):
        announce(said, show=progress)
        sampling = sample(
            model,
            replace(
                effort,
                draws=draws_multiple(attempt) * effort.draws,
                tune=CAREFUL_TUNE,
                target_accept=CAREFUL_ACCEPT,
            ),
            seed=seed,
            sampler=sampler,
            progress=progress,
            compiled=sampling.compiled,
            starts=starts,
        )
        seconds = {name: seconds[name] + sampling.seconds[name] for name in seconds}
        if sampled_well(sampling.tree) or not nearly_mixed(sampling.tree):
            break
    return replace(sampling, seconds=seconds), attempt


def _starts(points: Array, tree: xr.DataTree, seed: int) -> Array:
    """Draws of the chains in proportion to how much of the posterior each has found, (start, x).

    A chain in a mode of its own has found about exp(mean log density + entropy) of the posterior;
    the entropy is that of a Gaussian with the variances of its draws. So no chain starts in a mode
    that holds next to nothing, where it would stay, and modes that matter are not lost (for
    stacking chains instead of restarting them see Yao et al. 2022, arXiv:2006.12335).
    """
    density = tree["sample_stats"]["logp"].transpose("chain", "draw").to_numpy().mean(axis=1)
    entropy = np.log(points.std(axis=1) + TINY).sum(axis=1)
    found = density + entropy
    shares = np.exp(found - found.max())
    rng = np.random.default_rng([seed, 4])
    chain = rng.choice(len(points), STARTS, p=shares / shares.sum())
    return points[chain, rng.integers(points.shape[1], size=STARTS)]
