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

from bayes_scaling.decisions.questions import Predictor, group_labels, quantities, with_groups
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise
from bayes_scaling.laws import INPUTS, available, log_inputs
from bayes_scaling.laws.inputs import sources
from bayes_scaling.runs.flops import tokens_for, training_flops

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Forecast", "forecast"]

NEEDED = "params= and tokens= (or what else the law depends on)"
COLUMNS = (*INPUTS, "width", "depth")
"""What a point may say of a run."""

ALWAYS = ("params", "tokens", "flops")
YES_OR_NO = {"yes": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "0": 0.0}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Posterior of the loss at some points.

    Attributes
    ----------
    draws : xarray.Dataset
        ``loss`` (nats per token), dims (sample, point); coordinates params, tokens, flops (nan
        where a point does not tell), the other inputs of the question, the group of every point,
        x (its compute, or the only variable of the law) and how many decades that lies beyond the
        runs.
    prob : float
        Probability of the intervals that `table` and `to_json` give.
    observation_noise : bool
        Whether the draws are of what one run would measure, and not of the law's mean.
    asked : tuple of str
        Inputs that the question gave.
    along : str
        What x is: "flops", or the variable of a law of one variable.
    counting : str
        What N and C count.
    law_only : Forecast, optional
        The same with the law taken for the truth; None where that is what this is.
    """

    draws: xr.Dataset
    prob: float
    observation_noise: bool
    asked: tuple[str, ...]
    along: str
    counting: str
    law_only: Forecast | None = None

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a point: its inputs, group, mean, median, sd, lower, upper, prob."""
        prob = self.prob if prob is None else check_prob(prob)
        inputs = dict.fromkeys((*ALWAYS, *self.asked))
        at = {name: self.draws[name].to_numpy() for name in (*inputs, "group", "decades_beyond")}
        loss = self.draws["loss"].transpose("sample", "point").to_numpy()
        return pd.DataFrame({**at, **summarise(loss, prob), "prob": prob})

    def to_json(self) -> str:
        """List of objects: inputs, group, mean, median, sd, lower, upper, prob, counting.

        params and tokens are always there, null where they do not matter; then what else the
        question gave.
        """
        inputs = dict.fromkeys(("params", "tokens", *self.asked))
        columns = [*inputs, "group", *STATISTICS, "prob"]
        rows = [
            {str(k): None if v != v else v for k, v in row.items()} | {"counting": self.counting}
            for row in self.table()[columns].to_dict("records")
        ]
        return json.dumps(rows, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Intervals of the loss at the points; see `bayes_scaling.figures.plot_forecast`."""
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

    Beyond the runs it carries the discrepancy that the card states; ``forecast(fit.law_only(),
    ...)`` takes the law for the truth.

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
        Instead of `points`: ``params=``, ``tokens=``, ``flops=``, and for some laws others:
        ``unique_tokens=``, ``step=``, ``batch_tokens=``, ``aspect_ratio=`` (or ``width=`` and
        ``depth=``), ``pretrained=``, ``flops_min=``; broadcast against each other. Compute is
        counted as 6 N D. Inputs of a law besides size and tokens may be left out: they are then
        at their best.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        A quantity is not positive, a group is unknown, an input of the law is missing, or one is
        given on which the law does not depend.
    """
    check_prob(prob)
    read, asked = _points(fit, points, inputs)
    at = with_groups(fit, read, group)
    columns = {str(k): at[k].to_numpy(dtype=float) for k in at if k != "group"}
    logs = log_inputs(available(columns), columns, of="a forecast")
    loss = np.empty((fit.n_draws, len(at)))
    for name, rows in at.groupby("group", sort=False).indices.items():
        here = {key: value[rows] for key, value in logs.items()}
        loss[:, rows] = _loss(fit, str(name), here, observation_noise)
    coords: dict[str, Any] = {name: ("point", values) for name, values in columns.items()}
    for name in ALWAYS:
        coords.setdefault(name, ("point", np.full(len(at), np.nan)))
    along = fit.inputs[0] if len(fit.inputs) == 1 or "flops" not in logs else "flops"
    coords["x"] = ("point", np.exp(logs[along]))
    coords["group"] = ("point", at["group"].to_numpy())
    coords["decades_beyond"] = ("point", np.log10(coords["x"][1] / fit.columns[along].max()))
    return Forecast(
        draws=xr.Dataset({"loss": (("sample", "point"), loss)}, coords=coords),
        prob=prob,
        observation_noise=observation_noise,
        asked=asked,
        along=along,
        counting=fit.counting,
        law_only=forecast(
            fit.law_only(), points, group=group, prob=prob, observation_noise=observation_noise,
            **inputs,
        ) if fit.drifts else None,
    )  # fmt: skip


def _points(
    fit: Predictor, points: pd.DataFrame | None, inputs: dict[str, Any]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Points as numbers, completed where some tell others, and what the question gave."""
    given = {name: value for name, value in inputs.items() if value is not None}
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise InputError(unknown_name("input", unknown[0], COLUMNS))
    if points is None:
        _check_relevant(fit, given)
        read = _broadcast({name: _numbers(value, name) for name, value in given.items()})
        return _completed(pd.DataFrame(read)), tuple(given)
    if given:
        raise InputError(f"give either a table of points, or {' and '.join(given)}, not both")
    known = [name for name in COLUMNS if name in points and name in _relevant(fit)]
    if not known:
        raise InputError(f"the points have none of the columns {', '.join(_relevant(fit))}")
    read = {name: _numbers(points[name], name) for name in known}
    label = group_labels(fit, points)
    whole = _completed(pd.DataFrame(read if label is None else {**read, "group": label}))
    return whole, tuple(known)


def _relevant(fit: Predictor) -> tuple[str, ...]:
    """What a question may give: size, tokens, compute, and what the law's inputs are read from."""
    return tuple(dict.fromkeys((*ALWAYS, *(s for name in fit.inputs for s in sources(name)))))


def _check_relevant(fit: Predictor, given: dict[str, Any]) -> None:
    if not given:
        raise InputError(f"give {NEEDED}, or a table of points with these columns")
    idle = [name for name in given if name not in _relevant(fit)]
    if idle:
        raise InputError(
            f"the loss of this law depends on {' and '.join(fit.inputs)}, not on "
            f"{' and '.join(idle)}; leave that out, or fit a law that depends on it"
        )


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    if name == "pretrained":
        return _yes_or_no(values)
    return quantities(values, name, flops=name.startswith("flops"))


def _yes_or_no(values: Any) -> NDArray[np.float64]:
    """1 for yes and 0 for no, from truth values, numbers or words."""
    many = [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)
    words = [v.strip().casefold() if isinstance(v, str) else f"{float(v):g}" for v in many]
    unknown = [word for word in words if word not in YES_OR_NO]
    if unknown or not words:
        raise InputError(f"pretrained must be yes or no (1 or 0), not {', '.join(unknown)!r}")
    return np.array([YES_OR_NO[word] for word in words])


def _broadcast(read: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    lengths = {name: len(values) for name, values in read.items() if len(values) > 1}
    if len(set(lengths.values())) > 1:
        told = " do not go with ".join(f"{n} values of {name}" for name, n in lengths.items())
        raise InputError(told)
    return dict(zip(read, np.broadcast_arrays(*read.values()), strict=True))


def _completed(points: pd.DataFrame) -> pd.DataFrame:
    """Two of params, tokens and flops tell the third; steps and their batch tell tokens."""
    if "tokens" not in points and {"step", "batch_tokens"} <= set(points.columns):
        points["tokens"] = points["step"] * points["batch_tokens"]
    there = [name for name in ALWAYS if name in points]
    if there == ["params", "tokens"]:
        points["flops"] = training_flops(points["params"].to_numpy(), points["tokens"].to_numpy())
    elif there == ["params", "flops"]:
        points["tokens"] = tokens_for(points["flops"].to_numpy(), points["params"].to_numpy())
    elif there == ["tokens", "flops"]:
        points["params"] = tokens_for(points["flops"].to_numpy(), points["tokens"].to_numpy())
    return points


def _loss(
    fit: Predictor, group: str, log_inputs: dict[str, NDArray[np.float64]], noisy: bool
) -> NDArray[np.float64]:
    """Draws of the loss of one group, shape (sample, point)."""
    loss = fit.predict(group, log_inputs)
    if noisy:
        rng = np.random.default_rng([fit.seed, zlib.crc32(group.encode()), 1])
        loss = loss * np.exp(fit.run_noise(group, log_inputs).draw(rng))
    return loss
