"""Risk measures: one number for the loss of a plan that is known only up to its posterior.

Each takes draws of the loss, the sample dimension first, and is smaller for a better plan:

- ``mean``, the expected loss;
- ``quantile:q``, the loss that is stayed under with probability q;
- ``cvar:q``, the conditional value at risk: the mean of the worst 1 - q of the draws
  (Rockafellar and Uryasev 2000, doi:10.21314/JOR.2000.038).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError

__all__ = ["MEAN", "Risk", "parse_risk"]

Array = NDArray[np.float64]
Kind = Literal["mean", "quantile", "cvar"]
EXPECTED = "mean, quantile:0.9 or cvar:0.9 (any level between 0 and 1)"


@dataclass(frozen=True, kw_only=True)
class Risk:
    """A risk measure.

    Parameters
    ----------
    kind : {"mean", "quantile", "cvar"}
    level : float, optional
        Of a quantile or CVaR, strictly between 0 and 1.
    """

    kind: Kind = "mean"
    level: float | None = None

    def __str__(self) -> str:
        return self.kind if self.level is None else f"{self.kind}:{self.level:g}"

    @property
    def words(self) -> str:
        """What is minimised, in words."""
        if self.level is None:
            return "expected loss"
        if self.kind == "quantile":
            return f"{100 * self.level:.4g} % quantile of the loss"
        return f"mean of the worst {100 * (1 - self.level):.4g} % of the losses"

    def __call__(self, draws: Array) -> Array:
        """Risk of draws of shape (sample, ...): an array of shape (...)."""
        if self.level is None:
            return np.asarray(draws.mean(axis=0))
        if self.kind == "quantile":
            return np.asarray(np.quantile(draws, self.level, axis=0))
        return _worst(draws, 1 - self.level)


MEAN = Risk()


def _worst(draws: Array, share: float) -> Array:
    """Mean of the largest `share` of the draws; the last one counts in part, so that none is lost.

    It is the integral of the empirical quantile function over the tail, without interpolation.
    """
    wanted = share * len(draws)
    whole = min(math.floor(wanted + 1e-9), len(draws) - 1)
    split = len(draws) - whole - 1
    ordered = np.partition(draws, split, axis=0)
    total = ordered[split + 1 :].sum(axis=0) + (wanted - whole) * ordered[split]
    return np.asarray(total / wanted)


def parse_risk(text: str | Risk) -> Risk:
    """Read ``mean``, ``quantile:0.9`` or ``cvar:0.9``.

    Raises
    ------
    InputError
        It is none of these, or its level is not between 0 and 1.
    """
    if isinstance(text, Risk):
        return text
    kind, _, level = text.strip().casefold().partition(":")
    if kind == "mean" and not level:
        return MEAN
    try:
        value = float(level)
    except ValueError:
        value = math.nan
    if kind not in ("quantile", "cvar") or not 0 < value < 1:
        raise InputError(f"unknown risk {text!r}; expected {EXPECTED}")
    return Risk(kind="quantile" if kind == "quantile" else "cvar", level=value)
