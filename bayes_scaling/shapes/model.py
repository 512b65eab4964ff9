"""The PyMC model of a table of metric curves, from a card and a design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_scaling.cards import Beta, LogNormal, Normal
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.design import ShapeDesign

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["FACTOR", "SECOND_NU", "SOFT", "build_shape_model"]

FACTOR = np.log10(3.0)
"""Decades between two sizes whose distances from the trend correlate by `persistence`."""

SECOND_NU = 2.0
"""Degrees of freedom of second changes of slope: most are next to nothing, some are large."""

SOFT = 0.1
"""Slopes within this of zero are neither falls nor rises: it rounds the corner for the sampler."""


def build_shape_model(card: ShapeCard, design: ShapeDesign) -> pm.Model:
    """Build the model.

    Averages over the sizes seen (level, slope, scatter) are well known of every task, and are
    centred on the population; bends are not, and are ratios to their spread.

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
        slope = _slopes(card, design)
        level = pm.Normal(
            "level", _draw("level_mean", card.priors.level_mean),
            _draw("level_spread", card.priors.level_spread), dims="curve",
        )  # fmt: skip
        change, place = _bends(card, design, slope)
        width = _draw("width", card.priors.width)
        trend = level[:, None] + slope[:, None] * design.x
        on_level, on_slope = design.line
        for k in range(card.bends):
            bend = width * pt.softplus((design.x - place[:, k, None]) / width)
            straight = (on_level * bend).sum(axis=1)[:, None]
            straight = straight + (on_slope * bend).sum(axis=1)[:, None] * design.x
            trend = trend + change[:, k, None] * (bend - straight)
        _scores(card, design, trend)
    return model


def _draw(name: str, prior: Normal | LogNormal | Beta) -> Any:
    """A scalar of a card."""
    import pymc as pm

    if isinstance(prior, Normal):
        return pm.Normal(name, prior.mean, prior.sigma)
    if isinstance(prior, Beta):
        return pm.Beta(name, prior.a, prior.b)
    return pm.LogNormal(name, np.log(prior.median), prior.sigma)


def _slopes(card: ShapeCard, design: ShapeDesign) -> Any:
    import pymc as pm

    mean, spread = _draw("slope_mean", card.priors.slope_mean), card.priors.slope_spread
    if design.groups:
        between = _draw("slope_between", card.priors.slope_between)
        apart = pm.Normal("group_ratio", 0.0, 1.0, dims="group")
        mean = pm.Deterministic("group_slope", mean + between * apart, dims="group")[design.group]
    return pm.Normal("slope", mean, _draw("slope_spread", spread), dims="curve")


def _bends(card: ShapeCard, design: ShapeDesign, slope: Any) -> tuple[Any, Any]:
    """Changes of slope and places of the bends, each (curve, bend)."""
    import pymc as pm
    import pytensor.tensor as pt

    priors, dims = card.priors, ("curve", "bend")
    fall = (pt.sqrt(slope**2 + SOFT**2) - slope) / 2
    rise = fall + slope
    expected = (
        _draw("recovery", priors.recovery) * fall - _draw("saturation", priors.saturation) * rise
    )
    ratio = pm.Normal("change_ratio", 0.0, 1.0, dims="curve")
    change = (_draw("change_spread", priors.change_spread) * ratio + expected)[:, None]
    where = pm.Normal("place_ratio", 0.0, 1.0, dims="curve")
    place = (design.last + priors.place.mean + priors.place.sigma * where)[:, None]
    if card.bends > 1:
        gap = pm.LogNormal("gap", np.log(priors.gap.median), priors.gap.sigma, dims="curve")
        place = pt.concatenate([place, place + gap[:, None]], axis=1)
        # The first bend recovers or saturates; a second one, of the few tasks that have one, may
        # go either way.
        second = pm.StudentT("second_ratio", nu=SECOND_NU, mu=0.0, sigma=1.0, dims="curve")
        spread = _draw("second_spread", priors.second_spread)
        change = pt.concatenate([change, (spread * second)[:, None]], axis=1)
    change = pm.Deterministic("change", change, dims=dims)
    return change, pm.Deterministic("place", place, dims=dims)


def _scores(card: ShapeCard, design: ShapeDesign, trend: Any) -> None:
    """Scores around their trend: part of a distance from it is left at the next point."""
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
    before = away[rows, design.previous[rows, columns]]
    sigma = pt.sqrt(scatter[rows] ** 2 * (1 - kept**2) + design.error[rows, columns] ** 2)
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
