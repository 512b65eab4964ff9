"""The population without one of its tasks: against what can be worked out, and without others."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from shape_examples import example_shapes

from bayes_scaling.shapes.population import population_without, unseen_trend
from bayes_scaling.shapes.simulate import draw_population

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


def test_of_a_single_task_the_card_is_left():
    made = example_shapes()
    alone = made.tree.copy()
    alone["posterior"] = xr.DataTree(made.posterior.isel(curve=[0]))
    data = made.tree["constant_data"].to_dataset()
    rows = np.flatnonzero(data["curve"].to_numpy().astype(str) == made.curves[0])
    alone["constant_data"] = xr.DataTree(data.isel({data["curve"].dims[0]: rows}))
    fit = replace(made, tree=alone)
    assert len(fit.curves) == 1
    found = population_without(fit, fit.curves[0], np.random.default_rng(2))
    rng = np.random.default_rng(3)
    known = [draw_population(fit.card, rng)["slope_mean"] for _ in range(1600)]
    error = np.std(known) * np.sqrt(2 / 1600)
    assert found["slope_mean"].mean() == pytest.approx(np.mean(known), abs=4 * error)
    trend = unseen_trend(fit, fit.curves[0], np.random.default_rng(2))
    assert trend.slope.shape == (1600,)
