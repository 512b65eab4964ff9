"""Whether importance sampling, which the quick engine rests on, has worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayes_scaling.inference.diagnostics.convergence import ESS_MIN, STATISTICS, more_draws
from bayes_scaling.inference.quick import PARETO_K_MAX
from bayes_scaling.inference.verdict import CheckResult

if TYPE_CHECKING:
    from bayes_scaling.inference.diagnostics.evidence import Evidence

__all__ = ["check_importance", "importance_figures", "importance_statistics"]


def importance_statistics(posterior: xr.Dataset, sample_stats: xr.Dataset) -> xr.Dataset:
    """What `convergence` gives, of independent draws: one effective sample size, and no R-hat."""
    ess = float(sample_stats["ess"])
    values = {"r_hat": np.nan, "ess_bulk": ess, "ess_tail": ess}
    statistic = xr.DataArray(
        [values[name] for name in STATISTICS],
        dims="statistic",
        coords={"statistic": list(STATISTICS)},
    )
    one = posterior.isel(chain=0, draw=0, drop=True)
    numeric = [name for name, value in one.items() if value.dtype.kind == "f"]
    return xr.Dataset({name: statistic + 0 * one[name] for name in numeric})


def importance_figures(sample_stats: xr.Dataset) -> dict[str, float | None]:
    """What `sampler_figures` gives; chains there are none, so there is no R-hat."""
    ess = float(sample_stats["ess"])
    return {
        "max_rhat": None,
        "min_ess_bulk": ess,
        "min_ess_tail": ess,
        "divergences": 0,
        "draws": int(sample_stats["diverging"].size),
        "pareto_k": float(sample_stats["pareto_k"]),
    }


def check_importance(evidence: Evidence) -> list[CheckResult]:
    """Pareto k of the weights, and what the draws are worth."""
    figures = evidence.fit.sampler_figures
    k, ess = figures["pareto_k"], figures["min_ess_bulk"]
    enough = ess >= ESS_MIN
    return [
        CheckResult(
            name="importance sampling",
            passed=k < PARETO_K_MAX,
            fatal=True,
            text="By the quick engine: draws of an approximation, weighted. Pareto k of the "
            f"weights is {k:.2f} (below {PARETO_K_MAX} is wanted).",
            values={"pareto_k": k},
        ),
        CheckResult(
            name="effective sample size",
            passed=enough,
            fatal=True,
            text=f"The weighted draws are worth {ess:.0f} independent ones ({ESS_MIN:.0f} are "
            f"wanted).{more_draws(enough)}",
            values={"min_ess_bulk": ess},
        ),
    ]
