"""Whether the answer would move with the prior: power-scaling sensitivity."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.diagnostics.identifiability import explained
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_prior_sensitivity"]

THRESHOLD = 0.05
"""Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5."""


def check_prior_sensitivity(evidence: Evidence) -> list[CheckResult]:
    """Scale the card's priors and the likelihood a little; see what follows which."""
    prior, likelihood = sensitivity(evidence)
    conflict = [n for n in prior if prior[n] > THRESHOLD and likelihood[n] > THRESHOLD]
    listed = " and ".join(explained(evidence.fit.law, conflict))
    text = (
        f"The posterior of {listed} moves with the prior as well as with the runs. "
        "If you know better than the card, copy it, edit the prior and pass --model my_card.toml."
        if conflict
        else "The answers follow the runs, not the priors of the card."
    )
    return [
        CheckResult(
            name="prior sensitivity",
            # A prior that matters is a property of small tables, not a fault of the fit.
            passed=None if conflict else True,
            fatal=False,
            text=text,
            values={"prior": prior, "likelihood": likelihood},
        )
    ]


def sensitivity(evidence: Evidence) -> tuple[dict[str, float], dict[str, float]]:
    """Power-scaling sensitivity to prior and likelihood, by parameter (worst group)."""
    from arviz_stats import psense

    fit = evidence.fit
    names = [p.name for p in fit.law.sampled]
    variable = "mu" if fit.card.pooling is not None else "theta"
    posterior = fit.posterior[[variable]].sel(parameter=names)
    draws = fit.tree["log_likelihood"]["draw"]
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior.sel(draw=draws),
            # It adds up the runs anyway, but stacks them first.
            "log_likelihood": fit.tree["log_likelihood"].to_dataset().sum("run"),
            "log_prior": fit.tree["log_prior"].to_dataset().sel(draw=draws),
        }
    )
    prior, likelihood = (psense(tree, group=group) for group in ("prior", "likelihood"))
    return _worst(prior[variable], names), _worst(likelihood[variable], names)


def _worst(values: xr.DataArray, names: list[str]) -> dict[str, float]:
    """Largest value of each parameter over the groups."""
    return {name: float(np.max(values.sel(parameter=name).to_numpy())) for name in names}
