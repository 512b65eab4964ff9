"""Kaplan's joint law of size and data, without an irreducible loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import Array, Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.chinchilla import separable_optimum
from bayes_scaling.laws.numeric import bounded_exp, logaddexp
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import level, scale

__all__ = ["KaplanND"]

N_LEVEL = Parameter(
    name="T_N", meaning="loss that the reference size allows", unit="nats", latex="T_N"
)
D_LEVEL = Parameter(
    name="T_D", meaning="loss that the reference tokens allow", unit="nats", latex="T_D"
)
N_EXPONENT = Parameter(name="alpha_N", meaning="exponent of model size", unit="", latex=r"\alpha_N")
D_EXPONENT = Parameter(name="alpha_D", meaning="exponent of data", unit="", latex=r"\alpha_D")
EXCESS = Parameter(
    name="excess",
    meaning="by how much alpha_D exceeds alpha_N, as a share of alpha_N",
    unit="",
    latex=r"\alpha_D / \alpha_N - 1",
)
N_SCALE = Parameter(
    name="N_c",
    meaning="size at which infinite data leave a loss of 1",
    unit="params",
    latex="N_c",
    scale=True,
)
D_SCALE = Parameter(
    name="D_c",
    meaning="tokens at which an infinite model has a loss of 1",
    unit="tokens",
    latex="D_c",
    scale=True,
)


@register_law
class KaplanND(Law):
    """Kaplan et al. 2020, eq. 1.5.

    Sampled with alpha_D > alpha_N, as published: runs that level off at an irreducible loss, which
    the law has not, can be imitated by either term with an exponent near zero, and the order
    leaves one of the two ways.
    """

    name = "kaplan-nd"
    title = "Kaplan: joint law of size and data, without an irreducible loss"
    formula = "((N_c / params)**(alpha_N / alpha_D) + D_c / tokens)**alpha_D"
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.5"
    sampled: tuple[Parameter, ...] = (N_LEVEL, D_LEVEL, N_EXPONENT, EXCESS)
    parameters: tuple[Parameter, ...] = (N_SCALE, D_SCALE, N_EXPONENT, D_EXPONENT)
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Kaplan et al. 2020",
            source="Kaplan et al. 2020, arXiv:2001.08361, Table 2",
            values={"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103},
            note="WebText2; N without embeddings",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """[(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D."""
        size = theta["alpha_N"] * (xp.log(theta["N_c"]) - log_inputs["params"])
        data = theta["alpha_D"] * (xp.log(theta["D_c"]) - log_inputs["tokens"])
        return bounded_exp(xp, logaddexp(xp, size, data, theta["alpha_D"]))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """N_c = N0 T_N^(1 / alpha_N) and D_c = D0 T_D^(1 / alpha_D)."""
        size, data = (level(xp, theta[name], reference) for name in ("T_N", "T_D"))
        alpha_d = theta["alpha_N"] * (1 + theta["excess"])
        typical = reference.log_inputs
        return {
            "N_c": scale(xp, size, theta["alpha_N"], typical["params"]),
            "D_c": scale(xp, data, alpha_d, typical["tokens"]),
            "alpha_N": theta["alpha_N"],
            "alpha_D": alpha_d,
        }

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Closed form: the bracket is Chinchilla's with exponents alpha_N / alpha_D and 1.

        This is where the law at the end of training is least for C = 6 N D. The N ~ C^0.73 of
        Kaplan et al. 2020 comes from early stopping instead: see the law ``kaplan-ns``.
        """
        power = theta["alpha_N"] / theta["alpha_D"]
        return separable_optimum(
            flops, power * np.log(theta["N_c"]), power, np.log(theta["D_c"]), np.ones(())
        )

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """Everywhere a = alpha_D / (alpha_N + alpha_D)."""
        total = theta["alpha_N"] + theta["alpha_D"]
        return theta["alpha_D"] / total, theta["alpha_N"] / total
