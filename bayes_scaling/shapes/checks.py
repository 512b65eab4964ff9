"""Whether the chains of a fit of shapes agree."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bayes_scaling.inference.diagnostics.convergence import (
    DIVERGENT_SHARE_MAX,
    ESS_MIN,
    RHAT_MAX,
    convergence,
    more_draws,
    sampler_figures,
)
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["convergence_checks"]


def convergence_checks(
    posterior: xr.Dataset, statistics: xr.Dataset
) -> tuple[dict[str, Any], list[CheckResult]]:
    """Worst figures over all parameters, and the verdicts on them.

    Parameters
    ----------
    posterior : xarray.Dataset
        Dims chain and draw.
    statistics : xarray.Dataset
        Of the sampler.
    """
    figures = sampler_figures(convergence(posterior), statistics)
    least = min(figures["min_ess_bulk"], figures["min_ess_tail"])
    share = figures["divergences"] / figures["draws"]
    agree = figures["max_rhat"] <= RHAT_MAX
    return figures, [
        CheckResult(
            name="r-hat",
            passed=agree,
            fatal=True,
            text=f"The chains {'agree' if agree else 'do NOT agree'}: the largest R-hat is "
            f"{figures['max_rhat']:.4f} (at most {RHAT_MAX} is wanted).",
        ),
        CheckResult(
            name="effective sample size",
            passed=least >= ESS_MIN,
            fatal=True,
            text=f"The draws of the worst parameter are worth {least:.0f} independent ones "
            f"({ESS_MIN:.0f} are wanted).{more_draws(least >= ESS_MIN)}",
        ),
        CheckResult(
            name="divergences",
            passed=figures["divergences"] == 0,
            fatal=share > DIVERGENT_SHARE_MAX,
            text=f"{figures['divergences']} of {figures['draws']} draws diverged"
            + (": parts of the posterior may be missing." if figures["divergences"] else "."),
        ),
    ]
