"""`Comparison`: laws fitted to the same runs, their scores, exponents and plans."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.average import AveragedFit, average_fits
from bayes_scaling.comparison.extrapolation import HeldOut, stacked
from bayes_scaling.comparison.plans import PlanDifference, pair_verdicts
from bayes_scaling.decisions import Allocation, allocate
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.summary import check_prob, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Comparison"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Laws fitted to the same runs, side by side.

    Attributes
    ----------
    fits : dict of str to Fit
    loo : DataFrame
        Indexed by law, best first: ``elpd_loo`` (expected log predictive density of a run left
        out, summed over runs), ``se``, ``difference`` to the best and ``difference_se``,
        ``weight`` (stacking), ``unreliable`` (runs whose Pareto k is above 0.7).
    held_out : dict of str to HeldOut
        Prediction of the runs with the most compute by each law fitted without them; empty where
        it was not asked for.
    plans : list of PlanDifference
        Every pair of laws at every budget; laws that do not allocate compute are left out.
    group : str
        Group that plans and exponents are of.
    flops : tuple of float
        Budgets of the plans.
    factor : float
        Practical threshold: sizes within this factor are the same plan.
    prob : float
        Probability of the intervals.
    seconds : dict of str to float
        What the comparison took, by part.
    """

    fits: dict[str, Fit]
    loo: pd.DataFrame
    held_out: dict[str, HeldOut]
    plans: list[PlanDifference]
    group: str
    flops: tuple[float, ...]
    factor: float
    prob: float
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def first(self) -> Fit:
        """One of the fits, for what they have in common: the runs, and what N and C count."""
        return next(iter(self.fits.values()))

    @property
    def trusted(self) -> bool:
        """False where one of the posteriors must not be used."""
        return all(fit.trusted for fit in self.fits.values())

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a law: scores, weight, and the exponents a and b with their intervals."""
        prob = self.prob if prob is None else check_prob(prob)
        table = self.loo.copy()
        table["elpd_extrapolation"] = [
            self.held_out[name].total if name in self.held_out else np.nan for name in table.index
        ]
        at_scale = self.weights("held-out") if self.held_out else {}
        table["weight_extrapolation"] = [at_scale.get(name, np.nan) for name in table.index]
        for exponent in ("a", "b"):
            found = [self._exponent(name, exponent, prob) or {} for name in table.index]
            for key in ("median", "lower", "upper"):
                table[f"{exponent}_{key}"] = [each.get(key, np.nan) for each in found]
        return table.assign(prob=prob)

    def _exponent(self, name: str, exponent: str, prob: float) -> dict[str, float] | None:
        """Statistics of a or b, None for a law that does not allocate compute."""
        fit = self.fits[name]
        if not fit.law.allocates:
            return None
        draws = fit.exponents(fit.parameters(self.group))[exponent]
        found = {key: float(v) for key, v in summarise(np.asarray(draws), prob).items()}
        return found | {"prob": prob}

    def weights(self, by: str = "loo") -> dict[str, float]:
        """Stacking weights, by law.

        Parameters
        ----------
        by : {"loo", "held-out"}
            What they predict best: runs left out one at a time, or the largest runs by fits
            without them.

        Raises
        ------
        InputError
            `by` is neither, or no runs were held out.
        """
        if by not in (known := ("loo", "held-out")):
            raise InputError(unknown_name("kind of weight", by, known))
        if by == "loo":
            return {str(name): float(weight) for name, weight in self.loo["weight"].items()}
        if not self.held_out:
            raise InputError("no runs were held out; compare with hold_out=0.2 or so")
        return stacked(self.held_out)

    def average(self, by: str = "loo") -> AveragedFit:
        """Answers averaged by stacking weights, as `weights` takes them; see `average_fits`."""
        return average_fits(self.fits, self.weights(by))

    def allocations(self) -> dict[str, Allocation]:
        """Compute-optimal plans of each law, taken for the truth, at the comparison's budgets."""
        return {
            name: allocate(fit.law_only(), flops=list(self.flops), group=self.group, prob=self.prob)
            for name, fit in self.fits.items()
            if fit.law.allocates
        }

    def verdicts(self) -> list[str]:
        """What the comparison found, in sentences; the scores first."""
        return [*self.score_verdicts(), *(plan.text for plan in self.plans)]

    def score_verdicts(self) -> list[str]:
        """Which law predicts runs best, in sentences."""
        return [self._score_verdict(), *self._held_out_verdict()]

    def plan_verdicts(self) -> list[str]:
        """Whether the plans differ in practice: one sentence for each pair of laws."""
        return pair_verdicts(self.plans)

    def _score_verdict(self) -> str:
        best, *others = self.loo.index
        parts = [f"Of the laws fitted, {best} predicts a run that is left out best"]
        for name in others:
            row = self.loo.loc[name]
            gap, error = float(row["difference"]), float(row["difference_se"])
            clear = "clearly" if gap > 4 and gap > 2 * error else "not clearly"
            parts.append(f"{clear} better than {name} (by {gap:.1f} +- {error:.1f} nats in sum)")
        doubtful = [str(n) for n in self.loo.index if self.loo.loc[n, "unreliable"] > 0]
        warning = (
            f" Scores of {', '.join(doubtful)} rest on runs that cannot be left out by importance "
            "sampling (Pareto k above 0.7): take them as rough."
            if doubtful
            else ""
        )
        return "; ".join(parts) + "." + warning

    def _held_out_verdict(self) -> list[str]:
        if not self.held_out:
            return []
        ordered = sorted(self.held_out, key=lambda name: -self.held_out[name].total)
        some = self.held_out[ordered[0]]
        scores = ", ".join(f"{name} {self.held_out[name].total:.1f}" for name in ordered)
        errors = ", ".join(f"{n} {100 * self.held_out[n].error.mean():+.2f} %" for n in ordered)
        return [
            f"Fitted without the {len(some.elpd)} runs of the most compute, which lie up to "
            f"{some.decades:.1f} decades beyond the rest, the laws score {scores} nats on them "
            f"(more is better); the runs were off by {errors} on average (negative: better than "
            "predicted)."
        ]

    def to_json(self) -> str:
        """Object with ``laws``, ``pairwise``, ``held_out``, ``verdicts`` and what was asked."""
        laws = []
        at_scale = self.weights("held-out") if self.held_out else {}
        for name, row in self.loo.iterrows():
            held = self.held_out.get(str(name))
            laws.append(
                {
                    "name": str(name),
                    "model": self.fits[str(name)].card.name,
                    "elpd_loo": float(row["elpd_loo"]),
                    "se": float(row["se"]),
                    "weight": float(row["weight"]),
                    "elpd_extrapolation": None if held is None else held.total,
                    "weight_extrapolation": at_scale.get(str(name)),
                    **{e: self._exponent(str(name), e, self.prob) for e in ("a", "b")},
                    "unreliable": int(row["unreliable"]),
                    "trusted": self.fits[str(name)].trusted,
                }
            )
        value = {
            "laws": laws,
            "pairwise": [plan.to_dict(prob=self.prob) for plan in self.plans],
            "held_out": self._held_out_facts(),
            "group": self.group,
            "counting": self.first.counting,
            "prob": self.prob,
            "verdicts": self.verdicts(),
            "seconds": self.seconds,
        }
        return json.dumps(value, indent=2)

    def _held_out_facts(self) -> dict[str, float] | None:
        if not self.held_out:
            return None
        some = next(iter(self.held_out.values()))
        return {"n_runs": len(some.elpd), "decades": some.decades}

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Optimal size against compute by each law; see `bayes_scaling.figures.plot_plans`."""
        from bayes_scaling.figures import plot_plans

        return plot_plans(self, ax=ax, **style)

    def __repr__(self) -> str:
        return "Comparison\n" + "\n".join(f"  {sentence}" for sentence in self.verdicts())
