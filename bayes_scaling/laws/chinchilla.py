"""Chinchilla's law: L(N, D) = E + A / N^alpha + B / D^beta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayes_scaling.laws.base import Array, Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.registry import register_law

__all__ = ["Chinchilla"]

_E = Parameter(name="E", meaning="irreducible loss", unit="nats", latex="E")
_ALPHA = Parameter(name="alpha", meaning="exponent of model size", unit="", latex=r"\alpha")
_BETA = Parameter(name="beta", meaning="exponent of data", unit="", latex=r"\beta")


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
    sampled = (
        _E,
        Parameter(
            name="T_N",
            meaning="reducible loss from finite size, at the reference size",
            unit="nats",
            latex="T_N",
        ),
        Parameter(
            name="T_D",
            meaning="reducible loss from finite data, at the reference tokens",
            unit="nats",
            latex="T_D",
        ),
        _ALPHA,
        _BETA,
    )
    parameters = (
        _E,
        Parameter(name="A", meaning="scale of the size term", unit="nats params^alpha", latex="A"),
        Parameter(name="B", meaning="scale of the data term", unit="nats tokens^beta", latex="B"),
        _ALPHA,
        _BETA,
    )
    published = (
        PublishedFit(
            key="Hoffmann et al. 2022",
            source="Hoffmann et al. 2022, arXiv:2203.15556, eq. 10 (approach 3)",
            values={"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
            note="rounded as printed; N counts all parameters",
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

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A N^-alpha + B D^-beta."""
        size = theta["A"] * xp.exp(-theta["alpha"] * log_inputs["params"])
        data = theta["B"] * xp.exp(-theta["beta"] * log_inputs["tokens"])
        return theta["E"] + size + data

    def in_reference(self, theta: Mapping[str, Any]) -> Mapping[str, Any]:
        """In reference units N0 = D0 = 1, so T_N and T_D are A and B."""
        return {
            "E": theta["E"],
            "A": theta["T_N"],
            "B": theta["T_D"],
            "alpha": theta["alpha"],
            "beta": theta["beta"],
        }

    def natural(self, theta: Mapping[str, Array], reference: Reference) -> dict[str, Array]:
        """A = T_N N0^alpha and B = T_D D0^beta, with losses back in nats."""
        size, data = reference.loss * theta["T_N"], reference.loss * theta["T_D"]
        return {
            "E": reference.loss * theta["E"],
            "A": size * reference.params ** theta["alpha"],
            "B": data * reference.tokens ** theta["beta"],
            "alpha": theta["alpha"],
            "beta": theta["beta"],
            "T_N": size,
            "T_D": data,
        }

    def exponents(self, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """A = beta / (alpha + beta), b = alpha / (alpha + beta) (Hoffmann et al. 2022, eq. 4)."""
        total = theta["alpha"] + theta["beta"]
        return theta["beta"] / total, theta["alpha"] / total

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """N_opt = G (C/6)^a, D_opt = (C/6)^b / G (Hoffmann et al. 2022, eq. 4)."""
        a, b = self.exponents(theta)
        # G = (alpha A / (beta B))^(1 / (alpha + beta)), in logs: A and B span many decades.
        log_g = (
            np.log(theta["alpha"] / theta["beta"]) + np.log(theta["A"]) - np.log(theta["B"])
        ) / (theta["alpha"] + theta["beta"])
        log_nd = np.log(np.asarray(flops, dtype=float) / 6.0)
        return np.exp(log_g + a * log_nd), np.exp(b * log_nd - log_g)
