"""The PyMC model of a card and a table of runs.

Plain PyMC with named dims, meant to be opened and read::

    mu, tau      population mean and spread of every parameter        (parameter,)
    theta        sampled parameters of every group, and log sigma     (group, parameter)
    budget_effect  what some of them add at each budget               (budget, varying)
    nu, noise_skew  tails of the noise, and how lopsided it is where the card says so
    noise_memory  how far rows of a curve remember one another, where the card says so
    run_level    log loss of each training run at its middle          (training_run,)
    log_loss     Student-t around log(law(theta, inputs)), and drift  (run,)

Positive parameters are logarithms in theta. Priors are stated in units of what is typical of the
runs (`bayes_scaling.laws.Reference`). All that depends on the table is `pm.Data`: one compiled
model serves every table with the same groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.cards import LogNormal
from bayes_scaling.cards import Normal as NormalPrior
from bayes_scaling.inference.card import SLOPE, ModelCard
from bayes_scaling.inference.coordinates import Coordinates
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.memory import kept_share, news_share
from bayes_scaling.laws import Law, Reference, log_mean

if TYPE_CHECKING:
    import pymc as pm

__all__ = [
    "build_model", "coordinates", "parameter_names", "population_prior", "spread_prior",
    "varying_names", "varying_prior", "with_runs",
]  # fmt: skip


def parameter_names(card: ModelCard) -> list[str]:
    """Names along the model's ``parameter`` dim: of the law, of its drift, and sigma last."""
    return list(card.parameter_names)


def coordinates(card: ModelCard, design: Design) -> Coordinates:
    """Coordinates that theta is sampled in."""
    return Coordinates(
        law=card.get_law(),
        names=tuple(parameter_names(card)),
        reference=design.reference,
        anchor=design.anchor,
    )


def varying_names(card: ModelCard) -> list[str]:
    """Parameters that vary between budgets, in the order of ``parameter``."""
    if card.varying is None:
        return []
    return [name for name in parameter_names(card) if name in card.varying.spread]


def with_runs(compiled: Any, model: pm.Model, design: Design) -> Any:
    """A model that nutpie compiled, with the data of another table of runs.

    Parameters
    ----------
    compiled
        What nutpie made of `model`.
    model : pymc.Model
    design : Design
        With the groups, budgets and training runs that the model was built for.
    """
    whole = _data(design, memory="gap" in model.named_vars)
    data = {name: v for name, (v, _) in whole.items() if name in model.named_vars}
    return compiled.with_data(**data)


