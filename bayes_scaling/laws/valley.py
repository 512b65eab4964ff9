"""IsoFLOP valleys: at each budget the loss is a quadratic in log size around the best size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import FLOPS_PER_PARAM_TOKEN, Array, Law, Parameter, Reference
from bayes_scaling.laws.numeric import MAX_EXPONENT, bounded_exp
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import FLOOR, amplitude, level

__all__ = ["Valley"]

EXPONENT = Parameter(
    name="c", meaning="exponent of compute in the least reducible loss", unit="", latex="c"
)
BEND = Parameter(
    name="k",
    meaning="curvature of the valley in log size, as a share of the least reducible loss",
    unit="",
    latex="k",
)
SKEW = Parameter(
    name="skew",
    meaning="skewness of the valley (positive: steeper towards larger sizes)",
    unit="",
    latex="s",
    support="real",
)
SLOPE = Parameter(
    name="slope",
    meaning="exponent of the best size, N_opt ~ C^a",
    unit="",
    latex="a",
    support="real",
)


SERIES_BELOW = 1e-3


@register_law
class Valley(Law):
    """What Chinchilla's approaches 1 and 2 look at, without a law of N and D behind it.

    L = E + R C^-c (1 + k (e^(s z) - s z - 1) / s^2) with z = log(N / N_opt(C)) and N_opt = G C^a:
    the least loss of each budget, how fast the loss rises to both sides of the best size, and how
    that size grows. Without skew s the rise is k z^2 / 2; with it one side is steeper.
    """

    name = "valley"
    title = "IsoFLOP valleys: a quadratic in log size around N_opt = G C^a"
    formula = (
        "E + R / flops**c * (1 + k / skew**2 * ((params / (G * flops**slope))**skew "
        "- skew * log(params / (G * flops**slope)) - 1))"
    )
    source = "Hoffmann et al. 2022, arXiv:2203.15556, sections 3.1 and 3.2"
    inputs = ("params", "flops")
    sampled: tuple[Parameter, ...] = (
        FLOOR,
        Parameter(
            name="T",
            meaning="least reducible loss at the reference compute",
            unit="nats",
            latex="T",
        ),
        EXPONENT,
        BEND,
        Parameter(
            name="v",
            meaning="log of the best size at the reference compute, over the reference size",
            unit="",
            latex="v",
            support="real",
        ),
        SLOPE,
        SKEW,
    )
    parameters: tuple[Parameter, ...] = (
        FLOOR,
        Parameter(
            name="R",
            meaning="scale of the least reducible loss",
            unit="nats FLOPs^c",
            latex="R",
            scale=True,
        ),
        EXPONENT,
        BEND,
        Parameter(
            name="G",
            meaning="scale of the best size",
            unit="params FLOPs^-a",
            latex="G",
            scale=True,
        ),
        SLOPE,
        SKEW,
    )
    drifting = ("R", "G")

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + R C^-c (1 + k (e^(s z) - s z - 1) / s^2) with z = log(N / N_opt)."""
        log_flops = log_inputs["flops"]
        off = log_inputs["params"] - xp.log(theta["G"]) - theta["slope"] * log_flops
        least = bounded_exp(xp, xp.log(theta["R"]) - theta["c"] * log_flops)
        rise = off**2 * _skewed_half(xp, theta["skew"] * off)
        return theta["E"] + least * (1 + theta["k"] * rise)

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """Scales R = T C0^c and G = N0 e^v / C0^a."""
        typical = reference.log_inputs
        worth = level(xp, theta["T"], reference)
        log_best = typical["params"] + theta["v"] - theta["slope"] * typical["flops"]
        return {
            "E": level(xp, theta["E"], reference),
            "R": amplitude(xp, worth, theta["c"], typical["flops"]),
            "c": theta["c"],
            "k": theta["k"],
            "G": bounded_exp(xp, log_best),
            "slope": theta["slope"],
            "skew": theta["skew"],
        }

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A budget of 6 N D."""
        return {
            "params": log_params,
            "flops": np.log(FLOPS_PER_PARAM_TOKEN) + log_params + log_tokens,
        }

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """N_opt = G C^a, D_opt = C / (6 N_opt)."""
        log_flops = np.log(np.asarray(flops, dtype=float))
        log_params = np.log(theta["G"]) + theta["slope"] * log_flops
        log_tokens = log_flops - np.log(FLOPS_PER_PARAM_TOKEN) - log_params
        return np.exp(log_params), np.exp(log_tokens)

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """The slope itself, and the rest of compute."""
        return theta["slope"], 1 - theta["slope"]


def _skewed_half(xp: Any, x: Any) -> Any:
    """(e^x - x - 1) / x^2, which is 1/2 at zero; bounded as `bounded_exp` is."""
    x = xp.where(x > MAX_EXPONENT, MAX_EXPONENT, x)
    small = xp.abs(x) < SERIES_BELOW
    safe = xp.where(small, 1.0, x)
    return xp.where(small, 0.5 + x / 6 + x**2 / 24, (xp.expm1(safe) - safe) / safe**2)
