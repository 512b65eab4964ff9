"""Sampling once, with more care if that has not mixed, and for longer if that has nearly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bayes_scaling.inference.diagnostics.convergence import nearly_mixed, sampled_well
from bayes_scaling.inference.progress import announce
from bayes_scaling.inference.sample import Effort, Sampling, sample

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["draws_multiple", "sample_with_care"]

CAREFUL_TUNE, CAREFUL_ACCEPT = 3000, 0.99


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

    The second attempt tunes longer and keeps twice the draws. Where its chains nearly agree, a
    third one is the same with four times the draws.

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
        )
        seconds = {name: seconds[name] + sampling.seconds[name] for name in seconds}
        if sampled_well(sampling.tree) or not nearly_mixed(sampling.tree):
            break
    return replace(sampling, seconds=seconds), attempt
