"""What is said about a plan: its objective, and what limits it or makes it doubtful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.plan_result import BudgetPlan, Plan
from bayes_scaling.decisions.questions import ON_PRIORS
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.decisions.target import Target
from bayes_scaling.units import format_factor, format_quantity

__all__ = ["objective", "sentences", "warnings"]

UNSPENT = 0.01
"""Share of a budget that may be left over without a word."""

RISING = 0.01
"""Share of the draws that may want less compute without a word."""

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
    budgets = ", ".join(format_quantity(each.spend, 4) for each in made)
    return f"least {risk.words} for {budgets} FLOPs of {what}"


def warnings(ground: Ground, made: Sequence[BudgetPlan], target: Target | None) -> Iterator[str]:
    """What a reader has to know of plans."""
    largest = float(ground.fit.columns["flops"].max())
    for each in made:
        where = f"At {format_quantity(each.spend)} FLOPs: " if len(made) > 1 else ""
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
    if ground.fit.leans_on_priors:
        yield ON_PRIORS


def _of_plan(ground: Ground, each: BudgetPlan, largest: float) -> Iterator[str]:
    flops = ground.costs.training_flops(each.params, each.tokens)
    decades = np.log10(flops / largest)
    if decades > 0:
        yield (
            f"The plan takes {format_factor(10**decades)} times ({decades:.1f} decades) the "
            "compute of the largest run."
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
    if each.p_rising > RISING:
        yield (
            f"Under {100 * each.p_rising:.2g} % of the draws the drift beyond the runs outweighs "
            "what more compute brings, so that a smaller budget would have done better. That is in "
            "the means of regret and deadweight; the medians, and the law alone, are without it."
        )
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
    reached = float(target.along["probability"].max())
    yield from _of_law_only(target)
    if target.spend is not None:
        if target.spend <= float(target.along["flops"][0]):
            yield "Even the smallest budget that was looked at reaches the target."
        if reached < target.confidence + KNIFE_EDGE:
            yield (
                f"No budget up to 100 times this one reaches the target with more than "
                f"{reached:.3g}: a little more confidence would be out of reach."
            )
        return
    most = float(target.along["flops"].max())
    told = (
        f"Unreachable: no budget up to {format_quantity(most)} FLOPs "
        f"({format_factor(most / largest, 2)} times the largest run) reaches a loss "
        f"of {target.loss:g} within the limits with probability "
        f"{target.confidence:g}; the most is {reached:.3g}."
    )
    if target.p_floor > 0:
        told += (
            f" By the law alone the irreducible loss lies above the target with probability "
            f"{target.p_floor:.3g}."
        )
    yield told


def _of_law_only(target: Target) -> Iterator[str]:
    alone = target.law_only
    if alone is None or alone.spend == target.spend:
        return
    if alone.spend is None:
        yield "By the law alone no budget is enough."
        return
    if target.spend is None or abs(np.log(target.spend / alone.spend)) > UNSPENT:
        yield (
            f"By the law alone {format_quantity(alone.spend)} FLOPs are enough; the difference is "
            "that laws are left behind beyond their runs."
        )


def sentences(answer: Plan) -> Iterator[str]:
    """What a plan says besides its table: target, optimum, flat valley, and cost."""
    target = answer.target
    if target is not None and target.spend is not None:
        yield (
            f"{format_quantity(target.spend)} FLOPs reach a loss of {target.loss:g} with "
            f"probability {target.confidence:g}."
        )
    for each in answer.budgets:
        where = f"At {format_quantity(each.spend)} FLOPs: " if len(answer.budgets) > 1 else ""
        yield where + " ".join([*_of_budget(answer, each), *_price(answer, each)])


def _of_budget(answer: Plan, each: BudgetPlan) -> Iterator[str]:
    levels = [(1 - answer.prob) / 2, 0.5, (1 + answer.prob) / 2]
    low, median, high = np.quantile(each.of("loss"), levels)
    yield (
        f"Train {format_quantity(each.params)} parameters on {format_quantity(each.tokens)} "
        f"tokens, for a loss of {median:.3f} ({low:.3f} to {high:.3f})."
    )
    yield _optimum(each, answer.prob)
    yield _flat(each)


def _optimum(each: BudgetPlan, prob: float) -> str:
    levels = [(1 - prob) / 2, (1 + prob) / 2]
    n, d = (np.quantile(each.optimum[name], levels) for name in ("params", "tokens"))
    return f"Optimal are {_span(n)} parameters on {_span(d)} tokens ({100 * prob:.4g} % intervals)."


def _flat(each: BudgetPlan) -> str:
    parts = [
        f"{what} stays under {bound} from {_span(valley.params)} parameters"
        for what, bound, valley in (
            ("Expected regret", f"{each.valley.bound:.2g} nats", each.valley),
            ("deadweight", _percent(each), each.deadweight_valley),
        )
        if valley is not None and valley.params is not None
    ]
    return f"{'; '.join(parts)}." if parts else "No size is flat."


def _percent(each: BudgetPlan) -> str:
    return "" if each.deadweight_valley is None else f"{100 * each.deadweight_valley.bound:.3g} %"


def _price(answer: Plan, each: BudgetPlan) -> Iterator[str]:
    flops = answer.costs.training_flops(each.params, each.tokens)
    days, money = answer.costs.days(flops), answer.money(each)
    if days is not None:
        yield f"Training takes {days:.3g} days."
    if money is not None:
        wasted = float(each.of("deadweight").mean()) * money
        currency = answer.costs.hardware.currency
        yield (
            f"It costs {format_quantity(money)} {currency} in all, of which the plan is expected "
            f"to waste {format_quantity(wasted, 2)}."
        )


def _span(ends: Sequence[float] | NDArray[np.float64]) -> str:
    return f"{format_quantity(float(ends[0]))} to {format_quantity(float(ends[1]))}"
