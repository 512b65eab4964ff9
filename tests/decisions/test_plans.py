"""Plans against closed forms, and what they promise: no sampling."""

import json

import numpy as np
import pytest
from examples import TRUTH, counted, example_fit, law_fit, shifted
from scipy.optimize import brentq

import bayes_scaling as bs
from bayes_scaling.decisions.cost_files import read_costs
from bayes_scaling.decisions.search import lowest
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import get_law

C = 5.76e23
E, A, B, ALPHA, BETA = (TRUTH[name] for name in ("E", "A", "B", "alpha", "beta"))
FARM = {"name": "h100-sxm", "devices": 1000, "utilisation": 0.4, "price": 2.0}


@pytest.fixture(scope="module")
def fit():
    return example_fit()


@pytest.fixture(scope="module")
def sure():
    """A posterior of which all draws are the truth."""
    tree = example_fit().tree.copy()
    posterior = tree["posterior"].to_dataset()
    values = {name: posterior[name] * 0 + value for name, value in TRUTH.items()}
    tree["posterior"] = posterior.assign(values)
    return Fit(tree).law_only()


def loss(n, d):
    return E + A * n**-ALPHA + B * d**-BETA


def best(spend, inferred=0.0):
    """Size at which the derivative of the loss along the budget is zero."""

    def slope(x):
        n = np.exp(x)
        d = (spend - 2 * n * inferred) / (6 * n)
        return -ALPHA * A * n**-ALPHA + BETA * B * d ** (-BETA - 1) * (d + inferred / 3)

    top = np.log(spend / (6e3 + 2 * inferred))
    return np.exp(brentq(slope, np.log(1e5), top, xtol=1e-13))


@pytest.mark.parametrize("risk", ["mean", "quantile:0.9", "cvar:0.9"])
@pytest.mark.parametrize("flops", [1e20, C, 1e26])
def test_a_sure_budget_gives_the_closed_form(sure, flops, risk):
    found = bs.plan(sure, flops=flops, risk=risk).budgets[0]
    n, d = get_law("chinchilla").optimum(flops, {k: np.array(v) for k, v in TRUTH.items()})
    assert found.params == pytest.approx(float(n), rel=1e-6)
    assert found.tokens == pytest.approx(float(d), rel=1e-6)
    assert found.choice()["regret"].max() < 1e-6
    np.testing.assert_allclose(found.draws["optimum_params"], n, rtol=1e-4)


@pytest.mark.parametrize("inferred", [1e11, 1e12, 1e13])
def test_a_sure_lifetime_gives_the_stationary_point(sure, inferred):
    costs = read_costs(
        {"inference": {"prompt_tokens": inferred / 4, "output_tokens": inferred * 3 / 4}}
    )
    answer = bs.plan(sure, flops=C, costs=costs)
    n, told = best(C, inferred), json.loads(answer.to_json())["plan"]
    assert told["params"] == pytest.approx(n, rel=1e-6)
    assert told["inference_flops"] == pytest.approx(2 * n * inferred, rel=1e-6)
    assert told["training_flops"] + told["inference_flops"] == pytest.approx(C, rel=1e-9)


def test_embeddings_take_part_in_compute(sure):
    small = counted(sure, "N non-embedding, C 6ND").law_only()
    costs = read_costs({"training": {"embeddings": "added"}})
    found = bs.plan(small, flops=1e20, costs=costs).budgets[0]
    total = found.params + 47491 * np.cbrt(found.params)
    assert 6 * total * found.tokens == pytest.approx(1e20, rel=1e-9)
    others = np.geomspace(found.params / 2, 2 * found.params, 201)
    reached = loss(others, 1e20 / (6 * (others + 47491 * np.cbrt(others))))
    assert float(found.choice()["loss"][0]) <= reached.min() + 1e-12
    assert found.params != pytest.approx(best(1e20), rel=1e-3)
    with pytest.raises(InputError, match="only where N is non-embedding"):
        bs.plan(sure, flops=1e20, costs=costs)


