"""Mathematics of laws that numpy and PyTensor share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["MAX_EXPONENT", "bounded_exp", "logaddexp", "softplus", "solve"]

MAX_EXPONENT = 300.0
"""Products of two stay among the floats, which end at e^709."""


def bounded_exp(xp: Any, x: Any) -> Any:
    """e^x, held within what floats can hold, so that draws far out have gradients, too."""
    # A switch drops the gradient of what overflows; clip would multiply it by zero.
    x = xp.where(x > MAX_EXPONENT, MAX_EXPONENT, x)
    return xp.exp(xp.where(x < -MAX_EXPONENT, -MAX_EXPONENT, x))


def softplus(xp: Any, x: Any) -> Any:
    """log(1 + e^x), without overflow."""
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def logaddexp(xp: Any, x: Any, y: Any, width: Any = 1.0) -> Any:
    """Soft maximum: width log(e^(x / width) + e^(y / width))."""
    return xp.maximum(x, y) + width * xp.log1p(xp.exp(-xp.abs(x - y) / width))


def solve(
    xp: Any,
    equation: Callable[[Any], tuple[Any, Any]],
    start: Any,
    *,
    steps: int,
) -> Any:
    """Root of an equation by Newton's method, differentiable in whatever the equation holds.

    Parameters
    ----------
    xp : module
        numpy or ``pytensor.tensor``.
    equation : callable
        Returns the value and the slope at a point; its slope must keep its sign.
    start : array
    steps : int
        Enough to converge; the gradient is then that of the implicit function, since the last
        step alone carries it.
    """
    x = start
    for _ in range(steps):
        value, slope = equation(x)
        x = x - value / slope
    x = _constant(xp, x)
    value, slope = equation(x)
    return x - value / _constant(xp, slope)


def _constant(xp: Any, value: Any) -> Any:
    """`value`, through which no gradient flows."""
    if not xp.__name__.startswith("pytensor"):
        return value
    from pytensor.gradient import disconnected_grad

    return disconnected_grad(value)
