"""Parameters that many laws share, and what they are sampled as."""

from __future__ import annotations

from typing import Any

from bayes_scaling.laws.base import Parameter, Reference
from bayes_scaling.laws.numeric import bounded_exp

__all__ = [
    "ALPHA", "BETA", "DATA_LEVEL", "DATA_SCALE", "FLOOR", "SIZE_LEVEL", "SIZE_SCALE",
    "amplitude", "level", "scale",
]  # fmt: skip

FLOOR = Parameter(name="E", meaning="irreducible loss", unit="nats", latex="E")
ALPHA = Parameter(name="alpha", meaning="exponent of model size", unit="", latex=r"\alpha")
BETA = Parameter(name="beta", meaning="exponent of data", unit="", latex=r"\beta")
SIZE_LEVEL = Parameter(
    name="T_N",
    meaning="reducible loss from finite size, at the reference size",
    unit="nats",
    latex="T_N",
)
DATA_LEVEL = Parameter(
    name="T_D",
    meaning="reducible loss from finite data, at the reference tokens",
    unit="nats",
    latex="T_D",
)
SIZE_SCALE = Parameter(
    name="A", meaning="scale of the size term", unit="nats params^alpha", latex="A", scale=True
)
DATA_SCALE = Parameter(
    name="B", meaning="scale of the data term", unit="nats tokens^beta", latex="B", scale=True
)


def level(xp: Any, share: Any, reference: Reference) -> Any:
    """A level in nats, from its share of the reference loss."""
    return xp.exp(reference.log_loss) * share


def amplitude(xp: Any, worth: Any, exponent: Any, log_input: Any) -> Any:
    """Amplitude A of a term A x^-exponent that is worth `worth` nats at the reference input."""
    return worth * bounded_exp(xp, exponent * log_input)


def scale(xp: Any, worth: Any, exponent: Any, log_input: Any) -> Any:
    """Scale x_c of a term (x_c / x)^exponent that is worth `worth` nats at the reference input."""
    return bounded_exp(xp, log_input + xp.log(worth) / exponent)
