"""Transfer: pre-training as tokens that fine-tuning need not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import Array, Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.kaplan_nd import (
    D_EXPONENT,
    D_LEVEL,
    D_SCALE,
    EXCESS,
    N_EXPONENT,
    N_LEVEL,
    N_SCALE,
    KaplanND,
)
from bayes_scaling.laws.numeric import bounded_exp, logaddexp
from bayes_scaling.laws.registry import register_law

__all__ = ["Transfer"]

DATA_POWER = Parameter(
    name="t_D",
    meaning="exponent of fine-tuning tokens in the data transferred",
    unit="",
    latex="t_D",
)
SIZE_POWER = Parameter(
    name="t_N", meaning="exponent of model size in the data transferred", unit="", latex="t_N"
)


@register_law
class Transfer(KaplanND):
    """Kaplan's L(N, D) in effective data D_F + D_T (Hernandez et al. 2021, eqs. 1.1, 6.1).

    D_T = k D_F^t_D N^t_N is what pre-training is worth in fine-tuning tokens D_F; runs from scratch
    have none of it.
    """

    name = "transfer"
    title = "Transfer: effective data transferred by pre-training"
    formula = (
        "((N_c / params)**(alpha_N / alpha_D) + D_c / "
        "(tokens + pretrained * k * tokens**t_D * params**t_N))**alpha_D"
    )
    source = "Hernandez et al. 2021, arXiv:2102.01293"
    inputs = ("params", "tokens", "pretrained")
    planned = "a pre-trained start"
    allocates = False
    sampled: tuple[Parameter, ...] = (
        N_LEVEL,
        D_LEVEL,
        N_EXPONENT,
        EXCESS,
        Parameter(
            name="K",
            meaning="data transferred over fine-tuning data, at the reference run",
            unit="",
            latex="D_T / D_F",
        ),
        DATA_POWER,
        SIZE_POWER,
    )
    parameters: tuple[Parameter, ...] = (
        N_SCALE,
        D_SCALE,
        N_EXPONENT,
        D_EXPONENT,
        Parameter(
            name="k",
            meaning="scale of the data transferred",
            unit="tokens^(1 - t_D) params^-t_N",
            latex="k",
            scale=True,
        ),
        DATA_POWER,
        SIZE_POWER,
    )
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Hernandez et al. 2021",
            source="Hernandez et al. 2021, arXiv:2102.01293, eq. 1.1",
            values={"k": 1.9e4, "t_D": 0.18, "t_N": 0.38},
            note="from text to Python, by the data transferred; N without embeddings",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """Kaplan's law at N and D_F + D_T."""
        size, data = log_inputs["params"], log_inputs["tokens"]
        transferred = (
            log_inputs["pretrained"]
            + xp.log(theta["k"])
            + theta["t_D"] * data
            + theta["t_N"] * size
        )
        return super().mean(xp, {"params": size, "tokens": logaddexp(xp, data, transferred)}, theta)

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """The scale k = K D0^(1 - t_D) N0^-t_N."""
        n0, d0 = (reference.log_inputs[name] for name in ("params", "tokens"))
        log_k = xp.log(theta["K"]) + (1 - theta["t_D"]) * d0 - theta["t_N"] * n0
        return {
            **super().natural(xp, theta, reference),
            "k": bounded_exp(xp, log_k),
            "t_D": theta["t_D"],
            "t_N": theta["t_N"],
        }

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Fine-tuning a pre-trained model."""
        plan = super().plan_inputs(log_params, log_tokens, theta)
        return {**plan, "pretrained": np.zeros(())}

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Refused: larger pre-trained models on fewer tokens would be better without end."""
        return Law.optimum(self, flops, theta)

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """Refused, as `optimum` is."""
        return Law.exponents(self, theta, flops)

    def data_transferred(self, params: Any, tokens: Any, theta: Mapping[str, Any]) -> Any:
        """D_T = k D_F^t_D N^t_N, in tokens (Hernandez et al. 2021, eq. 1.1)."""
        log_transferred = (
            np.log(theta["k"]) + theta["t_D"] * np.log(tokens) + theta["t_N"] * np.log(params)
        )
        return np.exp(log_transferred)
