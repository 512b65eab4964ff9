"""`allocate`: the compute-optimal size and tokens of a budget, with their credible intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import Predictor, quantities, rows_by_group, with_groups
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Allocation", "allocate"]

QUANTITIES = ("params", "tokens", "tokens_per_param", "loss", "a", "b")


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Joint posterior of the compute-optimal plan of some budgets.

    Attributes
    ----------
    drawn : mapping of str to array of shape (sample, budget)
        ``params``, ``tokens``, ``tokens_per_param`` and ``loss`` at the optimum, and the exponents
        ``a`` and ``b`` there (N_opt ~ C^a, D_opt ~ C^b); one draw is one consistent plan.
    labels : mapping of str to array of shape (budget,)
        ``flops``, ``group`` and ``decades_beyond`` (the largest run).
    prob : float
        Probability of the intervals that `table` and `to_json` give.
    counting : str
        What N and C count.
    law_only : Allocation, optional
        The same with the law taken for the truth; None where that is what this is.
    """

    drawn: Mapping[str, NDArray[np.float64]]
    labels: Mapping[str, NDArray[Any]]
    prob: float
    counting: str
    law_only: Allocation | None = None

    @cached_property
    def draws(self) -> xr.Dataset:
        """`drawn`, with dims (sample, budget) and the coordinates `labels`."""
        import xarray as xr

        values = {name: (("sample", "budget"), value) for name, value in self.drawn.items()}
        return xr.Dataset(
            values, coords={key: ("budget", value) for key, value in self.labels.items()}
        )

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a budget, group and quantity: mean, median, sd, lower, upper, prob."""
        import pandas as pd

        return pd.DataFrame(self.rows(prob=prob))

    def rows(self, *, prob: float | None = None) -> list[dict[str, Any]]:
        """The rows of `table`."""
        prob = self.prob if prob is None else check_prob(prob)
        found = {name: summarise(self.drawn[name], prob) for name in QUANTITIES}
        return [
            {key: _plain(value[i]) for key, value in self.labels.items()}
            | {"quantity": name}
            | {key: float(value[i]) for key, value in statistics.items()}
            | {"prob": prob}
            for i in range(len(self.labels["flops"]))
            for name, statistics in found.items()
        ]

    def to_json(self) -> str:
        """List of objects: flops, group, statistics of each quantity with prob, counting."""
        answers: list[dict[str, Any]] = []
        for row in self.rows():
            if row["quantity"] == QUANTITIES[0]:
                answers.append({key: row[key] for key in ("flops", "group")})
            answers[-1][row["quantity"]] = {key: row[key] for key in (*STATISTICS, "prob")}
        return json.dumps([{**answer, "counting": self.counting} for answer in answers], indent=2)

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
    at = with_groups(fit, {"flops": quantities(flops, "flops", flops=True)}, group)
    drawn = {name: np.empty((fit.n_draws, len(at["flops"]))) for name in QUANTITIES}
    for label, rows in rows_by_group(at).items():
        budget = at["flops"][rows]
        params, tokens = fit.optimum(label, budget)
        loss = fit.predict(label, {"params": np.log(params), "tokens": np.log(tokens)})
        exponents = fit.allocation_exponents(label, budget)
        values = (params, tokens, tokens / params, loss, *exponents)
        for key, value in zip(QUANTITIES, values, strict=True):
            drawn[key][:, rows] = value
    return Allocation(
        drawn=drawn,
        labels={**at, "decades_beyond": np.log10(at["flops"] / fit.columns["flops"].max())},
        prob=prob,
        counting=fit.counting,
        law_only=allocate(fit.law_only(), flops=flops, group=group, prob=prob)
        if fit.drifts
        else None,
    )


def _plain(value: Any) -> Any:
    """A cell as Python has it: a number of numpy's cannot be written as JSON."""
    return value.item() if isinstance(value, np.generic) else value