def _data(design: Design, *, memory: bool) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Values and dims of everything that depends on the table."""
    of_run, of_training_run = ("run",), ("training_run",)
    data: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {
        f"log_{name}": (values, of_run) for name, values in design.log_inputs.items()
    }
    data["decades"] = (design.decades, of_run)
    data["log_loss_observed"] = (design.log_loss, of_run)
    for name, index in (("group", design.group_index), ("budget", design.budget_index)):
        if index is not None and (name != "group" or len(design.groups) > 1):
            data[f"{name}_index"] = (index, of_run)
    if design.beyond is not None:
        data["beyond"] = (design.beyond, of_run)
    if memory:
        links = design.links
        data |= {"previous": (links.previous, of_run), "gap": (links.gap, of_run)}
    if design.log_loss_se is not None:
        data["log_loss_se"] = (design.log_loss_se, of_run)
    if design.training_run_index is not None:
        middles, group = design.training_run_anchor
        data["training_run_index"] = (design.training_run_index, of_run)
        data["training_run_group"] = (group, of_training_run)
        data |= {f"run_middle_{name}": (v, of_training_run) for name, v in middles.items()}
    reference = design.reference
    data["typical_loss"] = (np.asarray(reference.log_loss), ())
    for prefix, values in (("typical", reference.log_inputs), ("spread", reference.spread)):
        data |= {f"{prefix}_{name}": (np.asarray(v), ()) for name, v in values.items()}
    return data


class _OnDemand(dict[str, Any]):
    """Numbers that become data of the model when a law asks for them, and not before."""

    def __init__(self, prefix: str, values: Mapping[str, float]) -> None:
        super().__init__()
        self.prefix, self.values_by_name = prefix, values

    def __missing__(self, name: str) -> Any:
        import pymc as pm

        value = np.asarray(self.values_by_name[name])
        self[name] = pm.Data(f"{self.prefix}_{name}", value)
        return self[name]


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
        With dims ``group``, ``parameter``, ``run``, and where they are needed ``training_run``,
        ``budget`` and ``varying``; two crossed columns add ``level_1`` and ``level_2``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    law = card.get_law()
    with pm.Model(coords=_coords(card, design)) as model:
        data = {
            name: pm.Data(name, v, dims=dims)
            for name, (v, dims) in _data(design, memory=card.noise.memory is not None).items()
            if not name.startswith(("typical", "spread", "decades"))
        }
        if card.noise.slope is not None:
            data["decades"] = pm.Data("decades", design.decades, dims="run")
        reference = Reference(
            log_inputs=_OnDemand("typical", design.reference.log_inputs),
            spread=_OnDemand("spread", design.reference.spread),
            log_loss=pm.Data("typical_loss", np.asarray(design.reference.log_loss)),
        )
        theta = _theta(card, design)
        nu = pm.LogNormal("nu", np.log(card.noise.nu.median), card.noise.nu.sigma)
        natural, sigma = _natural_of_rows(card, law, reference, theta, data)
        log_inputs = {name: data[f"log_{name}"] for name in law.inputs}
        mean = log_mean(pt, law, log_inputs, natural, data.get("beyond"))
        variance = sigma**2
        if "training_run_index" in data:
            effect, extra = _run_effect(card, design, law, reference, theta, data)
            mean, variance = mean + effect, variance + extra
        if "log_loss_se" in data:
            variance = variance + data["log_loss_se"] ** 2
        scale = pt.sqrt(variance)
        if (prior := card.noise.memory) is not None:
            memory = pm.LogNormal("noise_memory", np.log(prior.median), prior.sigma)
            left = (data["log_loss_observed"] - mean)[data["previous"]]
            mean = mean + kept_share(pt, data["gap"], memory) * left
            scale = scale * news_share(pt, data["gap"], memory)
        observed = {"observed": data["log_loss_observed"], "dims": "run"}
        if card.noise.skew is None:
            pm.StudentT("log_loss", nu=nu, mu=mean, sigma=scale, **observed)
        else:
            prior = card.noise.skew
            skew = pm.LogNormal("noise_skew", np.log(prior.median), prior.sigma)
            scatter = (nu, mean, scale, skew)
            pm.CustomDist("log_loss", *scatter, logp=_two_sided, **observed)
    return model


def _two_sided(value: Any, nu: Any, mu: Any, sigma: Any, skew: Any) -> Any:
    """Log density of a Student-t that is `skew` times as wide above its mode as below."""
    import pymc as pm
    import pytensor.tensor as pt

    wide = pt.switch(value > mu, sigma * skew, sigma)
    log_t = pm.logp(pm.StudentT.dist(nu=nu, mu=mu, sigma=wide), value)
    return log_t + pt.log(wide / sigma) + pt.log(2 / (1 + skew))


def _coords(card: ModelCard, design: Design) -> dict[str, Any]:
    coords: dict[str, Any] = {
        "group": list(design.groups),
        "parameter": parameter_names(card),
    }
    if card.pooling is not None and len(design.by) == 2:
        coords |= {f"level_{i + 1}": list(level) for i, level in enumerate(design.levels)}
    if design.training_runs:
        coords["training_run"] = list(design.training_runs)
    if card.varying is not None:
        coords |= {"budget": list(design.budgets), "varying": varying_names(card)}
    return coords


def _values(card: ModelCard, theta: Any) -> dict[str, Any]:
    """Parameters by name, back from the scale on which they are sampled."""
    import pytensor.tensor as pt

    return {
        name: theta[..., i]
        if isinstance(card.prior_of(name), NormalPrior)
        else pt.exp(theta[..., i])
        for i, name in enumerate(parameter_names(card))
    }


def _natural_of_rows(
    card: ModelCard, law: Law, reference: Reference, theta: Any, data: Mapping[str, Any]
) -> tuple[dict[str, Any], Any]:
    """Natural parameters and noise of each row: those of its group, moved by its budget."""
    import pytensor.tensor as pt

    # Groups are fewer than rows, so what can be worked out for groups is.
    value = _values(card, theta)
    group = data.get("group_index", 0)
    if card.varying is None:
        value |= law.natural(pt, value, reference)
        rows = {name: v[group] for name, v in value.items()}
        return rows, _sigma_of_rows(card, rows, data)
    value = _values(card, theta[group] + _budget_effect(card)[data["budget_index"]])
    return value | law.natural(pt, value, reference), _sigma_of_rows(card, value, data)


def _sigma_of_rows(card: ModelCard, value: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    import pytensor.tensor as pt

    if card.noise.slope is None:
        return value["sigma"]
    return value["sigma"] * pt.exp(value[SLOPE] * data["decades"])


def _budget_effect(card: ModelCard) -> Any:
    """What each budget adds to every parameter, zero for those that do not vary."""
    import pymc as pm
    import pytensor.tensor as pt

    from bayes_scaling.inference.geometry import Scaled

    names = varying_names(card)
    spread = pm.LogNormal("budget_spread", *varying_prior(card), dims="varying")
    effect = pm.Normal(
        "budget_effect", 0.0, spread, dims=("budget", "varying"), default_transform=Scaled()
    )
    none = pt.zeros_like(effect[:, 0])
    columns = [effect[:, names.index(n)] if n in names else none for n in parameter_names(card)]
    return pt.stack(columns, axis=-1)


def population_prior(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Prior mean and sd of every parameter, on the scale where it is sampled."""
    priors = [card.prior_of(name) for name in parameter_names(card)]
    centre = [np.log(p.median) if isinstance(p, LogNormal) else p.mean for p in priors]
    return np.array(centre), np.array([p.sigma for p in priors])


