"""Sampling once, and once more with more care if the first attempt has not mixed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bayes_scaling.inference.diagnostics.convergence import sampled_well
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.sample import Effort, Sampling, sample

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["sample_with_care"]

CAREFUL_TUNE, CAREFUL_ACCEPT = 3000, 0.99


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

    The second attempt tunes longer and keeps twice the draws.

    Returns
    -------
    Sampling
        Of the last attempt, with the seconds of both.
    int
        Number of attempts.
    """
    first = sample(model, effort, seed=seed, sampler=sampler, progress=progress, compiled=compiled)
    if sampled_well(first.tree):
        return first, 1
    announce("that did not mix: once more, with longer tuning and smaller steps", show=progress)
    second = sample(
        model,
        replace(effort, draws=2 * effort.draws, tune=CAREFUL_TUNE, target_accept=CAREFUL_ACCEPT),
        seed=seed,
        sampler=sampler,
        progress=progress,
        compiled=first.compiled,
    )
    seconds = {name: second.seconds[name] + first.seconds[name] for name in second.seconds}
    return replace(second, seconds=seconds), 2
