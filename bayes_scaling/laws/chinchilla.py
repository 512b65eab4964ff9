"""Chinchilla's law: L(N, D) = E + A / N^alpha + B / D^beta, and the same with alpha = beta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    amplitude,
    level,
)

__all__ = ["Chinchilla", "TiedChinchilla", "separable_optimum"]


def separable_optimum(
    flops: ArrayLike, log_a: Any, alpha: Any, log_b: Any, beta: Any
) -> tuple[Array, Array]:
    """Where a N^-alpha + b D^-beta is least under C = 6 N D (Hoffmann et al. 2022, eq. 4).

    N_opt = G (C/6)^(beta / (alpha + beta)), D_opt = C / (6 N_opt), with
    G = (alpha a / (beta b))^(1 / (alpha + beta)).

    Parameters
    ----------
    flops : array_like
        Budgets C.
    log_a, log_b : array
        Natural logs of the amplitudes, which span many decades.
    alpha, beta : array

    Returns
    -------
    params, tokens : arrays of the broadcast shape
    """
    log_g = (np.log(alpha / beta) + log_a - log_b) / (alpha + beta)
    log_nd = np.log(np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN)
    log_params = log_g + beta / (alpha + beta) * log_nd
    return np.exp(log_params), np.exp(log_nd - log_params)


@register_law
class Chinchilla(Law):
    """Separable law of finite size and finite data (Hoffmann et al. 2022, eq. 2).

    ``E`` is the loss of an infinite model on infinite data; the two power laws are what finite
    size and finite data cost.
    """

    name = "chinchilla"
    title = "Chinchilla: separable power laws of size and data"
    formula = "E + A / params**alpha + B / tokens**beta"
    source = "Hoffmann et al. 2022, arXiv:2203.15556, section 3.3"
    sampled: tuple[Parameter, ...] = (FLOOR, SIZE_LEVEL, DATA_LEVEL, ALPHA, BETA)
    parameters: tuple[Parameter, ...] = (FLOOR, SIZE_SCALE, DATA_SCALE, ALPHA, BETA)
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Hoffmann et al. 2022",
            source="Hoffmann et al. 2022, arXiv:2203.15556, eq. 10 (approach 3)",
            # Eq. 10 rounds them to 1.69, 406.4, 410.7, 0.34 and 0.28, which alone makes the best
            # model of Gopher's budget a fifth smaller.
            values={
                "E": 1.6933736809989528,
                "A": 406.4010175194737,
                "B": 410.7228269450398,
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
            note="all digits, from the TeX source of the paper; N counts all parameters",
        ),
        PublishedFit(
            key="Besiroglu et al. 2024",
            source="Besiroglu et al. 2024, arXiv:2404.10102, Table 1",
            values={"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658},
            standard_errors={
                "E": 0.0257,
                "A": 124.52,
                "B": 1293.28,
                "alpha": 0.0154,
                "beta": 0.0206,
            },
            note="240 of the 245 reconstructed runs; standard errors by bootstrap",
        ),
    )
    drifting = ("A", "B")

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A N^-alpha + B D^-beta."""
        size = theta["A"] * bounded_exp(xp, -theta["alpha"] * log_inputs["params"])
        data = theta["B"] * bounded_exp(xp, -theta["beta"] * log_inputs["tokens"])
        return theta["E"] + size + data

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """A = T_N N0^alpha and B = T_D D0^beta."""
        size, data = (level(xp, theta[name], reference) for name in ("T_N", "T_D"))
        typical = reference.log_inputs
        return {
            "E": level(xp, theta["E"], reference),
            "A": amplitude(xp, size, theta["alpha"], typical["params"]),
            "B": amplitude(xp, data, theta["beta"], typical["tokens"]),
            "alpha": theta["alpha"],
            "beta": theta["beta"],
            "T_N": size,
            "T_D": data,
        }

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """Everywhere a = beta / (alpha + beta) (Hoffmann et al. 2022, eq. 4)."""
        total = theta["alpha"] + theta["beta"]
        return theta["beta"] / total, theta["alpha"] / total

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Closed form of Hoffmann et al. 2022, eq. 4."""
        return separable_optimum(
            flops, np.log(theta["A"]), theta["alpha"], np.log(theta["B"]), theta["beta"]
        )


@register_law
class TiedChinchilla(Chinchilla):
    """Chinchilla's law with one exponent for size and data: N and D then grow alike.

    Muennighoff et al. 2023 tie the exponents so.
    """

    name = "chinchilla-tied"
    title = "Chinchilla with one exponent: E + A/N^alpha + B/D^alpha"
    formula = "E + A / params**alpha + B / tokens**alpha"
    source = "Hoffmann et al. 2022, arXiv:2203.15556; tied by Muennighoff et al. 2023"
    sampled: tuple[Parameter, ...] = (FLOOR, SIZE_LEVEL, DATA_LEVEL, ALPHA)
    parameters: tuple[Parameter, ...] = (FLOOR, SIZE_SCALE, DATA_SCALE, ALPHA)
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Muennighoff et al. 2023",
            source="Muennighoff et al. 2023, arXiv:2305.16264, fit to C4",
            values={"E": 1.8691, "A": 520.82, "B": 1487.72, "alpha": 0.35266},
            note="from the notebook of the paper's repository",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A N^-alpha + B D^-alpha."""
        return super().mean(xp, log_inputs, _untied(theta))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """As Chinchilla's, with one exponent."""
        values = super().natural(xp, _untied(theta), reference)
        return {name: value for name, value in values.items() if name != "beta"}

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """One half each, whatever the fit says."""
        return super().exponents(_untied(theta), flops)

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Closed form of Hoffmann et al. 2022, eq. 4."""
        return super().optimum(flops, _untied(theta))


def _untied(theta: Mapping[str, Any]) -> dict[str, Any]:
    return {**theta, "beta": theta["alpha"]}
