"""Forecasts and allocations on a small saved posterior: no sampling."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import TRUTH, example_fit
from scipy.stats import norm

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import Fit

STATISTICS = ["mean", "median", "sd", "lower", "upper", "prob"]
FORECAST_KEYS = ["params", "tokens", "group", *STATISTICS, "counting"]


@pytest.fixture(scope="module")
def fit():
    return example_fit()


@pytest.fixture(scope="module")
def groups():
    return example_fit(groups=3)


@pytest.fixture(scope="module")
def crossed():
    return example_fit(groups=2, crossed=True)


def point_mass(fit: Fit) -> Fit:
    """The fit with every draw at Besiroglu's parameters."""
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    values = {name: posterior[name] * 0 + value for name, value in TRUTH.items()}
    tree["posterior"] = posterior.assign(values)
    return Fit(tree)


def test_point_mass_gives_the_closed_form(fit):
    sure = point_mass(fit).law_only()
    row = bs.forecast(sure, params="70B", tokens="1.4T").table().iloc[0]
    expected = bs.laws.get_law("chinchilla").loss(70e9, 1.4e12, **TRUTH)
    assert row["mean"] == pytest.approx(expected, rel=1e-12)
    assert row["upper"] - row["lower"] == pytest.approx(0, abs=1e-12)
    plan = bs.allocate(sure, flops=5.76e23).draws
    a = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
    g = (TRUTH["alpha"] * TRUTH["A"] / (TRUTH["beta"] * TRUTH["B"])) ** (
        1 / (TRUTH["alpha"] + TRUTH["beta"])
    )
    np.testing.assert_allclose(plan["params"], g * (5.76e23 / 6) ** a, rtol=1e-10)
    np.testing.assert_allclose(plan["tokens"] * plan["params"] * 6, 5.76e23, rtol=1e-10)
    np.testing.assert_allclose(plan["tokens_per_param"], plan["tokens"] / plan["params"])


def test_statistics_are_those_of_the_draws(fit):
    answer = bs.forecast(fit, params="7B", tokens="2T", prob=0.8)
    draws, row = answer.draws["loss"].to_numpy()[:, 0], answer.table().iloc[0]
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1))
    assert np.mean(draws < row["lower"]) == pytest.approx(0.1, abs=2 / len(draws))
    assert np.mean(draws > row["upper"]) == pytest.approx(0.1, abs=2 / len(draws))
    assert row["prob"] == 0.8


def test_wider_probability_wider_interval(fit):
    answer = bs.forecast(fit, params="7B", tokens="2T")
    width = [np.ptp(answer.table(prob=p)[["lower", "upper"]].to_numpy()) for p in (0.5, 0.9, 0.99)]
    assert width[0] < width[1] < width[2]


def test_forecast_json_schema(groups):
    answer = bs.forecast(groups, params=["1B", "7B"], tokens="1T")
    rows = json.loads(answer.to_json())
    assert [list(row) for row in rows] == [FORECAST_KEYS] * 6
    assert rows[0]["mean"] == answer.table()["mean"].iloc[0]


def test_allocation_json_schema(groups):
    rows = json.loads(bs.allocate(groups, flops=["1e21", "3 PF-days"], group="dense").to_json())
    assert [list(row) for row in rows] == [
        ["flops", "group", "params", "tokens", "tokens_per_param", "loss", "a", "b", "counting"]
    ] * 2
    assert rows[1]["flops"] == pytest.approx(3 * 8.64e19)
    for quantity in ("params", "tokens", "tokens_per_param", "loss"):
        assert set(rows[0][quantity]) == {"mean", "median", "sd", "lower", "upper", "prob"}
        assert rows[0][quantity]["lower"] < rows[0][quantity]["median"] < rows[0][quantity]["upper"]


def test_allocation_table_keeps_quantities_of_one_plan_together(groups):
    table = bs.allocate(groups, flops=[1e21, 1e22]).table()
    assert list(table["quantity"][:6]) == ["params", "tokens", "tokens_per_param", "loss", "a", "b"]
    assert table.groupby(["flops", "group"]).size().eq(6).all()
    mean = table[table["quantity"] == "params"].groupby("flops")["mean"].mean()
    assert mean[1e22] > mean[1e21]


def test_table_of_points_keeps_its_order(groups):
    points = pd.DataFrame(
        {
            "params": ["7B", "1B", 3e9],
            "tokens": ["1T", "20B", 6e10],
            "architecture": ["recurrent", "dense", "experts"],
        }
    )
    answer = bs.forecast(groups, points).table()
    assert list(answer["params"]) == [7e9, 1e9, 3e9]
    assert list(answer["group"]) == ["recurrent", "dense", "experts"]
    alone = bs.forecast(groups, params="1B", tokens="20B", group="dense").table()
    assert answer["mean"].iloc[1] == pytest.approx(alone["mean"].iloc[0], rel=1e-12)


