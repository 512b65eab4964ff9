"""Whether runs look as the model expects: leave-one-out probability integral transform."""

from __future__ import annotations

import numpy as np

from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_predictive"]

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


def check_predictive(evidence: Evidence) -> list[CheckResult]:
    """Each run's loss against its prediction from the others should be uniform."""
    from scipy.stats import kstest

    pit = evidence.loo_pit
    p_value = float(kstest(pit, "uniform").pvalue)
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
