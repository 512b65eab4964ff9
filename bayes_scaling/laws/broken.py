"""Smoothly broken power laws of one variable, with one break and with two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from bayes_scaling.laws.base import Parameter, PublishedFit, Reference
from bayes_scaling.laws.numeric import bounded_exp, softplus
from bayes_scaling.laws.one_variable import OneVariable
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.saturating import WORTH
from bayes_scaling.laws.terms import FLOOR, level

__all__ = ["Broken", "TwiceBroken"]


def _break(i: str) -> tuple[Parameter, Parameter, Parameter]:
    """Change of slope, place and width of a break."""
    which = f"break {i}" if i else "the break"
    return (
        Parameter(
            name=f"c{i or 1}",
            meaning=f"change of the exponent at {which} (negative: a slower fall, or a rise)",
            unit="",
            latex=f"c_{i or 1}",
            support="real",
        ),
        Parameter(
            name=f"d{i or 1}",
            meaning=f"place of {which} in {{x}}",
            unit="{x}",
            latex=f"d_{i or 1}",
        ),
        Parameter(
            name=f"f{i or 1}",
            meaning=f"width of {which}, in factors of e of {{x}}",
            unit="",
            latex=f"f_{i or 1}",
        ),
    )


START = Parameter(
    name="c0",
    meaning="exponent of {x} before the first break (negative: the loss rises)",
    unit="",
    latex="c_0",
    support="real",
)
AMPLITUDE = Parameter(
    name="A",
    meaning="scale of the power law before the first break",
    unit="nats {x}^c0",
    latex="A",
    scale=True,
)


SPREADS = "standard deviations of its logarithm over the runs"


MEAN_EXPONENT = Parameter(
    name="c",
    meaning="exponent of {x} on average, a standard deviation of its logarithm either side of the "
    "middle of the runs",
    unit="",
    latex="c",
    support="real",
)
"""What runs pin down, wherever the break is and however it bends: sampled in place of c0."""


def _sampled(parameter: Parameter) -> Parameter:
    """A break as it is sampled: place and width in standard deviations of log x over the runs."""
    if parameter.name.startswith("c"):
        return parameter
    if parameter.name.startswith("f"):
        return replace(
            parameter, name=f"w{parameter.name[1]}", meaning=f"width of the break, in {SPREADS}"
        )
    place, support = ("u1", "real") if parameter.name == "d1" else ("u2", "positive")
    of = "first break from the reference {x}" if place == "u1" else "second break from the first"
    return Parameter(
        name=place,
        meaning=f"distance of the {of}, in {SPREADS}",
        unit="",
        latex=f"u_{place[1]}",
        support=support,
    )


class _Broken(OneVariable):
    breaks: ClassVar[int]

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """E + A x^-c0 times (1 + (x / d_i)^(1 / f_i))^(-c_i f_i) for each break."""
        log_x = self.log_x(log_inputs)
        slope = xp.log(theta["A"]) - theta["c0"] * log_x
        for i in range(1, self.breaks + 1):
            slope = slope - theta[f"c{i}"] * _bend(
                xp, log_x - xp.log(theta[f"d{i}"]), theta[f"f{i}"]
            )
        return theta["E"] + bounded_exp(xp, slope)

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """Places d_i; c0 of the mean exponent c, and A so that T is the reducible loss there."""
        log_x0, spread = reference.log_inputs[self.x], reference.spread[self.x]
        worth = level(xp, theta["T"], reference)
        values: dict[str, Any] = {}
        start, bent, place = theta["c"], 0.0, log_x0
        for i in range(1, self.breaks + 1):
            change, width = theta[f"c{i}"], spread * theta[f"w{i}"]
            place = place + spread * theta[f"u{i}"]
            before, middle, after = (
                _bend(xp, log_x0 + shift - place, width) for shift in (-spread, 0.0, spread)
            )
            start = start - change * (after - before) / (2 * spread)
            bent = bent + change * middle
            values |= {f"c{i}": change, f"d{i}": bounded_exp(xp, place), f"f{i}": width}
        return values | {
            "E": level(xp, theta["E"], reference),
            "A": bounded_exp(xp, xp.log(worth) + start * log_x0 + bent),
            "T": worth,
            "c0": start,
        }


def _bend(xp: Any, distance: Any, width: Any) -> Any:
    """Log factor by which a break bends: 0 before the break, the log distance after it."""
    return width * softplus(xp, distance / width)


@register_law
class Broken(_Broken):
    """Power law whose exponent changes once (Caballero et al. 2022, eq. 1 with n = 1).

    The exponents may have either sign, so that the loss may fall, rise, or turn.
    """

    name = "broken"
    title = "Smoothly broken power law with one break"
    written = "E + A * {x}**-c0 * (1 + ({x} / d1)**(1 / f1))**(-c1 * f1)"
    source = "Caballero et al. 2022, arXiv:2210.14891, eq. 1"
    breaks = 1
    sampled = (FLOOR, WORTH, MEAN_EXPONENT, *map(_sampled, _break("")))
    parameters = (FLOOR, AMPLITUDE, START, *_break(""))
    published_on: ClassVar[dict[str, tuple[PublishedFit, ...]]] = {
        "tokens": (
            PublishedFit(
                key="Caballero et al. 2022",
                source="Caballero et al. 2022, arXiv:2210.14891, Figure 4: four-digit addition",
                values={
                    "E": 0.413885,
                    "A": 2.277272,
                    "c0": 0.0550773,
                    "c1": 5.662904,
                    "d1": 612.5836,
                    "f1": 0.0591930,
                },
                note="x counts training examples; from the code of the paper",
            ),
        ),
    }


@register_law
class TwiceBroken(_Broken):
    """Power law whose exponent changes twice (Caballero et al. 2022, eq. 1 with n = 2).

    No constants are listed: those of the paper are in its code, figure by figure.
    """

    name = "broken-twice"
    title = "Smoothly broken power law with two breaks"
    written = (
        "E + A * {x}**-c0 * (1 + ({x} / d1)**(1 / f1))**(-c1 * f1)"
        " * (1 + ({x} / d2)**(1 / f2))**(-c2 * f2)"
    )
    source = "Caballero et al. 2022, arXiv:2210.14891, eq. 1"
    breaks = 2
    sampled = (FLOOR, WORTH, MEAN_EXPONENT, *map(_sampled, (*_break("1"), *_break("2"))))
    parameters = (FLOOR, AMPLITUDE, START, *_break("1"), *_break("2"))
