"""The flat valley: sizes that are about as good as the best, so that other reasons may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.regret import Best
from bayes_scaling.errors import InputError

__all__ = ["Epsilon", "Valley", "parse_epsilon", "valley_curve", "within"]

Array = NDArray[np.float64]

POINTS = 49
WIDER = 6.0
"""The curve goes on to so many times the regret that makes the valley, to be seen and to draw."""


@dataclass(frozen=True, kw_only=True)
class Epsilon:
    """How much expected regret still counts as flat: in nats, or as a share of the loss."""

    nats: float | None = None
    share: float | None = None

    def of(self, loss: float) -> float:
        """In nats, for a plan with that expected loss."""
        return self.nats if self.nats is not None else (self.share or 0.0) * loss


def parse_epsilon(value: str | float | Epsilon) -> Epsilon:
    """Read nats such as 0.002, or a share of the loss such as "0.1%".

    Raises
    ------
    InputError
        It is not positive, or cannot be read.
    """
    if isinstance(value, Epsilon):
        return value
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = np.nan
    if not 0 < number < 100:
        raise InputError(
            "epsilon must be nats such as 0.002, or a share of the loss such as 0.1%, not "
            f"{value!r}"
        )
    return Epsilon(share=number / 100) if text.endswith("%") else Epsilon(nats=number)


@dataclass(frozen=True, kw_only=True)
class Valley:
    """Sizes whose expected regret, or deadweight, stays under a bound.

    Attributes
    ----------
    bound : float
        Nats, or share of the spend.
    params, tokens : pair of float, or None
        Smallest and largest size, and their tokens from least to most; None where even the least
        expected regret is above the bound.
    least : float
        The least expected regret, or deadweight, of any size.
    limited : tuple of bool
        Whether the valley goes on beyond its smallest, or largest, size and a limit ends it.
    """

    bound: float
    params: tuple[float, float] | None
    tokens: tuple[float, float] | None
    least: float
    limited: tuple[bool, bool] = (False, False)


def valley_curve(
    ground: Ground, spend: float, best: Best, grid: Array, losses: Array, bounds: tuple[float, ...]
) -> dict[str, Array]:
    """Expected regret and deadweight of sizes around the best.

    Parameters
    ----------
    ground, spend, best, grid, losses
        As for `best_plans`.
    bounds : tuple of float
        Nats, and perhaps a share of the spend, that the curve must reach beyond.

    Returns
    -------
    dict of str to array of shape (point,)
        ``params``, ``tokens``, ``loss``, ``regret`` and ``deadweight``, means over the draws.
    """
    regret = losses.mean(axis=0) - best.loss.mean()
    near = regret <= max(WIDER * bounds[0], 2 * regret.min())
    if len(bounds) > 1:
        wasted = best.deadweight(losses).mean(axis=0)
        near |= wasted <= max(2 * bounds[1], 1.5 * wasted.min())
    inside = np.flatnonzero(near)
    first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(grid) - 1)
    log_params = np.linspace(grid[first], grid[last], POINTS)
    log_tokens = ground.log_tokens(log_params, spend)
    loss = ground.loss(log_params, log_tokens)
    return {
        "params": np.exp(log_params),
        "tokens": np.exp(log_tokens),
        "loss": loss.mean(axis=0),
        "regret": loss.mean(axis=0) - best.loss.mean(),
        "deadweight": best.deadweight(loss).mean(axis=0),
    }


def within(
    ground: Ground, spend: float, curve: Mapping[str, Array], what: str, bound: float
) -> Valley:
    """Sizes around the lowest point of a curve that stay under a bound, ends interpolated."""
    x, y = np.log(curve["params"]), curve[what]
    least = int(np.argmin(y))
    if y[least] > bound:
        return Valley(bound=bound, params=None, tokens=None, least=float(y[least]))
    low, left = _end(x[: least + 1][::-1], y[: least + 1][::-1], bound)
    high, right = _end(x[least:], y[least:], bound)
    tokens = np.exp(ground.log_tokens(np.array([low, high]), spend))
    return Valley(
        bound=bound,
        params=(float(np.exp(low)), float(np.exp(high))),
        tokens=(float(tokens.min()), float(tokens.max())),
        least=float(y[least]),
        limited=(left, right),
    )


def _end(x: Array, y: Array, bound: float) -> tuple[float, bool]:
    """Where a curve first rises above a bound, and whether it ends before it does."""
    above = np.flatnonzero(y > bound)
    if not len(above):
        return float(x[-1]), True
    i = above[0]
    return float(np.interp(bound, y[i - 1 : i + 1], x[i - 1 : i + 1])), False
