"""Which runs to do next: against linear Gaussian answers, and on small posteriors. No sampling."""

import json

import numpy as np
import pandas as pd
import pytest
from examples import example_fit, law_fit

import bayes_scaling as bs
from bayes_scaling.decisions.reweighting import Outcomes, Target, now, weigh, with_error
from bayes_scaling.errors import InputError
from bayes_scaling.inference.pointwise import Noise

ROOT = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.3, -0.2, 0.5]])
CONTRAST = np.array([1.0, 2.0, -1.0])
SEEN = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, -1.0, 0.5]])
GAUSSIAN = 1e6
"""Degrees of freedom."""


def scatter(scale, nu=GAUSSIAN):
    one = np.ones((1, 1))
    return Noise(centre=0 * one, scale=scale * one, nu=nu * one, skew=one)


def linear(sigmas, seed, *, n=4000, actions=None):
    """Draws of a linear Gaussian model after some runs: target, outcomes, exact variances."""
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal((n, 3)) @ ROOT.T
    goal, precision = theta @ CONTRAST, np.linalg.inv(ROOT @ ROOT.T)
    before = CONTRAST @ np.linalg.solve(precision, CONTRAST)
    outcomes = Outcomes.none_yet(goal)
    for x, sigma in zip(SEEN, sigmas, strict=False):
        outcomes = outcomes.after(theta @ x, scatter(sigma), rng)
        precision = precision + np.outer(x, x) / sigma**2
    losses = None if actions is None else 0.5 * (goal[:, None] - actions) ** 2
    target = Target(values=goal[:, None], losses=losses)
    return target, outcomes, before, CONTRAST @ np.linalg.solve(precision, CONTRAST)


def gain(target, outcomes):
    return with_error(now(target).left - weigh(outcomes, target).left)


@pytest.mark.parametrize("sigmas", [(3.0,), (0.5,), (0.15,), (0.5, 0.5), (0.6, 0.6, 0.6)])
def test_gain_is_that_of_the_linear_gaussian_model_within_its_error(sigmas):
    z = []
    for seed in range(12):
        target, outcomes, before, after = linear(sigmas, seed)
        found, error = gain(target, outcomes)
        scale = np.std(target.values, ddof=1)
        z.append((found * scale - (np.sqrt(before) - np.sqrt(after))) / (error * scale))
    # Twelve standard scores: their mean within four standard errors, their spread as of a normal
    # (chi-squared with 12 degrees of freedom, 0.01 % at either end).
    assert abs(np.mean(z)) < 4 / np.sqrt(12)
    assert 1.9 < np.sum(np.square(z)) < 39.0


def test_errors_cancel_in_a_difference():
    target, outcomes, *_ = linear((3.0,), 1)
    _, error = gain(target, outcomes)
    _, alone = with_error(weigh(outcomes, target).left)
    assert error < 0.7 * alone


def test_regret_saved_is_that_of_squared_error():
    # With loss (g - a)^2 / 2 the best action is the mean, and its expected loss half the variance.
    actions = np.linspace(-8, 8, 65)
    z = []
    for seed in range(8):
        target, outcomes, before, after = linear((0.5,), seed, actions=actions)
        saved, error = with_error(weigh(outcomes, target).saved)
        z.append((saved - (before - after) / 2) / error)
    assert abs(np.mean(z)) < 4 / np.sqrt(8)


def test_a_run_that_tells_nothing_gains_nothing():
    target, outcomes, *_ = linear((1e4,), 3, actions=np.linspace(-8, 8, 33))
    found, error = gain(target, outcomes)
    assert abs(found) < 1e-3
    assert error < 1e-3
    assert weigh(outcomes, target).saved[0] == pytest.approx(0.0, abs=1e-3)


def test_heavy_tails_teach_less_than_a_gaussian_of_the_same_width():
    rng = np.random.default_rng(2)
    goal = rng.standard_normal(4000)
    target = Target(values=goal[:, None])
    left = []
    for nu in (1.5, GAUSSIAN):
        outcomes = Outcomes.none_yet(goal).after(goal, scatter(0.5, nu), np.random.default_rng(3))
        left.append(weigh(outcomes, target).left[0])
    assert left[1] == pytest.approx(np.sqrt(0.2), rel=0.05)
    assert left[0] > left[1] + 0.05


@pytest.fixture(scope="module")
def fit():
    return example_fit()


def candidates(*pairs):
    return pd.DataFrame(pairs, columns=["params", "tokens"])


FEW = candidates(("1B", "20B"), ("1B", "200B"), ("3B", "60B"), ("5B", "100B"), ("20B", "20B"))


