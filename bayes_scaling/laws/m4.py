"""M4: a learning curve that saturates at both ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayes_scaling.laws.base import Parameter, Reference
from bayes_scaling.laws.numeric import bounded_exp, softplus, solve
from bayes_scaling.laws.one_variable import OneVariable
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import FLOOR, level

__all__ = ["M4"]

NEWTON_STEPS = 6
START = Parameter(
    name="L0", meaning="loss at random guessing, left of the data", unit="nats", latex="L_0"
)
RANGE = Parameter(
    name="R", meaning="loss at random guessing less the irreducible loss", unit="nats", latex="R"
)
SHARE = Parameter(
    name="q",
    meaning="(L - E) / (L0 - L)^delta at the reference point, in units of R",
    unit="",
    latex="q",
)
BEND = Parameter(
    name="delta", meaning="how long the curve stays near random guessing", unit="", latex=r"\delta"
)
EXPONENT = Parameter(
    name="alpha", meaning="exponent of {x} where the curve falls", unit="", latex=r"\alpha"
)


@register_law
class M4(OneVariable):
    """Sigmoid of log x between random guessing and the irreducible loss.

    The reducible share u of the range solves u / (1 - u)^delta = A x^-alpha; far from the start it
    is a power law. Alabdulmohsin et al. 2022 write the same with the range inside A; they report
    errors of extrapolation, so that no constants are listed.
    """

    name = "m4"
    title = "M4: saturation at both ends"
    written = "(loss - E) / (L0 - E) / ((L0 - loss) / (L0 - E))**delta == A * {x}**-alpha"
    source = "Alabdulmohsin et al. 2022, arXiv:2209.06640"
    sampled = (FLOOR, RANGE, SHARE, BEND, EXPONENT)
    parameters = (
        FLOOR,
        START,
        Parameter(name="A", meaning="scale of {x}", unit="{x}^alpha", latex="A", scale=True),
        BEND,
        EXPONENT,
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + (L0 - E) u, with u the root of log u - delta log(1 - u) = log A - alpha log x."""
        wanted = xp.log(theta["A"]) - theta["alpha"] * self.log_x(log_inputs)
        delta = theta["delta"] + 0.0 * wanted

        def equation(logit: Any) -> tuple[Any, Any]:
            # log u = -softplus(-logit) and -log(1 - u) = softplus(logit).
            up = softplus(xp, logit)
            u = xp.exp(logit - up)
            return logit - up + delta * up - wanted, (1 - u) + delta * u

        start = xp.where(wanted < 0, wanted, wanted / delta)
        logit = solve(xp, equation, start, steps=NEWTON_STEPS)
        share = xp.exp(logit - softplus(xp, logit))
        return theta["E"] + (theta["L0"] - theta["E"]) * share

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """L0 = E + R and A = q x0^alpha."""
        floor, spread = (level(xp, theta[name], reference) for name in ("E", "R"))
        return {
            "E": floor,
            "L0": floor + spread,
            "A": theta["q"] * bounded_exp(xp, theta["alpha"] * reference.log_inputs[self.x]),
            "delta": theta["delta"],
            "alpha": theta["alpha"],
        }
