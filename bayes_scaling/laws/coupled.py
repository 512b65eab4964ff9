"""The coupled law: one family that holds Chinchilla's law and Kaplan's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import Array, Parameter, PublishedFit, Reference
from bayes_scaling.laws.chinchilla import Chinchilla, separable_optimum
from bayes_scaling.laws.numeric import bounded_exp, logaddexp
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

__all__ = ["Coupled"]

GAMMA = Parameter(
    name="gamma",
    meaning="coupling of size and data (1: they add, as in Chinchilla's law)",
    unit="",
    latex=r"\gamma",
)


def _beck(
    group: str, *, E: float, log_a: float, log_b: float, alpha: float, beta: float, gamma: float
) -> PublishedFit:
    """Constants of E + (a N^-alpha + b D^-beta)^gamma, in the parametrisation used here."""
    return PublishedFit(
        key=f"Beck et al. 2025, {group}",
        source="Beck et al. 2025, github.com/NX-AI/xlstm_scaling_laws, output of a notebook",
        values={
            "E": E,
            "A": float(np.exp(gamma * log_a)),
            "B": float(np.exp(gamma * log_b)),
            "alpha": gamma * alpha,
            "beta": gamma * beta,
            "gamma": gamma,
        },
        note="written there as E + (A N^-alpha + B D^-beta)^gamma",
    )


@register_law
class Coupled(Chinchilla):
    """Finite size and finite data, combined as a norm of order 1 / gamma.

    gamma = 1 adds the two terms: Chinchilla's law. gamma -> 0 lets only the larger of them count.
    E = 0 with beta = gamma is the L(N, D) of Kaplan et al. 2020, eq. 1.5.
    """

    name = "coupled"
    title = "Coupled: Chinchilla's law and Kaplan's in one family"
    formula = "E + ((A / params**alpha)**(1 / gamma) + (B / tokens**beta)**(1 / gamma))**gamma"
    source = (
        "joins Hoffmann et al. 2022, arXiv:2203.15556, eq. 2, and Kaplan et al. 2020, "
        "arXiv:2001.08361, eq. 1.5; fitted in another parametrisation by Beck et al. 2025"
    )
    sampled: tuple[Parameter, ...] = (FLOOR, SIZE_LEVEL, DATA_LEVEL, ALPHA, BETA, GAMMA)
    parameters: tuple[Parameter, ...] = (FLOOR, SIZE_SCALE, DATA_SCALE, ALPHA, BETA, GAMMA)
    published: tuple[PublishedFit, ...] = (
        *(
            PublishedFit(
                key=each.key,
                source=each.source,
                values={**each.values, "gamma": 1.0},
                standard_errors=each.standard_errors,
                note="Chinchilla's law: gamma = 1",
            )
            for each in Chinchilla.published
        ),
        _beck("Transformer (Llama)", E=1.09429, log_a=14.4451, log_b=16.3295,
              alpha=0.644827, beta=0.625879, gamma=0.253203),
        _beck("xLSTM", E=1.19335, log_a=15.4574, log_b=16.5258,
              alpha=0.705822, beta=0.653441, gamma=0.2578),
    )  # fmt: skip

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + [(A N^-alpha)^(1/gamma) + (B D^-beta)^(1/gamma)]^gamma."""
        log_size = xp.log(theta["A"]) - theta["alpha"] * log_inputs["params"]
        log_data = xp.log(theta["B"]) - theta["beta"] * log_inputs["tokens"]
        return theta["E"] + bounded_exp(xp, logaddexp(xp, log_size, log_data, theta["gamma"]))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """As Chinchilla's, and gamma."""
        return {**super().natural(xp, theta, reference), "gamma": theta["gamma"]}

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Chinchilla's closed form for the terms to the power of 1 / gamma."""
        power = 1.0 / theta["gamma"]
        return separable_optimum(
            flops,
            power * np.log(theta["A"]),
            power * theta["alpha"],
            power * np.log(theta["B"]),
            power * theta["beta"],
        )