def test_the_run_asked_about_teaches_most_about_itself(fit):
    points = candidates(("70B", "1.4T"), ("1B", "20B"), ("1B", "1.4T"), ("70B", "20B"))
    answer = bs.next_runs(fit, points, goal="loss@70B,1.4T", by="run")
    assert tuple(answer.ranking.iloc[0][["params", "tokens"]]) == (7e10, 1.4e12)
    top = answer.ranking.iloc[0]
    sd = bs.forecast(fit, params="70B", tokens="1.4T").table()["sd"].iloc[0]
    assert top["sd_now"] == pytest.approx(sd, rel=1e-9)
    assert 0 < top["sd_after"] < top["sd_now"]


def test_ranking_is_by_gain_per_flop_or_by_gain(fit):
    by_flop = bs.next_runs(fit, goal="loss@70B,1.4T", budget="1e22").ranking
    by_run = bs.next_runs(fit, goal="loss@70B,1.4T", budget="1e22", by="run").ranking
    assert len(by_flop) == 100
    assert by_flop["flops"].between(1e20 * 0.999, 1e22 * 1.001).all()
    assert by_flop["gain_per_flop"].is_monotonic_decreasing
    assert by_run["gain"].is_monotonic_decreasing
    expected = (by_flop["sd_now"] - by_flop["sd_after"]) / by_flop["flops"]
    np.testing.assert_allclose(by_flop["gain_per_flop"], expected, rtol=1e-9)


def test_a_batch_is_greedy_and_keeps_to_its_budget(fit):
    first = bs.next_runs(fit, FEW, goal="optimum@1e24", budget="1e22", by="run", runs=3)
    batch = first.batch
    assert len(batch) == 3
    assert batch["flops"].sum() <= 1.01e22
    assert batch["flops"].iloc[0] == first.ranking["flops"].iloc[0]
    np.testing.assert_allclose(batch["sd_now"].iloc[1:], batch["sd_after"].iloc[:-1], rtol=1e-6)
    assert batch["sd_after"].iloc[-1] < batch["sd_after"].iloc[0]
    points = candidates(("1B", "20B"))
    assert len(bs.next_runs(fit, points, goal="optimum@1e24", budget="3e20", runs=5).batch) == 2


def test_the_same_question_has_the_same_answer(fit):
    ask = {"goal": "optimum@1e23", "budget": "1e21", "runs": 2}
    points = candidates(("1B", "20B"), ("2B", "20B"))
    one, two = (bs.next_runs(fit, points, **ask).to_json() for _ in range(2))
    assert one == two


PAIR = ["dense", "experts"]


def test_regret_of_a_choice_is_that_of_choose_architecture():
    fit = example_fit(groups=3)
    points = candidates(("7B", "140B"))
    answer = bs.next_runs(fit, points, goal="choice@1e25", group=PAIR, run_group=PAIR)
    table = bs.choose_architecture(fit, flops=1e25, group=PAIR).table()
    assert answer.goal.regret == pytest.approx(table["expected_regret"].iloc[0], abs=1e-12)
    assert set(answer.ranking["group"]) == {"dense", "experts"}
    saved = answer.ranking["saved"]
    assert (saved <= answer.goal.regret + 3 * answer.ranking["saved_error"]).all()
    slope = answer.goal.slope
    best = table["group"].iloc[0]
    loss = bs.allocate(fit, flops=[0.9e25, 1.1e25], group=best).table()
    means = loss[loss["quantity"] == "loss"]["mean"].to_numpy()
    assert slope == pytest.approx((means[0] - means[1]) / 0.2e25, rel=0.02)


def test_a_run_beyond_the_others_moves_the_beginning_of_the_drift():
    fit = law_fit("coupled-informed")
    far = float(fit.columns["flops"].max()) * 10
    size = (far / 120) ** 0.5
    moved = fit.reaching("all runs", far)
    assert moved.edge == pytest.approx(np.log(far) - fit.card.within * np.log(10))
    assert fit.reaching("all runs", far / 1e4) is fit
    assert fit.reaching(bs.NEW_GROUP, far) is fit
    points = candidates((size, 20 * size), (size / 30, 20 * size / 30))
    goal = {"params": 3 * size, "tokens": 60 * size}
    answer = bs.next_runs(fit, points, goal="loss@{params:g},{tokens:g}".format(**goal), by="run")
    sd = bs.forecast(moved, **goal).table()["sd"].iloc[0]
    assert answer.ranking["flops"].iloc[0] == pytest.approx(far)
    # What drifts beyond the new edge stays; with the old one the run would leave a third of this.
    assert 0.3 * sd < answer.ranking["sd_after"].iloc[0] < sd


