"""`allocate`: the compute-optimal size and tokens of a budget, with their credible intervals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.decisions.questions import Predictor, quantities, with_groups
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Allocation", "allocate"]

QUANTITIES = ("params", "tokens", "tokens_per_param", "loss", "a", "b")


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Joint posterior of the compute-optimal plan of some budgets.

    Attributes
    ----------
    draws : xarray.Dataset
        ``params``, ``tokens``, ``tokens_per_param`` and ``loss`` at the optimum, and the exponents
        ``a`` and ``b`` there (N_opt ~ C^a, D_opt ~ C^b), dims (sample, budget); one draw is one
        consistent plan. Coordinates flops and group.
    prob : float
        Probability of the intervals that `table` and `to_json` give.
    counting : str
        What N and C count.
    law_only : Allocation, optional
        The same with the law taken for the truth; None where that is what this is.
    """

    draws: xr.Dataset
    prob: float
    counting: str
    law_only: Allocation | None = None

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a budget, group and quantity: mean, median, sd, lower, upper, prob."""
        prob = self.prob if prob is None else check_prob(prob)
        parts = []
        for name in QUANTITIES:
            values = self.draws[name].transpose("sample", "budget").to_numpy()
            at = {key: self.draws[key].to_numpy() for key in ("flops", "group", "decades_beyond")}
            parts.append(pd.DataFrame({**at, "quantity": name, **summarise(values, prob)}))
        order = np.arange(len(parts[0]) * len(QUANTITIES)).reshape(len(QUANTITIES), -1).T.ravel()
        return (
            pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True).assign(prob=prob)
        )

    def to_json(self) -> str:
        """List of objects: flops, group, statistics of each quantity with prob, counting."""
        table = self.table()
        columns = ["mean", "median", "sd", "lower", "upper", "prob"]
        answers = []
        for start in range(0, len(table), len(QUANTITIES)):
            rows = table.iloc[start : start + len(QUANTITIES)]
            answer = {"flops": float(rows["flops"].iloc[0]), "group": str(rows["group"].iloc[0])}
            found = dict(zip(rows["quantity"], rows[columns].to_dict("records"), strict=True))
            answers.append({**answer, **found, "counting": self.counting})
        return json.dumps(answers, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Optimal size and tokens against compute; see `bayes_scaling.figures.plot_allocation`."""
        from bayes_scaling.figures import plot_allocation

        return plot_allocation(self, ax=ax, **style)


def allocate(
    fit: Predictor,
    *,
    flops: Any,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
) -> Allocation:
    """Posterior of the compute-optimal params, tokens and loss of one or many budgets.

    Beyond the runs it carries the discrepancy that the card states; ``allocate(fit.law_only(),
    ...)`` takes the law for the truth.

    Parameters
    ----------
    fit : Fit or AveragedFit
    flops : number, text such as "5.76e23" or "3 PF-days", or a sequence of them
        Training compute, counted as 6 N D.
    group : str or sequence of str, optional
        Groups to ask about; all that have runs by default. `NEW_GROUP` is one without runs.
    prob : float
        Probability of the intervals.

    Returns
    -------
    Allocation

    Raises
    ------
    InputError
        A budget is not a positive number, a group is unknown, or the law does not say how to
        split compute.
    """
    check_prob(prob)
    budgets = pd.DataFrame({"flops": quantities(flops, "flops", flops=True)})
    at = with_groups(fit, budgets, group)
    draws = {name: np.empty((fit.n_draws, len(at))) for name in QUANTITIES}
    for name, rows in at.groupby("group", sort=False).indices.items():
        label, budget = str(name), at["flops"].to_numpy()[rows]
        params, tokens = fit.optimum(label, budget)
        loss = fit.predict(label, {"params": np.log(params), "tokens": np.log(tokens)})
        exponents = fit.allocation_exponents(label, budget)
        values = (params, tokens, tokens / params, loss, *exponents)
        for key, value in zip(QUANTITIES, values, strict=True):
            draws[key][:, rows] = value
    coords = {
        "flops": ("budget", at["flops"].to_numpy()),
        "group": ("budget", at["group"].to_numpy()),
        "decades_beyond": ("budget", np.log10(at["flops"] / fit.columns["flops"].max())),
    }
    dims = ("sample", "budget")
    return Allocation(
        draws=xr.Dataset({key: (dims, value) for key, value in draws.items()}, coords=coords),
        prob=prob,
        counting=fit.counting,
        law_only=allocate(fit.law_only(), flops=flops, group=group, prob=prob)
        if fit.drifts
        else None,
    )
