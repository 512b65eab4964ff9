"""The population without one of its tasks: against what can be worked out, and without others."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ks_2samp
from shape_examples import example_metrics, example_shapes

from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.population import population_without, unseen_trend
from bayes_scaling.shapes.simulate import simulate_tasks

SPREAD, ERROR, PRIOR = 0.4, 0.15, (0.2, 0.4)
SLOPES = np.array([-1.0, 0.1, 0.4, 0.2, 0.5])
"""As measured, with `ERROR`; the first is far from the others."""


def posterior_of(slopes):
    """Mean and sd of the mean slope, given slopes that were measured."""
    variance = SPREAD**2 + ERROR**2
    precision = 1 / PRIOR[1] ** 2 + len(slopes) / variance
    return (PRIOR[0] / PRIOR[1] ** 2 + slopes.sum() / variance) / precision, precision**-0.5


@pytest.fixture(scope="module")
def fit():
    """Its mean slope and slopes are draws of the exact posterior; all else in it is fixed."""
    made, rng = example_shapes(), np.random.default_rng(4)
    drawn, n = made.posterior, 1600
    mean = rng.normal(*posterior_of(SLOPES), n)[:, None]
    precision = 1 / SPREAD**2 + 1 / ERROR**2
    slope = rng.normal((mean / SPREAD**2 + SLOPES / ERROR**2) / precision, precision**-0.5)
    fixed = {name: drawn[name] * 0 + value for name, value in
             {"slope_spread": SPREAD, "level_spread": 0.6, "change_spread": 0.5, "level_mean": 0.0,
              "recovery": 0.0, "saturation": 0.0}.items()}  # fmt: skip
    new = drawn.assign(fixed).assign(
        slope_mean=(("chain", "draw"), mean.reshape(4, 400)),
        slope=(("chain", "draw", "curve"), slope.reshape(4, 400, 5)),
    )
    tree = made.tree.copy()
    tree["posterior"] = xr.DataTree(new)
    return replace(made, tree=tree)


@pytest.mark.parametrize("task", range(5))
def test_the_population_forgets_a_task(fit, task):
    found = population_without(fit, fit.curves[task], np.random.default_rng(1))["slope_mean"]
    mean, sd = posterior_of(np.delete(SLOPES, task))
    # Draws are weighted and drawn again: of 1600 some hundred are left of the outlier's.
    assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(200))
    assert found.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 200))


def test_what_the_task_itself_said_would_show(fit):
    mean, sd = posterior_of(np.delete(SLOPES, 0))
    assert fit.draws("slope_mean").mean() < mean - 8 * sd / np.sqrt(200)


@pytest.fixture(scope="module")
def alone():
    """A fit of one task: nothing is left of its population but the card."""
    made = example_shapes()
    tree, data = made.tree.copy(), made.tree["constant_data"].to_dataset()
    tree["posterior"] = xr.DataTree(made.posterior.isel(curve=[0]))
    rows = np.flatnonzero(data["curve"].to_numpy().astype(str) == made.curves[0])
    tree["constant_data"] = xr.DataTree(data.isel({data["curve"].dims[0]: rows}))
    return replace(made, tree=tree)


@pytest.mark.parametrize("name", ["level", "slope", "change", "place", "width"])
def test_an_unseen_task_is_one_of_those_that_the_card_simulates(alone, name):
    (curve,) = alone.curves
    trend = unseen_trend(alone, curve, np.random.default_rng(2))
    design = make_shape_design(example_metrics().select(f"task == {curve!r}"))
    rng = np.random.default_rng(3)
    simulated = [simulate_tasks(alone.card, design, rng).trends[0] for _ in range(1600)]
    drawn = getattr(trend, name).reshape(1600)
    known = np.array([getattr(each, name) for each in simulated]).reshape(1600)
    # A false alarm once in ten thousand, for each of five.
    assert ks_2samp(drawn, known).pvalue > 1e-4
