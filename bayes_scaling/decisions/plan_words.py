"""What is said about a plan: its objective, and what limits it or makes it doubtful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.plan_result import BudgetPlan
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.decisions.target import Target
from bayes_scaling.units import format_quantity

__all__ = ["objective", "warnings"]

UNSPENT = 0.01
"""Share of a budget that may be left over without a word."""

KNIFE_EDGE = 0.02
"""By which a probability that can be reached should exceed the one asked for."""


def objective(costs: Costs, risk: Risk, made: Sequence[BudgetPlan], target: Target | None) -> str:
    """What the plan is the best of, in words."""
    served = costs.inference.tokens
    what = "training"
    if served:
        what = f"training and {format_quantity(served)} tokens of inference"
    if target is not None:
        return (
            f"least {what} whose plan of least {risk.words} reaches a loss of {target.loss:g} with "
            f"probability {target.confidence:g}"
        )
    budgets = ", ".join(f"{each.spend:.4g}" for each in made)
    return f"least {risk.words} for {budgets} FLOPs of {what}"


def warnings(ground: Ground, made: Sequence[BudgetPlan], target: Target | None) -> Iterator[str]:
    """What a reader has to know of plans."""
    largest = float(ground.fit.columns["flops"].max())
    for each in made:
        where = f"At {each.spend:.3g} FLOPs: " if len(made) > 1 else ""
        for text in _of_plan(ground, each, largest):
            yield where + text
    if ground.costs.inference_weight > ground.costs.inference.tokens > 0:
        yield (
            "Budgets count a FLOP of inference by the time it takes the devices, "
            f"{ground.costs.inference_weight / ground.costs.inference.tokens:.3g} times that of a "
            "FLOP of training."
        )
    if target is not None:
        yield from _of_target(target, largest)


def _of_plan(ground: Ground, each: BudgetPlan, largest: float) -> Iterator[str]:
    flops = ground.costs.training_flops(each.params, each.tokens)
    decades = np.log10(flops / largest)
    if decades > 0:
        yield (
            f"The plan takes {10**decades:.3g} times ({decades:.1f} decades) the compute of the "
            "largest run."
        )
    spent = float(ground.costs.spend(np.asarray(each.params), np.asarray(each.tokens)))
    if spent < (1 - UNSPENT) * each.spend:
        yield f"Limits leave {100 * (1 - spent / each.spend):.3g} % of the budget unspent."
    if (most := ground.costs.max_params) is not None and each.params > most / 1.001:
        yield f"The limit of {format_quantity(most)} parameters decides the size."
    if (most := ground.costs.limits.max_tokens) is not None and each.tokens > most / 1.001:
        yield f"The limit of {format_quantity(most)} tokens decides how long it is trained."
    if flops > ground.flops_limit / 1.001:
        yield f"The limit of {ground.costs.limits.max_days:g} days decides how much is trained."
    yield from _of_valley(each)


def _of_valley(each: BudgetPlan) -> Iterator[str]:
    valley = each.valley
    if valley.params is None:
        yield (
            f"No size keeps the expected regret under {valley.bound:.3g} nats: the runs leave more "
            f"open than that, and the least is {valley.least:.3g}."
        )
    for end, limited in zip(("small", "large"), valley.limited, strict=True):
        if limited:
            yield f"At its {end} end the flat valley is cut off by a limit, not by regret."


def _of_target(target: Target, largest: float) -> Iterator[str]:
    reached = float(target.curve["probability"].max())
    if (alone := target.law_only) is not None:
        found = "no budget is" if alone.spend is None else f"{alone.spend:.3g} FLOPs are"
        yield f"By the law alone {found} enough; the rest is for how far laws are left behind."
    if target.spend is not None:
        if target.spend <= float(target.curve["flops"][0]):
            yield "Even the smallest budget that was looked at reaches the target."
        if reached < target.confidence + KNIFE_EDGE:
            yield (
                f"No budget up to 100 times this one reaches the target with more than "
                f"{reached:.3g}: a little more confidence would be out of reach."
            )
        return
    most = float(target.curve["flops"].max())
    told = (
        f"Unreachable: no budget up to {most:.3g} FLOPs ({np.log10(most / largest):.0f} decades "
        f"beyond the largest run) reaches a loss of {target.loss:g} with probability "
        f"{target.confidence:g}; the most is {reached:.3g}."
    )
    if target.p_floor > 0:
        told += (
            f" By the law alone the irreducible loss lies above the target with probability "
            f"{target.p_floor:.3g}."
        )
    yield told
