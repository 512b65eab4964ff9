"""Whether the chains of a fit of shapes agree, and whether trends pass where the scores are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
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

if TYPE_CHECKING:
    from bayes_scaling.shapes.posterior import ShapeFit

__all__ = ["check_last_scores", "convergence_checks"]

FAR = 0.1
"""Points of the metric (of losses: a share) by which a trend may pass a curve's last score."""

TAILS = (0.05, 0.5, 0.95)
NAMED = 5


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


def check_last_scores(fit: ShapeFit) -> CheckResult:
    """Whether each trend is near the score of the largest size, where forecasts set out.

    A score that is far from it is for the model one that scatters; it may as well be a jump.
    """
    data = fit.data
    missed = []
    for curve in fit.curves:
        own, scale = fit.trend(curve), fit.scales[curve]
        last = data[data["curve"] == curve].nlargest(1, "x").iloc[0]
        tails = np.quantile(own.at(np.array([own.last]))[:, 0], TAILS)
        lower, median, upper = scale.goodness(tails)
        measured = float(scale.goodness(last["z"]))
        away = abs(measured - median)
        if away > FAR and not lower <= measured <= upper:
            missed.append((away, curve, float(last["value"]), float(scale.score(tails[1]))))
    if not missed:
        text = "The trend of every curve passes near its score at the largest size."
        return CheckResult(name="last scores", passed=True, fatal=False, text=text)
    named = "; ".join(
        f"{curve!r} {value:.3g}, trend {score:.3g}"
        for _, curve, value, score in sorted(missed, reverse=True)[:NAMED]
    )
    return CheckResult(
        name="last scores",
        passed=False,
        fatal=False,
        text=f"The trend passes far from the score at the largest size of {len(missed)} curve(s) "
        f"({named}{'; ...' if len(missed) > NAMED else ''}): they jump, scatter, or bend more than "
        "the other tasks do. Forecasts set out from the trend; `emergence` weighs whether a jump "
        "is one.",
    )
