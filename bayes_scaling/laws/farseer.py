"""Farseer's law: size also sets how fast data help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayes_scaling.laws.base import Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.numeric import bounded_exp
from bayes_scaling.laws.registry import register_law
from bayes_scaling.laws.terms import DATA_LEVEL, level

__all__ = ["Farseer"]


def _slope(name: str, of: str, latex: str) -> Parameter:
    return Parameter(
        name=name,
        meaning=f"slope of the log of {of} in log size, at the reference size",
        unit="",
        latex=latex,
        support="real",
    )


def _power(name: str, of: str, latex: str) -> Parameter:
    return Parameter(
        name=name,
        meaning=f"power of size in the log of {of}",
        unit="",
        latex=latex,
        support="real",
    )


def _coefficient(name: str, meaning: str, unit: str) -> Parameter:
    return Parameter(
        name=name,
        meaning=meaning,
        unit=unit,
        latex=f"{name[0]}_{name[1]}",
        support="real",
        scale=True,
    )


ALPHA = _power("alpha", "the exponent of data", r"\alpha")
BETA = _power("beta", "the scale of the data term", r"\beta")
GAMMA = _power("gamma", "the loss of endless data", r"\gamma")


@register_law
class Farseer(Law):
    """Nine parameters (Li et al. 2025): floor, scale and exponent of data each depend on size.

    L(N, D) = U(N) + V(N) / D^W(N), with log U = a3 N^gamma + b3, log V = a2 N^beta + b2 and
    log W = a1 N^alpha + b1.

    Sampled as U, the data term V / D0^W and W at the reference size, the slopes of their logs in
    log N there, and the powers: each log is y0 + s (n^p - 1) / p in n = N / N0, which is a plain
    power law of N as p -> 0.
    """

    name = "farseer"
    title = "Farseer: exponents of data that depend on size"
    formula = (
        "exp(a3 * params**gamma + b3) + "
        "exp(a2 * params**beta + b2) * tokens**-exp(a1 * params**alpha + b1)"
    )
    source = "Li et al. 2025, arXiv:2506.10972"
    sampled: tuple[Parameter, ...] = (
        Parameter(
            name="U",
            meaning="loss that endless data leave at the reference size",
            unit="nats",
            latex="U",
        ),
        DATA_LEVEL,
        Parameter(name="W", meaning="exponent of data at the reference size", unit="", latex="W"),
        _slope("sU", "the loss of endless data", "s_U"),
        _slope("sV", "the data term", "s_V"),
        _slope("sW", "the exponent of data", "s_W"),
        ALPHA,
        BETA,
        GAMMA,
    )
    parameters: tuple[Parameter, ...] = (
        _coefficient("a1", "how size moves the exponent of data", "params^-alpha"),
        _coefficient("b1", "log exponent of data, without size", ""),
        ALPHA,
        _coefficient("a2", "how size moves the scale of the data term", "params^-beta"),
        _coefficient("b2", "log scale of the data term, without size", ""),
        BETA,
        _coefficient("a3", "how size moves the loss of endless data", "params^-gamma"),
        _coefficient("b3", "log loss of endless data, without size", ""),
        GAMMA,
    )
    published: tuple[PublishedFit, ...] = (
        PublishedFit(
            key="Li et al. 2025",
            source="Li et al. 2025, arXiv:2506.10972, section 4.4",
            values={
                "a1": -0.124,
                "b1": 0.424,
                "alpha": 0.123,
                "a2": 88.01,
                "b2": -6.287,
                "beta": -0.1,
                "a3": -0.021,
                "b3": -0.091,
                "gamma": 0.169,
            },
            note="loss in bits per character, N without embeddings; rounded so that the loss "
            "moves by several per cent, and no best size is left beyond 1e23 FLOPs",
        ),
    )

    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """U(N) + V(N) D^-W(N)."""
        n = log_inputs["params"]
        exponent = bounded_exp(xp, theta["a1"] * bounded_exp(xp, theta["alpha"] * n) + theta["b1"])
        floor = theta["a3"] * bounded_exp(xp, theta["gamma"] * n) + theta["b3"]
        data = theta["a2"] * bounded_exp(xp, theta["beta"] * n) + theta["b2"]
        return bounded_exp(xp, floor) + bounded_exp(xp, data - exponent * log_inputs["tokens"])

    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """Coefficients of N^p from the values and slopes at the reference size."""
        n0, d0 = (reference.log_inputs[name] for name in ("params", "tokens"))
        worth = level(xp, theta["T_D"], reference)
        at_reference = {
            "1": (xp.log(theta["W"]), theta["sW"], theta["alpha"]),
            "2": (
                xp.log(worth) + theta["W"] * d0,
                theta["sV"] + theta["W"] * theta["sW"] * d0,
                theta["beta"],
            ),
            "3": (xp.log(level(xp, theta["U"], reference)), theta["sU"], theta["gamma"]),
        }
        values = {name: theta[name] for name in ("alpha", "beta", "gamma")}
        for i, (value, slope, power) in at_reference.items():
            values[f"a{i}"] = slope / power * bounded_exp(xp, -power * n0)
            values[f"b{i}"] = value - slope / power
        return values
