"""Sampling once, for longer if that has nearly mixed, and with more care if it has not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.inference.diagnostics.convergence import (
    nearly_mixed,
    sampled_well,
    times_as_long,
)
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.sample import Effort, Sampling, sample

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["sample_with_care"]

LONGEST = 16
CAREFUL_LENGTH, CAREFUL_TUNE, CAREFUL_ACCEPT = 4, 3000, 0.99
STARTS = 200
MOST_BYTES = 2e9
TINY = 1e-300

GOES_ON = "that nearly mixed: again, with longer chains"
ANEW = "that did not mix: again, with longer tuning and smaller steps"

Array = NDArray[np.float64]


def sample_with_care(
    model: pm.Model,
    effort: Effort,
    *,
    seed: int,
    sampler: str = "nutpie",
    progress: bool = False,
    compiled: Any = None,
) -> tuple[Sampling, int]:
    """Sample as `sample` does, and again where the chains have not mixed.

    Chains that nearly agree go on, for as long as their R-hat and effective draws say is needed
    (at most `LONGEST` times as long). Where that is not enough, or they are far apart or diverge,
    they start anew where most of the posterior was found, four times as long as at first, tune for
    longer and take smaller steps; and where these nearly agree, they go on, too. Of longer chains
    as many draws are kept.

    Returns
    -------
    Sampling
        Of the last attempt, with the seconds of all.
    int
        Number of attempts.
    """
    first = sample(
        model, effort, seed=seed, sampler=sampler, progress=progress, compiled=compiled, points=True
    )
    if sampled_well(first.tree):
        return first, 1
    careful = replace(
        effort, thin=CAREFUL_LENGTH * effort.thin, tune=CAREFUL_TUNE, target_accept=CAREFUL_ACCEPT
    )
    ladder = [(effort, True), (careful, False), (careful, True)]
    last, seconds, attempts = first, first.seconds, 1
    for base, goes_on in ladder:
        thin = _longer(last.tree, base.thin, LONGEST * effort.thin) if goes_on else base.thin
        if goes_on and thin <= base.thin:
            continue
        announce(GOES_ON if goes_on else ANEW, show=progress)
        anew = base is careful and first.points is not None
        last = sample(
            model,
            replace(base, thin=thin),
            seed=seed,
            sampler=sampler,
            progress=progress,
            compiled=first.compiled,
            starts=_starts(first, seed) if anew else None,
        )
        seconds = {name: seconds[name] + last.seconds[name] for name in seconds}
        attempts += 1
        if sampled_well(last.tree):
            break
    return replace(last, seconds=seconds), attempts


def _longer(kept: xr.DataTree, thin: int, most: int) -> int:
    """Length over draws that are kept: longer for chains that nearly mix, as memory allows."""
    if not nearly_mixed(kept):
        return thin
    held = int(MOST_BYTES / kept["posterior"].to_dataset().nbytes)
    return min(thin * times_as_long(kept), most, held)


def _starts(first: Sampling, seed: int) -> Array:
    """Draws of the chains in proportion to how much of the posterior each has found, (start, x).

    A chain in a mode of its own has found about exp(mean log density + entropy) of the posterior;
    the entropy is that of a Gaussian with the variances of its draws. So no chain starts in a mode
    that holds next to nothing, where it would stay, and modes that matter are not lost (for
    stacking chains instead of restarting them see Yao et al. 2022, arXiv:2006.12335).
    """
    points = np.asarray(first.points)
    density = first.tree["sample_stats"]["logp"].transpose("chain", "draw").to_numpy().mean(axis=1)
    entropy = np.log(points.std(axis=1) + TINY).sum(axis=1)
    found = density + entropy
    shares = np.exp(found - found.max())
    rng = np.random.default_rng([seed, 4])
    chain = rng.choice(len(points), STARTS, p=shares / shares.sum())
    return np.asarray(points[chain, rng.integers(points.shape[1], size=STARTS)])
