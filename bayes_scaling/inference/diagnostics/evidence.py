"""What the checks of a fit look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.inference.design import Design
from bayes_scaling.inference.pareto import pareto_smoothed
from bayes_scaling.inference.pointwise import draws_of, in_parts, pit
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.sample import Sampling
from bayes_scaling.runs import Problem

__all__ = ["Evidence"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A fit before its verdict, with what is known only while it is being made.

    Attributes
    ----------
    fit : Fit
    design : Design
    warnings : sequence of Problem
        Of the table of runs.
    attempt : int
        Which attempt the draws are of.
    refit : callable, optional
        Draws for fewer of the runs.
    """

    fit: Fit
    design: Design
    warnings: Sequence[Problem]
    attempt: int
    refit: Callable[[Design], Sampling] | None = None

    @cached_property
    def thinned(self) -> xr.Dataset:
        """Posterior at the draws that the log likelihood was kept for, dims (sample, ...)."""
        kept = self.fit.tree["log_likelihood"]["draw"]
        posterior = self.fit.posterior.sel(draw=kept)
        return posterior.stack(sample=("chain", "draw"), create_index=False)

    @cached_property
    def log_likelihood(self) -> Array:
        """Of every run under every kept draw, shape (sample, run)."""
        values = self.fit.tree["log_likelihood"]["log_loss"].to_numpy()
        return np.asarray(values.reshape(-1, values.shape[-1]))

    @cached_property
    def leave_one_out(self) -> tuple[Array, Array]:
        """Smoothed log weights that leave out each run, (run, sample), and Pareto k, (run,)."""
        return pareto_smoothed(-self.log_likelihood.T)

    @cached_property
    def loo_pit(self) -> Array:
        """Probability of a lower log loss than seen, predicted without the run, shape (run,)."""
        below = in_parts(pit, self.fit.card, self.design, draws_of(self.thinned))
        weights = np.exp(self.leave_one_out[0].T)
        return np.asarray((weights * below).sum(axis=0) / weights.sum(axis=0))

    @cached_property
    def elpd_loo(self) -> Array:
        """Expected log predictive density of log loss, each run left out, shape (run,)."""
        from scipy.special import logsumexp

        weights = self.leave_one_out[0].T
        joint = logsumexp(weights + self.log_likelihood, axis=0)
        return np.asarray(joint - logsumexp(weights, axis=0))

    def row_name(self, run: int) -> str:
        """How the user's file numbers a run."""
        row = self.fit.tree["constant_data"].to_dataset()["row"]
        return f"{row.attrs['word']} {int(row[run])}"
