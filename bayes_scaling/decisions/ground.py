"""The plans that a spend admits under costs and limits, and their losses under every draw.

A plan is a size N; it is trained on as many tokens D as the spend leaves after inference, or as the
limits allow, so that a search over plans is one over N alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.questions import Predictor
from bayes_scaling.errors import InputError
from bayes_scaling.units import format_quantity

__all__ = ["Ground"]

Array = NDArray[np.float64]

SMALLEST = 1e-3
"""Times the smallest run: of models or tokens even further below, the runs say nothing."""

BARE = 1e-300
"""Tokens where a spend leaves none: their logarithm is finite, and their loss the worst."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a plan may be, and what it costs, for one group of a fit.

    Attributes
    ----------
    fit : Predictor
    group : str
    costs : Costs
    every : int
        Use every so-manieth draw only.
    """

    fit: Predictor
    group: str
    costs: Costs
    every: int = 1

    def __post_init__(self) -> None:
        if self.costs.limits.unique_tokens is not None and "unique_tokens" not in self.fit.inputs:
            raise InputError(
                f"a limit on unique tokens needs a law that tells repeated tokens from new ones; "
                f"this one depends on {' and '.join(self.fit.inputs)}. Fit the card 'repeated', or "
                "limit max_tokens instead"
            )

        self._check_counting()

    def _check_counting(self) -> None:
        """Refuse to add embeddings that N counts already, or to remove what it does not count."""
        wanted = {"added": "non-embedding", "removed": "total"}
        how = self.costs.training.embeddings
        if how in wanted and not self.fit.counting.startswith(f"N {wanted[how]}"):
            raise InputError(
                f"embeddings can be {how} only where N is {wanted[how]}, and this fit says "
                f"{self.fit.counting!r}; fit with --counting {wanted[how]} if that is so"
            )

    @cached_property
    def flops_limit(self) -> float:
        """Training FLOPs in the days that there are; infinite without such a limit."""
        days = self.costs.limits.max_days
        return np.inf if days is None else self.costs.flops_in(days)

    def log_tokens(self, log_params: ArrayLike, spend: ArrayLike) -> Array:
        """Log of the most tokens that a size can be trained on; any shapes that broadcast."""
        params = np.exp(log_params)
        left = np.asarray(spend) - self.costs.inference_spend(params)
        each = self.costs.training_flops(params, np.ones(()))
        tokens = np.minimum(left, self.flops_limit) / each
        if (most := self.costs.limits.max_tokens) is not None:
            tokens = np.minimum(tokens, most)
        return np.log(np.maximum(tokens, BARE))

    def bounds(self, spend: float) -> tuple[float, float]:
        """Logs of the smallest and largest size that a spend admits.

        Raises
        ------
        InputError
            There is none; the message names what stands against it.
        """
        runs = self.fit.columns
        low = SMALLEST * float(runs["params"].min())
        tokens = SMALLEST * float(runs["tokens"].min())
        limits = {
            f"a spend of {format_quantity(spend)} FLOPs": float(self.costs.size_for(spend, tokens))
        }
        if np.isfinite(self.flops_limit):
            trained = self.costs.size_for(self.flops_limit, tokens, inference=False)
            limits[f"{self.costs.limits.max_days:g} days"] = float(trained)
        if (most := self.costs.max_params) is not None:
            limits["the limit on size or memory"] = most
        high = min(limits.values())
        if high <= low * 1.001:
            least, *others = sorted(limits, key=limits.__getitem__)
            told = f"{least} allows at most {format_quantity(high)} parameters"
            also = ", ".join(f"{format_quantity(limits[each])} by {each}" for each in others)
            raise InputError(
                f"no model fits all limits: {told}{f' ({also})' if also else ''}, and the runs say "
                f"nothing of models below {format_quantity(low)}, a thousandth of the smallest "
                "run. Loosen what allows least"
                + (", or infer fewer tokens" if self.costs.inference.tokens else "")
            )
        return float(np.log(low)), float(np.log(high))

    def corners(self, spend: ArrayLike) -> Array:
        """Log sizes at which another limit takes over, and the loss along N has a kink.

        Shape (..., corner) for spends of shape (...); where there is no such size, not a number.
        """
        spend, limits, size = np.asarray(spend, dtype=float), self.costs.limits, self.costs.size_for
        sizes = []
        for tokens in (limits.max_tokens, limits.unique_tokens):
            if tokens is not None:
                in_time = size(self.flops_limit, tokens, inference=False)
                sizes += [size(spend, tokens), np.broadcast_to(in_time, spend.shape)]
        if np.isfinite(self.flops_limit):
            sizes.append(size(spend - self.flops_limit, 0.0))
        return np.log(np.stack(sizes, axis=-1)) if sizes else np.empty((*spend.shape, 0))

    def loss(self, log_params: Array, log_tokens: Array) -> Array:
        """Draws of the loss of plans, shape (sample, plan).

        Parameters
        ----------
        log_params, log_tokens : arrays of shape (plan,) or (sample, plan)
        """
        inputs = {"params": log_params, "tokens": log_tokens}
        if (unique := self.costs.limits.unique_tokens) is not None:
            inputs["unique_tokens"] = np.minimum(log_tokens, np.log(unique))
        some = None if self.every == 1 else np.arange(0, self.fit.n_draws, self.every)
        with np.errstate(all="ignore"):  # laws run wild at absurd sizes
            return self.fit.predict(self.group, inputs, some)

    def loss_at(self, log_params: Array, spend: ArrayLike) -> Array:
        """Draws of the loss of sizes that use up a spend; shapes as in `loss`."""
        return self.loss(log_params, self.log_tokens(log_params, spend))
