"""The population of tasks as all but one of them have taught it, and a new task of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from bayes_scaling.inference.proposals import resample
from bayes_scaling.shapes.model import SECOND_NU
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.simulate import draw_population, expected_change
from bayes_scaling.shapes.trend import Trend

__all__ = ["population_without", "unseen_trend"]

Array = NDArray[np.float64]
Draws = dict[str, Array]


def unseen_trend(fit: ShapeFit, curve: str, rng: np.random.Generator) -> Trend:
    """Trend of a task of the same kind and sizes as a curve, of which no score is known.

    Parameters
    ----------
    fit : ShapeFit
    curve : str
        What its own scores say of the population is taken out again.
    rng : Generator
    """
    seen, priors, bends = fit.seen(curve)[1], fit.card.priors, fit.card.bends
    people = population_without(fit, curve, rng)
    n = len(people["width"])
    level = rng.normal(people["level_mean"], people["level_spread"])
    slope = rng.normal(people["slope_mean"], people["slope_spread"])
    change, place = np.empty((n, bends)), np.empty((n, bends))
    change[:, 0] = rng.normal(_expected(slope, people), people["change_spread"])
    place[:, 0] = rng.normal(seen.max() + priors.place.mean, priors.place.sigma, n)
    if bends > 1:
        gap = rng.lognormal(np.log(priors.gap.median), priors.gap.sigma, n)
        place[:, 1] = place[:, 0] + gap
        change[:, 1] = people["second_spread"] * rng.standard_t(SECOND_NU, n)
    width = people["width"]
    return Trend(level=level, slope=slope, width=width, change=change, place=place, seen=seen)


def population_without(fit: ShapeFit, curve: str, rng: np.random.Generator) -> Draws:
    """Draws of the population as all other curves have taught it; of the card, if there are none.

    The posterior holds Z, the curve's marginal likelihood given the population. Averaged over the
    curve's own parameters, their density in any one population over that in the drawn one is
    proportional to 1 / Z, and varies little: these are the weights. What the curve says of the
    width of bends and of the noise, which all tasks share, stays.
    """
    people = _people(fit, curve)
    if len(fit.curves) == 1:
        drawn = [draw_population(fit.card, rng) for _ in people["width"]]
        return {name: np.array([each[name] for each in drawn]) for name in people}
    own = {name: fit.draws(name, curve) for name in ("level", "slope", "change")}
    typical = {name: float(np.median(values)) for name, values in people.items()}
    weights = _truncated(_log_density(own, typical) - _log_density(own, people))
    chosen = resample(weights, len(weights), rng)
    return {name: values[chosen] for name, values in people.items()}


def _people(fit: ShapeFit, curve: str) -> Draws:
    """Draws of what a new task's trend hangs on; of the curve's family where those differ."""
    names = ["level_mean", "level_spread", "slope_spread", "change_spread", "recovery",
             "saturation", "width"]  # fmt: skip
    if fit.card.bends > 1:
        names.append("second_spread")
    people = {name: fit.draws(name) for name in names}
    if fit.by is None:
        return {**people, "slope_mean": fit.draws("slope_mean")}
    group = json.loads(fit.tree.attrs["group_of"])[curve]
    index = list(fit.posterior["group"].to_numpy()).index(group)
    return {**people, "slope_mean": fit.draws("group_slope")[:, index]}


def _truncated(log_weights: Array) -> Array:
    """Weights that sum to one, none above root n times their mean (Ionides 2008)."""
    weights = np.exp(log_weights - log_weights.max())
    weights = np.minimum(weights, np.sqrt(len(weights)) * weights.mean())
    return np.asarray(weights / weights.sum())


def _log_density(own: Draws, people: Mapping[str, Any]) -> Array:
    """Of a task's trend in a population, up to a constant, (sample,)."""
    density = (
        norm.logpdf(own["level"], people["level_mean"], people["level_spread"])
        + norm.logpdf(own["slope"], people["slope_mean"], people["slope_spread"])
        + norm.logpdf(own["change"][:, 0], _expected(own["slope"], people), people["change_spread"])
    )
    if "second_spread" in people:
        scale = people["second_spread"]
        density = density + student_t.logpdf(own["change"][:, 1], SECOND_NU, scale=scale)
    return np.asarray(density)


def _expected(slope: Array, people: Mapping[str, Any]) -> Array:
    return expected_change(slope, people["recovery"], people["saturation"])
