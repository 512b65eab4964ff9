"""Draws that figures need besides those of `Fit.parameters`: exponents, population, prior."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import Fit

__all__ = [
    "budget_draws", "check_parameter", "group_draws", "meaning", "population_draws", "symbol",
    "wide",
]  # fmt: skip

Array = NDArray[np.float64]

EXPONENTS = {
    "a": r"exponent of optimal size, $N \propto C^a$",
    "b": r"exponent of optimal data, $D \propto C^b$",
}


def check_parameter(fit: Fit, name: str) -> str:
    """The name, if it is a parameter of the fit."""
    known = [*(p.name for p in fit.law.parameters), *("ab" if fit.law.allocates else "")]
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
            return parameter.meaning + (f" ({_unit(parameter.unit)})" if parameter.unit else "")
    return EXPONENTS[name]


def _unit(text: str) -> str:
    """A unit such as "nats params^alpha" with its powers raised."""
    return re.sub(r"\^(\([^)]*\)|-?\w+)", lambda power: f"$^{{{_symbols(power[1])}}}$", text)


def _symbols(power: str) -> str:
    """Greek names as symbols, and numbers after a letter as indices: alpha, t_D, c0."""
    power = re.sub(r"\b(alpha|beta|gamma)", r"\\\1", power)
    return re.sub(r"([a-z])(\d)", r"\1_\2", power)


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


def budget_draws(fit: Fit, group: str, budget: str) -> dict[str, Array]:
    """Natural parameters of a group at one of its budgets, where some vary between them."""
    stack = {"sample": ("chain", "draw")}
    posterior = fit.posterior[["theta", "budget_effect"]].sel(group=group, budget=budget)
    draws = posterior.stack(stack, create_index=False)
    theta = draws["theta"].transpose("sample", "parameter").to_numpy().copy()
    effect = draws["budget_effect"].transpose("sample", "varying").to_numpy()
    names = fit.posterior["parameter"].to_numpy().astype(str).tolist()
    for i, name in enumerate(fit.posterior["varying"].to_numpy().astype(str)):
        theta[:, names.index(name)] += effect[:, i]
    return fit.law.natural(np, parameter_values(fit.card, theta), fit.reference)