def test_the_law_can_be_the_goal():
    fit = law_fit("coupled-informed")
    answer = bs.next_runs(fit, candidates(("1B", "20B")), goal="law")
    assert answer.goal.now == 1.0
    assert 0 < answer.ranking["sd_after"].iloc[0] < 1


def test_candidates_may_name_their_groups():
    fit = example_fit(groups=3)
    points = candidates(("1B", "20B"), ("1B", "20B")).assign(architecture=["dense", "experts"])
    answer = bs.next_runs(fit, points, goal="loss@7B,140B", group="dense", by="run")
    assert list(answer.ranking["group"]) == ["dense", "experts"]
    every = bs.next_runs(fit, candidates(("1B", "20B")), goal="loss@7B,140B", group="dense",
                         run_group=fit.groups)  # fmt: skip
    assert set(every.ranking["group"]) == set(fit.groups)


def test_json_has_the_keys_that_were_promised(fit):
    rows = json.loads(bs.next_runs(fit, candidates(("1B", "20B")), goal="loss@7B,140B").to_json())
    assert [list(row) for row in rows] == [
        ["params", "tokens", "group", "flops", "sd_now", "sd_after", "gain_per_flop", "mc_error"]
    ]


def test_sentences_tell_worth_and_price(fit):
    text = " ".join(bs.next_runs(fit, FEW, goal="optimum@1e24").verdicts())
    assert "log of the compute-optimal size at 1e24 FLOPs" in text
    assert "expected regret" in text
    batch = bs.next_runs(fit, FEW, goal="loss@70B,1.4T", runs=2).verdicts()
    assert batch[1].startswith("2 runs of together")


def test_runs_that_teach_nothing_are_not_advised(fit):
    told = [
        " ".join(bs.next_runs(fit, points, goal="loss@70B,1.4T").verdicts())
        for points in (candidates(("70B", "1.4T")), candidates(("1B", "20B")))
    ]
    assert ["no candidate tells much" in text for text in told] == [False, True]


ONE = candidates(("1B", "20B"))
BAD = {
    "no goal of that name": ({"goal": "los@1B,20B"}, "unknown goal"),
    "loss of nothing": ({"goal": "loss@70B"}, r"write loss@N,D, such as loss@70B,1\.4T"),
    "optimum of nothing": ({"goal": "optimum"}, "write optimum@C"),
    "law of something": ({"goal": "law@3"}, "write law"),
    "letters": ({"goal": "loss@big,1T"}, "params of the goal"),
    "negative": ({"goal": "optimum@-3"}, "flops of the goal"),
    "choice of one group": ({"goal": "choice@1e23"}, "fit with --by"),
    "law without gamma": ({"goal": "law"}, "needs a law that holds both"),
    "no candidates": ({"candidates": None}, "give a budget"),
    "budget too small": ({"budget": "1e18"}, "no candidate is within the budget"),
    "batch too large": ({"budget": "1.3e20", "runs": 2, "by": "run"}, "does not hold 2 runs"),
    "zero budget": ({"budget": 0}, "budget"),
    "no runs": ({"runs": 0}, "1 to 50 runs"),
    "ranking": ({"by": "hope"}, "unknown ranking 'hope'"),
    "no tokens": ({"candidates": pd.DataFrame({"params": [1e9]})}, "no column tokens"),
    "no rows": ({"candidates": ONE.iloc[:0]}, "no rows"),
    "negative size": ({"candidates": candidates((-1, 1e9))}, "params must lie between"),
    "unknown group": ({"run_group": "sparse"}, "unknown group 'sparse'"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_questions_say_what_is_allowed(what, fit):
    options, message = BAD[what]
    with pytest.raises(InputError, match=message):
        bs.next_runs(fit, **{"goal": "loss@7B,140B", "candidates": ONE, **options})


@pytest.mark.parametrize(
    ("goal", "group", "message"),
    [
        ("loss@7B,140B", None, "about one group"),
        ("choice@1e23", "dense", "choice between two groups"),
        ("choice@1e23", ["dense", "experts", "recurrent"], "not 3"),
        ("optimum@1e23", "sparse", "unknown group"),
    ],
)
def test_goals_say_which_groups_they_need(goal, group, message):
    with pytest.raises(InputError, match=message):
        bs.next_runs(example_fit(groups=3), ONE, goal=goal, group=group)


def test_laws_without_size_and_tokens_are_refused():
    with pytest.raises(InputError, match="does not say how to split"):
        bs.next_runs(law_fit("learning-curve"), ONE, goal="optimum@1e23")