def test_more_inference_smaller_and_longer_trained(fit):
    plans = [
        bs.plan(fit, flops=C, costs=read_costs({"inference": {"output_tokens": t}})).budgets[0]
        for t in (0, 1e12, 1e13)
    ]
    assert plans[0].params > 1.2 * plans[1].params > 2 * plans[2].params
    assert plans[0].tokens < plans[1].tokens < plans[2].tokens


@pytest.mark.parametrize("inferred", [0.0, 2e12])
def test_a_sure_target_takes_the_budget_of_the_closed_form(sure, inferred):
    def short(x):
        n = best(np.exp(x), inferred)
        return loss(n, (np.exp(x) - 2 * n * inferred) / (6 * n)) - 2.0

    needed = np.exp(brentq(short, np.log(1e21), np.log(1e26), xtol=1e-13))
    costs = read_costs({"inference": {"output_tokens": inferred}})
    answer = bs.plan(sure, target_loss=2.0, costs=costs)
    assert answer.target.spend == pytest.approx(needed, rel=2e-6)
    assert answer.budgets[0].params == pytest.approx(best(needed, inferred), rel=1e-6)


def test_a_limit_on_tokens_decides(sure):
    most = 1e12
    found = bs.plan(sure, flops=C, costs=read_costs({"limits": {"max_tokens": most}}))
    assert found.budgets[0].params == pytest.approx(C / (6 * most), rel=1e-6)
    assert any("1T tokens decides" in text for text in found.warnings)
    loose = bs.plan(sure, flops=C, costs=read_costs({"limits": {"max_tokens": 1e14}}))
    assert loose.budgets[0].params == pytest.approx(best(C), rel=1e-6)


def test_a_limit_on_size_decides(sure):
    made = bs.plan(sure, flops=C, costs=read_costs({"limits": {"max_params": "20B"}}), params="70B")
    assert made.budgets[0].params == pytest.approx(20e9, rel=1e-9)
    assert made.budgets[0].tokens == pytest.approx(C / (6 * 20e9), rel=1e-9)
    assert "own 70B" not in made.budgets[0].names
    assert any("own 70B" in text for text in made.warnings)
    assert any("20B parameters decides" in text for text in made.warnings)


def test_days_leave_money_for_inference(sure):
    # In ten days the farm trains a fifth of the budget; the rest has to go into running it.
    costs = read_costs(
        {"hardware": FARM, "limits": {"max_days": 10}, "inference": {"output_tokens": "1T"}}
    )
    trained = costs.flops_in(10)
    found = bs.plan(sure, flops=5 * trained, costs=costs)
    size, tokens = found.budgets[0].params, found.budgets[0].tokens
    assert 6 * size * tokens == pytest.approx(trained, rel=1e-9)
    assert size == pytest.approx(min(best(trained), 2 * trained / 1e12), rel=1e-6)
    assert any("10 days decides" in text for text in found.warnings)


def test_money_is_a_budget(sure):
    costs = read_costs({"hardware": FARM, "limits": {"max_money": "1M"}})
    found = bs.plan(sure, costs=costs)
    told = json.loads(found.to_json())["plan"]
    assert told["money"] == pytest.approx(1e6)
    assert told["params"] == pytest.approx(best(costs.spend_for(1e6)), rel=1e-6)
    assert told["days"] == pytest.approx(1e6 / 2.0 / 24 / 1000)


def test_limits_cut_budgets_and_targets(fit):
    costs = read_costs({"hardware": FARM, "limits": {"max_money": "10k"}})
    cut = bs.plan(fit, flops=C, costs=costs)
    assert cut.budgets[0].spend == pytest.approx(costs.spend_for(1e4))
    assert any("leave 7.12e21 FLOPs" in text for text in cut.warnings)
    dear = bs.plan(fit, target_loss=2.0, costs=costs)
    assert dear.target.spend is None
    assert "no budget up to 7.12e21 FLOPs" in " ".join(dear.warnings)
    both = read_costs({"limits": {"max_params": "1B", "max_tokens": "100B"}})
    small = bs.plan(fit.law_only(), flops=C, costs=both)
    assert small.budgets[0].p_rising == 0
    assert any("99.9 % of the budget unspent" in text for text in small.warnings)
    assert float(small.budgets[0].choice()["deadweight"].mean()) == pytest.approx(0.99, abs=0.01)


