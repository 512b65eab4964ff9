"""`Plan`: what to train, what it may lose, and what else would do about as well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.decisions.target import Target
from bayes_scaling.decisions.valley import Valley
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PLAN", "BudgetPlan", "Plan"]

PLAN = "plan"
"""Name of the plan among the choices; the others are alternatives."""

Array = NDArray[np.float64]


def statistics(draws: Array, prob: float) -> dict[str, float]:
    """Mean, median, sd and interval of draws of shape (sample,)."""
    return {name: float(value) for name, value in summarise(draws, prob).items()}


@dataclass(frozen=True, kw_only=True)
class BudgetPlan:
    """The plan of one budget, and the alternatives to it.

    Attributes
    ----------
    spend : float
        Training and inference, as FLOPs of training that take the devices as long.
    draws : xarray.Dataset
        ``loss``, ``regret`` (nats) and ``deadweight`` (share of the spend), dims (sample, choice);
        ``optimum_params``, ``optimum_tokens`` and ``optimum_loss`` of the best plan under each
        draw, dim sample. Coordinates choice (the plan, and alternatives by name), params, tokens.
    curve : xarray.Dataset
        Expected ``loss``, ``regret`` and ``deadweight`` of sizes around the plan, with their
        ``params`` and ``tokens``, dim point.
    valley : Valley
        Sizes whose expected regret stays under a bound.
    deadweight_valley : Valley, optional
        Sizes whose expected deadweight does, where that was asked for.
    p_rising : float
        Share of the draws under which less compute would have done better: their deadweight is
        nearly all of the spend.
    law_only : xarray.Dataset, optional
        ``loss`` of the plan that the law alone would make (dim sample), params and tokens; None
        where the answer takes the law for the truth.
    """

    spend: float
    draws: xr.Dataset
    curve: xr.Dataset
    valley: Valley
    deadweight_valley: Valley | None = None
    p_rising: float = 0.0
    law_only: xr.Dataset | None = None

    def choice(self, name: str = PLAN) -> xr.Dataset:
        """Draws of the plan, or of an alternative."""
        return self.draws.sel(choice=name)

    @property
    def names(self) -> list[str]:
        """The plan, and the alternatives."""
        return [str(name) for name in self.draws["choice"].to_numpy()]

    @property
    def params(self) -> float:
        """Size of the plan."""
        return float(self.choice()["params"])

    @property
    def tokens(self) -> float:
        """Tokens of the plan."""
        return float(self.choice()["tokens"])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plans of one or several budgets, or of a target loss.

    Attributes
    ----------
    objective : str
        What is minimised, in words.
    budgets : tuple of BudgetPlan
        One a budget; none where a target is out of reach.
    costs : Costs
    risk : Risk
    target : Target, optional
        Where a target loss was asked for.
    group, counting : str
        Of what, and what N and C count.
    largest_run : float
        FLOPs of the largest run.
    prob : float
        Probability of the intervals.
    warnings : tuple of str
    """

    objective: str
    budgets: tuple[BudgetPlan, ...]
    costs: Costs
    risk: Risk
    target: Target | None
    group: str
    counting: str
    largest_run: float
    prob: float
    warnings: tuple[str, ...] = ()

    @property
    def drifts(self) -> bool:
        """Whether the plan allows for the law being left behind beyond the runs."""
        aside = [each.law_only for each in self.budgets]
        return any(each is not None for each in [*aside, self.target and self.target.law_only])

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a budget and choice: size, tokens, loss, regret, deadweight with intervals.

        Columns flops, choice, params, tokens, money, then mean, median, sd, lower and upper of
        each of ``loss``, ``regret`` and ``deadweight`` (as in ``loss_mean``), and prob.
        """
        prob = self.prob if prob is None else check_prob(prob)
        rows = []
        for each in self.budgets:
            for name in each.names:
                chosen = each.choice(name)
                row: dict[str, Any] = {"flops": each.spend, "choice": name}
                row |= {key: float(chosen[key]) for key in ("params", "tokens")}
                row["money"] = self.costs.money(each.spend)
                for what in ("loss", "regret", "deadweight"):
                    found = statistics(chosen[what].to_numpy(), prob)
                    row |= {f"{what}_{key}": value for key, value in found.items()}
                rows.append({**row, "prob": prob})
        named = [f"{w}_{s}" for w in ("loss", "regret", "deadweight") for s in STATISTICS]
        columns = ["flops", "choice", "params", "tokens", "money", *named, "prob"]
        return pd.DataFrame(rows, columns=columns)

    def answers(self) -> list[dict[str, Any]]:
        """One object a budget, as `to_json` writes them; one without a plan if out of reach."""
        if self.budgets:
            return [self._answer(each) for each in self.budgets]
        nothing = dict.fromkeys(("plan", "optimum", "regret", "valley"))
        return [self._framed({**nothing, "alternatives": []})]

    def to_json(self) -> str:
        """An object (a list of them for several budgets).

        Keys objective, plan, optimum, regret, valley, alternatives, target, warnings, group,
        counting, prob.
        """
        answers = self.answers()
        return json.dumps(answers[0] if len(answers) == 1 else answers, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """The loss valley, or probability against budget; see `bayes_scaling.figures`.

        Several budgets are drawn as sizes against budget, a target as its probability.
        """
        from bayes_scaling import figures

        if self.target is not None:
            return figures.plot_target(self, ax=ax, **style)
        if len(self.budgets) > 1:
            return figures.plot_plan_path(self, ax=ax, **style)
        return figures.plot_valley(self, ax=ax, **style)

    def _framed(self, answer: dict[str, Any]) -> dict[str, Any]:
        target = self.target
        asked = None if target is None else {
            "loss": target.loss, "confidence": target.confidence, "flops": target.spend,
        }  # fmt: skip
        return {
            "objective": self.objective,
            **answer,
            "target": asked,
            "warnings": list(self.warnings),
            "group": self.group,
            "counting": self.counting,
            "prob": self.prob,
        }

    def _answer(self, each: BudgetPlan) -> dict[str, Any]:
        best = {
            name: self._statistics(each.draws[f"optimum_{name}"]) for name in ("params", "tokens")
        }
        others = [self._alternative(each, name) for name in each.names if name != PLAN]
        return self._framed(
            {
                "plan": self._plan(each),
                "optimum": best,
                "regret": self._regret(each, PLAN),
                "valley": _valley(each),
                "alternatives": others,
            }
        )

    def _plan(self, each: BudgetPlan) -> dict[str, Any]:
        flops = self.costs.training_flops(each.params, each.tokens)
        return {
            "params": each.params,
            "tokens": each.tokens,
            "training_flops": flops,
            "inference_flops": self.costs.inference_flops(each.params),
            "money": self.money(each),
            "days": self.costs.days(flops),
            "loss": self._statistics(each.choice()["loss"]),
        }

    def money(self, each: BudgetPlan) -> float | None:
        """What the plan of a budget costs, training and inference; None without a price."""
        size, tokens = np.asarray(each.params), np.asarray(each.tokens)
        return self.costs.money(float(self.costs.spend(size, tokens)))

    def _alternative(self, each: BudgetPlan, name: str) -> dict[str, Any]:
        chosen = each.choice(name)
        return {
            "name": name,
            "params": float(chosen["params"]),
            "tokens": float(chosen["tokens"]),
            "loss": self._statistics(chosen["loss"]),
            "regret": self._regret(each, name),
        }

    def _regret(self, each: BudgetPlan, name: str) -> dict[str, Any]:
        chosen, price = each.choice(name), self.costs.money(each.spend)
        return {
            "nats": self._statistics(chosen["regret"]),
            "deadweight_compute": self._statistics(chosen["deadweight"]),
            "deadweight_money": None
            if price is None
            else self._statistics(chosen["deadweight"] * price),
        }

    def _statistics(self, draws: xr.DataArray) -> dict[str, float]:
        return statistics(draws.to_numpy(), self.prob)


def _valley(each: BudgetPlan) -> dict[str, Any]:
    valley = {"epsilon": each.valley.bound, **_ends(each.valley)}
    if each.deadweight_valley is None:
        return valley
    wasted = each.deadweight_valley
    return {**valley, "deadweight": {"epsilon": wasted.bound, **_ends(wasted)}}


def _ends(valley: Valley) -> dict[str, list[float] | None]:
    return {
        "params": None if valley.params is None else list(valley.params),
        "tokens": None if valley.tokens is None else list(valley.tokens),
    }
