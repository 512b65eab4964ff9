"""Laws of one variable, which may be compute, tokens, parameters or steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.laws.base import Law, Parameter, PublishedFit
from bayes_scaling.laws.inputs import INPUTS

__all__ = ["VARIABLES", "OneVariable"]

VARIABLES = ("flops", "tokens", "params", "step", "flops_min")
_UNITS = {"flops": "FLOPs", "flops_min": "FLOPs", "step": "steps"}


class OneVariable(Law):
    """A law of one variable x; `on` puts it on another.

    Attributes
    ----------
    default_x : str
        Variable of the registered instance.
    published_on : mapping of str to tuple of PublishedFit
        Published constants for each variable.
    """

    allocates: ClassVar[bool] = False
    default_x: ClassVar[str] = "flops"
    published_on: ClassVar[dict[str, tuple[PublishedFit, ...]]] = {}
    written: ClassVar[str]
    """The formula, with {x} for the variable."""

    def __init__(self, x: str | None = None) -> None:
        self.x = x or self.default_x
        self.inputs = (self.x,)
        self.formula = self.written.replace("{x}", self.x)
        self.published = self.published_on.get(self.x, ())
        meaning, unit = INPUTS[self.x].short, _UNITS.get(self.x, self.x)
        self.sampled = tuple(_about(p, meaning, unit) for p in self.sampled)
        self.parameters = tuple(_about(p, meaning, unit) for p in self.parameters)

    def on(self, x: str) -> Self:
        """The same law in another variable."""
        if x not in VARIABLES:
            raise InputError(unknown_name("variable", x, VARIABLES))
        return type(self)(x)

    def log_x(self, log_inputs: Any) -> Any:
        """Natural log of the variable."""
        return log_inputs[self.x]


def _about(parameter: Parameter, meaning: str, unit: str) -> Parameter:
    """The parameter, described for the variable at hand."""
    return replace(
        parameter,
        meaning=parameter.meaning.replace("{x}", meaning),
        unit=parameter.unit.replace("{x}", unit),
    )
