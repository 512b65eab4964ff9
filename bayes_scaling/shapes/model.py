"""The PyMC model of a table of metric curves, from a card and a design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.cards import Beta, LogNormal, Normal
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.design import ShapeDesign
from bayes_scaling.shapes.trend import expected_change

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["FACTOR", "SECOND_NU", "build_shape_model"]

FACTOR = np.log10(3.0)
"""Decades between two sizes whose distances from the trend correlate by `persistence`."""

SECOND_NU = 2.0
"""Degrees of freedom of second changes of slope: most are next to nothing, some are large."""


def build_shape_model(card: ShapeCard, design: ShapeDesign) -> pm.Model:
    """Build the model.

    Averages over the sizes seen (level, slope, scatter) are well known of every task, and are
    sampled as they are; bends are not, and are ratios to their spread. The population is one of
    slopes before the first bend: a task that fell and turned within the sizes has recovered.

    Parameters
    ----------
    card : ShapeCard
    design : ShapeDesign

    Returns
    -------
    pymc.Model
        Latent scores are `pm.Data`, so that one compiled model serves many tables of one shape.
    """
    import pymc as pm
    import pytensor.tensor as pt

    coords = {
        "curve": design.curves, "bend": range(card.bends), "group": design.groups or ("",),
        "model": range(design.model.max() + 1),
    }  # fmt: skip
    with pm.Model(coords=coords) as model:
        level = pm.Normal(
            "level", _draw("level_mean", card.priors.level_mean),
            _draw("level_spread", card.priors.level_spread), dims="curve",
        )  # fmt: skip
        slope = pm.Flat("slope", dims="curve")
        place, width = _places(card, design), _draw("width", card.priors.width)
        bends = width * pt.softplus((design.x[:, None] - place[..., None]) / width)
        on_level, on_slope = (weights[:, None] for weights in design.line)
        raised, tilted = (on_level * bends).sum(axis=2), (on_slope * bends).sum(axis=2)
        change = _changes(card, design, slope, tilted)
        straight = raised[..., None] + tilted[..., None] * design.x[:, None]
        bent = (change[..., None] * (bends - straight)).sum(axis=1)
        _scores(card, design, level[:, None] + slope[:, None] * design.x + bent)
    return model


def _draw(name: str, prior: Normal | LogNormal | Beta) -> Any:
    """A scalar of a card."""
    import pymc as pm

    if isinstance(prior, Normal):
        return pm.Normal(name, prior.mean, prior.sigma)
    if isinstance(prior, Beta):
        return pm.Beta(name, prior.a, prior.b)
    return pm.LogNormal(name, np.log(prior.median), prior.sigma)


def _places(card: ShapeCard, design: ShapeDesign) -> Any:
    """Of the bends, in centred decades, (curve, bend).

    How many are early is learned, the kinds are not: no table can drag all its bends to one place.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors, early = card.priors, _draw("early", card.priors.early)
    kinds = (priors.early_place, priors.late_place)
    place = pm.NormalMixture(
        "first_place", pt.stack([early, 1 - early]), mu=[kind.mean for kind in kinds],
        sigma=[kind.sigma for kind in kinds], dims="curve",
    )  # fmt: skip
    place = (design.last + place)[:, None]
    if card.bends > 1:
        gap = pm.LogNormal("gap", np.log(priors.gap.median), priors.gap.sigma, dims="curve")
        place = pt.concatenate([place, place + gap[:, None]], axis=1)
    return pm.Deterministic("place", place, dims=("curve", "bend"))


