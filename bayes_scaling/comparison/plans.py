"""How the plans of two laws differ, and what following the wrong one would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import summarise
from bayes_scaling.units import format_quantity

__all__ = [
    "DIFFERS", "SAME", "PlanDifference", "pair_verdicts", "plan_difference", "verdict",
]  # fmt: skip

DIFFERS, SAME = 0.9, 0.1
"""Probabilities of a practical difference beyond which it is, and is not, there."""

PLURAL: Final = {
    "differs": "differ",
    "does not differ in practice": "do not differ in practice",
    "undecided": "may differ or not",
}

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PlanDifference:
    """Compute-optimal plans of two laws at one budget.

    Attributes
    ----------
    one, other : str
        Names of the laws.
    flops : float
    ratio : float array of shape (sample,)
        Optimal size by `other` over that by `one`.
    factor : float
        Practical threshold: plans within this factor of each other are the same in practice.
    loss_if_one_holds, loss_if_other_holds : float array of shape (sample,)
        Nats lost by following the other law's plan (its median size) where this one holds.
    """

    one: str
    other: str
    flops: float
    ratio: Array
    factor: float
    loss_if_one_holds: Array
    loss_if_other_holds: Array

    @property
    def probability(self) -> float:
        """Posterior probability that the sizes differ by more than the factor."""
        return float(np.mean(np.abs(np.log(self.ratio)) > np.log(self.factor)))

    @property
    def verdict(self) -> str:
        """Whether the plans differ in practice: yes, no, or undecided, in words."""
        return verdict(self.probability)

    @property
    def text(self) -> str:
        """The verdict as a sentence, with its numbers."""
        ratio = float(np.median(self.ratio))
        return (
            f"At {format_quantity(self.flops)} FLOPs {self.other} calls for {ratio:.2f} times the "
            f"size that {self.one} calls for; the probability that they differ by more than a "
            f"factor of {self.factor:g} is {self.probability:.2f}: {self.verdict}. Following "
            f"{self.other} where {self.one} holds costs {self.loss_if_one_holds.mean():.2g} nats "
            f"on average, the other way round {self.loss_if_other_holds.mean():.2g}."
        )

    def to_dict(self, *, prob: float = DEFAULT_PROB) -> dict[str, Any]:
        """As plain data, with the interval of the ratio of sizes that has this probability."""
        ratio = {key: float(value) for key, value in summarise(self.ratio, prob).items()}
        return {
            "one": self.one,
            "other": self.other,
            "flops": self.flops,
            "ratio": {**ratio, "prob": prob},
            "factor": self.factor,
            "probability_differs": self.probability,
            "verdict": self.verdict,
            "loss_if_one_holds": float(self.loss_if_one_holds.mean()),
            "loss_if_other_holds": float(self.loss_if_other_holds.mean()),
            "text": self.text,
        }


def verdict(probability: float) -> str:
    """Three-way verdict on the probability of a practical difference."""
    if probability > DIFFERS:
        return "differs"
    return "does not differ in practice" if probability < SAME else "undecided"


def pair_verdicts(plans: Sequence[PlanDifference]) -> list[str]:
    """One sentence for each pair of laws, over its budgets; a pair's plans are in a row."""
    sentences = []
    for (one, other), own in groupby(plans, key=lambda plan: (plan.one, plan.other)):
        pair = list(own)
        parts = []
        for found, same in groupby(pair, key=lambda plan: plan.verdict):
            budgets = ", ".join(format_quantity(plan.flops) for plan in same)
            parts.append(f"{PLURAL[found]} at {budgets} FLOPs")
        sentences.append(
            f"The sizes that {one} and {other} call for {'; they '.join(parts)} (within a factor "
            f"of {pair[0].factor:g} they count as the same)."
        )
    return sentences


def plan_difference(
    names: tuple[str, str], fits: tuple[Fit, Fit], group: str, flops: float, factor: float
) -> PlanDifference:
    """Plans of two fits of the same runs at a budget, each law taken for the truth.

    Their posteriors are sampled separately, so draws are paired at random: what the two laws have
    in common through the runs is not used, and the difference is, if anything, overstated.
    """
    budget = np.array([flops])
    fits = (fits[0].law_only(), fits[1].law_only())
    sizes = [fit.optimum(group, budget)[0][:, 0] for fit in fits]
    n = min(map(len, sizes))
    rng = np.random.default_rng(0)
    one, other = (rng.permutation(size)[:n] for size in sizes)
    plans = [float(np.exp(np.mean(np.log(size)))) for size in sizes]
    return PlanDifference(
        one=names[0],
        other=names[1],
        flops=flops,
        ratio=other / one,
        factor=factor,
        loss_if_one_holds=_regret(fits[0], group, flops, plans[1]),
        loss_if_other_holds=_regret(fits[1], group, flops, plans[0]),
    )


def _regret(fit: Fit, group: str, flops: float, params: float) -> Array:
    """Draws of the nats lost by a size other than the optimum, shape (sample,)."""
    at = {"params": np.log([params]), "tokens": np.log([flops / 6 / params])}
    best = fit.optimum(group, np.array([flops]))
    least = fit.predict(group, {"params": np.log(best[0]), "tokens": np.log(best[1])})
    return np.asarray(np.maximum(fit.predict(group, at) - least, 0.0))[:, 0]
