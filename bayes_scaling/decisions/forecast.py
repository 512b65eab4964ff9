"""`forecast`: the loss that a run will reach, with its credible interval."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import (
    Predictor,
    group_labels,
    quantities,
    rows_by_group,
    with_groups,
)
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise
from bayes_scaling.laws import INPUTS, available, log_inputs
from bayes_scaling.laws.inputs import sources
from bayes_scaling.runs.flops import tokens_for, training_flops

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Forecast", "forecast"]

NEEDED = "params and tokens (or what else the law depends on)"
COLUMNS = (*INPUTS, "width", "depth")
"""What a point may say of a run."""

ALWAYS = ("params", "tokens", "flops")
YES_OR_NO = {"yes": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "0": 0.0}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Posterior of the loss at some points.

    Attributes
    ----------
    loss : array of shape (sample, point)
        Nats per token.
    labels : mapping of str to array of shape (point,)
        Params, tokens, flops (nan where a point does not tell), the other inputs of the question,
        the group of every point, x (its compute, or the only variable of the law) and how many
        decades that lies beyond the runs.
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

    loss: NDArray[np.float64]
    labels: Mapping[str, NDArray[Any]]
    prob: float
    observation_noise: bool
    asked: tuple[str, ...]
    along: str
    counting: str
    law_only: Forecast | None = None

    @cached_property
    def draws(self) -> xr.Dataset:
        """``loss`` with dims (sample, point) and the coordinates `labels`."""
        import xarray as xr

        coords = {name: ("point", values) for name, values in self.labels.items()}
        return xr.Dataset({"loss": (("sample", "point"), self.loss)}, coords=coords)

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a point: its inputs, group, mean, median, sd, lower, upper, prob."""
        import pandas as pd

        return pd.DataFrame(self.columns(prob=prob))

    def columns(self, *, prob: float | None = None) -> dict[str, NDArray[Any]]:
        """The columns of `table`, each of shape (point,)."""
        prob = self.prob if prob is None else check_prob(prob)
        names = dict.fromkeys((*ALWAYS, *self.asked, "group", "decades_beyond"))
        at = {name: self.labels[name] for name in names}
        return {**at, **summarise(self.loss, prob), "prob": np.full(self.loss.shape[1], prob)}

    def rows(self, *, prob: float | None = None) -> list[dict[str, Any]]:
        """The rows of `table`."""
        columns = {name: values.tolist() for name, values in self.columns(prob=prob).items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_json(self) -> str:
        """List of objects: inputs, group, mean, median, sd, lower, upper, prob, counting.

        params and tokens are always there, null where they do not matter; then what else the
        question gave.
        """
        inputs = dict.fromkeys(("params", "tokens", *self.asked))
        names = [*inputs, "group", *STATISTICS, "prob"]
        rows = [
            {k: None if row[k] != row[k] else row[k] for k in names} | {"counting": self.counting}
            for row in self.rows()
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
    columns = {name: values for name, values in at.items() if name != "group"}
    logs = log_inputs(available(columns), columns, of="a forecast")
    loss = np.empty((fit.n_draws, len(at["group"])))
    for name, rows in rows_by_group(at).items():
        here = {key: value[rows] for key, value in logs.items()}
        loss[:, rows] = _loss(fit, name, here, observation_noise)
    along = fit.inputs[0] if len(fit.inputs) == 1 or "flops" not in logs else "flops"
    x = np.exp(logs[along])
    untold = np.full(loss.shape[1], np.nan)
    return Forecast(
        loss=loss,
        labels={
            **{name: columns.get(name, untold) for name in dict.fromkeys([*columns, *ALWAYS])},
            "x": x,
            "group": at["group"],
            "decades_beyond": np.log10(x / fit.columns[along].max()),
        },
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
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """Points as numbers, completed where some tell others, and what the question gave."""
    given = {name: value for name, value in inputs.items() if value is not None}
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise InputError(unknown_name("input", unknown[0], COLUMNS))
    if points is None:
        _check_relevant(fit, given)
        read = _broadcast({name: _numbers(value, name) for name, value in given.items()})
        return _completed(read), tuple(given)
    if given:
        raise InputError(f"give either a table of points, or {' and '.join(given)}, not both")
    known = [name for name in COLUMNS if name in points and name in _relevant(fit)]
    if not known:
        raise InputError(f"the points have none of the columns {', '.join(_relevant(fit))}")
    read = {name: _numbers(points[name], name) for name in known}
    label = group_labels(fit, points)
    return _completed(read) | ({} if label is None else {"group": label}), tuple(known)


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


def _completed(points: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Two of params, tokens and flops tell the third; steps and their batch tell tokens."""
    points = dict(points)
    if "tokens" not in points and {"step", "batch_tokens"} <= set(points):
        points["tokens"] = points["step"] * points["batch_tokens"]
    there = [name for name in ALWAYS if name in points]
    if there == ["params", "tokens"]:
        points["flops"] = training_flops(points["params"], points["tokens"])
    elif there == ["params", "flops"]:
        points["tokens"] = tokens_for(points["flops"], points["params"])
    elif there == ["tokens", "flops"]:
        points["params"] = tokens_for(points["flops"], points["tokens"])
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
