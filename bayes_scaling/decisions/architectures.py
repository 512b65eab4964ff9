"""`choose_architecture`: which group to scale, how sure that is, and where the answer turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.crossings import compute_to_reach, first_crossing
from bayes_scaling.decisions.questions import Predictor, quantities
from bayes_scaling.decisions.sentences import architecture_sentence, crossing_sentence
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Architectures", "choose_architecture"]

DECADES_BEYOND = 4.0
"""Beyond the largest budget: how far crossings and equivalent compute are looked for."""

PER_DECADE = 12
"""Points of the grid of compute; between them losses are interpolated."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Architectures:
    """Joint posterior of what groups reach at their own compute-optimal plans.

    Attributes
    ----------
    draws : xarray.Dataset
        ``loss`` (sample, group, budget) in nats; ``gain`` (sample, group, other, budget): the
        compute by which the other group reaches its loss at the budget, over the compute by which
        the group reaches the same, held to the ends of the range where it lies beyond it;
        ``outside`` (group, other, budget): the share of draws where it does; ``crossing``
        (sample, pair) in FLOPs, nan where two groups do not cross, with ``a_first`` (pair): the
        share of draws where a is ahead at the least compute; and ``curve`` (sample, group,
        compute), the loss over the range. Coordinates flops and decades_beyond (budget), a and b
        (pair).
    prob : float
        Probability of the intervals that tables and `to_json` give.
    counting : str
        What N and C count.
    law_only : Architectures, optional
        The same with the laws taken for the truth; None where that is what this is.
    """

    draws: xr.Dataset
    prob: float
    counting: str
    law_only: Architectures | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that were compared."""
        return tuple(map(str, self.draws["group"].to_numpy()))

    @property
    def span(self) -> tuple[float, float]:
        """Least and most compute at which crossings and equivalent compute are looked for."""
        grid = self.draws["compute"].to_numpy()
        return float(grid[0]), float(grid[-1])

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a budget and group, the best first.

        Columns flops, decades_beyond, group, the statistics of its loss, prob, p_best,
        expected_regret (nats), and of its compute-equivalent gain: ``gain_`` statistics,
        ``gain_against`` (the best of the other groups there, by mean loss) and ``gain_outside``
        (share of draws in which it lies beyond the range).
        """
        import pandas as pd

        prob = self.prob if prob is None else check_prob(prob)
        rows = [row for i in range(self.draws.sizes["budget"]) for row in self._rows(i, prob)]
        return pd.DataFrame(rows)

    def _rows(self, budget: int, prob: float) -> list[dict[str, Any]]:
        at = self.draws.isel(budget=budget)
        loss = at["loss"].transpose("sample", "group").to_numpy()
        regret = loss - loss.min(axis=1, keepdims=True)
        p_best = np.bincount(loss.argmin(axis=1), minlength=loss.shape[1]) / len(loss)
        order = [int(i) for i in np.argsort(loss.mean(axis=0))]
        rows = []
        for i in order:
            rival = next(j for j in order if j != i)
            gain = at["gain"].isel(group=i, other=rival)
            rows.append(
                {
                    "flops": float(at["flops"]),
                    "decades_beyond": float(at["decades_beyond"]),
                    "group": self.groups[i],
                    **_statistics(loss[:, i], prob),
                    "prob": prob,
                    "p_best": float(p_best[i]),
                    "expected_regret": float(regret[:, i].mean()),
                    **_statistics(gain.to_numpy(), prob, "gain_"),
                    "gain_against": self.groups[rival],
                    "gain_outside": float(at["outside"].isel(group=i, other=rival)),
                }
            )
        return rows

    def crossings(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a pair: a, b, statistics of the compute where they cross, p_never, a_first.

        The statistics are of the draws that cross within `span`, nan where none does; p_never is
        the share of those that do not, a_first the share in which a is ahead at the least compute.
        """
        import pandas as pd

        prob = self.prob if prob is None else check_prob(prob)
        rows = []
        for i in range(self.draws.sizes["pair"]):
            at = self.draws.isel(pair=i)
            found = at["crossing"].to_numpy()
            crossed = found[np.isfinite(found)]
            stated = (
                _statistics(crossed, prob)
                if len(crossed) > 1
                else dict.fromkeys(STATISTICS, np.nan)
            )
            rows.append(
                {"a": str(at["a"].item()), "b": str(at["b"].item()), **stated, "prob": prob,
                 "p_never": 1 - len(crossed) / len(found), "a_first": float(at["a_first"])}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def verdicts(self) -> list[str]:
        """One sentence a budget: which group to scale, and how sure that is; then one a pair."""
        budgets = range(self.draws.sizes["budget"])
        pairs = self.crossings().to_dict("records")
        return [
            *(architecture_sentence(self, i) for i in budgets),
            *(crossing_sentence(self, {str(k): v for k, v in pair.items()}) for pair in pairs),
        ]

    def to_json(self) -> str:
        """Object with ``groups``, one a budget and group, and ``crossings``, one a pair.

        The compute where groups never cross is null.
        """
        groups = [
            {
                "group": row["group"],
                "flops": row["flops"],
                "p_best": row["p_best"],
                "expected_regret": row["expected_regret"],
                "compute_gain": {
                    **{name: row[f"gain_{name}"] for name in STATISTICS},
                    "prob": row["prob"],
                    "against": row["gain_against"],
                    "outside": row["gain_outside"],
                },
            }
            for row in self.table().to_dict("records")
        ]
        crossings = [
            {
                "a": row["a"],
                "b": row["b"],
                "flops": None
                if row["p_never"] == 1
                else {name: row[name] for name in (*STATISTICS, "prob")},
                "p_never": row["p_never"],
                "a_first": row["a_first"],
            }
            for row in self.crossings().to_dict("records")
        ]
        return json.dumps({"groups": groups, "crossings": crossings}, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Loss of each group against compute; see `bayes_scaling.figures.plot_architectures`."""
        from bayes_scaling.figures import plot_architectures

        return plot_architectures(self, ax=ax, **style)

    def __repr__(self) -> str:
        return "\n".join(self.verdicts())


def choose_architecture(
    fit: Predictor,
    *,
    flops: Any,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
) -> Architectures:
    """Compare what groups reach, each at its own compute-optimal plan, at one or many budgets.

    Beyond the runs it carries the discrepancy that the card states, which is drawn for every group
    around what the groups share: a card whose groups drift more apart makes the answer less sure.
    The comparison takes compute to be 6 N D for all groups, and assumes that their runs were tuned
    alike, on the same data and with the same tokeniser.

    Parameters
    ----------
    fit : Fit or AveragedFit
        Of two groups or more.
    flops : number, text such as "1e23", or a sequence of them
        Training compute.
    group : str or sequence of str, optional
        Groups to compare; all that have runs by default. `NEW_GROUP` is one without runs.
    prob : float
        Probability of the intervals.

    Returns
    -------
    Architectures

    Raises
    ------
    InputError
        Fewer than two groups, one that is unknown, a budget that is not a positive number, or a law
        that does not say how to split compute.
    """
    check_prob(prob)
    budgets = quantities(flops, "flops", flops=True)
    names = _compared(fit, group)
    grid = _grid(float(fit.columns["flops"].min()), budgets)
    at = np.concatenate([budgets, grid])
    both = np.stack([_optimal_loss(fit, name, at) for name in names], axis=1)
    loss, curve = both[..., : len(budgets)], both[..., len(budgets) :]
    return Architectures(
        draws=_dataset(fit, names, budgets, grid, loss, curve),
        prob=prob,
        counting=fit.counting,
        law_only=choose_architecture(fit.law_only(), flops=flops, group=group, prob=prob)
        if fit.drifts
        else None,
    )


def _compared(fit: Predictor, group: str | Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(fit.select_groups(group)))
    if len(names) < 2:
        known = ", ".join(map(repr, fit.select_groups(None)))
        raise InputError(
            f"a choice needs two groups or more, not only {names[0]!r}; the fit has runs of "
            f"{known}. Fit with --by (by=) a column that tells architectures apart"
        )
    return names


def _grid(least: float, budgets: Array) -> Array:
    """From the smallest run, or a smaller budget, to some decades beyond the largest budget."""
    low, high = min(least, float(budgets.min())), float(budgets.max()) * 10**DECADES_BEYOND
    points = int(np.ceil(PER_DECADE * np.log10(high / low))) + 1
    return np.geomspace(low, high, points)


def _optimal_loss(fit: Predictor, group: str, flops: Array) -> Array:
    """Loss of a group at its own optimum of each budget, (sample, budget)."""
    params, tokens = fit.optimum(group, flops)
    return fit.predict(group, {"params": np.log(params), "tokens": np.log(tokens)})


def _dataset(
    fit: Predictor, names: tuple[str, ...], budgets: Array, grid: Array, loss: Array, curve: Array
) -> xr.Dataset:
    import xarray as xr

    gain, outside = _gains(np.log(grid), np.log(budgets), loss, curve)
    pairs = list(combinations(range(len(names)), 2))
    apart = [curve[:, i] - curve[:, j] for i, j in pairs]
    crossing = np.stack([np.exp(first_crossing(np.log(grid), d)) for d in apart], axis=1)
    decades = np.log10(budgets / float(fit.columns["flops"].max()))
    return xr.Dataset(
        {
            "loss": (("sample", "group", "budget"), loss),
            "gain": (("sample", "group", "other", "budget"), gain),
            "outside": (("group", "other", "budget"), outside),
            "crossing": (("sample", "pair"), crossing),
            "a_first": ("pair", [float((d[:, 0] < 0).mean()) for d in apart]),
            "curve": (("sample", "group", "compute"), curve),
        },
        coords={
            "group": list(names),
            "other": list(names),
            "compute": grid,
            "flops": ("budget", budgets),
            "decades_beyond": ("budget", decades),
            "a": ("pair", [names[i] for i, _ in pairs]),
            "b": ("pair", [names[j] for _, j in pairs]),
        },
    )


def _gains(log_grid: Array, log_budgets: Array, loss: Array, curve: Array) -> tuple[Array, Array]:
    """Compute-equivalent gain of each group over each other one, and the share beyond the grid."""
    n, groups, budgets = loss.shape
    gain, outside = np.ones((n, groups, groups, budgets)), np.zeros((groups, groups, budgets))
    for i, j in permutations(range(groups), 2):
        for k in range(budgets):
            found = compute_to_reach(log_grid, curve[:, i], loss[:, j, k])
            gain[:, i, j, k] = np.exp(log_budgets[k] - found.log_flops)
            outside[i, j, k] = np.mean(found.before | found.never)
    return gain, outside


def _statistics(draws: Array, prob: float, prefix: str = "") -> dict[str, float]:
    found = summarise(draws, prob)
    return {f"{prefix}{name}": float(found[name]) for name in STATISTICS}
