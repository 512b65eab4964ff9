"""`forecast`: the loss that a run will reach, with its credible interval."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import Predictor, quantities, with_groups
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise
from bayes_scaling.laws import INPUTS, available, log_inputs
from bayes_scaling.runs.flops import tokens_for, training_flops

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Forecast", "forecast"]

NEEDED = "params= and tokens= (or what else the law depends on)"
COLUMNS = (*INPUTS, "width", "depth")
"""What a point may say of a run."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Posterior of the loss at some points.

    Attributes
    ----------
    draws : xarray.Dataset
        ``loss`` (nats per token), dims (sample, point); coordinates params, tokens, flops, group
        of every point, and how many decades of compute it lies beyond the runs.
    prob : float
        Probability of the intervals that `table` and `to_json` give.
    observation_noise : bool
        Whether the draws are of what one run would measure, and not of the law's mean.
    """

    draws: xr.Dataset
    prob: float
    observation_noise: bool

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a point: params, tokens, flops, group, mean, median, sd, lower, upper, prob."""
        prob = self.prob if prob is None else check_prob(prob)
        at = {
            name: self.draws[name].to_numpy()
            for name in ("params", "tokens", "flops", "group", "decades_beyond")
        }
        loss = self.draws["loss"].transpose("sample", "point").to_numpy()
        return pd.DataFrame({**at, **summarise(loss, prob), "prob": prob})

    def to_json(self) -> str:
        """List of objects: params, tokens, group, mean, median, sd, lower, upper, prob."""
        columns = ["params", "tokens", "group", *STATISTICS, "prob"]
        return json.dumps(self.table()[columns].to_dict("records"), indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Intervals of the loss against compute; see `bayes_scaling.figures.plot_forecast`."""
        from bayes_scaling.figures import plot_forecast

        return plot_forecast(self, ax=ax, **style)


def forecast(
    fit: Predictor,
    points: pd.DataFrame | None = None,
    *,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
    observation_noise: bool = False,
    **inputs: Any,
) -> Forecast:
    """Posterior of the loss at one point, many points or a table of them.

    Parameters
    ----------
    fit : Fit or AveragedFit
    points : DataFrame, optional
        Columns params and tokens (or what else the law depends on), and group (or the column
        that the fit groups by); answers come in its order.
    group : str or sequence of str, optional
        Groups to ask about; all that have runs by default. `NEW_GROUP` is one without runs.
    prob : float
        Probability of the intervals.
    observation_noise : bool
        Add the scatter of a single run; without it the draws are of the law's mean.
    **inputs : number, text such as "70B", or a sequence of them
        Instead of `points`: ``params=``, ``tokens=``, ``flops=``, and for some laws others, such
        as ``unique_tokens=``; broadcast against each other. Compute is counted as 6 N D.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        A quantity is not positive, a group is unknown, or an input of the law is missing.
    """
    check_prob(prob)
    at = with_groups(fit, _points(fit, points, inputs), group)
    columns = {str(k): at[k].to_numpy(dtype=float) for k in at if k != "group"}
    logs = log_inputs(available(columns), columns, of="a forecast")
    loss = np.empty((fit.n_draws, len(at)))
    for name, rows in at.groupby("group", sort=False).indices.items():
        here = {key: value[rows] for key, value in logs.items()}
        loss[:, rows] = _loss(fit, str(name), here, observation_noise)
    coords: dict[str, Any] = {name: ("point", values) for name, values in columns.items()}
    for name in ("params", "tokens", "flops"):
        coords.setdefault(name, ("point", np.full(len(at), np.nan)))
    coords["group"] = ("point", at["group"].to_numpy())
    coords["decades_beyond"] = ("point", _decades_beyond(fit, columns))
    draws = xr.Dataset({"loss": (("sample", "point"), loss)}, coords=coords)
    return Forecast(draws=draws, prob=prob, observation_noise=observation_noise)


def _points(fit: Predictor, points: pd.DataFrame | None, inputs: dict[str, Any]) -> pd.DataFrame:
    """Points as numbers, with compute where size and tokens tell it."""
    given = {name: value for name, value in inputs.items() if value is not None}
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise InputError(unknown_name("input", unknown[0], COLUMNS))
    if points is None:
        if not given:
            raise InputError(f"give {NEEDED}, or a table of points with these columns")
        read = _broadcast({name: _numbers(value, name) for name, value in given.items()})
        return _completed(pd.DataFrame(read))
    if given:
        raise InputError(f"give either a table of points, or {' and '.join(given)}, not both")
    read = {name: _numbers(points[name], name) for name in COLUMNS if name in points}
    label = _group_labels(fit, points)
    return _completed(pd.DataFrame(read if label is None else {**read, "group": label}))


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    if name == "pretrained":  # yes or no
        return np.atleast_1d(np.asarray(values, dtype=float))
    return quantities(values, name, flops=name.startswith("flops"))


def _broadcast(read: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    lengths = {name: len(values) for name, values in read.items() if len(values) > 1}
    if len(set(lengths.values())) > 1:
        told = " do not go with ".join(f"{n} values of {name}" for name, n in lengths.items())
        raise InputError(told)
    return dict(zip(read, np.broadcast_arrays(*read.values()), strict=True))


def _completed(points: pd.DataFrame) -> pd.DataFrame:
    """Two of params, tokens and flops tell the third."""
    there = [name for name in ("params", "tokens", "flops") if name in points]
    if there == ["params", "tokens"]:
        points["flops"] = training_flops(points["params"].to_numpy(), points["tokens"].to_numpy())
    elif there == ["params", "flops"]:
        points["tokens"] = tokens_for(points["flops"].to_numpy(), points["params"].to_numpy())
    elif there == ["tokens", "flops"]:
        points["params"] = tokens_for(points["flops"].to_numpy(), points["tokens"].to_numpy())
    return points


def _decades_beyond(fit: Predictor, columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Decades of compute beyond the runs, or of the law's own variable."""
    name = "flops" if "flops" in columns else fit.inputs[0]
    return np.asarray(np.log10(columns[name] / fit.columns[name].max()))


def _group_labels(fit: Predictor, points: pd.DataFrame) -> NDArray[np.object_] | None:
    if "group" in points:
        return points["group"].to_numpy(dtype=object)
    if fit.by and set(fit.by) <= set(points.columns):
        labels = points[list(fit.by)].astype(str).agg("/".join, axis="columns")
        return labels.to_numpy(dtype=object)
    return None


def _loss(
    fit: Predictor, group: str, log_inputs: dict[str, NDArray[np.float64]], noisy: bool
) -> NDArray[np.float64]:
    """Draws of the loss of one group, shape (sample, point)."""
    loss = fit.predict(group, log_inputs)
    if noisy:
        scale, nu = fit.run_noise(group)
        rng = np.random.default_rng([fit.seed, zlib.crc32(group.encode()), 1])
        loss = loss * np.exp(scale[:, None] * rng.standard_t(nu[:, None], size=loss.shape))
    return loss
