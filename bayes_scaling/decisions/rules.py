"""Plans that people would make without a posterior, to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bayes_scaling.decisions.ground import Ground
from bayes_scaling.runs.flops import pf_days
from bayes_scaling.units import format_quantity

__all__ = ["Rule", "alternatives"]

TOKENS_PER_PARAM = 20.0
"""What Hoffmann et al. 2022 (arXiv:2203.15556) are remembered for."""

KAPLAN_SCALE, KAPLAN_EXPONENT = 1.3e9, 0.73
"""N_opt = 1.3e9 C^0.73 with C in PF-days (Kaplan et al. 2020, arXiv:2001.08361, appendix A)."""

HALVINGS = 60
"""Of the range of log sizes: to rounding."""

type Rule = tuple[str, float]
"""A name, and the size that goes by it."""


def alternatives(
    ground: Ground, spend: float, params: Sequence[float]
) -> tuple[list[Rule], list[str]]:
    """Sizes of other plans for a spend, and a sentence about each that the limits do not allow."""
    low, high = np.exp(ground.bounds(spend))
    kept, refused = list[Rule](), list[str]()
    for name, size in _sizes(ground, spend, params):
        if low <= size <= high:
            kept.append((name, size))
        else:
            what = f"{name} ({format_quantity(size)} parameters)"
            refused.append(f"Left out, since the budget or its limits do not allow it: {what}.")
    return kept, refused


def _sizes(ground: Ground, spend: float, params: Sequence[float]) -> Iterator[Rule]:
    yield f"{TOKENS_PER_PARAM:g} tokens a parameter", _by_ratio(ground, spend)
    yield "Kaplan's rule", KAPLAN_SCALE * pf_days(spend) ** KAPLAN_EXPONENT
    for size in params:
        yield f"own {format_quantity(size)}", size


def _by_ratio(ground: Ground, spend: float) -> float:
    """Size with so many tokens a parameter that uses up the spend, or what the limits leave."""
    costs, most = ground.costs, ground.costs.limits.max_tokens
    low, high = ground.bounds(spend)
    for _ in range(HALVINGS):
        size = np.exp((low + high) / 2)
        tokens = TOKENS_PER_PARAM * size
        fits = costs.spend(size, tokens) <= spend
        fits &= costs.training_flops(size, tokens) <= ground.flops_limit
        fits &= most is None or tokens <= most
        low, high = (np.log(size), high) if fits else (low, np.log(size))
    return float(np.exp(low))