def test_new_group_is_a_draw_from_the_population(groups):
    draws = groups.parameters(bs.NEW_GROUP)
    posterior = groups.posterior
    mu = posterior["mu"].sel(parameter="alpha").to_numpy().ravel()
    tau = posterior["tau"].sel(parameter="alpha").to_numpy().ravel()
    z = (np.log(draws["alpha"]) - mu) / tau
    # Standard normal: within four standard errors of mean 0 and sd 1.
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * len(z))
    again = groups.parameters(bs.NEW_GROUP)
    np.testing.assert_array_equal(draws["alpha"], again["alpha"])


def test_observation_noise_is_the_models(fit):
    mean = bs.forecast(fit, params="1B", tokens="20B").draws["loss"]
    noisy = bs.forecast(fit, params="1B", tokens="20B", observation_noise=True).draws["loss"]
    noise = fit.run_noise("all runs")
    scale, nu = noise.scale[:, 0], noise.nu[:, 0]
    ratio = np.log(noisy / mean).to_numpy()[:, 0]
    from scipy.stats import t

    u = t.cdf(ratio / scale, nu)
    assert abs(u.mean() - 0.5) < 4 / np.sqrt(12 * len(u))
    assert np.mean(np.abs(u - 0.5) < 0.45) == pytest.approx(
        0.9, abs=norm.ppf(0.9999) * np.sqrt(0.09 / len(u))
    )


def test_scatter_between_training_runs_is_part_of_a_new_runs_noise(fit):
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    tree["posterior"] = posterior.assign(run_sigma=0.03 * xr.ones_like(posterior["nu"]))
    scale = Fit(tree).run_noise("all runs").scale
    np.testing.assert_allclose(scale**2, fit.run_noise("all runs").scale ** 2 + 0.03**2)


def test_crossed_groups_add_their_effects(crossed):
    assert crossed.groups == ("dense/code", "dense/web", "experts/code", "experts/web")
    effects = {
        part: crossed.posterior[f"effect_{i}"].sel({f"level_{i}": part, "parameter": "alpha"})
        for i, part in ((1, "dense"), (2, "web"))
    }
    expected = np.exp(effects["dense"] + effects["web"]).to_numpy().ravel()
    np.testing.assert_allclose(crossed.parameters("dense/web")["alpha"], expected)


def test_crossed_groups_may_be_new_in_one_part(crossed):
    known = bs.forecast(crossed, params="1B", tokens="20B", group="dense/web").table()
    half = bs.forecast(crossed, params="1B", tokens="20B", group=f"dense/{bs.NEW_GROUP}").table()
    new = bs.forecast(crossed, params="1B", tokens="20B", group=bs.NEW_GROUP).table()
    assert known["sd"].iloc[0] < half["sd"].iloc[0]
    assert known["sd"].iloc[0] < new["sd"].iloc[0]


def test_answers_say_how_far_they_extrapolate(fit):
    largest = fit.data["flops"].max()
    answer = bs.allocate(fit, flops=[largest, 100 * largest])
    np.testing.assert_allclose(answer.draws["decades_beyond"], [0.0, 2.0], atol=1e-9)


BAD = {
    "unknown group": (
        lambda f: bs.forecast(f, params=1e9, tokens=1e10, group="x"),
        "known: 'dense'",
    ),
    "no tokens": (lambda f: bs.forecast(f, params=1e9), "give tokens"),
    "negative": (lambda f: bs.forecast(f, params=-1, tokens=1e10), "params"),
    "zero": (lambda f: bs.forecast(f, params=0, tokens=1e10), "params"),
    "not a number": (lambda f: bs.forecast(f, params="seventy", tokens=1e10), "seventy"),
    "nan": (lambda f: bs.forecast(f, params=np.nan, tokens=1e10), "params"),
    "infinite": (lambda f: bs.allocate(f, flops=np.inf), "flops"),
    "absurd": (lambda f: bs.allocate(f, flops="1e60"), "flops must lie between"),
    "empty": (lambda f: bs.allocate(f, flops=[]), "at least one"),
    "prob": (lambda f: bs.allocate(f, flops=1e22, prob=90), "between 0 and 1"),
    "prob zero": (lambda f: bs.forecast(f, params=1e9, tokens=1e10, prob=0), "between 0 and 1"),
    "lengths": (lambda f: bs.forecast(f, params=[1e9, 2e9, 3e9], tokens=[1e10, 2e10]), "do not go"),
    "missing column": (lambda f: bs.forecast(f, pd.DataFrame({"params": [1e9]})), "give tokens"),
    "unknown input": (lambda f: bs.forecast(f, colour=3), "unknown input 'colour'"),
    "both": (
        lambda f: bs.forecast(f, pd.DataFrame({"params": [1e9], "tokens": [1e9]}), params=1e9),
        "not both",
    ),
    "groups twice": (
        lambda f: bs.forecast(
            f,
            pd.DataFrame({"params": [1e9], "tokens": [1e9], "group": ["dense"]}),
            group="dense",
        ),
        "given twice",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_questions_say_what_is_allowed(what, groups):
    ask, message = BAD[what]
    with pytest.raises(InputError, match=message):
        ask(groups)
