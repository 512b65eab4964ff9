"""The population without one of its tasks: against what can be worked out, and without others."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import beta, ks_2samp, norm
from shape_examples import example_metrics, example_shapes

from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.population import population_without, unseen_trend
from bayes_scaling.shapes.simulate import simulate_tasks
from bayes_scaling.shapes.trend import Trend, expected_change

SPREAD, ERROR, PRIOR = 0.4, 0.15, (0.2, 0.4)
SLOPES = np.array([-1.0, 0.1, 0.4, 0.2, 0.5])
"""As measured, with `ERROR`; the first is far from the others."""

PLACES = np.array([2.4, -1.5, -1.2, -2.0, -0.9])
"""Of bends, in decades from the largest size; the first is far from the others."""

FIXED = {"slope_mean": 0.2, "slope_spread": SPREAD, "level_mean": 0.0, "level_spread": 0.6,
         "change_spread": 0.5, "recovery": 0.0, "saturation": 0.0, "early": 0.6}  # fmt: skip


def posterior_of(slopes):
    """Mean and sd of the mean slope, given slopes that were measured."""
    variance = SPREAD**2 + ERROR**2
    precision = 1 / PRIOR[1] ** 2 + len(slopes) / variance
    return (PRIOR[0] / PRIOR[1] ** 2 + slopes.sum() / variance) / precision, precision**-0.5


def early_given(card, places):
    """The share of early bends on a grid, and its probabilities, given some places."""
    priors, share = card.priors, (np.arange(2000) + 0.5) / 2000
    early, late = (norm(kind.mean, kind.sigma).pdf(places) for kind in
                   (priors.early_place, priors.late_place))  # fmt: skip
    density = beta(priors.early.a, priors.early.b).pdf(share)
    density *= (share[:, None] * early + (1 - share[:, None]) * late).prod(axis=1)
    return share, density / density.sum()


def with_draws(fit, draws):
    """A fit in which all but these draws of the population and of tasks is fixed."""
    drawn = fit.posterior
    fixed = {name: drawn["width"] * 0 + value for name, value in FIXED.items()}
    tree = fit.tree.copy()
    tree["posterior"] = xr.DataTree(drawn.assign(fixed).assign(draws))
    return replace(fit, tree=tree)


def placed(fit, beyond):
    """Draws of places that lie so far beyond the largest size, (curve,)."""
    last = np.array([fit.seen(curve)[1].max() for curve in fit.curves])
    drawn = fit.posterior["place"]
    return (drawn.dims, np.broadcast_to((last + beyond)[:, None], drawn.shape))


@pytest.fixture(scope="module")
def slopes():
    """Its mean slope and slopes are draws of the exact posterior."""
    made, rng, n = example_shapes(), np.random.default_rng(4), 1600
    mean = rng.normal(*posterior_of(SLOPES), n)[:, None]
    precision = 1 / SPREAD**2 + 1 / ERROR**2
    slope = rng.normal((mean / SPREAD**2 + SLOPES / ERROR**2) / precision, precision**-0.5)
    return with_draws(
        made,
        {
            "slope_mean": (("chain", "draw"), mean.reshape(4, 400)),
            "slope": (("chain", "draw", "curve"), slope.reshape(4, 400, 5)),
            # Bends so late that slopes over the sizes seen are those before them.
            "place": placed(made, 1.5),
        },
    )


@pytest.fixture(scope="module")
def places():
    """Its share of early bends are draws of the exact posterior, given places that are known."""
    made = example_shapes()
    share, chance = early_given(made.card, PLACES)
    early = np.random.default_rng(5).choice(share, 1600, p=chance)
    draws = {"early": (("chain", "draw"), early.reshape(4, 400)), "place": placed(made, PLACES)}
    return with_draws(made, draws)


@pytest.mark.parametrize("task", range(5))
def test_the_population_forgets_the_slope_of_a_task(slopes, task):
    found = population_without(slopes, slopes.curves[task], np.random.default_rng(1))["slope_mean"]
    mean, sd = posterior_of(np.delete(SLOPES, task))
    # Draws are weighted and drawn again: of 1600 some hundred are left of the outlier's.
    assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(200))
    assert found.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 200))


def test_what_the_task_itself_said_would_show(slopes):
    mean, sd = posterior_of(np.delete(SLOPES, 0))
    assert slopes.draws("slope_mean").mean() < mean - 8 * sd / np.sqrt(200)


@pytest.mark.parametrize("task", range(5))
def test_the_population_forgets_where_the_bend_of_a_task_lies(places, task):
    found = population_without(places, places.curves[task], np.random.default_rng(1))["early"]
    share, chance = early_given(places.card, np.delete(PLACES, task))
    mean = share @ chance
    sd = np.sqrt((share - mean) ** 2 @ chance)
    assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(800))
    assert found.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 800))


@pytest.mark.parametrize("task", [0, 1])
def test_where_the_bend_of_the_task_itself_lies_would_show(places, task):
    share, chance = early_given(places.card, np.delete(PLACES, task))
    mean = share @ chance
    sd = np.sqrt((share - mean) ** 2 @ chance)
    assert abs(places.draws("early").mean() - mean) > 4 * sd / np.sqrt(800)


STARTS = np.array([-0.9, -0.5, -0.7, -0.4, -0.8])
CHANGES = np.array([0.2, 1.1, 1.3, 0.9, 1.8])
"""Slopes before the bend, and how much they change; the first falls most and recovers least."""


def recovery_given(priors, chosen):
    """The recovery on a grid, and its probabilities, given starts and changes of the chosen."""
    share, wide = (np.arange(4000) + 0.5) / 1000, priors.wide_change
    mean = expected_change(STARTS[chosen], share[:, None], 0.0)
    usual, large = (norm(mean, sigma).pdf(CHANGES[chosen]) for sigma in
                    (FIXED["change_spread"], wide.sigma))  # fmt: skip
    density = norm(priors.recovery.mean, priors.recovery.sigma).pdf(share)
    density *= ((1 - wide.share) * usual + wide.share * large).prod(axis=1)
    return share, density / density.sum()


@pytest.mark.parametrize("task", range(5))
def test_the_population_forgets_how_a_task_recovered(task):
    made, rng = example_shapes(), np.random.default_rng(6)
    # Bends inside the sizes seen: slopes on average are not those before the bend.
    place, draws = placed(made, -0.9), {}
    slope = [
        Trend.of_start(STARTS[[i]], level=np.zeros(1), width=np.full(1, 0.15),
                       change=CHANGES[[i]][None], place=place[1][0, 0, [i]],
                       seen=made.seen(curve)[1]).slope
        for i, curve in enumerate(made.curves)
    ]  # fmt: skip
    for name, value in (("slope", np.concatenate(slope)), ("change", CHANGES[:, None])):
        drawn = made.posterior[name]
        draws[name] = (drawn.dims, np.broadcast_to(value, drawn.shape))
    share, chance = recovery_given(made.card.priors, np.arange(5))
    recovery = rng.choice(share, (4, 400), p=chance)
    draws |= {"place": place, "recovery": (("chain", "draw"), recovery)}
    draws["width"] = made.posterior["width"] * 0 + 0.15
    fit = with_draws(made, draws)
    found = population_without(fit, fit.curves[task], rng)["recovery"]
    share, chance = recovery_given(made.card.priors, np.delete(np.arange(5), task))
    mean = share @ chance
    sd = np.sqrt((share - mean) ** 2 @ chance)
    assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(400))
    assert found.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 400))
    if task == 0:
        assert mean - recovery.mean() > 8 * sd / np.sqrt(400)


@pytest.fixture(scope="module")
def alone():
    """A fit of one task: nothing is left of its population but the card."""
    made = example_shapes()
    tree, data = made.tree.copy(), made.tree["constant_data"].to_dataset()
    tree["posterior"] = xr.DataTree(made.posterior.isel(curve=[0]))
    rows = np.flatnonzero(data["curve"].to_numpy().astype(str) == made.curves[0])
    tree["constant_data"] = xr.DataTree(data.isel({data["curve"].dims[0]: rows}))
    return replace(made, tree=tree)


@pytest.mark.parametrize("name", ["level", "slope", "start", "change", "place", "width"])
def test_an_unseen_task_is_one_of_those_that_the_card_simulates(alone, name):
    (curve,) = alone.curves
    trend = unseen_trend(alone, curve, np.random.default_rng(2))
    design = make_shape_design(example_metrics().select(f"task == {curve!r}"))
    rng = np.random.default_rng(3)
    simulated = [simulate_tasks(alone.card, design, rng).trends[0] for _ in range(1600)]
    drawn = getattr(trend, name).reshape(1600)
    known = np.array([getattr(each, name) for each in simulated]).reshape(1600)
    # A false alarm once in ten thousand, for each of six.
    assert ks_2samp(drawn, known).pvalue > 1e-4
