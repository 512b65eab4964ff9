"""Hutter's learning curve of a memoriser of Zipf-distributed features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayes_scaling.laws.base import Parameter, Reference
from bayes_scaling.laws.numeric import bounded_exp
from bayes_scaling.laws.one_variable import OneVariable
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.saturating import WORTH
from bayes_scaling.laws.terms import FLOOR, amplitude, level

__all__ = ["LearningCurve"]

ZIPF = Parameter(
    name="zipf",
    meaning="tail index alpha of the features, whose i-th has probability ~ i^-(1 + alpha)",
    unit="",
    latex=r"\alpha_\mathrm{Zipf}",
)


@register_law
class LearningCurve(OneVariable):
    """Error ~ n^-beta with beta = alpha / (1 + alpha) (Hutter 2021), on top of a limiting loss.

    The exponent stays below one: heavier tails of rare features learn more slowly. A theory, for
    which no constants are published.
    """

    name = "learning-curve"
    title = "Hutter: learning curve of Zipf-distributed features"
    written = "E + A / {x}**(zipf / (1 + zipf))"
    source = "Hutter 2021, arXiv:2102.04074"
    default_x = "tokens"
    sampled = (FLOOR, WORTH, ZIPF)
    parameters = (
        FLOOR,
        Parameter(
            name="A", meaning="scale of the error", unit="nats {x}^beta", latex="A", scale=True
        ),
        ZIPF,
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A n^-beta."""
        beta = theta["zipf"] / (1 + theta["zipf"])
        return theta["E"] + theta["A"] * bounded_exp(xp, -beta * self.log_x(log_inputs))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """The scale A = T n0^beta; beta comes along."""
        worth, beta = level(xp, theta["T"], reference), theta["zipf"] / (1 + theta["zipf"])
        return {
            "E": level(xp, theta["E"], reference),
            "A": amplitude(xp, worth, beta, reference.log_inputs[self.x]),
            "zipf": theta["zipf"],
            "beta": beta,
            "T": worth,
        }
