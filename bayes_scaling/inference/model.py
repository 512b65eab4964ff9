"""The PyMC model of a card and a table of runs.

Plain PyMC with named dims, meant to be opened and read::

    mu, tau    population mean and spread of every parameter       (parameter,)
    theta      log E, log T_N, ..., log sigma of every group       (group, parameter)
    nu         tails of the noise
    run_level  log loss of each training run at its middle        (training_run,)
    log_loss   Student-t around log(law(theta, N, D))              (run,)

All losses and inputs are in reference units (`bayes_scaling.laws.Reference`), and all data are
`pm.Data`: one compiled model serves every table with the same groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.inference.card import LogNormal, ModelCard
from bayes_scaling.inference.card import Normal as NormalPrior
from bayes_scaling.inference.design import Design
from bayes_scaling.laws import get_law

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["build_model", "model_data", "parameter_names"]


def parameter_names(card: ModelCard) -> list[str]:
    """Names along the model's ``parameter`` dim: the law's sampled parameters, and sigma."""
    return [parameter.name for parameter in get_law(card.law).sampled] + ["sigma"]


def model_data(design: Design) -> dict[str, np.ndarray]:
    """Values of the model's `pm.Data` for a table of runs, by name."""
    data: dict[str, np.ndarray] = {
        "log_params": design.log_params,
        "log_tokens": design.log_tokens,
        "log_loss_observed": design.log_loss,
    }
    if len(design.groups) > 1:
        data["group_index"] = design.group_index
    if design.training_run_index is not None:
        data["training_run_index"] = design.training_run_index
    if design.log_loss_se is not None:
        data["log_loss_se"] = design.log_loss_se
    return data


def build_model(card: ModelCard, design: Design) -> pm.Model:
    """Build the model; nothing is compiled or sampled yet.

    Parameters
    ----------
    card : ModelCard
        Law, priors, hierarchy and likelihood.
    design : Design
        The runs as arrays, grouped as the hierarchy wants them.

    Returns
    -------
    pymc.Model
        With dims ``group``, ``parameter``, ``run`` and, where rows share runs,
        ``training_run``; two crossed columns add ``level_1`` and ``level_2``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    law = get_law(card.law)
    with pm.Model(coords=_coords(card, design)) as model:
        data = {
            name: pm.Data(name, values, dims="run") for name, values in model_data(design).items()
        }
        theta = _theta(card, design)
        nu = pm.LogNormal("nu", np.log(card.noise.nu.median), card.noise.nu.sigma)
        value = _of_rows(_values(card, theta), data.get("group_index"))
        log_inputs = {"params": data["log_params"], "tokens": data["log_tokens"]}
        mean = pt.log(law.mean(pt, log_inputs, law.in_reference(value)))
        variance = value["sigma"] ** 2
        if "training_run_index" in data:
            effect, extra = _run_effect(card, design, theta, data["training_run_index"])
            mean, variance = mean + effect, variance + extra
        if "log_loss_se" in data:
            variance = variance + data["log_loss_se"] ** 2
        pm.StudentT(
            "log_loss",
            nu=nu,
            mu=mean,
            sigma=pt.sqrt(variance),
            observed=data["log_loss_observed"],
            dims="run",
        )
    return model


def _coords(card: ModelCard, design: Design) -> dict[str, Any]:
    coords: dict[str, Any] = {
        "group": list(design.groups),
        "parameter": parameter_names(card),
    }
    if card.pooling is not None and len(design.by) == 2:
        coords |= {f"level_{i + 1}": list(level) for i, level in enumerate(design.levels)}
    if design.training_runs:
        coords["training_run"] = list(design.training_runs)
    return coords


def _values(card: ModelCard, theta: Any) -> dict[str, Any]:
    """Parameters by name, back from the scale on which they are sampled."""
    import pytensor.tensor as pt

    real = {name for name, prior in card.priors.items() if isinstance(prior, NormalPrior)}
    return {
        name: theta[..., i] if name in real else pt.exp(theta[..., i])
        for i, name in enumerate(parameter_names(card))
    }


def _of_rows(value: dict[str, Any], group_index: Any) -> dict[str, Any]:
    """Parameters of each row's group; without an index all rows share the only group's."""
    # Picked after the exponential, and not before: groups are fewer than rows.
    return {name: v[0 if group_index is None else group_index] for name, v in value.items()}


def population_prior(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Prior mean and sd of every parameter, on the scale where it is sampled."""
    priors = [*(card.priors[name] for name in parameter_names(card)[:-1]), card.noise.sigma]
    centre = [np.log(p.median) if isinstance(p, LogNormal) else p.mean for p in priors]
    return np.array(centre), np.array([p.sigma for p in priors])


def spread_prior(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Log-normal prior of the spread between groups: log medians and sds, by parameter."""
    if card.pooling is None:
        raise ValueError(f"card {card.name!r} pools over nothing")
    priors = [card.pooling.spread[name] for name in parameter_names(card)]
    return np.log([p.median for p in priors]), np.array([p.sigma for p in priors])


def _theta(card: ModelCard, design: Design) -> Any:
    import pymc as pm

    from bayes_scaling.inference.geometry import Anchored

    geometry = Anchored(
        get_law(card.law), parameter_names(card), design.anchor, pooled=card.pooling is not None
    )
    centre, width = population_prior(card)
    dims = ("group", "parameter")
    if card.pooling is None:
        return pm.Normal("theta", centre, width, dims=dims, default_transform=geometry)
    mu = pm.Normal("mu", centre, width, dims="parameter")
    spread = spread_prior(card)
    if len(design.by) == 1:
        tau = pm.LogNormal("tau", *spread, dims="parameter")
        return pm.Normal("theta", mu, tau, dims=dims, default_transform=geometry)
    # The first factor carries the population mean, the second departs from it.
    tau_1 = pm.LogNormal("tau_1", *spread, dims="parameter")
    tau_2 = pm.LogNormal("tau_2", *spread, dims="parameter")
    effect_1 = pm.Normal("effect_1", mu, tau_1, dims=("level_1", "parameter"))
    effect_2 = pm.Normal("effect_2", 0.0, tau_2, dims=("level_2", "parameter"))
    first, second = design.group_levels
    return pm.Deterministic("theta", effect_1[first] + effect_2[second], dims=dims)


def _run_effect(card: ModelCard, design: Design, theta: Any, index: Any) -> tuple[Any, Any]:
    """How far each row's training run lies from the law, and the variance of runs seen once."""
    import pymc as pm
    import pytensor.tensor as pt

    law, prior = get_law(card.law), card.noise.run_sigma
    sigma = pm.LogNormal("run_sigma", np.log(prior.median), prior.sigma)
    anchor, group = design.training_run_anchor
    expected = pt.log(law.mean(pt, anchor, law.in_reference(_values(card, theta[group]))))
    # Sampled as the run's own level, which its rows pin down whatever the law's parameters are.
    level = pm.Normal("run_level", expected, sigma, dims="training_run")
    effect = pm.Deterministic("run_effect", level - expected, dims="training_run")
    # A run with one row needs no level of its own: its departure is part of that row's scatter.
    alone = pt.eq(index, len(design.training_runs))
    return pt.concatenate([effect, [0.0]])[index], pt.switch(alone, sigma**2, 0.0)