def test_deadweight_is_the_compute_that_would_have_done(sure):
    choice = bs.plan(sure, flops=C, params=["280B", "10B"]).budgets[0].draws.isel(sample=0)
    for name in ("own 280B", "own 10B"):
        n = float(choice.sel(choice=name)["params"])
        reached = loss(n, C / (6 * n))

        def gap(x, reached=reached):
            m = best(np.exp(x))
            return loss(m, np.exp(x) / (6 * m)) - reached

        wasted = 1 - np.exp(brentq(gap, np.log(1e20), np.log(C))) / C
        assert float(choice.sel(choice=name)["deadweight"]) == pytest.approx(wasted, abs=2e-3)
        regret = reached - loss(best(C), C / (6 * best(C)))
        assert float(choice.sel(choice=name)["regret"]) == pytest.approx(regret, abs=1e-8)


@pytest.mark.parametrize("card", ["coupled", "kaplan-ns", "isoflop"])
def test_the_search_agrees_with_what_each_law_says_of_its_optimum(card):
    own = law_fit(card)
    found, best = bs.plan(own, flops=1e22).budgets[0], bs.allocate(own, flops=1e22).draws
    np.testing.assert_allclose(found.draws["optimum_params"], best["params"][:, 0], rtol=1e-4)


def test_several_laws_together_make_one_plan(fit):
    both = bs.average_fits({"one": fit, "other": shifted(fit, A=1.5)}, {"one": 0.5, "other": 0.5})
    sizes = [
        bs.plan(each, flops=1e22).budgets[0].params for each in (fit, both, both.fits["other"])
    ]
    assert sizes == sorted(sizes)
    assert bs.plan(both, target_loss=2.3, confidence=0.6).target.spend > 0


def test_draws_that_want_less_compute_are_told(fit):
    far = bs.plan(fit, flops=1e27)
    flops = np.geomspace(1e24, 1e27, 13)
    losses = bs.allocate(fit, flops=flops).draws["loss"].to_numpy()
    rising = np.mean(losses[:, :-1].min(axis=1) < losses[:, -1])
    assert far.budgets[0].p_rising == pytest.approx(rising, abs=0.02)
    assert rising > 0.02
    assert any("smaller budget would have done better" in text for text in far.warnings)
    assert bs.plan(fit.law_only(), flops=1e27).budgets[0].p_rising == 0


def test_regret_of_every_draw_is_against_its_own_best(fit):
    found = bs.plan(fit, flops=C, params="280B").budgets[0]
    best = bs.allocate(fit, flops=C).draws
    np.testing.assert_allclose(found.draws["optimum_loss"], best["loss"][:, 0], atol=1e-7)
    np.testing.assert_allclose(found.draws["optimum_params"], best["params"][:, 0], rtol=1e-3)
    assert float(found.draws["regret"].min()) >= 0
    means = found.draws["regret"].mean("sample")
    assert float(means.sel(choice="plan")) == pytest.approx(float(means.min()), abs=1e-9)
    extra = found.draws["loss"] - found.draws["optimum_loss"]
    np.testing.assert_allclose(found.draws["regret"], extra.clip(min=0), atol=1e-12)


@pytest.mark.parametrize("risk", ["mean", "quantile:0.9", "cvar:0.9"])
def test_no_other_size_has_less_risk(fit, risk):
    from bayes_scaling.decisions.risk import parse_risk

    found, measure = bs.plan(fit, flops=C, risk=risk).budgets[0], parse_risk(risk)
    others = np.geomspace(found.params / 3, found.params * 3, 101)
    answer = bs.forecast(fit, params=others, tokens=C / (6 * others))
    least = measure(found.choice()["loss"].to_numpy())
    assert least <= measure(answer.draws["loss"].to_numpy()).min() + 1e-9


def test_the_valley_ends_where_regret_reaches_epsilon(fit):
    answer = bs.plan(fit, flops=C, epsilon=0.004, deadweight=0.3)
    found = answer.budgets[0]
    assert found.valley.bound == 0.004
    for n in found.valley.params:
        at = bs.forecast(fit, params=n, tokens=C / (6 * n)).draws["loss"].to_numpy()[:, 0]
        assert np.mean(at) - float(found.draws["optimum_loss"].mean()) == pytest.approx(
            0.004, rel=0.02
        )
    low, high = found.valley.params
    assert low < found.params < high
    assert found.valley.tokens == pytest.approx((C / (6 * high), C / (6 * low)))
    wasted = found.deadweight_valley
    assert wasted.params[0] < found.params < wasted.params[1]


