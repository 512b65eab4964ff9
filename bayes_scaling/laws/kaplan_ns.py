"""Kaplan's law of size and training steps, with the critical batch size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import (
    FLOPS_PER_PARAM_TOKEN,
    Array,
    Law,
    Parameter,
    PublishedFit,
    Reference,
)
from bayes_scaling.laws.numeric import bounded_exp, logaddexp, solve
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import level, scale

__all__ = ["KaplanNS", "critical_batch", "minimum_steps"]

NEWTON_STEPS = 6
N_EXPONENT = Parameter(name="alpha_N", meaning="exponent of model size", unit="", latex=r"\alpha_N")
S_EXPONENT = Parameter(
    name="alpha_S", meaning="exponent of training steps", unit="", latex=r"\alpha_S"
)
B_EXPONENT = Parameter(
    name="alpha_B",
    meaning="exponent of the loss in the critical batch size",
    unit="",
    latex=r"\alpha_B",
)


def critical_batch(loss: Any, b_star: Any, alpha_b: Any) -> Any:
    """B_crit(L) = B* / L^(1 / alpha_B), in tokens (Kaplan et al. 2020, eq. 5.3)."""
    return b_star / loss ** (1 / alpha_b)


def minimum_steps(step: Any, batch_tokens: Any, critical: Any) -> Any:
    """S_min = S / (1 + B_crit / B), steps that a far larger batch would take (eq. 5.4)."""
    return step / (1 + critical / batch_tokens)


@register_law
class KaplanNS(Law):
    """Kaplan et al. 2020, eqs. 1.6 and 5.1 to 5.4.

    L = (N_c / N)^alpha_N + (S_c / S_min)^alpha_S, where S_min = S / (1 + B_crit(L) / B) and
    B_crit(L) = B* / L^(1 / alpha_B), so that the loss solves an equation.
    """

    name = "kaplan-ns"
    title = "Kaplan: size and training steps, with the critical batch size"
    formula = (
        "loss == (N_c / params)**alpha_N + (S_c / step * "
        "(1 + B_star / loss**(1 / alpha_B) / batch_tokens))**alpha_S"
    )
    source = "Kaplan et al. 2020, arXiv:2001.08361, eqs. 1.6, 5.1 to 5.4"
    inputs = ("params", "step", "batch_tokens")
    planned = "a batch far below the critical one"
    homogeneous: ClassVar[bool] = False
    sampled: tuple[Parameter, ...] = (
        Parameter(
            name="T_N", meaning="loss that the reference size allows", unit="nats", latex="T_N"
        ),
        Parameter(
            name="T_S",
            meaning="what the reference number of steps costs, with large batches",
            unit="nats",
            latex="T_S",
        ),
        N_EXPONENT,
        S_EXPONENT,
        Parameter(
            name="crit",
            meaning="critical batch at the reference loss, over the reference batch",
            unit="",
            latex=r"B_\mathrm{crit} / B_0",
        ),
        B_EXPONENT,
    )
    parameters: tuple[Parameter, ...] = (
        Parameter(
            name="N_c",
            meaning="size at which endless training leaves a loss of 1",
            unit="params",
            latex="N_c",
            scale=True,
        ),
        Parameter(
            name="S_c",
            meaning="steps at which an infinite model has a loss of 1",
            unit="steps",
            latex="S_c",
            scale=True,
        ),
        N_EXPONENT,
        S_EXPONENT,
        Parameter(
            name="B_star",
            meaning="critical batch at a loss of 1",
            unit="tokens",
            latex="B_*",
            scale=True,
        ),
        B_EXPONENT,
    )
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Kaplan et al. 2020",
            source="Kaplan et al. 2020, arXiv:2001.08361, Table 3, and B_crit from Table 5",
            values={
                "N_c": 6.5e13,
                "S_c": 2.1e3,
                "alpha_N": 0.077,
                "alpha_S": 0.76,
                "B_star": 2.1e8,
                "alpha_B": 0.21,
            },
            note="WebText2; N without embeddings",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """The loss L that solves the law's equation; log L by Newton's method."""
        size = theta["alpha_N"] * (xp.log(theta["N_c"]) - log_inputs["params"])
        steps = xp.log(theta["S_c"]) - log_inputs["step"]
        crowd = xp.log(theta["B_star"]) - log_inputs["batch_tokens"]

        def equation(log_loss: Any) -> tuple[Any, Any]:
            log_ratio = crowd - log_loss / theta["alpha_B"]
            log_waste = logaddexp(xp, 0.0 * log_ratio, log_ratio)
            log_step = theta["alpha_S"] * (steps + log_waste)
            total = logaddexp(xp, size, log_step)
            # d log_waste / d log_loss = -(B_crit / B) / (1 + B_crit / B) / alpha_B.
            slope = -xp.exp(log_ratio - log_waste) / theta["alpha_B"]
            return log_loss - total, 1 - theta["alpha_S"] * slope * xp.exp(log_step - total)

        start = logaddexp(xp, size, theta["alpha_S"] * steps)
        return bounded_exp(xp, solve(xp, equation, start, steps=NEWTON_STEPS))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """N_c, S_c and B* from what they are worth at the reference run."""
        size, steps = (level(xp, theta[name], reference) for name in ("T_N", "T_S"))
        typical = reference.log_inputs
        log_critical = xp.log(theta["crit"]) + typical["batch_tokens"]
        return {
            "N_c": scale(xp, size, theta["alpha_N"], typical["params"]),
            "S_c": scale(xp, steps, theta["alpha_S"], typical["step"]),
            "alpha_N": theta["alpha_N"],
            "alpha_S": theta["alpha_S"],
            "B_star": bounded_exp(xp, log_critical + reference.log_loss / theta["alpha_B"]),
            "alpha_B": theta["alpha_B"],
        }

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Batches far above the critical one, and C_min = 6 N B_crit(L) S_min as the budget.

        So `tokens` are those that a batch far below the critical one would take, D = B_crit S_min
        (Kaplan et al. 2020, section 5.1 and appendix B).
        """
        size = theta["alpha_N"] * (np.log(theta["N_c"]) - log_params)

        def equation(log_loss: Any) -> tuple[Any, Any]:
            log_step = self._log_step(log_loss, log_tokens, theta)
            total = np.logaddexp(size, log_step)
            share = np.exp(log_step - total)
            return log_loss - total, 1 + theta["alpha_S"] / theta["alpha_B"] * share

        start = np.logaddexp(size, self._log_step(size, log_tokens, theta))
        log_loss = solve(np, equation, start, steps=4 * NEWTON_STEPS)
        step = np.log(theta["S_c"]) - self._log_step(log_loss, log_tokens, theta) / theta["alpha_S"]
        # So large a batch that none of it is wasted.
        large = np.log(theta["B_star"]) - log_loss / theta["alpha_B"] + 40.0
        return {"params": log_params + 0 * step, "step": step, "batch_tokens": large}

    def _log_step(self, log_loss: Any, log_tokens: Any, theta: Mapping[str, Any]) -> Any:
        """Log of the step term where D tokens are B_crit(L) S_min."""
        log_critical = np.log(theta["B_star"]) - log_loss / theta["alpha_B"]
        return theta["alpha_S"] * (np.log(theta["S_c"]) - log_tokens + log_critical)

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Closed form (Kaplan et al. 2020, appendix B): alpha_N / alpha_S splits the loss.

        With x the size term, L = x (1 + alpha_N / alpha_S), and the budget
        C_min = 6 N B_crit(L) S_min is a power of x.
        """
        a_n, a_s, a_b = theta["alpha_N"], theta["alpha_S"], theta["alpha_B"]
        log_flops = np.log(np.asarray(flops, dtype=float))
        log_c0 = (
            np.log(FLOPS_PER_PARAM_TOKEN * theta["N_c"])
            + np.log(theta["B_star"])
            - np.log1p(a_n / a_s) / a_b
            + np.log(theta["S_c"])
            - np.log(a_n / a_s) / a_s
        )
        log_x = (log_c0 - log_flops) / (1 / a_n + 1 / a_s + 1 / a_b)
        log_params = np.log(theta["N_c"]) - log_x / a_n
        log_tokens = log_flops - np.log(FLOPS_PER_PARAM_TOKEN) - log_params
        return np.exp(log_params), np.exp(log_tokens)

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """Everywhere a = alpha_C / alpha_N, with 1 / alpha_C the sum of all 1 / alpha (eq. 1.8)."""
        alpha_c = 1 / sum(1 / theta[name] for name in ("alpha_N", "alpha_S", "alpha_B"))
        return alpha_c / theta["alpha_N"], 1 - alpha_c / theta["alpha_N"]
