"""The smallest budget that reaches a target loss, with a probability that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.decisions.search import lowest
from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Target", "find_target", "risk_minimal"]

Array = NDArray[np.float64]

DECADES_BEYOND = 10.0
"""Beyond the largest run; what is not reached with so much compute is called unreachable."""

DECADES_BELOW = 3.0
"""Below the smallest run, where the search begins."""

PER_DECADE = 2
"""Budgets at which the plan is found; between them its size is interpolated."""

POINTS = 33
FINE = 2e-3
SOME = 500
"""Draws that find the sizes along the curve; the loss is flat around these."""

ROUNDS, LOOKS = 6, 16


@dataclass(frozen=True, kw_only=True)
class Target:
    """The budget that a target loss takes.

    Attributes
    ----------
    loss, confidence : float
        The target, and the probability that is asked for.
    spend : float or None
        The smallest budget whose plan reaches the target with that probability; None where none
        does.
    along : mapping of str to array of shape (budget,)
        ``flops``, ``probability`` of reaching the target, ``params`` and ``tokens`` of the plan.
    p_floor : float
        Probability that the irreducible loss, by the law alone, is not below the target.
    law_only : Target, optional
        The same with the law taken for the truth; None where that is what this is.
    """

    loss: float
    confidence: float
    spend: float | None
    along: Mapping[str, Array]
    p_floor: float
    law_only: Target | None = None

    @cached_property
    def curve(self) -> xr.Dataset:
        """`along` as a dataset, dim budget, coordinate flops."""
        import xarray as xr

        values = {name: ("budget", value) for name, value in self.along.items()}
        return xr.Dataset(values).set_coords("flops")


def risk_minimal(ground: Ground, spends: Array, risk: Risk) -> Array:
    """Log sizes with the least risk for spends, each of shape (spend,)."""
    low, high = np.transpose([ground.bounds(float(spend)) for spend in spends])

    def risks(x: Array) -> Array:
        at = np.broadcast_to(spends[:, None], x.shape).ravel()
        return risk(ground.loss_at(x.ravel(), at)).reshape(x.shape)

    corners = ground.corners(spends)
    return lowest(risks, low, high, resolution=FINE, corners=corners)[0]


def find_target(ground: Ground, loss: float, confidence: float, risk: Risk) -> Target:
    """Find the smallest budget whose plan reaches a loss with some probability.

    The plan at each budget is the one of least risk.

    Raises
    ------
    InputError
        The target is not a positive number, the confidence no probability, or no plan is within
        the limits.
    """
    _check(loss, confidence)
    flops = ground.fit.columns["flops"]
    low, high = np.log10(flops.min()) - DECADES_BELOW, np.log10(flops.max()) + DECADES_BEYOND
    budgets = np.logspace(low, high, int(PER_DECADE * (high - low)) + 1)
    budgets = _affordable(ground, budgets)
    log_params = _sizes(ground, budgets, risk)
    chance = _chance(ground, loss, budgets, log_params)
    reached = np.flatnonzero(chance >= confidence)
    spend = None
    if len(reached):
        i = int(reached[0])
        spend = float(budgets[0])
        if i > 0:
            spend = _crossing(ground, loss, confidence, risk, budgets[i - 1 : i + 1])
    return Target(
        loss=loss,
        confidence=confidence,
        spend=spend,
        along=_curve(ground, loss, budgets, log_params, spend),
        p_floor=_p_floor(ground, loss),
        law_only=find_target(replace(ground, fit=ground.fit.law_only()), loss, confidence, risk)
        if ground.fit.drifts
        else None,
    )


def _check(loss: float, confidence: float) -> None:
    if not (np.isfinite(loss) and loss > 0):
        raise InputError(f"the target loss must be a positive number of nats, not {loss!r}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, such as 0.9, not {confidence}")


def _affordable(ground: Ground, budgets: Array) -> Array:
    """Budgets at which there is a plan, up to what money buys."""
    if (money := ground.costs.limits.max_money) is not None:
        most = ground.costs.spend_for(money)
        budgets = np.append(budgets[budgets < most], most)
    possible = list[float]()
    for budget in budgets:
        try:
            ground.bounds(float(budget))
        except InputError:
            if budget == budgets[-1]:
                raise
        else:
            possible.append(float(budget))
    return np.array(possible)


def _sizes(ground: Ground, budgets: Array, risk: Risk) -> Array:
    """Log sizes of the plans of budgets, found with some of the draws."""
    some = replace(ground, every=max(1, ground.fit.n_draws // SOME))
    return risk_minimal(some, budgets, risk)


def _chance(ground: Ground, loss: float, budgets: Array, log_params: Array) -> Array:
    """Probability that plans reach a loss."""
    return np.asarray((ground.loss_at(log_params, budgets) <= loss).mean(axis=0))


def _crossing(ground: Ground, loss: float, confidence: float, risk: Risk, bracket: Array) -> float:
    """The first budget within a bracket that reaches the target, to one part in a million."""
    knots = _spread(bracket, 5)
    found = _sizes(ground, knots, risk)
    for _ in range(ROUNDS):
        budgets = _spread(bracket, LOOKS)
        log_params = _interpolated(knots, found)(budgets)
        enough = _chance(ground, loss, budgets, log_params) >= confidence
        # The upper end reached it, and rounding must not say otherwise.
        i = int(np.argmax(enough)) if enough.any() else LOOKS - 1
        bracket = budgets[max(i - 1, 0) : max(i, 1) + 1]
    return float(bracket[1])


def _spread(bracket: Array, points: int) -> Array:
    return np.geomspace(float(bracket[0]), float(bracket[1]), points)


def _interpolated(budgets: Array, log_params: Array) -> Callable[[Array], Array]:
    return lambda at: np.interp(np.log(at), np.log(budgets), log_params)


def _curve(
    ground: Ground, loss: float, budgets: Array, log_params: Array, spend: float | None
) -> dict[str, Array]:
    """Probability against budget, from where it is least to where it is decided."""
    centre = budgets[-1] if spend is None else spend
    low, high = (max(centre * 1e-3, budgets[0]), min(centre * 1e2, budgets[-1]))
    low = budgets[max(len(budgets) - 8 * PER_DECADE, 0)] if spend is None else low
    at = np.geomspace(low, high, 61)
    sizes = _interpolated(budgets, log_params)(at)
    return {
        "flops": at,
        "probability": _chance(ground, loss, at, sizes),
        "params": np.exp(sizes),
        "tokens": np.exp(ground.log_tokens(sizes, at)),
    }


def _p_floor(ground: Ground, loss: float) -> float:
    """Share of draws whose law never goes below a loss, however large and long-trained a model."""
    endless = np.array([np.log(1e60)])
    floor = replace(ground, fit=ground.fit.law_only()).loss(endless, endless)
    return float((floor >= loss).mean())
