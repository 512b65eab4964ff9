"""Draws that figures need besides those of `Fit.parameters`: exponents, population, prior."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import Fit

__all__ = [
    "check_parameter", "group_draws", "meaning", "parameter_names", "population_draws", "symbol",
    "wide",
]  # fmt: skip

Array = NDArray[np.float64]

EXPONENTS = {
    "a": r"exponent of optimal size, $N \propto C^a$",
    "b": r"exponent of optimal data, $D \propto C^b$",
}


def parameter_names(fit: Fit) -> list[str]:
    """The law's parameters, and the exponent a of its optimal size."""
    return [*(p.name for p in fit.law.parameters), *("a" if fit.law.allocates else ())]


def check_parameter(fit: Fit, name: str) -> str:
    """The name, if it is a parameter of the fit."""
    known = [*parameter_names(fit), *("b" if fit.law.allocates else ())]
    if name not in known:
        raise InputError(unknown_name("parameter", name, known))
    return name


def symbol(fit: Fit, name: str) -> str:
    """Symbol of a parameter, with its meaning where there is room."""
    latex = {p.name: p.latex for p in fit.law.parameters}
    return f"${latex.get(name, name)}$"


def meaning(fit: Fit, name: str) -> str:
    """What a parameter is, in words, with its unit."""
    for parameter in fit.law.parameters:
        if parameter.name == name:
            unit = re.sub(r"\^(\w+)", r"$^{\\\1}$", parameter.unit)
            return parameter.meaning + (f" ({unit})" if unit else "")
    return EXPONENTS[name]


def wide(draws: Array) -> bool:
    """Whether a parameter spans so much that it wants a log axis."""
    low, high = np.quantile(draws, [0.01, 0.99])
    return bool(draws.min() > 0 and high > 3 * low)


def group_draws(fit: Fit, group: str) -> dict[str, Array]:
    """`Fit.parameters` and the allocation exponents a and b."""
    natural = fit.parameters(group)
    return natural | fit.exponents(natural)


def population_draws(fit: Fit) -> dict[str, Array]:
    """Parameters of the centre of a hierarchical fit's population."""
    mu = fit.posterior["mu"].stack(sample=("chain", "draw"), create_index=False)
    relative = parameter_values(fit.card, mu.transpose("sample", "parameter").to_numpy())
    natural = fit.law.natural(np, relative, fit.reference)
    return natural | fit.exponents(natural)
