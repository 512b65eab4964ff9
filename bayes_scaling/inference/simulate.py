"""Parameters drawn from a card's priors, and losses of runs drawn from the model (numpy)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.cards import LogNormal
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.memory import kept_share, news_share
from bayes_scaling.inference.model import (
    parameter_names,
    population_prior,
    spread_prior,
    varying_names,
    varying_prior,
)
from bayes_scaling.inference.pointwise import noise_of_runs
from bayes_scaling.laws import log_scale

__all__ = ["draw_parameters", "prior_theta", "simulate_log_loss"]


def draw_parameters(
    card: ModelCard,
    design: Design,
    rng: np.random.Generator,
    *,
    widen: float = 1.0,
    around: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """One draw of every free quantity of the model, from the card's priors.

    Parameters
    ----------
    card : ModelCard
    design : Design
    rng : numpy.random.Generator
    widen : float
        Factor on every prior's standard deviation; above 1 draws truths that the priors find
        surprising.
    around : mapping of str to float, optional
        Values of sampled parameters that take the place of their prior medians.

    Returns
    -------
    xarray.Dataset
        With the names and dims of a posterior, and a dim ``sample`` of size 1.
    """
    names = parameter_names(card)
    centre, width = population_prior(card)
    for name, value in (around or {}).items():
        positive = isinstance(card.prior_of(name), LogNormal)
        centre[names.index(name)] = np.log(value) if positive else value
    shape = (len(design.groups), len(names))
    free: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]] = {}
    if card.pooling is None:
        theta = rng.normal(centre, widen * width, size=shape)
    else:
        mu = rng.normal(centre, widen * width)
        free["mu"] = (("parameter",), mu)
        theta, free_spread = _grouped(card, design, mu, rng, widen)
        free |= free_spread
    free["theta"] = (("group", "parameter"), theta)
    free["nu"] = ((), _log_normal(card.noise.nu.median, card.noise.nu.sigma * widen, rng))
    if (skew := card.noise.skew) is not None:
        free["noise_skew"] = ((), _log_normal(skew.median, skew.sigma * widen, rng))
    if (memory := card.noise.memory) is not None:
        free["noise_memory"] = ((), _log_normal(memory.median, memory.sigma * widen, rng))
    if card.varying is not None:
        location, scale = varying_prior(card)
        spread = np.exp(rng.normal(location, widen * scale))
        effect = spread * rng.standard_normal((len(design.budgets), len(spread)))
        free["budget_spread"] = (("varying",), spread)
        free["budget_effect"] = (("budget", "varying"), effect)
    if design.training_run_index is not None:
        prior = card.noise.run_sigma
        sigma = _log_normal(prior.median, prior.sigma * widen, rng)
        free["run_sigma"] = ((), sigma)
        effect = sigma * rng.standard_normal(len(design.training_runs))
        free["run_effect"] = (("training_run",), effect)
    coords = {"group": list(design.groups), "parameter": names, "varying": varying_names(card)}
    return xr.Dataset(
        {name: (("sample", *dims), value[None]) for name, (dims, value) in free.items()},
        coords=coords,
    )


def _grouped(
    card: ModelCard,
    design: Design,
    mu: NDArray[np.float64],
    rng: np.random.Generator,
    widen: float,
) -> tuple[NDArray[np.float64], dict[str, tuple[tuple[str, ...], NDArray[np.float64]]]]:
    """Theta of groups around a population, over one factor or two crossed ones."""
    location, scale = spread_prior(card)
    crossed = len(design.by) == 2
    free: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]] = {}
    theta = np.zeros((len(design.groups), len(mu)))
    for i, (level, index) in enumerate(zip(design.levels, design.group_levels, strict=True)):
        tau = np.exp(rng.normal(location, widen * scale))
        effect = (mu if i == 0 else 0.0) + tau * rng.standard_normal((len(level), len(mu)))
        theta = theta + effect[index]
        free["tau" if not crossed else f"tau_{i + 1}"] = (("parameter",), tau)
        if crossed:
            free[f"effect_{i + 1}"] = ((f"level_{i + 1}", "parameter"), effect)
    return theta, free


def prior_theta(
    card: ModelCard, n: int, rng: np.random.Generator, *, factors: int | None = None
) -> NDArray[np.float64]:
    """Draws of theta for one group a priori, shape (n, parameter), on the sampled scale.

    `factors` is the number of grouping columns, by default what the card pools over.
    """
    centre, width = population_prior(card)
    theta = rng.normal(centre, width, size=(n, len(parameter_names(card))))
    if card.pooling is not None:
        location, scale = spread_prior(card)
        for _ in range(len(card.pooling.over) if factors is None else factors):
            tau = np.exp(rng.normal(location, scale, size=theta.shape))
            theta = theta + tau * rng.standard_normal(theta.shape)
    return theta


def simulate_log_loss(
    card: ModelCard, design: Design, parameters: xr.Dataset, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Log losses that runs of `design` would have, shape (run,)."""
    if "noise_memory" not in parameters:
        noise = noise_of_runs(card, design, parameters)
        drawn: NDArray[np.float64] = noise.draw(rng)[0]
        return drawn
    # News of every row, and of what the row before was off the law, the share that is kept.
    noise = noise_of_runs(card, design, parameters.drop_vars("noise_memory"))
    memory, links = float(parameters["noise_memory"].item()), design.links
    away = (noise.draw(rng) - noise.centre)[0] * news_share(np, links.gap, memory)
    kept = kept_share(np, links.gap, memory)
    for row in np.lexsort((log_scale(design.log_inputs), design.group_index)):
        if links.previous[row] != row:
            away[row] += kept[row] * away[links.previous[row]]
    return np.asarray(noise.centre[0] + away)


def _log_normal(median: float, sigma: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(median * np.exp(sigma * rng.standard_normal()))
