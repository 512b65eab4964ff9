"""Laws that the interactive planner can compute in the page: corners of the coupled family.

The page knows one formula, `planner.js` has it::

    L = E + [(A N^-alpha)^(1 / gamma) + (B D^-beta)^(1 / gamma)]^gamma

An entry of `FORMS` says which values of these six a law's own parameters are, with all inputs
besides size and tokens at their best. A law without an entry has no planner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import Law

__all__ = ["COLUMNS", "FORMS", "edge_of", "page_draws", "page_form"]

Array = NDArray[np.float64]
Form = Callable[[Mapping[str, Array]], dict[str, Array]]

COLUMNS = ("E", "log_A", "alpha", "log_B", "beta", "gamma", "drift", "drift_A", "drift_B")
"""What the page holds of every draw: amplitudes as logs, since they span decades."""


def _separable(theta: Mapping[str, Array]) -> dict[str, Array]:
    """Chinchilla's law: gamma = 1."""
    return {
        "E": theta["E"],
        "log_A": np.log(theta["A"]),
        "alpha": theta["alpha"],
        "log_B": np.log(theta["B"]),
        "beta": theta["beta"],
        "gamma": np.ones_like(theta["E"]),
    }


def _tied(theta: Mapping[str, Array]) -> dict[str, Array]:
    return _separable({**theta, "beta": theta["alpha"]})


def _coupled(theta: Mapping[str, Array]) -> dict[str, Array]:
    return {**_separable(theta), "gamma": theta["gamma"]}


def _kaplan(theta: Mapping[str, Array]) -> dict[str, Array]:
    """Kaplan et al. 2020, eq. 1.5: no irreducible loss, beta = gamma = alpha_D."""
    size, data = theta["alpha_N"], theta["alpha_D"]
    return {
        "E": np.zeros_like(size),
        "log_A": size * np.log(theta["N_c"]),
        "alpha": size,
        "log_B": data * np.log(theta["D_c"]),
        "beta": data,
        "gamma": data,
    }


FORMS: dict[str, Form] = {
    "chinchilla": _separable,
    "chinchilla-tied": _tied,
    "coupled": _coupled,
    "kaplan-nd": _kaplan,
    "shape": _separable,  # at the best aspect ratio nothing is lost
}
"""By the name of the law."""


def page_form(law: Law) -> Form | None:
    """How the law's parameters become the page's, or None where it has no such form."""
    return FORMS.get(law.name)


def page_draws(fit: Fit, group: str, chosen: NDArray[np.int64]) -> dict[str, Array]:
    """`COLUMNS` of a group, each of shape (chosen,); a drift that the fit has not is zero.

    Raises
    ------
    InputError
        The group is unknown.
    KeyError
        The law has no form for the page; ask `page_form` first.
    """
    theta = {name: value[chosen] for name, value in fit.parameters(group).items()}
    columns = FORMS[fit.law.name](theta)
    drifting = ("drift", *(f"drift_{name}" for name in fit.law.drifting)) if fit.drifts else ()
    none = np.zeros(len(chosen))
    return {name: columns.get(name, theta[name] if name in drifting else none) for name in COLUMNS}


def edge_of(fit: Fit, group: str) -> float | None:
    """Log compute where the drift of a group begins; of all groups, if it has no runs."""
    if fit.edge is None or not fit.drifts:
        return None
    known = group in fit.groups
    return float(fit.edge[fit.groups.index(group)] if known else fit.edge.max())
