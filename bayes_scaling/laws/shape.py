"""Chinchilla's law with a penalty for models that are too wide or too deep."""

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

__all__ = ["Shape"]

PENALTY = Parameter(
    name="kappa",
    meaning="share by which the size term grows at a factor of e from the best aspect ratio",
    unit="",
    latex=r"\kappa",
)


@register_law
class Shape(Chinchilla):
    """The size term times 1 + kappa log(r / r_best)^2, with the aspect ratio r = d_model / n_layer.

    Kaplan et al. 2020, Figure 5, found the loss to depend little on the shape near its best;
    McLeish et al. 2025 varied width and depth widely. Neither fitted this form: no constants are
    listed.
    """

    name = "shape"
    title = "Chinchilla with a penalty on the aspect ratio"
    formula = (
        "E + A / params**alpha * (1 + kappa * log(aspect_ratio / r_best)**2) + B / tokens**beta"
    )
    source = (
        "quadratic in log aspect ratio, after Kaplan et al. 2020, arXiv:2001.08361, Figure 5, and "
        "McLeish et al. 2025, arXiv:2502.06857"
    )
    inputs = ("params", "tokens", "aspect_ratio")
    planned = "the best aspect ratio"
    sampled: tuple[Parameter, ...] = (
        FLOOR,
        SIZE_LEVEL,
        DATA_LEVEL,
        ALPHA,
        BETA,
        PENALTY,
        Parameter(
            name="u_best",
            meaning="log of the best aspect ratio over the reference one",
            unit="",
            latex=r"\log r_* / r_0",
            support="real",
        ),
    )
    parameters: tuple[Parameter, ...] = (
        FLOOR,
        SIZE_SCALE,
        DATA_SCALE,
        ALPHA,
        BETA,
        PENALTY,
        Parameter(
            name="r_best", meaning="best aspect ratio d_model / n_layer", unit="", latex="r_*"
        ),
    )
    published: tuple[PublishedFit, ...] = ()

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """Chinchilla's law with the amplitude A (1 + kappa log(r / r_best)^2)."""
        off = log_inputs["aspect_ratio"] - xp.log(theta["r_best"])
        bent = theta["A"] * (1 + theta["kappa"] * off**2)
        return super().mean(xp, log_inputs, {**theta, "A": bent})

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """As Chinchilla's, and the best aspect ratio."""
        return {
            **super().natural(xp, theta, reference),
            "kappa": theta["kappa"],
            "r_best": bounded_exp(xp, theta["u_best"] + reference.log_inputs["aspect_ratio"]),
        }

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """At the best aspect ratio."""
        plan = super().plan_inputs(log_params, log_tokens, theta)
        return {**plan, "aspect_ratio": np.log(theta["r_best"])}
