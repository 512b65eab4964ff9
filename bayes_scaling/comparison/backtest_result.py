"""`Backtest`: predictions of runs beyond the cuts by several methods, and their scores."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.cuts import Cut
from bayes_scaling.comparison.methods import Part
from bayes_scaling.comparison.scoring import BATCHES, COVERED, LEVELS, score_table
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs import Runs
from bayes_scaling.units import format_count, format_factor

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["POOLED", "Backtest", "prediction_rows"]

POOLED = "(all groups)"
"""Stands for all groups together in rows of scores."""

BINS = (1.0, 3.0, 10.0, 30.0, 100.0, math.inf)
"""Bins of the extrapolation factor."""

TELLING = 0.1
"""Two standard errors of a coverage of 90 % that can still tell good intervals from bad ones."""

BATCH_COLUMNS = [f"crps_batch{i}" for i in range(BATCHES)]
SCORES = (
    "n", "factor", *(f"coverage{100 * prob:g}" for prob in COVERED), "crps", "log_score", "bias",
    "width90",
)  # fmt: skip


def prediction_rows(
    runs: Runs, labels: pd.Series, part: Part, method: str, cut: Cut, result: Mapping[str, Any]
) -> pd.DataFrame:
    """Rows of `Backtest.table` from the result of one task, with arrays as of `compact`."""
    held = np.flatnonzero(cut.held)
    label = labels.to_numpy(dtype=object)
    largest = {g: part.log_x[cut.fitted & (label == g)].max() for g in set(label[held])}
    quantiles = dict(zip(LEVELS, result["quantiles"].T, strict=True))
    loss = runs.loss[held]
    bounds = {}
    for prob in COVERED:
        low, high = round((1 - prob) / 2, 6), round((1 + prob) / 2, 6)
        bounds[f"lower{100 * prob:g}"] = np.exp(quantiles[low])
        bounds[f"upper{100 * prob:g}"] = np.exp(quantiles[high])
    return pd.DataFrame(
        {
            "group": label[held],
            "cut": cut.at,
            "method": method,
            "row": held,
            "params": runs.params[held],
            "tokens": runs.tokens[held],
            "flops": runs.flops[held],
            "factor": np.exp(part.log_x[held] - [largest[g] for g in label[held]]),
            "loss": loss,
            "median": np.exp(quantiles[0.5]),
            **bounds,
            "bias": np.log(loss) - quantiles[0.5],
            "crps": result["crps"],
            "log_score": result["log_score"],
            **dict(zip(BATCH_COLUMNS, result["crps_batches"].T, strict=True)),
        }
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class Backtest:
    """Predictions of the costlier runs by fits to the cheaper ones, beside what was seen.

    Attributes
    ----------
    table : DataFrame
        One row a run, cut and method: the rows of `predictions`, with the batches of their CRPS.
    draws : xarray.Dataset
        ``loss`` (nats, the scatter of single runs included) with dims (sample, prediction), one
        prediction a row of `predictions`, in its order. Coordinates of a prediction are its group,
        cut, method, row, params, tokens, flops and factor, and ``seen``, the loss that was seen:
        ``draws.sel(prediction=draws["method"] == "huber")``. They are 200 evenly spaced draws of
        each prediction (fewer, but 20 at least, of more than 50,000 predictions, so that memory is
        bounded); where a method gave fewer, all of these and then nan. Scores and quantiles are of
        all draws that a method gave.
    name : str
        Of the runs.
    counting : str
        What N and C count.
    by : tuple of str
        Grouping columns.
    along : str
        What the cuts are made along.
    cuts : tuple of float
        Shares of the runs that are fitted, or the limits up to which they are.
    titles : dict of str to str
        What each method does.
    counts : dict of str to int
        ``fits`` of posteriors, those ``handed_over`` from the quick engine to NUTS, and those
        ``doubtful`` whose chains did not agree; ``cone_from_constant``, cones that were calibrated
        on public sweeps, since the table has too few groups.
    left_out : tuple of str
        Groups that were left out at a cut, and why.
    learned_from_runs : tuple of str
        Methods whose priors were learned from the data set that the runs are of, or from a part
        of it, as their cards state (``learned_from``). Only sets of the catalogue are recognised.
    engine : str
        That was asked for.
    seed : int
    n_runs : int
    """

    table: pd.DataFrame
    draws: xr.Dataset
    name: str
    counting: str
    by: tuple[str, ...]
    along: str
    cuts: tuple[float, ...]
    titles: dict[str, str]
    counts: dict[str, int]
    left_out: tuple[str, ...]
    learned_from_runs: tuple[str, ...]
    engine: str
    seed: int
    n_runs: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, posteriors first."""
        return tuple(self.titles)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups with predictions."""
        return tuple(sorted(map(str, self.table["group"].unique())))

    @property
    def trusted(self) -> bool:
        """False where some fit's chains did not agree."""
        return not self.counts.get("doubtful", 0)

    def predictions(self) -> pd.DataFrame:
        """One row a run, cut and method.

        Columns: group, cut, method, row (of the table of runs), params, tokens, flops, factor
        (compute, or what else the cut is along, over the largest that was fitted of the group),
        loss (seen, nats), median and the bounds of the 50, 80, 90 and 95 % intervals (nats), bias
        (log loss seen less the predicted median), crps and log_score of log loss.
        """
        return self.table.drop(columns=BATCH_COLUMNS)

    def scores(self) -> pd.DataFrame:
        """One row a group, cut and method; then all groups a cut, and all of a method (cut nan).

        Scores are of log loss, so that a hundredth is about 1 % of the loss. `coverage50` to
        `coverage95` are shares of runs inside their intervals; `crps` and `log_score` are better
        the lower they are; `bias` is seen less predicted: negative where the runs did better.
        `width90` is the median width of the 90 % interval, `factor` the geometric mean.

        Columns ending in `_se` are standard errors of the mean. Runs that are predicted by one fit
        err together: in rows over several groups each group counts as one observation, those of
        its cuts included (a bootstrap over groups, in closed form). A single group at one cut is
        one fit: its error is taken over runs, and is a lower bound of the real one. `crps_mc` is
        the Monte Carlo error of the CRPS.
        """
        rows = []
        for (group, cut, method), part in self._parts(["group", "cut", "method"]):
            rows.append({"group": group, "cut": cut, "method": method, **score_table(part, "row")})
        several = len(self.groups) > 1
        if several:
            for (cut, method), part in self._parts(["cut", "method"]):
                row = score_table(part, "group")
                rows.append({"group": POOLED, "cut": cut, "method": method, **row})
        for (method,), part in self._parts(["method"]):
            row = score_table(part, "group" if several else "cut")
            rows.append({"group": POOLED, "cut": math.nan, "method": method, **row})
        return pd.DataFrame(rows)

    def by_distance(self) -> pd.DataFrame:
        """Scores of all groups and cuts in bins of the extrapolation factor.

        One row a bin (columns at_least and below) and method, otherwise as `scores`.
        """
        clusters = "group" if len(self.groups) > 1 else "cut"
        rows = []
        for low, high in pairwise(BINS):
            inside = self.table["factor"].between(low, high, inclusive="left")
            for method in self.methods:
                part = self.table[inside & (self.table["method"] == method)]
                if len(part):
                    row = score_table(part, clusters)
                    rows.append({"at_least": low, "below": high, "method": method, **row})
        return pd.DataFrame(rows)

    def _parts(self, keys: list[str]) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
        """Parts of the table, in the order of groups, cuts and methods."""
        known = {"group": self.groups, "cut": self.cuts, "method": self.methods}
        order = {key: {value: i for i, value in enumerate(known[key])} for key in keys}
        parts = [(tuple(key), part) for key, part in self.table.groupby(keys, sort=False)]
        return sorted(
            parts, key=lambda pair: [order[k][v] for k, v in zip(keys, pair[0], strict=True)]
        )

    def verdicts(self) -> list[str]:
        """What the back-test found, in sentences."""
        overall = self._overall()
        best = str(overall["crps"].idxmin())
        least = float(overall["crps"].min())
        furthest = float(self.table["factor"].max())
        runs, cuts = self.table["row"].nunique(), len(self.cuts)
        first = (
            f"{format_count(len(self.table) // len(self.methods), 'prediction')} "
            f"({format_count(runs, 'run')}, {format_count(cuts, 'cut')}) of {self.name}, up to "
            f"{format_factor(furthest)} times the {_SHORT[self.along]} of the runs that were "
            f"fitted: {_quoted(best)} predicts best, with a mean CRPS of {100 * least:.2f} %"
        )
        others = [
            f"{100 * crps:.2f} % for {_quoted(str(name))}"
            for name, crps in overall["crps"].sort_values().items()
            if name != best
        ]
        return [
            first + (f" (against {', '.join(others)})." if others else "."),
            *(self._verdict(name, overall.loc[[name]].iloc[0]) for name in self.methods),
            *self.notes(),
        ]

    def _overall(self) -> pd.DataFrame:
        scores = self.scores()
        pooled = scores[(scores["group"] == POOLED) & scores["cut"].isna()]
        return pooled.set_index("method")

    def _verdict(self, name: str, row: pd.Series[Any]) -> str:
        share, error = float(row["coverage90"]), float(row["coverage90_se"])
        judged = "in keeping with its promise"
        if 2 * error > TELLING:
            judged = "too uncertain to judge it by"
        if abs(share - 0.9) > max(2 * error, 0.02):
            judged = "too seldom" if share < 0.9 else "more often than it says"
        return (
            f"The 90 % interval of {_quoted(name)} held {100 * share:.0f} % ({100 * error:.0f} % "
            f"standard error) of the runs, {judged}, at a median width of "
            f"{100 * row['width90']:.1f} % of the loss; the runs came out "
            f"{100 * row['bias']:+.2f} % from its median on average."
        )

    def notes(self) -> list[str]:
        """What has to be known about how the predictions came about."""
        fits, handed = self.counts.get("fits", 0), self.counts.get("handed_over", 0)
        doubtful, constant = (self.counts.get(n, 0) for n in ("doubtful", "cone_from_constant"))
        notes = []
        if self.engine == "quick":
            taken = f"NUTS took its place in {handed} of {fits} fits" if handed else "no fit needed"
            notes.append(f"Posteriors are by the quick engine; {taken}{'' if handed else ' NUTS'}.")
        if doubtful:
            notes.append(
                f"In {doubtful} of {fits} fits the chains do not agree after further attempts; "
                "their predictions must not be trusted."
            )
        if self.learned_from_runs:
            notes.append(
                f"The priors of {' and '.join(self.learned_from_runs)} were learned from "
                f"{self.name}, or from a part of it, among others: runs that are new to "
                "them may well be predicted worse."
            )
        if constant:
            notes.append(
                "The cone was calibrated on public sweeps, since fewer than three other groups of "
                "the table could be used."
            )
        if len(self.groups) == 1:
            notes.append(self._of_one_group())
        return [*notes, *(f"Left out: {text}." for text in self.left_out)]

    def _of_one_group(self) -> str:
        hint = "" if self.by else "; by= (--by) makes groups of a column, if the table has one"
        return (
            "All predictions are of one group of runs, so that they err together: they say little "
            f"of other runs, and the real errors of the scores may be larger than these{hint}."
        )

    def to_json(self) -> str:
        """Object with ``scores``, ``distances``, ``predictions``, ``verdicts`` and what was asked.

        ``left_out`` is a list of texts, one for each group and cut that was left out, with why;
        ``learned_from_runs`` one of methods.
        The cut of a row over all cuts, and the end of the last bin, are null.
        """
        value = {
            "scores": _records(self.scores()),
            "distances": _records(self.by_distance()),
            "predictions": _records(self.predictions()),
            "methods": self.titles,
            "runs": self.name,
            "n_runs": self.n_runs,
            "by": list(self.by),
            "along": self.along,
            "cuts": list(self.cuts),
            "engine": self.engine,
            "seed": self.seed,
            "counting": self.counting,
            "counts": self.counts,
            "trusted": self.trusted,
            "left_out": list(self.left_out),
            "learned_from_runs": list(self.learned_from_runs),
            "verdicts": self.verdicts(),
        }
        return json.dumps(value, indent=2)

    def plot(self, kind: str = "predictions", ax: Axes | None = None, **style: Any) -> Axes:
        """Predicted against actual loss, or ("coverage") coverage against distance.

        See `bayes_scaling.figures.plot_predictions` and `plot_coverage`.
        """
        from bayes_scaling.figures import plot_coverage, plot_predictions

        kinds = {"predictions": plot_predictions, "coverage": plot_coverage}
        if kind not in kinds:
            raise InputError(unknown_name("kind of plot", kind, kinds))
        return kinds[kind](self, ax=ax, **style)

    def __repr__(self) -> str:
        return "Backtest\n" + "\n".join(f"  {sentence}" for sentence in self.verdicts())


_SHORT = {"flops": "compute", "params": "size", "tokens": "tokens"}


def _quoted(method: str) -> str:
    """A method's name as it stands in a sentence, where a comma in it would read as one of it."""
    return f"'{method}'" if "," in method else method


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as objects, null for numbers that are not finite."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
