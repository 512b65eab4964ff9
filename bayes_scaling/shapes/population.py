"""The population of tasks as all but one of them have taught it, and a new task of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from bayes_scaling.cards import Normal
from bayes_scaling.inference.proposals import resample
from bayes_scaling.shapes.card import ShapePriors
from bayes_scaling.shapes.model import SECOND_NU
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.simulate import draw_bends, draw_population
from bayes_scaling.shapes.trend import Trend, expected_change

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
    seen, people = fit.seen(curve)[1], population_without(fit, curve, rng)
    level = rng.normal(people["level_mean"], people["level_spread"])
    start = rng.normal(people["slope_mean"], people["slope_spread"])
    change, place = draw_bends(fit.card, start, people, rng)
    return Trend.of_start(
        start, level=level, width=people["width"], change=change, place=seen.max() + place,
        seen=seen,
    )  # fmt: skip


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
    own = fit.trend(curve)
    typical = {name: float(np.median(values)) for name, values in people.items()}
    weights = _truncated(
        _log_density(own, fit.card.priors, typical) - _log_density(own, fit.card.priors, people)
    )
    chosen = resample(weights, len(weights), rng)
    return {name: values[chosen] for name, values in people.items()}


def _people(fit: ShapeFit, curve: str) -> Draws:
    """Draws of what a new task's trend hangs on; of the curve's family where those differ."""
    names = ["level_mean", "level_spread", "slope_spread", "change_spread", "recovery",
             "saturation", "early", "width"]  # fmt: skip
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


def _log_density(own: Trend, priors: ShapePriors, people: Mapping[str, Any]) -> Array:
    """Of a task's trend in a population, up to a constant, (sample,)."""
    change = expected_change(own.start, people["recovery"], people["saturation"])
    wide = priors.wide_change
    beyond, early = own.place[:, 0] - own.last, people["early"]
    density = (
        norm.logpdf(own.level, people["level_mean"], people["level_spread"])
        + norm.logpdf(own.start, people["slope_mean"], people["slope_spread"])
        + np.log(
            (1 - wide.share) * norm.pdf(own.change[:, 0], change, people["change_spread"])
            + wide.share * norm.pdf(own.change[:, 0], change, wide.sigma)
        )
        + np.log(
            early * _density(beyond, priors.early_place)
            + (1 - early) * _density(beyond, priors.late_place)
        )
    )
    if "second_spread" in people:
        scale = people["second_spread"]
        density = density + student_t.logpdf(own.change[:, 1], SECOND_NU, scale=scale)
    return np.asarray(density)


def _density(x: Array, prior: Normal) -> Array:
    return np.asarray(norm.pdf(x, prior.mean, prior.sigma))
