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

from bayes_scaling.decisions.questions import quantities, with_groups
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import STATISTICS, check_prob, summarise
from bayes_scaling.runs import training_flops

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Forecast", "forecast"]


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
    fit: Fit,
    points: pd.DataFrame | None = None,
    *,
    params: Any = None,
    tokens: Any = None,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
    observation_noise: bool = False,
) -> Forecast:
    """Posterior of the loss at one point, many points or a table of them.

    Parameters
    ----------
    fit : Fit
    points : DataFrame, optional
        Columns params and tokens, and group (or the column that the fit groups by); answers come
        in its order.
    params, tokens : number, text such as "70B", or a sequence of them
        Instead of `points`; the two are broadcast against each other.
    group : str or sequence of str, optional
        Groups to ask about; all that have runs by default. `NEW_GROUP` is one without runs.
    prob : float
        Probability of the intervals.
    observation_noise : bool
        Add the scatter of a single run; without it the draws are of the law's mean.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        A quantity is not positive, a group is unknown, or a column is missing.
    """
    check_prob(prob)
    at = with_groups(fit, _points(fit, points, params, tokens), group)
    n, d = at["params"].to_numpy(), at["tokens"].to_numpy()
    loss = np.empty((fit.n_draws, len(at)))
    for name, rows in at.groupby("group", sort=False).indices.items():
        loss[:, rows] = _loss(fit, str(name), n[rows], d[rows], observation_noise)
    flops = training_flops(n, d)
    coords = {
        "params": ("point", n),
        "tokens": ("point", d),
        "flops": ("point", flops),
        "group": ("point", at["group"].to_numpy()),
        "decades_beyond": ("point", np.log10(flops / fit.data["flops"].max())),
    }
    draws = xr.Dataset({"loss": (("sample", "point"), loss)}, coords=coords)
    return Forecast(draws=draws, prob=prob, observation_noise=observation_noise)


def _points(fit: Fit, points: pd.DataFrame | None, params: Any, tokens: Any) -> pd.DataFrame:
    if points is None:
        if params is None or tokens is None:
            raise InputError("give params= and tokens=, or a table of points with these columns")
        n, d = quantities(params, "params"), quantities(tokens, "tokens")
        if len(n) != len(d) and 1 not in (len(n), len(d)):
            raise InputError(f"{len(n)} values of params do not go with {len(d)} of tokens")
        n, d = np.broadcast_arrays(n, d)
        return pd.DataFrame({"params": n, "tokens": d})
    if params is not None or tokens is not None:
        raise InputError("give either a table of points, or params= and tokens=, not both")
    missing = [name for name in ("params", "tokens") if name not in points]
    if missing:
        columns = ", ".join(map(str, points.columns))
        raise InputError(f"the points lack {' and '.join(missing)}; their columns are {columns}")
    read = {name: quantities(points[name], name) for name in ("params", "tokens")}
    label = _group_labels(fit, points)
    return pd.DataFrame(read if label is None else {**read, "group": label})


def _group_labels(fit: Fit, points: pd.DataFrame) -> NDArray[np.object_] | None:
    if "group" in points:
        return points["group"].to_numpy(dtype=object)
    if fit.by and set(fit.by) <= set(points.columns):
        labels = points[list(fit.by)].astype(str).agg("/".join, axis="columns")
        return labels.to_numpy(dtype=object)
    return None


def _loss(
    fit: Fit, group: str, params: NDArray[np.float64], tokens: NDArray[np.float64], noisy: bool
) -> NDArray[np.float64]:
    """Draws of the loss of one group, shape (sample, point)."""
    theta = {name: value[:, None] for name, value in fit.parameters(group).items()}
    loss = fit.law.mean(np, {"params": np.log(params), "tokens": np.log(tokens)}, theta)
    if noisy:
        scale, nu = fit.run_noise(group)
        rng = np.random.default_rng([fit.seed, zlib.crc32(group.encode()), 1])
        loss = loss * np.exp(scale[:, None] * rng.standard_t(nu[:, None], size=loss.shape))
    return np.asarray(loss)
