"""Kaplan's laws of one variable: L(X) = (X_c / X)^alpha, without an irreducible loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bayes_scaling.laws.base import Parameter, PublishedFit, Reference
from bayes_scaling.laws.numeric import bounded_exp
from bayes_scaling.laws.one_variable import OneVariable
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import level, scale
from bayes_scaling.units import PF_DAY

__all__ = ["PowerLaw"]

_SOURCE = "Kaplan et al. 2020, arXiv:2001.08361"


def _kaplan(x_c: float, alpha: float, where: str) -> tuple[PublishedFit, ...]:
    return (
        PublishedFit(
            key="Kaplan et al. 2020",
            source=f"{_SOURCE}, {where}",
            values={"x_c": x_c, "alpha": alpha},
            note="WebText2; N without embeddings",
        ),
    )


@register_law
class PowerLaw(OneVariable):
    """L(N), L(D), L(C) and L(C_min) of Kaplan et al. 2020, eqs. 1.1 to 1.4.

    ``x_c`` is where the law would reach one nat; it is far beyond all data and says little alone.
    """

    name = "power-law"
    title = "Kaplan: a pure power law of one variable"
    written = "(x_c / {x})**alpha"
    source = f"{_SOURCE}, eqs. 1.1 to 1.4"
    sampled = (
        Parameter(name="T", meaning="loss at the reference point", unit="nats", latex="T"),
        Parameter(name="alpha", meaning="exponent of {x}", unit="", latex=r"\alpha"),
    )
    parameters = (
        Parameter(
            name="x_c", meaning="scale: {x} at a loss of 1", unit="{x}", latex="x_c", scale=True
        ),
        Parameter(name="alpha", meaning="exponent of {x}", unit="", latex=r"\alpha"),
    )
    published_on: ClassVar[dict[str, tuple[PublishedFit, ...]]] = {
        "params": _kaplan(8.8e13, 0.076, "eq. 1.1"),
        "tokens": _kaplan(5.4e13, 0.095, "eq. 1.2"),
        "flops": _kaplan(1.6e7 * PF_DAY, 0.057, "Table 5: 1.6e7 PF-days"),
        "flops_min": _kaplan(3.1e8 * PF_DAY, 0.050, "eq. 1.3: 3.1e8 PF-days"),
    }

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """(x_c / x)^alpha."""
        return bounded_exp(xp, theta["alpha"] * (xp.log(theta["x_c"]) - self.log_x(log_inputs)))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """x_c = x0 T^(1 / alpha)."""
        worth, alpha = level(xp, theta["T"], reference), theta["alpha"]
        return {"x_c": scale(xp, worth, alpha, reference.log_inputs[self.x]), "alpha": alpha}
