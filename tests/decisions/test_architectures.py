"""Which group to scale: against closed forms, and on small posteriors. No sampling."""

import json

import numpy as np
import pytest
from examples import example_fit, law_fit

import bayes_scaling as bs
from bayes_scaling.decisions.crossings import compute_to_reach, first_crossing
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import Fit

LAWS = {
    "dense": {"E": 1.8, "A": 480.0, "B": 2080.0, "alpha": 0.348, "beta": 0.366},
    "experts": {"E": 1.7, "A": 700.0, "B": 2080.0, "alpha": 0.348, "beta": 0.366},
    "recurrent": {"E": 1.9, "A": 490.0, "B": 2080.0, "alpha": 0.348, "beta": 0.366},
}
"""The experts have the lower floor and start behind; the recurrent ones never lead."""


def sure(laws=LAWS) -> Fit:
    """A fit whose every draw has these parameters, and no drift."""
    fit = example_fit(groups=3)
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    order = [str(name) for name in posterior["group"].to_numpy()]
    values = {}
    for name in ("E", "A", "B", "alpha", "beta"):
        known = posterior[name].copy()
        known[:] = 0.0
        values[name] = known + np.array([laws[group][name] for group in order])
    tree["posterior"] = posterior.assign(values)
    return Fit(tree).law_only()


def optimal_loss(group: str, flops: float) -> float:
    law = bs.laws.get_law("chinchilla")
    theta = {name: np.array(value) for name, value in LAWS[group].items()}
    params, tokens = law.optimum(flops, theta)
    return float(law.planned_loss(params, tokens, theta))


def root(function, low, high):
    from scipy.optimize import brentq

    return np.exp(brentq(lambda x: function(np.exp(x)), np.log(low), np.log(high)))


def test_point_masses_give_the_closed_form():
    answer = bs.choose_architecture(sure(), flops=["1e20", "1e24"])
    table = answer.table().set_index(["flops", "group"])
    assert answer.table()["group"].iloc[0] == "dense"
    assert answer.table()["group"].iloc[3] == "experts"
    for flops in (1e20, 1e24):
        losses = {group: optimal_loss(group, flops) for group in LAWS}
        for group, loss in losses.items():
            row = table.loc[(flops, group)]
            assert row["mean"] == pytest.approx(loss, rel=1e-9)
            assert row["p_best"] == (loss == min(losses.values()))
            assert row["expected_regret"] == pytest.approx(loss - min(losses.values()), abs=1e-9)


def test_crossings_and_gains_are_those_of_the_curves():
    answer = bs.choose_architecture(sure(), flops=1e24)
    crossings = answer.crossings().set_index(["a", "b"])
    apart = root(lambda c: optimal_loss("dense", c) - optimal_loss("experts", c), 1e19, 1e24)
    row = crossings.loc[("dense", "experts")]
    # Interpolated between twelve points a decade.
    assert row["median"] == pytest.approx(apart, rel=0.01)
    assert (row["p_never"], row["a_first"]) == (0.0, 1.0)
    assert crossings.loc[("dense", "recurrent"), "p_never"] == 1.0
    assert np.isnan(crossings.loc[("dense", "recurrent"), "median"])
    target = optimal_loss("dense", 1e24)
    needed = root(lambda c: optimal_loss("experts", c) - target, 1e20, 1e26)
    best = answer.table().iloc[0]
    assert (best["group"], best["gain_against"]) == ("experts", "dense")
    assert best["gain_median"] == pytest.approx(1e24 / needed, rel=0.01)
    assert best["gain_outside"] == 0.0


def test_a_loss_below_the_floor_of_the_others_is_never_reached():
    low = {**LAWS, "experts": {**LAWS["dense"], "E": 1.0}}
    answer = bs.choose_architecture(sure(low), flops=1e24, group=["dense", "experts"])
    rows = answer.table().set_index("group")
    assert rows.loc["dense", "gain_outside"] == 1.0
    assert rows.loc["dense", "gain_median"] == pytest.approx(1e-4)
    assert rows.loc["experts", "gain_outside"] == 0.0


def test_curves_meet_where_they_are_drawn_to_meet():
    x = np.linspace(0.0, 4.0, 5)
    difference = np.array([x - 1.25, 0 * x + 1.0, (x - 0.5) * (x - 2.5)])
    found = first_crossing(x, difference)
    np.testing.assert_allclose(found[0], 1.25)
    assert np.isnan(found[1])
    assert 0.5 <= found[2] <= 1.0
    reached = compute_to_reach(x, np.tile(4.0 - x, (3, 1)), np.array([2.5, 5.0, -1.0]))
    np.testing.assert_allclose(reached.log_flops, [1.5, 0.0, 4.0])
    assert list(reached.before) == [False, True, False]
    assert list(reached.never) == [False, False, True]


def test_probabilities_are_shares_of_draws():
    fit = example_fit(groups=3)
    answer = bs.choose_architecture(fit, flops=[1e20, 1e25])
    table = answer.table()
    assert table.groupby("flops")["p_best"].sum().to_numpy() == pytest.approx([1, 1])
    loss = {
        group: bs.allocate(fit, flops=1e25, group=group).draws["loss"].to_numpy()[:, 0]
        for group in fit.groups
    }
    every = np.stack(list(loss.values()))
    for i, group in enumerate(loss):
        row = table[(table["flops"] == 1e25) & (table["group"] == group)].iloc[0]
        assert row["p_best"] == pytest.approx(np.mean(every.argmin(axis=0) == i))
        assert row["expected_regret"] == pytest.approx(np.mean(every[i] - every.min(axis=0)))
        assert row["lower"] == pytest.approx(np.quantile(every[i], 0.05))


def test_the_drift_makes_the_choice_less_sure():
    fit = law_fit("coupled-informed", groups=2)
    answer = bs.choose_architecture(fit, flops=1e24)
    assert answer.law_only is not None
    assert answer.law_only.law_only is None
    with_drift, plain = (each.table()["p_best"].max() for each in (answer, answer.law_only))
    assert with_drift < plain
    assert "were the laws the truth" in answer.verdicts()[0]


def test_json_has_the_keys_that_were_promised():
    answer = bs.choose_architecture(sure(), flops=1e24)
    told = json.loads(answer.to_json())
    assert list(told) == ["groups", "crossings"]
    assert {"group", "p_best", "expected_regret", "compute_gain"} <= set(told["groups"][0])
    statistics = {"mean", "median", "sd", "lower", "upper", "prob"}
    assert statistics <= set(told["groups"][0]["compute_gain"])
    assert {"a", "b", "flops", "p_never"} <= set(told["crossings"][0])
    assert [each["flops"] is None for each in told["crossings"]] == [False, True, False]
    assert statistics == set(told["crossings"][0]["flops"])


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        (lambda: example_fit(), {}, "two groups or more"),
        (lambda: example_fit(groups=3), {"group": "dense"}, "two groups or more"),
        (lambda: example_fit(groups=3), {"group": ["dense", "sparse"]}, "unknown group 'sparse'"),
        (lambda: example_fit(groups=3), {"flops": "-1"}, "flops"),
        (lambda: example_fit(groups=3), {"flops": []}, "at least one"),
        (lambda: example_fit(groups=3), {"prob": 90}, "between 0 and 1"),
        (lambda: law_fit("learning-curve", groups=2), {}, "does not say how to split"),
    ],
)
def test_bad_questions_say_what_is_allowed(fit, options, message):
    with pytest.raises(InputError, match=message):
        bs.choose_architecture(fit(), **{"flops": 1e23, **options})
