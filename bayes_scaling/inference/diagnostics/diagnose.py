"""Run every check and write the verdicts into the tree of the fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import xarray as xr

from bayes_scaling.inference.diagnostics.convergence import (
    check_convergence,
    convergence,
    sampler_figures,
)
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.diagnostics.identifiability import check_identifiability
from bayes_scaling.inference.diagnostics.influence import check_influence
from bayes_scaling.inference.diagnostics.predictive import check_predictive
from bayes_scaling.inference.diagnostics.prior_sensitivity import check_prior_sensitivity
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["CHECKS", "diagnose"]

CHECKS: tuple[Callable[[Evidence], Iterable[CheckResult]], ...] = (
    check_convergence,
    check_predictive,
    check_identifiability,
    check_prior_sensitivity,
    check_influence,
)


def diagnose(evidence: Evidence) -> xr.DataTree:
    """Tree of the fit with groups ``convergence`` and ``loo``, and all verdicts as attributes."""
    tree = evidence.fit.tree.copy()
    statistics = convergence(evidence.fit.posterior)
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
    figures = sampler_figures(statistics, tree["sample_stats"].to_dataset())
    figures["attempt"] = evidence.attempt
    evidence.fit.tree.attrs["diagnostics"] = json.dumps(figures)
    results = [result for check in CHECKS for result in check(evidence)]
    results += [
        CheckResult(name=f"runs: {p.code}", passed=None, fatal=False, text=p.message)
        for p in evidence.warnings
    ]
    tree.attrs["diagnostics"] = json.dumps(figures)
    tree.attrs["checks"] = json.dumps([result.to_dict() for result in results])
    return tree
