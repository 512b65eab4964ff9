"""Log density of every run under every draw, in numpy: nothing to compile, any run left out.

The likelihood of `bayes_scaling.inference.model`, written once more; a test holds the two against
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.cards import LogNormal
from bayes_scaling.inference.card import SLOPE, ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.memory import kept_share, news_share
from bayes_scaling.inference.model import (
    parameter_names,
    population_prior,
    spread_prior,
    varying_names,
    varying_prior,
)
from bayes_scaling.laws import log_mean

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "CELLS", "Noise", "draws_of", "in_parts", "log_likelihood", "log_prior", "noise_of",
    "noise_of_runs", "parameter_values", "pit",
]  # fmt: skip

CELLS = 100_000
"""Draws x runs that are evaluated at once: few enough for the processor's cache, which takes a
quarter less time than millions at once, and bounds memory."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Student-t of log loss for every draw and run, shape (..., run).

    Attributes
    ----------
    centre, scale : array
        Mode, and width below it.
    nu : array
        Degrees of freedom.
    skew : array
        Width above the mode over the width below it.
    """

    centre: Array
    scale: Array
    nu: Array
    skew: Array

    def standardised(self, log_loss: Array) -> Array:
        """Observed log loss as Student-t scores."""
        away = (log_loss - self.centre) / self.scale
        return np.where(away > 0, away / self.skew, away)

    def draw(self, rng: np.random.Generator) -> Array:
        """A log loss for every draw and run."""
        t = np.abs(rng.standard_t(self.nu, size=self.centre.shape))
        above = rng.uniform(size=self.centre.shape) < self.skew / (1 + self.skew)
        return np.asarray(self.centre + self.scale * np.where(above, self.skew * t, -t))


def parameter_values(card: ModelCard, theta: Array) -> dict[str, Array]:
    """Parameters in reference units by name, from `theta` with a last axis of parameters."""
    values = {}
    for i, name in enumerate(parameter_names(card)):
        positive = isinstance(card.prior_of(name), LogNormal)
        values[name] = np.exp(theta[..., i]) if positive else theta[..., i]
    return values


Draws = Mapping[str, Array]
"""Draws of the free quantities of a model as arrays, the sample first."""


def draws_of(posterior: xr.Dataset) -> dict[str, Array]:
    """Draws of a dataset with dims (sample, ...) as `noise_of` takes them."""
    dims = {
        "theta": ("sample", "group", "parameter"),
        "nu": ("sample",),
        "noise_skew": ("sample",),
        "noise_memory": ("sample",),
        "run_effect": ("sample", "training_run"),
        "run_sigma": ("sample",),
        "budget_effect": ("sample", "budget", "varying"),
    }
    return {
        name: posterior[name].transpose(*order).to_numpy()
        for name, order in dims.items()
        if name in posterior
    }


def in_parts(
    of: Callable[[Noise, Array], Array], card: ModelCard, design: Design, draws: Draws
) -> Array:
    """`log_likelihood` or `pit` of every run under every draw, worked out for some draws at a time.

    The numbers are those of all draws at once.
    """
    most = max(1, CELLS // len(design.log_loss))
    parts = [
        {name: values[i : i + most] for name, values in draws.items()}
        for i in range(0, len(draws["theta"]), most)
    ]
    return np.concatenate([of(noise_of(card, design, part), design.log_loss) for part in parts])


def noise_of_runs(card: ModelCard, design: Design, posterior: xr.Dataset) -> Noise:
    """What the model expects of every run; `posterior` has dims (sample, ...)."""
    return noise_of(card, design, draws_of(posterior))


def noise_of(card: ModelCard, design: Design, draws: Draws) -> Noise:
    """What the model expects of every run, for draws of its free quantities.

    Parameters
    ----------
    card : ModelCard
    design : Design
    draws : mapping of str to array
        ``theta`` (sample, group, parameter), ``nu`` (sample,), and where the model has them
        ``noise_skew`` and ``noise_memory`` (sample,), ``run_effect`` (sample, training_run),
        ``run_sigma`` (sample,),
        ``budget_effect`` (sample, budget, varying).
    """
    natural, sigma = _of_rows(card, design, draws)
    centre = log_mean(np, card.get_law(), design.log_inputs, natural, design.beyond)
    variance = sigma**2
    if design.training_run_index is not None:
        effect = draws["run_effect"]
        padded = np.concatenate([effect, np.zeros((len(effect), 1))], axis=1)
        centre = centre + padded[:, design.training_run_index]
        alone = design.training_run_index == len(design.training_runs)
        variance = variance + np.where(alone, draws["run_sigma"][:, None] ** 2, 0)
    if design.log_loss_se is not None:
        variance = variance + design.log_loss_se**2
    scale = np.broadcast_to(np.sqrt(variance), centre.shape)
    if "noise_memory" in draws:
        links, memory = design.links, draws["noise_memory"][:, None]
        left = _left_of(card, design, draws, centre)[:, links.previous]
        centre = centre + kept_share(np, links.gap, memory) * left
        scale = scale * news_share(np, links.gap, memory)
    nu = draws["nu"]
    skew = draws.get("noise_skew", np.ones_like(nu))
    return Noise(centre=centre, scale=scale, nu=nu[:, None], skew=skew[:, None])


def _left_of(card: ModelCard, design: Design, draws: Draws, centre: Array) -> Array:
    """What the rows that are remembered are off the law, shape (sample, row)."""
    seen = design.seen
    if seen is None:
        return np.asarray(design.log_loss - centre)
    names = ("log_inputs", "log_loss", "group_index")
    rows = replace(
        design, seen=None, log_loss_se=None, **{name: getattr(seen, name) for name in names}
    )
    natural, _ = _of_rows(card, rows, draws)
    return np.asarray(
        seen.log_loss - log_mean(np, card.get_law(), seen.log_inputs, natural, seen.beyond)
    )


def _of_rows(card: ModelCard, design: Design, draws: Draws) -> tuple[dict[str, Array], Array]:
    """Natural parameters and noise of the runs; a single column where all runs share them."""
    law, theta = card.get_law(), draws["theta"]
    if design.budget_index is not None:
        effect = draws["budget_effect"]
        theta = theta[:, design.group_index]
        for i, name in enumerate(varying_names(card)):
            theta[..., parameter_names(card).index(name)] += effect[:, design.budget_index, i]
    value = parameter_values(card, theta)
    value |= law.natural(np, value, design.reference)
    if len(design.groups) > 1 and design.budget_index is None:
        value = {name: v[:, design.group_index] for name, v in value.items()}
    sigma = value["sigma"]
    if card.noise.slope is not None:
        sigma = sigma * np.exp(value[SLOPE] * design.decades)
    return value, sigma


def log_likelihood(noise: Noise, log_loss: Array) -> Array:
    """Student-t log density of log loss, shape (sample, run)."""
    from scipy.special import gammaln

    nu, z = noise.nu, noise.standardised(log_loss)
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    constant = constant + np.log(2 / (1 + noise.skew))
    return np.asarray(constant - np.log(noise.scale) - (nu + 1) / 2 * np.log1p(z**2 / nu))


def pit(noise: Noise, log_loss: Array) -> Array:
    """Probability that the model gives to a log loss below the one seen, (sample, run)."""
    from scipy.special import stdtr

    below, skew = stdtr(noise.nu, noise.standardised(log_loss)), noise.skew
    return np.asarray(np.where(below < 0.5, 2 * below, 1 + skew * (2 * below - 1)) / (1 + skew))


def log_prior(card: ModelCard, posterior: xr.Dataset) -> dict[str, Array]:
    """Log density of the card's own priors at every draw, by quantity; power scaling uses it."""
    centre, width = population_prior(card)
    if card.pooling is None:
        location = posterior["theta"].transpose("sample", "group", "parameter").to_numpy()
        terms: dict[str, Any] = {"theta": _normal(location, centre, width).sum(axis=(1, 2))}
    else:
        mu = posterior["mu"].transpose("sample", "parameter").to_numpy()
        terms = {"mu": _normal(mu, centre, width).sum(axis=1)}
        for name in posterior.data_vars:
            if str(name).startswith("tau"):
                tau = posterior[name].transpose("sample", "parameter").to_numpy()
                terms[str(name)] = _normal(np.log(tau), *spread_prior(card)).sum(axis=1)
    if "budget_spread" in posterior:
        spread = posterior["budget_spread"].transpose("sample", "varying").to_numpy()
        terms["budget_spread"] = _normal(np.log(spread), *varying_prior(card)).sum(axis=1)
    noise = {
        "nu": card.noise.nu,
        "run_sigma": card.noise.run_sigma,
        "noise_skew": card.noise.skew,
        "noise_memory": card.noise.memory,
    }
    for name, prior in noise.items():
        if name in posterior and prior is not None:
            log_value = np.log(posterior[name].to_numpy())
            terms[name] = _normal(log_value, np.log(prior.median), prior.sigma)
    return terms


def _normal(x: Array, mean: Array | float, sd: Array | float) -> Array:
    """Normal log density up to a constant."""
    return -0.5 * ((x - mean) / sd) ** 2
