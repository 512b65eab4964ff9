"""`plan`: what to train for a budget or a target loss, under costs, limits and uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.plan_result import PLAN, BudgetPlan, Plan
from bayes_scaling.decisions.plan_words import objective, warnings
from bayes_scaling.decisions.questions import Predictor, one_group, quantities
from bayes_scaling.decisions.regret import Best, best_plans
from bayes_scaling.decisions.risk import Risk, parse_risk
from bayes_scaling.decisions.rules import alternatives
from bayes_scaling.decisions.search import around_lowest, lowest
from bayes_scaling.decisions.target import FINE, Target, find_target, risk_minimal
from bayes_scaling.decisions.valley import Epsilon, parse_epsilon, valley_curve, within
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.units import format_quantity

__all__ = ["plan"]

Array = NDArray[np.float64]

POINTS = 33
"""Sizes over the whole range that are looked at first."""


def plan(
    fit: Predictor,
    *,
    flops: Any = None,
    target_loss: float | None = None,
    confidence: float = 0.9,
    risk: str | Risk = "mean",
    costs: Costs | None = None,
    params: Any = None,
    group: str | None = None,
    epsilon: str | float = "0.1%",
    deadweight: float | None = None,
    prob: float = DEFAULT_PROB,
) -> Plan:
    """Choose N and D, once for all draws of the posterior, and say what the choice may lose.

    The plan minimises a risk of the loss, which is not what is optimal at the posterior mean:
    it answers for the whole posterior, and beyond the runs for the drift away from the law. Its
    regret is taken draw by draw, against the plan that would be best if that draw were the truth.

    With tokens of inference in `costs` a budget is for the life of the model, training and
    inference, as in Sardana et al. 2024 (arXiv:2401.00448): the more is inferred, the smaller
    and longer-trained the best model.

    Parameters
    ----------
    fit : Fit or AveragedFit
    flops : number, text such as "5.76e23" or "3 PF-days", or a sequence of them, optional
        Budgets. Without any, and without a target, what the limits on money or days allow.
    target_loss : float, optional
        Nats per token, instead of budgets: the plan is that of the smallest budget which reaches
        it with probability `confidence`.
    confidence : float
    risk : str or Risk
        "mean", "quantile:0.9" or "cvar:0.9"; see `bayes_scaling.decisions.risk`.
    costs : Costs, optional
        Inference, hardware, prices and limits; see `load_costs`.
    params : number, text such as "280B", or a sequence of them, optional
        Sizes of your own to compare with.
    group : str, optional
        Needed where the fit has several. `NEW_GROUP` is one without runs.
    epsilon : float or str
        Expected regret that still counts as flat: nats, or a share of the loss such as "0.1%".
    deadweight : float, optional
        Also give the sizes whose expected deadweight compute stays under this share.
    prob : float
        Probability of the intervals.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        Neither or both of budget and target are given, limits leave no model, a group is unknown,
        or the law does not say how to split compute.
    """
    check_prob(prob)
    costs, flat = costs or Costs(), (parse_epsilon(epsilon), _share(deadweight))
    ground = Ground(fit=fit, group=one_group(fit, group), costs=costs)
    fit.optimum(ground.group, np.array([1e21]))  # refuses laws that do not split compute
    chosen, own = parse_risk(risk), [] if params is None else list(quantities(params, "params"))
    budgets, target = _budgets(ground, flops, target_loss, confidence, chosen)
    made, left_out = [], _cut(ground, flops)
    for spend in budgets:
        each, refused = _for_budget(ground, spend, chosen, own, flat)
        made.append(each)
        where = f"At {format_quantity(spend)} FLOPs: " if len(budgets) > 1 else ""
        left_out += [where + text for text in refused]
    return Plan(
        objective=objective(costs, chosen, made, target),
        budgets=tuple(made),
        costs=costs,
        risk=chosen,
        target=target,
        group=ground.group,
        counting=fit.counting,
        largest_run=float(fit.columns["flops"].max()),
        prob=prob,
        warnings=(*warnings(ground, made, target), *left_out),
    )


def _share(value: float | None) -> float | None:
    if value is not None and not 0 < value < 1:
        raise InputError(f"deadweight must be a share between 0 and 1, such as 0.05, not {value!r}")
    return value


def _budgets(
    ground: Ground, flops: Any, target_loss: float | None, confidence: float, risk: Risk
) -> tuple[list[float], Target | None]:
    """Spends to plan for, and the target that they come from."""
    if flops is not None and target_loss is not None:
        raise InputError("give a budget or a target loss, not both")
    if target_loss is not None:
        target = find_target(ground, float(target_loss), confidence, risk)
        return [] if target.spend is None else [target.spend], target
    most = _allowed(ground)
    if flops is None and not np.isfinite(most):
        raise InputError("give a budget (flops), a target loss, or a limit on money or days")
    asked = [most] if flops is None else quantities(flops, "flops", flops=True).tolist()
    return list(dict.fromkeys(min(float(budget), most) for budget in asked)), None


def _cut(ground: Ground, flops: Any) -> list[str]:
    """A sentence where limits on money or days leave less than the budgets asked for."""
    most = _allowed(ground)
    if flops is None or quantities(flops, "flops", flops=True).max() <= most:
        return []
    left = format_quantity(most)
    return [f"Limits on money or days leave {left} FLOPs of the budget that was asked for."]


def _allowed(ground: Ground) -> float:
    """The largest spend that limits on money and days allow; infinite without any."""
    costs, money = ground.costs, ground.costs.limits.max_money
    bought = np.inf if money is None else costs.spend_for(money)
    # Days limit training; what inference may take besides is not theirs to say.
    timed = ground.flops_limit if costs.inference.tokens == 0 else np.inf
    return float(min(bought, timed))


def _for_budget(
    ground: Ground,
    spend: float,
    risk: Risk,
    own: Sequence[float],
    flat: tuple[Epsilon, float | None],
) -> tuple[BudgetPlan, list[str]]:
    """The plan of one budget, and what is said of alternatives that were left out."""
    grid = np.linspace(*ground.bounds(spend), POINTS)
    losses = ground.loss_at(grid, spend)
    best = best_plans(ground, spend, grid, losses)
    low, high = around_lowest(grid, risk(losses))
    log_size, _ = lowest(
        lambda x: risk(ground.loss_at(x, spend)),
        low, high, resolution=FINE, corners=ground.corners(spend),
    )  # fmt: skip
    rules, refused = alternatives(ground, spend, own)
    named = [(PLAN, float(np.exp(log_size))), *rules]
    sizes, drawn = _drawn(ground, spend, best, named)
    expected = float(drawn["loss"][:, 0].mean())
    nats, share = flat[0].of(expected), flat[1]
    bounds = (nats,) if share is None else (nats, share)
    curve = valley_curve(ground, spend, best, grid, losses, bounds)
    wasted = None if share is None else within(ground, spend, curve, "deadweight", share)
    made = BudgetPlan(
        spend=spend,
        names=tuple(name for name, _ in named),
        sizes=sizes,
        drawn=drawn,
        optimum={
            "params": np.exp(best.log_params),
            "tokens": np.exp(best.log_tokens),
            "loss": best.loss,
        },
        around=curve,
        valley=within(ground, spend, curve, "regret", nats),
        deadweight_valley=wasted,
        p_rising=best.p_rising,
        alone=_law_only(ground, spend, risk) if ground.fit.drifts else None,
    )
    return made, refused


def _drawn(
    ground: Ground, spend: float, best: Best, named: list[tuple[str, float]]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Sizes of the choices, and draws of their loss, regret and deadweight."""
    log_params = np.log([size for _, size in named])
    log_tokens = ground.log_tokens(log_params, spend)
    loss = ground.loss(log_params, log_tokens)
    drawn = {"loss": loss, "regret": best.regret(loss), "deadweight": best.deadweight(loss)}
    return {"params": np.exp(log_params), "tokens": np.exp(log_tokens)}, drawn


def _law_only(ground: Ground, spend: float, risk: Risk) -> dict[str, Array]:
    """The plan that the law alone would make, and its loss by the law alone."""
    plain = replace(ground, fit=ground.fit.law_only())
    log_size = risk_minimal(plain, np.array([spend]), risk)
    log_tokens = plain.log_tokens(log_size, spend)
    loss = plain.loss(log_size, log_tokens)[:, 0]
    return {"loss": loss, "params": np.exp(log_size[0]), "tokens": np.exp(log_tokens[0])}
