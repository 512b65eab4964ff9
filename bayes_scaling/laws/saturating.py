"""A power law of one variable on top of an irreducible loss, and Hutter's account of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bayes_scaling.laws.base import Parameter, PublishedFit, Reference
from bayes_scaling.laws.numeric import bounded_exp
from bayes_scaling.laws.one_variable import OneVariable
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import FLOOR, amplitude, level
from bayes_scaling.units import PF_DAY

__all__ = ["Saturating"]

WORTH = Parameter(name="T", meaning="reducible loss at the reference point", unit="nats", latex="T")


AMPLITUDE = Parameter(
    name="A", meaning="scale of the power law", unit="nats {x}^alpha", latex="A", scale=True
)
ALPHA_X = Parameter(name="alpha", meaning="exponent of {x}", unit="", latex=r"\alpha")


def _henighan(floor: float, x0: float, alpha: float) -> tuple[PublishedFit, ...]:
    return (
        PublishedFit(
            key="Henighan et al. 2020",
            source="Henighan et al. 2020, arXiv:2010.14701, Table 1, images of 32 x 32",
            values={"E": floor, "A": x0**alpha, "alpha": alpha},
            note="autoregressive models of images; language had no measurable floor there",
        ),
    )


@register_law
class Saturating(OneVariable):
    """Irreducible loss plus a power law (Henighan et al. 2020, eq. 1.1).

    On compute it is the law by which GPT-4's loss was forecast (OpenAI 2023, section 3.1).
    """

    name = "saturating"
    title = "Saturating power law of one variable"
    written = "E + A / {x}**alpha"
    source = "Henighan et al. 2020, arXiv:2010.14701, eq. 1.1; OpenAI 2023, arXiv:2303.08774"
    sampled = (
        FLOOR,
        WORTH,
        ALPHA_X,
    )
    parameters = (
        FLOOR,
        AMPLITUDE,
        ALPHA_X,
    )

    published_on: ClassVar[dict[str, tuple[PublishedFit, ...]]] = {
        "params": _henighan(2.20, 6.3e1, 0.13),
        "flops": _henighan(2.21, 3.6e-9 * PF_DAY, 0.10),
    }

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A x^-alpha."""
        return theta["E"] + theta["A"] * bounded_exp(xp, -theta["alpha"] * self.log_x(log_inputs))

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """The scale A = T x0^alpha."""
        worth = level(xp, theta["T"], reference)
        return {
            "E": level(xp, theta["E"], reference),
            "A": amplitude(xp, worth, theta["alpha"], reference.log_inputs[self.x]),
            "alpha": theta["alpha"],
            "T": worth,
        }