def test_an_empty_valley_says_so(fit):
    answer = bs.plan(fit, flops=C, epsilon=1e-9)
    assert json.loads(answer.to_json())["valley"] == {
        "epsilon": 1e-9,
        "params": None,
        "tokens": None,
    }
    assert any("No size keeps" in text for text in answer.warnings)


def test_the_target_is_reached_with_the_confidence(fit):
    plain = fit.law_only()
    answer = bs.plan(plain, target_loss=2.0, confidence=0.8)
    share = float((answer.budgets[0].choice()["loss"] <= 2.0).mean())
    assert share == pytest.approx(0.8, abs=2 / fit.n_draws)
    surer = bs.plan(plain, target_loss=2.0, confidence=0.95)
    assert surer.target.spend > answer.target.spend
    rising = answer.target.curve["probability"].to_numpy()
    assert np.all(np.diff(rising) >= 0)
    assert rising[0] < 0.8 < rising[-1]


def test_a_target_under_the_floor_is_unreachable(sure):
    answer = bs.plan(sure, target_loss=1.79)
    told = json.loads(answer.to_json())
    assert told["plan"] is None
    assert told["target"] == {"loss": 1.79, "confidence": 0.9, "flops": None}
    assert "Unreachable" in told["warnings"][0]
    assert "irreducible loss lies above the target with probability 1" in told["warnings"][0]


def test_the_drift_widens_a_target_and_the_law_alone_is_beside_it(fit):
    answer = bs.plan(fit, target_loss=2.2, confidence=0.8)
    assert answer.target.spend > answer.target.law_only.spend
    plain = bs.plan(fit.law_only(), target_loss=2.2, confidence=0.8)
    assert plain.target.spend == pytest.approx(answer.target.law_only.spend, rel=1e-9)
    found = bs.plan(fit, flops=C).budgets[0]
    assert found.law_only["loss"].std() < found.choice()["loss"].std()


def test_a_confidence_at_the_edge_of_reach_says_so(fit):
    curve = bs.plan(fit, target_loss=2.1, confidence=0.3).target.curve
    edge = float(curve["probability"].max()) - 0.005
    told = bs.plan(fit, target_loss=2.1, confidence=edge).warnings
    assert any("a little more confidence would be out of reach" in text for text in told)


def test_unique_tokens_need_a_law_of_repeated_data(fit):
    limited = read_costs({"limits": {"unique_tokens": "20B"}})
    with pytest.raises(InputError, match="repeated"):
        bs.plan(fit, flops=C, costs=limited)
    repeated = law_fit("repeated")
    new, again = bs.plan(repeated, flops=1e22), bs.plan(repeated, flops=1e22, costs=limited)
    assert float(again.budgets[0].choice()["loss"].mean()) > float(
        new.budgets[0].choice()["loss"].mean()
    )


def test_json_has_the_keys_that_are_promised(fit):
    costs = read_costs({"hardware": FARM})
    told = json.loads(bs.plan(fit, flops=C, costs=costs).to_json())
    assert list(told) == [
        "objective", "plan", "optimum", "regret", "valley", "alternatives", "target", "warnings",
        "group", "counting", "prob",
    ]  # fmt: skip
    statistics = {"mean", "median", "sd", "lower", "upper"}
    assert list(told["plan"]) == [
        "params", "tokens", "training_flops", "inference_flops", "money", "days", "loss"
    ]  # fmt: skip
    assert set(told["plan"]["loss"]) == set(told["optimum"]["params"]) == statistics
    assert set(told["regret"]["nats"]) == set(told["regret"]["deadweight_compute"]) == statistics
    names = [each["name"] for each in told["alternatives"]]
    assert names == ["20 tokens a parameter", "Kaplan's rule"]
    assert list(told["alternatives"][0]) == ["name", "params", "tokens", "loss", "regret"]
    wasted = told["regret"]["deadweight_compute"]["mean"] * costs.money(C)
    assert told["regret"]["deadweight_money"]["mean"] == pytest.approx(wasted)
    assert told["target"] is None


