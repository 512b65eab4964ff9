"""Run every check and write the verdicts into the tree of the fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import xarray as xr

from bayes_scaling.inference.diagnostics.convergence import (
    check_convergence,
    convergence,
    sampler_figures,
)
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.diagnostics.identifiability import check_identifiability
from bayes_scaling.inference.diagnostics.importance import (
    check_importance,
    importance_figures,
    importance_statistics,
)
from bayes_scaling.inference.diagnostics.influence import check_influence
from bayes_scaling.inference.diagnostics.predictive import check_predictive
from bayes_scaling.inference.diagnostics.prior_sensitivity import check_prior_sensitivity
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["CHECKS", "diagnose"]

Check = Callable[[Evidence], Iterable[CheckResult]]

CHECKS: tuple[Check, ...] = (
    check_predictive,
    check_identifiability,
    check_prior_sensitivity,
    check_influence,
)


def diagnose(evidence: Evidence) -> xr.DataTree:
    """Tree of the fit with groups ``convergence`` and ``loo``, and all verdicts as attributes."""
    tree = evidence.fit.tree.copy()
    statistics, figures, check_draws = _quality_of_draws(evidence.fit)
    tree["convergence"] = xr.DataTree(statistics)
    tree["loo"] = xr.DataTree(
        xr.Dataset(
            {
                "elpd": ("run", evidence.elpd_loo),
                "pareto_k": ("run", evidence.leave_one_out[1]),
                "pit": ("run", evidence.loo_pit),
            }
        )
    )
    figures["attempt"] = evidence.attempt
    evidence.fit.tree.attrs["diagnostics"] = json.dumps(figures)
    results = [result for check in (check_draws, *CHECKS) for result in check(evidence)]
    results += [
        CheckResult(name=f"runs: {p.code}", passed=None, fatal=False, text=p.message)
        for p in evidence.warnings
    ]
    tree.attrs["diagnostics"] = json.dumps(figures)
    tree.attrs["checks"] = json.dumps([result.to_dict() for result in results])
    return tree


def _quality_of_draws(fit: Fit) -> tuple[xr.Dataset, dict[str, Any], Check]:
    """Statistics of every variable, their worst, and the check that judges them."""
    sample_stats = fit.tree["sample_stats"].to_dataset()
    if "pareto_k" in sample_stats:
        statistics = importance_statistics(fit.posterior, sample_stats)
        return statistics, importance_figures(sample_stats), check_importance
    statistics = convergence(fit.posterior)
    return statistics, sampler_figures(statistics, sample_stats), check_convergence
