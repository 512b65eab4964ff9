"""Drift: what even a good law leaves out, nothing at the runs and growing with the way beyond them.

A law is an approximation, and its error grows as it is extrapolated. Beyond the runs the
log of the loss drifts away from the law, and so does the logarithm of every reducible term, each
by so much a decade::

    log L = log law(N, D; A 10^(u drift_A / ln 10), B 10^(u drift_B / ln 10), ...) + u drift

where u is the number of decades beyond. A term that goes as N^-alpha thus goes on with another
exponent, so that plans drift with the loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.laws.base import Law, Parameter

__all__ = ["decades_beyond", "drift_parameters", "drifted", "log_mean", "log_scale"]

DRIFT = Parameter(
    name="drift",
    meaning="drift of log loss away from the law, a decade beyond the runs",
    unit="1/decade",
    latex=r"\delta",
    support="real",
)


def drift_parameters(law: Law) -> tuple[Parameter, ...]:
    """Parameters of the drift: of the loss, and of what the law says drifts."""
    terms = (
        Parameter(
            name=f"drift_{name}",
            meaning=f"drift of the logarithm of {name}, a decade beyond the runs",
            unit="1/decade",
            latex=rf"\delta_{{{name}}}",
            support="real",
        )
        for name in law.drifting
    )
    return (DRIFT, *terms)


def log_scale(inputs: Mapping[str, Any]) -> Any:
    """Log of the quantity along which a law is extrapolated: compute, or else its only variable.

    Compute is 6 N D where size and tokens are known, so that it means the same for runs and plans.
    """
    tokens = inputs.get("tokens")
    if tokens is None and {"step", "batch_tokens"} <= set(inputs):
        tokens = inputs["step"] + inputs["batch_tokens"]
    if "params" in inputs and tokens is not None:
        return np.log(6.0) + inputs["params"] + tokens
    return inputs.get("flops", next(iter(inputs.values())))


def decades_beyond(log_x: ArrayLike, edge: ArrayLike) -> NDArray[np.float64]:
    """Decades from an edge, given as logarithms; none on this side of it."""
    return np.asarray(np.maximum(np.asarray(log_x) - edge, 0.0) / np.log(10.0))


def drifted(xp: Any, law: Law, theta: Mapping[str, Any], beyond: Any) -> dict[str, Any]:
    """Natural parameters so many decades beyond the runs; broadcast against these."""
    moved = {name: theta[name] * xp.exp(theta[f"drift_{name}"] * beyond) for name in law.drifting}
    return {**theta, **moved}


def log_mean(
    xp: Any, law: Law, log_inputs: Mapping[str, Any], theta: Mapping[str, Any], beyond: Any = None
) -> Any:
    """Log loss that the law gives, with the drift `beyond` decades away if that is given.

    Parameters
    ----------
    xp : module
        numpy or ``pytensor.tensor``.
    law : Law
    log_inputs : mapping of str to array
        Natural logs of the inputs.
    theta : mapping of str to array
        Natural parameters, and those of `drift_parameters`, by name.
    beyond : array, optional
    """
    if beyond is None:
        return xp.log(law.mean(xp, log_inputs, theta))
    at = drifted(xp, law, theta, beyond)
    return xp.log(law.mean(xp, log_inputs, at)) + theta["drift"] * beyond