def test_rules_are_what_they_say(sure):
    rules = bs.plan(sure, flops=1e23).budgets[0].draws
    ratio = rules.sel(choice="20 tokens a parameter")
    assert float(ratio["tokens"] / ratio["params"]) == pytest.approx(20)
    size = float(rules.sel(choice="Kaplan's rule")["params"])
    assert size == pytest.approx(1.3e9 * (1e23 / 8.64e19) ** 0.73)


def test_several_budgets_make_a_list(fit):
    answer = bs.plan(fit, flops=["1e22", "1e23"])
    assert [each["plan"]["training_flops"] for each in json.loads(answer.to_json())] == [
        pytest.approx(1e22), pytest.approx(1e23)
    ]  # fmt: skip
    assert list(answer.table().groupby("flops").size()) == [3, 3]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "give a budget"),
        ({"flops": C, "target_loss": 2.0}, "not both"),
        ({"target_loss": -1.0}, "positive number of nats"),
        ({"target_loss": 2.0, "confidence": 1.0}, "confidence must lie"),
        ({"flops": C, "epsilon": "a bit"}, "epsilon must be"),
        ({"flops": C, "deadweight": 5}, "share between 0 and 1"),
        ({"flops": C, "group": "nobody"}, "unknown group"),
        ({"flops": C, "params": "-3B"}, "params must lie"),
        ({"flops": 1e6}, "a spend of 1M FLOPs allows"),
    ],
)
def test_bad_questions_are_refused(fit, asked, told):
    with pytest.raises(InputError, match=told):
        bs.plan(fit, **asked)


def test_limits_that_leave_no_model_are_named(fit):
    costs = read_costs({"hardware": {**FARM, "devices": 1, "bytes_per_param": "1T"}})
    with pytest.raises(InputError, match=r"limit on size or memory allows at most 0\.08 p"):
        bs.plan(fit, flops=C, costs=costs)


def test_a_plan_is_of_one_group():
    groups = example_fit(groups=3)
    with pytest.raises(InputError, match="choose one of 'dense', 'experts'"):
        bs.plan(groups, flops=C)
    assert bs.plan(groups, flops=C, group="dense").group == "dense"
    assert bs.plan(groups, flops=C, group=bs.NEW_GROUP).budgets[0].params > 0


def test_a_law_that_does_not_split_compute_is_refused():
    with pytest.raises(InputError, match="does not say how to split"):
        bs.plan(law_fit("learning-curve"), flops=C)


def test_tokens_to_match_solve_the_law(sure, fit):
    found = bs.tokens_to_match(sure, params="33B", like=("65B", "600B"))
    short = loss(65e9, 6e11) - E - A * 33e9**-ALPHA
    expected = (short / B) ** (-1 / BETA)
    assert found.table()["median"].iloc[0] == pytest.approx(expected, rel=1e-9)
    assert found.p_never == 0
    never = bs.tokens_to_match(sure, params="1B", like=("65B", "600B"))
    assert never.p_never == 1
    assert json.loads(never.to_json())["median"] is None
    both = bs.tokens_to_match(fit, params="33B", like=("65B", "600B"))
    plain = bs.tokens_to_match(fit.law_only(), params="33B", like=("65B", "600B"))
    assert both.law_only.table().equals(plain.table())
    assert not both.table().equals(plain.table())


def test_lowest_finds_valleys_and_kinks():
    centre = np.array([0.3, -1.2, 4.0])

    def cosh(x):
        return np.cosh(x - centre[:, None])

    x, value = lowest(cosh, np.full(3, -5.0), np.full(3, 5.0), resolution=1e-2)
    np.testing.assert_allclose(x, centre, atol=1e-4)
    np.testing.assert_allclose(value, 1.0, atol=1e-8)
    kink = np.array([0.7])
    x, _ = lowest(
        lambda x: np.abs(x - 0.7), np.array(-3.0), np.array(2.0), resolution=0.5, corners=kink
    )
    assert x == pytest.approx(0.7, abs=1e-12)
