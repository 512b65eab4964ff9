"""`shape_probabilities`: which shape every task has at a stated scale, and how much is prior."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob, summarise
from bayes_scaling.shapes.classify import SHAPES, classify, path
from bayes_scaling.shapes.population import unseen_trend
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.scale import MetricScale
from bayes_scaling.shapes.trend import Trend
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayes_scaling.runs import MetricCurves

__all__ = ["DEFAULT_ROPE", "ShapeProbabilities", "check_question", "shape_probabilities"]

DEFAULT_ROPE = 0.01
"""One point of a score in percent: what tables of results are read to."""

FARTHEST = 6.0
"""Decades beyond the sizes seen that a question may ask about: a million times is a slip."""

SLIP = 1e4
"""No model has so few parameters, tokens or FLOPs: the unit was left out."""

FAR = 2.0
"""Decades beyond which the answer says that it is mostly the population's."""

CURVE_POINTS = 40

LEAST_TURNING = 0.05
"""Share of draws that turn below which no turning point is given."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ShapeProbabilities:
    """Shapes of tasks between the smallest size seen and a stated one.

    Attributes
    ----------
    draws : xarray.Dataset
        Dims (sample, curve): ``shape`` and ``shape_seen`` (up to the largest size seen),
        ``shape_prior`` (of a task without scores of its own), all indices into `SHAPES`; ``value``
        (what a model of that size would score), ``trend`` (its mean), ``last`` (the mean at the
        largest size seen), ``measured_last`` (the score there; the mean of several), ``worse``,
        ``worse_measured`` and ``worse_prior`` (0 or 1), ``turn`` (the scale of the turning point,
        nan for shapes without one). Coordinates: task, family, at (the stated scale), largest
        (seen), decades_beyond.
    along : str
        What the scale is: "params", "tokens" or "flops".
    rope : float
        Threshold, in points of the metric (as a fraction; of losses a share).
    prob : float
        Probability of the intervals.
    """

    draws: xr.Dataset
    along: str
    rope: float
    prob: float

    def shares(self, which: str = "shape") -> pd.DataFrame:
        """Probability of each shape, one row a curve, columns as in `SHAPES`.

        Parameters
        ----------
        which : {"shape", "shape_seen", "shape_prior"}
        """
        codes = self.draws[which].transpose("sample", "curve").to_numpy()
        shares = {name: (codes == i).mean(axis=0) for i, name in enumerate(SHAPES)}
        return pd.DataFrame(shares, index=pd.Index(self.draws["curve"].to_numpy(), name="curve"))

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a curve: probabilities, forecast of the score, turning point, share of prior.

        Columns: task, family, at, decades_beyond, the six shapes, p_worse_than_largest_seen (of
        the trend), p_measures_worse (of one new score against the one measured),
        p_worse_than_largest_seen_prior_only; mean, median, sd, lower, upper, prob of the score at
        the scale; p_turns, turn_median, turn_lower, turn_upper; and text.
        """
        prob = self.prob if prob is None else check_prob(prob)
        draws = self.draws
        named = {name: draws[name].to_numpy() for name in ("task", "family", "at")}
        value = summarise(draws["value"].transpose("sample", "curve").to_numpy(), prob)
        worse = {
            "p_worse_than_largest_seen": draws["worse"].mean("sample").to_numpy(),
            "p_measures_worse": draws["worse_measured"].mean("sample").to_numpy(),
            "p_worse_than_largest_seen_prior_only": draws["worse_prior"].mean("sample").to_numpy(),
        }
        shares = self.shares().reset_index()
        turns = pd.DataFrame([self._turn(i, prob) for i in range(draws.sizes["curve"])])
        beyond = draws["decades_beyond"].to_numpy()
        columns = {**named, "decades_beyond": beyond}
        answer = pd.concat([shares[["curve"]].assign(**columns), shares[list(SHAPES)]], axis=1)
        answer = answer.assign(**worse, **value, prob=prob)
        return pd.concat([answer, turns], axis=1).assign(text=self.sentences())

    def _turn(self, curve: int, prob: float) -> dict[str, float]:
        turn = self.draws["turn"].transpose("sample", "curve").to_numpy()[:, curve]
        known = turn[np.isfinite(turn)]
        tail = (1 - prob) / 2
        # Of a handful of draws the interval would be narrow for no reason.
        some = len(known) >= LEAST_TURNING * len(turn)
        quantiles = np.quantile(known, [0.5, tail, 1 - tail]) if some else np.full(3, np.nan)
        names = ("turn_median", "turn_lower", "turn_upper")
        return {"p_turns": len(known) / len(turn), **dict(zip(names, quantiles, strict=True))}

    def sentences(self) -> list[str]:
        """One sentence a curve, such as "inverse in the data (0.97); at 175B ..."."""
        from bayes_scaling.shapes.words import sentence

        return [sentence(self, str(curve)) for curve in self.draws["curve"].to_numpy()]

    def to_json(self) -> str:
        """List of objects; see ``bayes-scaling shapes --help``."""
        rows = []
        names = (
            "p_worse_than_largest_seen", "p_measures_worse", "p_worse_than_largest_seen_prior_only",
        )  # fmt: skip
        for row in self.table().to_dict("records"):
            turn = {k: row[f"turn_{k}"] for k in ("median", "lower", "upper")}
            turn |= {"prob": self.prob, "p_turns": row["p_turns"]}
            value = {k: row[k] for k in ("mean", "median", "sd", "lower", "upper", "prob")}
            rows.append(
                {
                    "task": row["task"],
                    "curve": row["curve"],
                    "family": row["family"],
                    "at": {self.along: row["at"]},
                    "probabilities": {name: row[name] for name in SHAPES},
                    **{name: row[name] for name in names},
                    "value": value,
                    "turning_point": turn,
                    "text": row["text"],
                }
            )
        return json.dumps(_null(rows), indent=2)

    def plot(self, fit: ShapeFit, **style: Any) -> NDArray[np.object_]:
        """Small multiples of the curves; see `bayes_scaling.figures.plot_shapes`."""
        from bayes_scaling.figures import plot_shapes

        return plot_shapes(fit, self, **style)

    def plot_risk(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Tasks by risk; see `bayes_scaling.figures.plot_risk`."""
        from bayes_scaling.figures import plot_risk

        return plot_risk(self, ax=ax, **style)


def _null(value: Any) -> Any:
    """The same with None for what is not a number."""
    if isinstance(value, dict):
        return {key: _null(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_null(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def shape_probabilities(
    fit: ShapeFit,
    *,
    at: Any = None,
    at_params: Any = None,
    at_tokens: Any = None,
    at_flops: Any = None,
    curve: str | None = None,
    rope: float = DEFAULT_ROPE,
    prob: float = DEFAULT_PROB,
) -> ShapeProbabilities:
    """Probability of every shape at a stated scale, for each task.

    Shapes are those of the trend, without scatter; `bayes_scaling.shapes.classify` defines them.

    Parameters
    ----------
    fit : ShapeFit
    at : number or text such as "175B", optional
        The scale, in what the fit is along; or `at_params`, `at_tokens`, `at_flops`, which say so.
        By default ten times the largest scale seen.
    curve : str, optional
        Ask about one curve only.
    rope : float
        What makes no difference: 0.01 is one point of a score in percent, 1 % of a loss.
    prob : float
        Probability of the intervals.

    Returns
    -------
    ShapeProbabilities

    Raises
    ------
    InputError
        The scale lies inside the data of a curve, or absurdly far; it is of another kind than the
        fit's; or the threshold or the curve does not exist.
    """
    stated = _stated(
        fit.along, prob, rope, at, at_params=at_params, at_tokens=at_tokens, at_flops=at_flops
    )
    stated = 10 * float(fit.data["x"].max()) if stated is None else stated
    curves = fit.curves if curve is None else (curve,)
    unknown = [name for name in curves if name not in fit.curves]
    if unknown:
        raise InputError(unknown_name("curve", unknown[0], fit.curves))
    parts = []
    for name in curves:
        _check_distance(fit.along, name, stated, _largest(fit, name))
        parts.append(_asked(fit, name, stated, rope))
    own = ("task", "family", "at", "largest", "measured_last", "decades_beyond")
    draws = xr.concat(
        parts, dim="curve", data_vars="all", coords=[*own], compat="equals", join="exact"
    )
    return ShapeProbabilities(draws=draws, along=fit.along, rope=rope, prob=prob)


def check_question(
    metrics: MetricCurves, along: str, *, rope: float, prob: float, **scales: Any
) -> None:
    """Refuse before a fit what `shape_probabilities` would refuse after it.

    Parameters
    ----------
    metrics : MetricCurves
    along : str
        The scale of the fit.
    rope, prob, **scales
        As `shape_probabilities` takes them.

    Raises
    ------
    InputError
    """
    stated = _stated(along, prob, rope, None, **scales)
    if stated is None:
        return
    last = metrics.table.groupby("curve")[along].max()
    for curve, largest in zip(last.index, last.to_numpy(dtype=float), strict=True):
        _check_distance(along, str(curve), stated, float(largest))


def _stated(along: str, prob: float, rope: float, at: Any, **named: Any) -> float | None:
    """The scale that was asked for; None for the default."""
    check_prob(prob)
    if not 0 <= rope < 1:
        raise InputError(f"rope must lie between 0 and 1, such as 0.01, not {rope}")
    given = {name: value for name, value in {"at": at, **named}.items() if value is not None}
    if len(given) > 1:
        raise InputError(f"give one scale, not {' and '.join(given)}")
    if not given:
        return None
    ((name, value),) = given.items()
    if name not in ("at", f"at_{along}"):
        raise InputError(
            f"the fit is along {along}, so that {name}={value!r} says nothing; give "
            f"at_{along}, or fit along {name.removeprefix('at_')}"
        )
    numbers = quantities(value, name, flops=along == "flops")
    if len(numbers) > 1:
        raise InputError(f"{name}: one scale at a time, not {len(numbers)}")
    return float(numbers[0])


def _largest(fit: ShapeFit, curve: str) -> float:
    data = fit.data
    return float(data["x"][data["curve"] == curve].max())


_OTHERS = ", or leave such curves out of the fit (--where, in Python `select`)"


def _check_distance(along: str, curve: str, at: float, last: float) -> None:
    beyond = float(np.log10(at) - np.log10(last))
    asked, largest = format_quantity(at), format_quantity(last)
    if beyond <= 0:
        slip = f" (did you forget a unit, as in {asked}B?)" if at < SLIP else ""
        raise InputError(
            f"{curve}: {asked} {along} does not lie beyond the data, whose largest scale is "
            f"{largest}; ask for a larger one{slip}{_OTHERS}"
        )
    if beyond > FARTHEST:
        raise InputError(
            f"{curve}: {asked} {along} is {beyond:.1f} decades beyond the largest scale seen "
            f"({largest}); at most {FARTHEST:g} are allowed, up to "
            f"{format_quantity(last * 10**FARTHEST)}{_OTHERS}"
        )


def _asked(fit: ShapeFit, curve: str, at: float, rope: float) -> xr.Dataset:
    """Draws of one curve at a size."""
    rng = np.random.default_rng([fit.seed, zlib.crc32(curve.encode())])
    scale, own = fit.scales[curve], fit.trend(curve)
    middle, seen = fit.seen(curve)
    x = float(np.log10(at)) - middle
    sizes, last = path(seen.min(), seen.max(), x)
    good = scale.goodness(own.at(sizes))
    shape = classify(good, last, rope)
    ends = own.at(np.array([own.last, x]))
    measured = fit.measured(curve, x, ends[:, 1], rng)
    data = fit.data[fit.data["curve"] == curve]
    score_last = data["value"].to_numpy()[data["x"] == data["x"].max()].mean()
    new = unseen_trend(fit, curve, rng)
    drawn = {
        "shape": shape,
        "shape_seen": classify(good[:, : last + 1], last, rope),
        "shape_prior": classify(scale.goodness(new.at(sizes)), last, rope),
        "value": scale.score(measured),
        "trend": scale.score(ends[:, 1]),
        "last": scale.score(ends[:, 0]),
        "worse": (ends[:, 1] < ends[:, 0]).astype(float),
        "worse_measured": (measured < scale.value(np.array(score_last))).astype(float),
        "worse_prior": _falls(new, x),
        "turn": 10 ** (middle + _turning(good, sizes, shape)),
    }
    coords = {
        "curve": curve,
        "task": data["task"].iloc[0],
        "family": data["family"].iloc[0],
        "at": at,
        "largest": data["x"].max(),
        "measured_last": score_last,
        "decades_beyond": x - own.last,
    }
    return xr.Dataset({name: ("sample", value) for name, value in drawn.items()}, coords=coords)


def _falls(trend: Trend, x: float) -> Array:
    ends = trend.at(np.array([trend.last, x]))
    return (ends[:, 1] < ends[:, 0]).astype(float)


def _turning(goodness: Array, sizes: Array, shape: NDArray[np.int64]) -> Array:
    """Where a U is worst and an inverted U best, nan for other shapes."""
    worst, best = sizes[goodness.argmin(axis=1)], sizes[goodness.argmax(axis=1)]
    valley, hill = (shape == SHAPES.index(name) for name in ("u_shaped", "inverted_u"))
    return np.where(valley, worst, np.where(hill, best, np.nan))


def band(fit: ShapeFit, curve: str, until: float) -> tuple[Array, Array]:
    """Sizes from the smallest seen to `until`, and draws of the trend's score, (sample, size)."""
    middle, seen = fit.seen(curve)
    x = np.linspace(seen.min(), np.log10(until) - middle, CURVE_POINTS)
    scale: MetricScale = fit.scales[curve]
    return 10 ** (middle + x), scale.score(fit.trend(curve).at(x))