def spread_prior(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Log-normal prior of the spread between groups: log medians and sds, by parameter."""
    if card.pooling is None:
        raise ValueError(f"card {card.name!r} pools over nothing")
    return _log_normals([card.pooling.spread[name] for name in parameter_names(card)])


def varying_prior(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Log-normal prior of the spread between budgets: log medians and sds, by parameter."""
    if card.varying is None:
        raise ValueError(f"card {card.name!r} lets nothing vary between budgets")
    return _log_normals([card.varying.spread[name] for name in varying_names(card)])


def _log_normals(priors: list[LogNormal]) -> tuple[np.ndarray, np.ndarray]:
    return np.log([p.median for p in priors]), np.array([p.sigma for p in priors])


def _theta(card: ModelCard, design: Design) -> Any:
    import pymc as pm

    from bayes_scaling.inference.geometry import Anchored

    # Coordinates do not change the model, so those of another table serve this one, too.
    geometry = Anchored(coordinates(card, design), pooled=card.pooling is not None)
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


def _run_effect(
    card: ModelCard,
    design: Design,
    law: Law,
    reference: Reference,
    theta: Any,
    data: Mapping[str, Any],
) -> tuple[Any, Any]:
    """How far each row's training run lies from the law, and the variance of runs seen once."""
    import pymc as pm
    import pytensor.tensor as pt

    prior = card.noise.run_sigma
    sigma = pm.LogNormal("run_sigma", np.log(prior.median), prior.sigma)
    natural = law.natural(pt, _values(card, theta), reference)
    of_run = {name: v[data["training_run_group"]] for name, v in natural.items()}
    middles = {name: data[f"run_middle_{name}"] for name in law.inputs}
    expected = pt.log(law.mean(pt, middles, of_run))
    # Sampled as the run's own level, which its rows pin down whatever the law's parameters are.
    level = pm.Normal("run_level", expected, sigma, dims="training_run")
    effect = pm.Deterministic("run_effect", level - expected, dims="training_run")
    # A run with one row needs no level of its own: its departure is part of that row's scatter.
    index = data["training_run_index"]
    alone = pt.eq(index, len(design.training_runs))
    return pt.concatenate([effect, [0.0]])[index], pt.switch(alone, sigma**2, 0.0)
