"""Regret: what a plan loses against the plan that would have been best, draw by draw.

The posterior is uncertain of the law, and a plan has to be made before the law is known. Under each
draw there is a best plan; the regret of another one is the loss that it adds, in nats. The
*deadweight compute* says the same in FLOPs: the share of the spend that could have been saved, had
the law been known, for the same loss,

    1 - C' / C,   C' the least spend whose best plan reaches the loss of the plan.

Where the loss drifts away from the law beyond the runs, it does so for all plans of a draw alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.search import around_lowest, lowest

__all__ = ["SHARES", "Best", "best_plans"]

Array = NDArray[np.float64]

SHARES = np.array([1e-3, 0.01, 0.03, 0.07, 0.15, 0.25, 0.38, 0.52, 0.67, 0.8, 0.9, 0.96, 0.99, 1.0])
"""Shares of a spend at which the best loss is known; closer where plans are nearly as good."""

FINE, COARSE = 1e-4, 1.0
"""Resolution of the search in log size: of the best plan, and of those of smaller spends.

The first is so fine for plans of which inference takes nearly all: there a slightly larger size
leaves far fewer tokens."""

ROUNDING = 1e-6
"""Relative difference of losses that the searches of two spends may leave."""

ROOM = 0.05
"""By which a best size may leave the range between C and proportionality to C."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best plan under each draw, and what smaller spends could have reached.

    Attributes
    ----------
    log_params, log_tokens, loss : arrays of shape (sample,)
        The best plan of each draw.
    reached : array of shape (sample, share)
        Least loss of each draw at the `SHARES` of the spend, or at a smaller one.
    """

    log_params: Array
    log_tokens: Array
    loss: Array
    reached: Array

    @property
    def p_rising(self) -> float:
        """Share of the draws under which a smaller spend would have reached a lower loss.

        A drift that is steeper than the law still falls does that: so far beyond the runs, what is
        known of drifts no longer is of much use.
        """
        return float((self.reached[:, -1] < (1 - ROUNDING) * self.loss).mean())

    def regret(self, loss: Array) -> Array:
        """Regret in nats of plans with losses of shape (sample, plan)."""
        return np.maximum(loss - self.loss[:, None], 0.0)

    def deadweight(self, loss: Array) -> Array:
        """Deadweight compute of plans with losses of shape (sample, plan), as a share of the spend.

        At most ``1 - SHARES[0]``: below that share no best plan was looked for.
        """
        worse = np.zeros(loss.shape, dtype=np.intp)
        for each in self.reached.T:
            worse += each[:, None] > loss
        above = np.clip(worse, 1, len(SHARES) - 1)
        high = np.take_along_axis(self.reached, above - 1, axis=1)
        low = np.take_along_axis(self.reached, above, axis=1)
        gap = high - low
        weight = np.where(gap > 0, (high - loss) / np.where(gap > 0, gap, 1.0), 0.0).clip(0, 1)
        logs = np.log(SHARES)
        used = np.exp(logs[above - 1] + weight * (logs[above] - logs[above - 1]))
        return np.asarray(1.0 - used)


def best_plans(ground: Ground, spend: float, grid: Array, losses: Array) -> Best:
    """The best plan under each draw.

    Parameters
    ----------
    ground : Ground
    spend : float
    grid : array of shape (point,)
        Log sizes from the smallest to the largest that are admitted.
    losses : array of shape (sample, point)
        Of the plans on the grid.
    """
    low, high = around_lowest(grid, losses)
    log_params, loss = lowest(
        lambda x: ground.loss_at(x, spend),
        low,
        high,
        resolution=FINE,
        corners=ground.corners(spend),
    )
    return Best(
        log_params=log_params,
        log_tokens=ground.log_tokens(log_params, spend),
        loss=loss,
        reached=_reached(ground, spend, log_params, loss),
    )


def _reached(ground: Ground, spend: float, log_params: Array, loss: Array) -> Array:
    """Least loss of every draw at each share of the spend, or at a smaller one."""
    most = ground.costs.max_params
    high = np.minimum(log_params + ROOM, np.inf if most is None else np.log(most))
    parts = []
    for share in SHARES[:-1]:
        # A best size grows with the spend, and at most in proportion to it.
        _, value = lowest(
            lambda x, c=share * spend: ground.loss_at(x, c),  # type: ignore[misc]
            log_params + np.log(share) - ROOM,
            high,
            resolution=COARSE,
            corners=ground.corners(share * spend),
        )
        parts.append(value)
    return np.minimum.accumulate(np.stack([*parts, loss], axis=1), axis=1)
