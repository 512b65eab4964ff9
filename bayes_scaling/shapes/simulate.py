"""Tasks and scores drawn from a card: the truths of simulations and of calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.cards import Beta, LogNormal, Normal
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.design import ShapeDesign
from bayes_scaling.shapes.model import FACTOR, SECOND_NU
from bayes_scaling.shapes.trend import Trend, expected_change

__all__ = ["SimulatedTasks", "draw_bends", "draw_population", "simulate_tasks"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SimulatedTasks:
    """A population, its tasks, and the scores that they show.

    Attributes
    ----------
    population : dict of str to float
        By the names that the posterior has.
    own : dict of str to array of shape (curve,) or (curve, bend)
        level, slope, change, place, scatter.
    trends : tuple of Trend
        One draw each: the truth of every task.
    z : array of shape (curve, point)
        Latent scores with scatter and sampling error.
    """

    population: dict[str, float]
    own: dict[str, Array]
    trends: tuple[Trend, ...]
    z: Array


def draw_population(
    card: ShapeCard, rng: np.random.Generator, *, checkpoints: bool = False
) -> dict[str, float]:
    """Parameters of a population of tasks from the priors of a card."""
    priors, noise = card.priors, card.noise
    named: dict[str, Normal | LogNormal | Beta] = {
        name: getattr(priors, name)
        for name in ("level_mean", "level_spread", "slope_mean", "slope_spread", "width",
                     "change_spread", "recovery", "saturation", "early")
    }  # fmt: skip
    named |= {"scatter_spread": noise.scatter_spread, "nu": noise.nu}
    named |= {"persistence": noise.left(checkpoints=checkpoints)}
    named |= {"between_models": noise.between_models} if checkpoints else {}
    named |= {"second_spread": priors.second_spread} if card.bends > 1 else {}
    drawn = {name: float(_draw(prior, rng)) for name, prior in named.items()}
    return drawn | {"log_scatter_mean": float(np.log(_draw(noise.scatter, rng)))}


def _draw(prior: Normal | LogNormal | Beta, rng: np.random.Generator, n: int | None = None) -> Any:
    if isinstance(prior, Normal):
        return rng.normal(prior.mean, prior.sigma, n)
    if isinstance(prior, Beta):
        return rng.beta(prior.a, prior.b, n)
    return rng.lognormal(np.log(prior.median), prior.sigma, n)


def draw_bends(
    card: ShapeCard, start: Array, people: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Changes of slope, and places in decades from the largest size seen, each (task, bend).

    Parameters
    ----------
    card : ShapeCard
    start : array of shape (task,)
        Slopes before the first bend.
    people : mapping of str to float or array of shape (task,)
        The population, or one for each task.
    rng : numpy Generator
    """
    n, priors = len(start), card.priors
    change, place = np.empty((n, card.bends)), np.empty((n, card.bends))
    change[:, 0] = expected_change(start, people["recovery"], people["saturation"])
    wide = rng.random(n) < priors.wide_change.share
    spread = np.where(wide, priors.wide_change.sigma, people["change_spread"])
    change[:, 0] += spread * rng.standard_normal(n)
    early = rng.random(n) < people["early"]
    place[:, 0] = np.where(
        early, *(_draw(kind, rng, n) for kind in (priors.early_place, priors.late_place))
    )
    if card.bends > 1:
        place[:, 1] = place[:, 0] + _draw(priors.gap, rng, n)
        change[:, 1] = people["second_spread"] * rng.standard_t(SECOND_NU, n)
    return change, place


def simulate_tasks(
    card: ShapeCard,
    design: ShapeDesign,
    rng: np.random.Generator,
    population: dict[str, float] | None = None,
) -> SimulatedTasks:
    """Tasks of a population, with scores at the sizes of a design (without groups).

    Parameters
    ----------
    card : ShapeCard
    design : ShapeDesign
        Its sizes and sampling errors are used, not its scores.
    rng : numpy Generator
    population : dict, optional
        As `draw_population` makes it; a new one by default.
    """
    people = population or draw_population(card, rng, checkpoints=design.checkpoints)
    n = len(design.curves)
    level = rng.normal(people["level_mean"], people["level_spread"], n)
    start = rng.normal(people["slope_mean"], people["slope_spread"], n)
    change, place = draw_bends(card, start, people, rng)
    place += design.last[:, None]
    scatter = np.exp(rng.normal(people["log_scatter_mean"], people["scatter_spread"], n))
    trends = tuple(
        Trend.of_start(
            start[[i]], level=level[[i]], width=np.array([people["width"]]),
            change=change[[i]], place=place[[i]], seen=design.x[i, design.there[i]],
        )
        for i in range(n)
    )  # fmt: skip
    slope = np.concatenate([trend.slope for trend in trends])
    z = np.zeros_like(design.x)
    for i, mask in enumerate(design.there):
        noise = _scatter(design, i, scatter[i], people, rng)
        z[i, mask] = trends[i].at(design.x[i, mask])[0] + noise
    own = {"level": level, "slope": slope, "change": change, "place": place, "scatter": scatter}
    return SimulatedTasks(population=people, own=own, trends=trends, z=z)


def _scatter(
    design: ShapeDesign,
    curve: int,
    scatter: float,
    people: dict[str, float],
    rng: np.random.Generator,
) -> Array:
    """Distances of a curve from its trend: as the model has them, one after the other."""
    mask = design.there[curve]
    gap, error = design.gap[curve, mask], design.error[curve, mask]
    previous, alike = design.previous[curve, mask], design.alike[curve, mask]
    kept = np.where(np.isinf(gap), 0.0, people["persistence"] ** (np.minimum(gap, 99.0) / FACTOR))
    together = alike[:, None] == alike
    carried = kept**2 / together.sum(axis=1)[previous]
    sigma = np.sqrt(scatter**2 * (1 - carried) + error**2)
    away = np.zeros(len(gap))
    for i, (share, width) in enumerate(zip(kept, sigma, strict=True)):
        # Nothing is kept where there is none before it.
        before = away[together[previous[i]]].mean()
        away[i] = share * before + width * rng.standard_t(people["nu"])
    return away + scatter * _models(design.model[curve, mask], people, rng)


def _models(model: NDArray[np.int64], people: dict[str, float], rng: np.random.Generator) -> Array:
    """How far whole models lie from the trend, over the scatter; zero without models."""
    if model.max() < 0:
        return np.zeros(len(model))
    apart = people["between_models"] * rng.standard_t(people["nu"], model.max() + 1)
    return np.asarray(apart[model])
