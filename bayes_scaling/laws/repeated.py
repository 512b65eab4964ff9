"""Repeated data: what a token is worth when it has been seen before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_scaling.laws.base import Parameter, PublishedFit, Reference
from bayes_scaling.laws.chinchilla import Chinchilla
from bayes_scaling.laws.numeric import bounded_exp
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import (
    ALPHA,
    BETA,
    DATA_LEVEL,
    DATA_SCALE,
    FLOOR,
    SIZE_LEVEL,
    SIZE_SCALE,
)

__all__ = ["Repeated", "effective"]

REPEATS = Parameter(
    name="R_D",
    meaning="repetitions after which a token has lost 1 - 1/e of its worth",
    unit="",
    latex="R_D^*",
)
EXCESS = Parameter(
    name="R_N",
    meaning="excess size over what the data call for, after which it has lost 1 - 1/e of its worth",
    unit="",
    latex="R_N^*",
)


def effective(xp: Any, unique: Any, total: Any, half: Any) -> Any:
    """U + U R* (1 - exp(-R / R*)) with R = total / U - 1 (Muennighoff et al. 2023, eqs. 5, 6)."""
    repetitions = total / unique - 1
    return unique * (1 + half * (1 - bounded_exp(xp, -repetitions / half)))


@register_law
class Repeated(Chinchilla):
    """Chinchilla's law in effective tokens and effective parameters (Muennighoff et al. 2023).

    Of the tokens seen, those seen before count exponentially less; of the parameters, those
    beyond the size U_N that is compute-optimal for the unique tokens. Without repetition and
    excess it is Chinchilla's law.
    """

    name = "repeated"
    title = "Chinchilla with repeated data: effective tokens and parameters"
    formula = (
        "E + A / (minimum(params, (alpha * A / (beta * B))**(1 / alpha) "
        "* unique_tokens**(beta / alpha)) * (1 + R_N * (1 - exp(-(params / minimum(params, "
        "(alpha * A / (beta * B))**(1 / alpha) * unique_tokens**(beta / alpha)) - 1) / R_N))))"
        "**alpha + B / (unique_tokens * (1 + R_D * (1 - exp(-(tokens / unique_tokens - 1) "
        "/ R_D))))**beta"
    )
    source = "Muennighoff et al. 2023, arXiv:2305.16264, section 3"
    inputs = ("params", "tokens", "unique_tokens")
    planned = "all tokens new"
    sampled: tuple[Parameter, ...] = (FLOOR, SIZE_LEVEL, DATA_LEVEL, ALPHA, BETA, REPEATS, EXCESS)
    parameters: tuple[Parameter, ...] = (
        FLOOR,
        SIZE_SCALE,
        DATA_SCALE,
        ALPHA,
        BETA,
        REPEATS,
        EXCESS,
    )
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Muennighoff et al. 2023",
            source="Muennighoff et al. 2023, arXiv:2305.16264, fit to C4",
            values={
                "E": 1.8691,
                "A": 520.82,
                "B": 1487.72,
                "alpha": 0.35266,
                "beta": 0.35266,
                "R_D": 15.3878,
                "R_N": 5.3097,
            },
            note="exponents tied; from the notebook of the paper's repository",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """Chinchilla's law at N' and D'."""
        log_unique = log_inputs["unique_tokens"]
        log_data = log_unique + _log_effective(xp, log_inputs["tokens"] - log_unique, theta["R_D"])
        # The size that is compute-optimal where the unique tokens are all that is seen.
        log_optimal = (
            xp.log(theta["alpha"] / theta["beta"]) + xp.log(theta["A"]) - xp.log(theta["B"])
            + theta["beta"] * log_unique
        ) / theta["alpha"]  # fmt: skip
        log_used = xp.minimum(log_inputs["params"], log_optimal)
        log_size = log_used + _log_effective(xp, log_inputs["params"] - log_used, theta["R_N"])
        return super().mean(xp, {"params": log_size, "tokens": log_data}, theta)

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """As Chinchilla's, and the two rates."""
        rates = {name: theta[name] for name in ("R_D", "R_N")}
        return {**super().natural(xp, theta, reference), **rates}

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """All tokens new."""
        plan = super().plan_inputs(log_params, log_tokens, theta)
        return {**plan, "unique_tokens": log_tokens}

    def token_worth(self, epochs: Any, theta: Mapping[str, Any]) -> Any:
        """What one more token is worth after that many epochs, as a share of a new one.

        The derivative of D' with respect to D: exp(-(epochs - 1) / R_D).
        """
        return np.exp(-(np.asarray(epochs, dtype=float) - 1) / theta["R_D"])


def _log_effective(xp: Any, log_ratio: Any, half: Any) -> Any:
    """Log of 1 + R* (1 - exp(-R / R*)) where the total is e^log_ratio times what is unique."""
    return xp.log(effective(xp, 1.0, bounded_exp(xp, log_ratio), half))
