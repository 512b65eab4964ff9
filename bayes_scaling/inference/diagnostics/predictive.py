"""Whether runs look as the model expects: leave-one-out probability integral transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogorov

from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_predictive", "uniform_p_value"]

Array = NDArray[np.float64]

P_MIN = 0.01
PROB = 0.9


def _meaning(fits: bool, inside: float, p_value: float) -> str:
    if fits:
        return "; the law and its noise describe them."
    test = f"(Kolmogorov-Smirnov p = {p_value:.2g})"
    if inside > PROB:
        return f" {test}: the intervals are wider than these runs need, which is the safe side."
    return (
        f" {test}: the law bends away from the runs somewhere. Look at the residuals, and be wary "
        "of extrapolation."
    )


def uniform_p_value(values: Array) -> float:
    """Of a Kolmogorov-Smirnov test that values are uniform on 0 to 1.

    By the limiting distribution with the correction of Stephens (1970, J. R. Stat. Soc. B 32, 115).
    `scipy.stats` has the exact one, and is slow to import.
    """
    values, n = np.sort(values), len(values)
    below, above = np.arange(n) / n, np.arange(1, n + 1) / n
    distance = max(float((values - below).max()), float((above - values).max()))
    root = np.sqrt(n)
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def check_predictive(evidence: Evidence) -> list[CheckResult]:
    """Each run's loss against its prediction from the others should be uniform."""
    pit = evidence.loo_pit
    p_value = uniform_p_value(pit)
    inside = float(np.mean((pit > 0.05) & (pit < 0.95)))
    fits = p_value >= P_MIN
    return [
        CheckResult(
            name="posterior predictive",
            passed=fits,
            fatal=False,
            text=f"{inside:.0%} of the runs lie inside the 90 % interval that the other runs "
            "predict for them"
            f"{_meaning(fits, inside, p_value)}",
            values={"p_value": p_value, "inside_90": inside},
        )
    ]
