"""`Plan`: what to train, what it may lose, and what else would do about as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.decisions.target import Target
from bayes_scaling.decisions.valley import Valley
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["PLAN", "BudgetPlan", "Plan"]

PLAN = "plan"
"""Name of the plan among the choices; the others are alternatives."""

ASKED = ("loss", "regret", "deadweight")

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
    names : tuple of str
        The choices: the plan, and alternatives.
    sizes : mapping of str to array of shape (choice,)
        Their ``params`` and ``tokens``.
    drawn : mapping of str to array of shape (sample, choice)
        Their ``loss``, ``regret`` (nats) and ``deadweight`` (share of the spend).
    optimum : mapping of str to array of shape (sample,)
        ``params``, ``tokens`` and ``loss`` of the best plan under each draw.
    around : mapping of str to array of shape (point,)
        Expected ``loss``, ``regret`` and ``deadweight`` of sizes around the plan, with their
        ``params`` and ``tokens``.
    valley : Valley
        Sizes whose expected regret stays under a bound.
    deadweight_valley : Valley, optional
        Sizes whose expected deadweight does, where that was asked for.
    p_rising : float
        Share of the draws under which less compute would have done better: their deadweight is
        nearly all of the spend.
    alone : mapping of str to array, optional
        ``loss`` (sample,), ``params`` and ``tokens`` of the plan that the law alone would make;
        None where the answer takes the law for the truth.

    Notes
    -----
    The arrays are there as `draws`, `curve` and `law_only`, too: xarray is imported for these
    only, which takes longer than a plan.
    """

    spend: float
    names: tuple[str, ...]
    sizes: Mapping[str, Array]
    drawn: Mapping[str, Array]
    optimum: Mapping[str, Array]
    around: Mapping[str, Array]
    valley: Valley
    deadweight_valley: Valley | None = None
    p_rising: float = 0.0
    alone: Mapping[str, Array] | None = None

    @cached_property
    def draws(self) -> xr.Dataset:
        """`drawn`, dims (sample, choice), and ``optimum_params`` and so on, dim sample."""
        import xarray as xr

        values = {name: (("sample", "choice"), value) for name, value in self.drawn.items()}
        best = {f"optimum_{name}": ("sample", value) for name, value in self.optimum.items()}
        sizes = {name: ("choice", value) for name, value in self.sizes.items()}
        return xr.Dataset({**values, **best}, coords={"choice": list(self.names), **sizes})

    @cached_property
    def curve(self) -> xr.Dataset:
        """`around`, dim point."""
        import xarray as xr

        return xr.Dataset({name: ("point", value) for name, value in self.around.items()})

    @cached_property
    def law_only(self) -> xr.Dataset | None:
        """`alone`: loss with dim sample, and coordinates params and tokens."""
        if self.alone is None:
            return None
        import xarray as xr

        sizes = {name: self.alone[name] for name in ("params", "tokens")}
        return xr.Dataset({"loss": ("sample", self.alone["loss"])}, coords=sizes)

    def choice(self, name: str = PLAN) -> xr.Dataset:
        """Draws of the plan, or of an alternative."""
        return self.draws.sel(choice=name)

    def of(self, what: str, name: str = PLAN) -> Array:
        """Draws of loss, regret or deadweight of a choice, shape (sample,)."""
        return np.asarray(self.drawn[what][:, self.names.index(name)])

    def size(self, name: str = PLAN) -> dict[str, float]:
        """The params and tokens of a choice."""
        at = self.names.index(name)
        return {key: float(value[at]) for key, value in self.sizes.items()}

    @property
    def params(self) -> float:
        """Size of the plan."""
        return self.size()["params"]

    @property
    def tokens(self) -> float:
        """Tokens of the plan."""
        return self.size()["tokens"]


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
        aside = [each.alone for each in self.budgets]
        return any(each is not None for each in [*aside, self.target and self.target.law_only])

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a budget and choice: size, tokens, loss, regret, deadweight with intervals.

        Columns flops, choice, params, tokens, money, then mean, median, sd, lower and upper of
        each of ``loss``, ``regret`` and ``deadweight`` (as in ``loss_mean``), and prob.
        """
        import pandas as pd

        named = [f"{what}_{each}" for what in ASKED for each in STATISTICS]
        columns = ["flops", "choice", "params", "tokens", "money", *named, "prob"]
        return pd.DataFrame(self.rows(prob=prob), columns=columns)

    def rows(self, *, prob: float | None = None) -> list[dict[str, Any]]:
        """The rows of `table`."""
        prob = self.prob if prob is None else check_prob(prob)
        rows = []
        for each in self.budgets:
            for name in each.names:
                row: dict[str, Any] = {"flops": each.spend, "choice": name, **each.size(name)}
                row["money"] = self.costs.money(each.spend)
                for what in ASKED:
                    found = statistics(each.of(what, name), prob)
                    row |= {f"{what}_{key}": value for key, value in found.items()}
                rows.append({**row, "prob": prob})
        return rows

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
        best = {name: statistics(each.optimum[name], self.prob) for name in ("params", "tokens")}
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
            "loss": statistics(each.of("loss"), self.prob),
        }

    def money(self, each: BudgetPlan) -> float | None:
        """What the plan of a budget costs, training and inference; None without a price."""
        size, tokens = np.asarray(each.params), np.asarray(each.tokens)
        return self.costs.money(float(self.costs.spend(size, tokens)))

    def _alternative(self, each: BudgetPlan, name: str) -> dict[str, Any]:
        return {
            "name": name,
            **each.size(name),
            "loss": statistics(each.of("loss", name), self.prob),
            "regret": self._regret(each, name),
        }

    def _regret(self, each: BudgetPlan, name: str) -> dict[str, Any]:
        wasted, price = each.of("deadweight", name), self.costs.money(each.spend)
        return {
            "nats": statistics(each.of("regret", name), self.prob),
            "deadweight_compute": statistics(wasted, self.prob),
            "deadweight_money": None if price is None else statistics(wasted * price, self.prob),
        }


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