def _changes(card: ShapeCard, design: ShapeDesign, slope: Any, tilted: Any) -> Any:
    """Changes of slope at the bends, (curve, bend), by what the slope was before the first."""
    import pymc as pm
    import pytensor.tensor as pt

    priors = card.priors
    recovery, saturation, spread = (
        _draw(name, getattr(priors, name)) for name in ("recovery", "saturation", "change_spread")
    )

    ratio = pm.Flat("change_ratio", dims="curve")
    change = (spread * ratio + expected_change(slope, recovery, saturation))[:, None]
    if card.bends > 1:
        # The first bend recovers or saturates; a second one, of the few tasks that have one, may
        # go either way.
        second = pm.StudentT("second_ratio", nu=SECOND_NU, mu=0.0, sigma=1.0, dims="curve")
        scale = _draw("second_spread", priors.second_spread)
        change = pt.concatenate([change, (scale * second)[:, None]], axis=1)
    start = slope - (change * tilted).sum(axis=1)
    mean, wide = expected_change(start, recovery, saturation), priors.wide_change
    firsts = pm.NormalMixture.dist(
        [1 - wide.share, wide.share], mu=mean[:, None], sigma=pt.stack([spread, wide.sigma])
    )
    # The last term is what a unit of slope and ratio is worth in start and first change.
    pm.Potential(
        "population",
        pm.logp(_slopes(card, design), start) + pm.logp(firsts, change[:, 0]) + pt.log(spread),
        dims="curve",
    )
    return pm.Deterministic("change", change, dims=("curve", "bend"))


def _slopes(card: ShapeCard, design: ShapeDesign) -> Any:
    """Distribution of slopes before the first bend."""
    import pymc as pm

    mean, spread = _draw("slope_mean", card.priors.slope_mean), card.priors.slope_spread
    if design.groups:
        between = _draw("slope_between", card.priors.slope_between)
        apart = pm.Normal("group_ratio", 0.0, 1.0, dims="group")
        mean = pm.Deterministic("group_slope", mean + between * apart, dims="group")[design.group]
    return pm.Normal.dist(mean, _draw("slope_spread", spread))


def _scores(card: ShapeCard, design: ShapeDesign, trend: Any) -> None:
    """Scores around their trend: part of a distance from it is left at the next point.

    Several scores of one size scatter independently, and what is left is of their mean distance,
    which varies less than that of a single score: the next one has the more scatter of its own.
    """
    import pymc as pm
    import pytensor.tensor as pt

    noise = card.noise
    typical = pm.Normal("log_scatter_mean", np.log(noise.scatter.median), noise.scatter.sigma)
    spread = _draw("scatter_spread", noise.scatter_spread)
    log_scatter = pm.Normal("log_scatter", typical, spread, dims="curve")
    scatter = pm.Deterministic("scatter", pt.exp(log_scatter), dims="curve")
    persistence = _draw("persistence", noise.left(checkpoints=design.checkpoints))
    nu = _draw("nu", noise.nu)
    z = pm.Data("z", design.z)
    rows, columns = np.nonzero(design.there)
    if design.several.any():
        trend = trend + _models(card, design, scatter, nu)
    # exp(-large) is 0: the first size of a curve, or of a model, has none before it.
    gap = np.minimum(design.gap / FACTOR, 1e6)[rows, columns]
    kept = pt.exp(pt.log(persistence) * gap)
    away = z - trend
    previous = design.previous[rows, columns]
    carried = kept**2
    if design.repeats:
        count = design.together.sum(axis=2)
        away = (design.together * away[:, None, :]).sum(axis=2) / count
        carried = carried / count[rows, previous]
    before = away[rows, previous]
    sigma = pt.sqrt(scatter[rows] ** 2 * (1 - carried) + design.error[rows, columns] ** 2)
    pm.StudentT(
        "score", nu=nu, mu=trend[rows, columns] + kept * before, sigma=sigma,
        observed=z[rows, columns],
    )  # fmt: skip


def _models(card: ShapeCard, design: ShapeDesign, scatter: Any, nu: Any) -> Any:
    """How far whole models lie from the trend, which their checkpoints share, (curve, point)."""
    import pymc as pm
    import pytensor.tensor as pt

    between = _draw("between_models", card.noise.between_models)
    apart = pm.StudentT("model_ratio", nu=nu, mu=0.0, sigma=1.0, dims="model")
    # The last one is for points without a model of their own.
    effect = pt.concatenate([between * apart, pt.zeros(1)])
    return scatter[:, None] * effect[design.model]
