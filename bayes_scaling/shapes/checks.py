"""Whether the chains of a fit of shapes agree, and whether trends pass where the scores are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
from bayes_scaling.units import format_count, format_quantity

if TYPE_CHECKING:
    from bayes_scaling.shapes.posterior import ShapeFit

__all__ = ["convergence_checks", "score_checks"]

FAR = 0.1
"""Points of the metric (of losses: a share) by which a trend may pass a score."""

NEAR = 0.05
"""The same of scores whose sampling error is known and explains a fourth of that, or less."""

ERRORS = 4.0
"""Standard errors of a score by which its trend may pass it, between these two."""

EXPLAINED = 2.0
"""Standard errors that are nothing, however many points they are."""

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


@dataclass(frozen=True)
class _Missed:
    """A score that its trend passes far from, in points of the metric."""

    away: float
    curve: str
    size: float
    score: float
    trend: float

    def __str__(self) -> str:
        return (
            f"{self.curve!r} at {format_quantity(self.size)}: {self.score:.3g}, "
            f"trend {self.trend:.3g}"
        )


def score_checks(fit: ShapeFit, known: Collection[str] = ()) -> list[CheckResult]:
    """Whether trends are near the scores: of the largest size, where forecasts set out, and others.

    A score that is far from it is for the model one that scatters; it may as well be a jump, or a
    bend that other tasks do not have. How far is far goes by the sampling error, where it is known.

    Parameters
    ----------
    fit : ShapeFit
    known : collection of str
        Curves whose sampling errors are known.
    """
    last: list[_Missed] = []
    earlier: list[_Missed] = []
    for curve in fit.curves:
        largest = fit.data.loc[fit.data["curve"] == curve, "x"].max()
        missed = sorted(_missed(fit, curve, known=curve in known), key=lambda miss: miss.away)
        last += [miss for miss in missed if miss.size == largest]
        earlier += [miss for miss in missed if miss.size < largest][-1:]
    return [
        _score_check(
            "last scores",
            last,
            well="The trend of every curve passes near its score at the largest size.",
            where="its score at the largest size",
            so="They jump, scatter, or bend more than the other tasks do. Forecasts set out from "
            "the trend; `emergence` weighs whether a jump is one.",
        ),
        _score_check(
            "earlier scores",
            earlier,
            well="The trend of every curve passes near its scores at all smaller sizes.",
            where="a score at a smaller size",
            so="For the model they scatter there, and shapes go by the trend; if a curve bends "
            "twice, `--bends 2` can follow it.",
        ),
    ]


def _missed(fit: ShapeFit, curve: str, *, known: bool) -> list[_Missed]:
    own, scale, (middle, _) = fit.trend(curve), fit.scales[curve], fit.seen(curve)
    rows = fit.data[fit.data["curve"] == curve]
    tails = np.quantile(own.at(np.log10(rows["x"].to_numpy()) - middle), TAILS, axis=0)
    lower, median, upper = scale.goodness(tails)
    measured = scale.goodness(rows["z"].to_numpy())
    away, trend = np.abs(measured - median), scale.score(tails[1])
    far = np.full(len(away), FAR)
    if known:
        error = rows["error"].to_numpy() * scale.worth(rows["value"].to_numpy())
        far = np.maximum(np.clip(ERRORS * error, NEAR, FAR), EXPLAINED * error)
    outside = (away > far) & ((measured < lower) | (measured > upper))
    return [
        _Missed(float(away[i]), curve, float(rows["x"].iloc[i]), float(rows["value"].iloc[i]),
                float(trend[i]))
        for i in np.flatnonzero(outside)
    ]  # fmt: skip


def _score_check(
    name: str, missed: list[_Missed], *, well: str, where: str, so: str
) -> CheckResult:
    worst = sorted(missed, key=lambda miss: miss.away, reverse=True)[:NAMED]
    named = "; ".join(map(str, worst)) + ("; ..." if len(missed) > NAMED else "")
    text = (
        f"The trend of {format_count(len(missed), 'curve')} passes far from {where} ({named}). {so}"
    )
    return CheckResult(name=name, passed=not missed, fatal=False, text=text if missed else well)
