"""The planner's mathematics against Python's, number by number, and the page that holds it."""

import html
import json
import re
from dataclasses import asdict

import numpy as np
import pytest
from examples import example_fit, law_fit
from pages import Page
from planner import best_params, in_node, losses_of, page_of, tokens_of

from bayes_scaling.decisions import load_costs, plan
from bayes_scaling.decisions.risk import parse_risk
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import NEW_GROUP, Fit
from bayes_scaling.report import render_planner, write_planner
from bayes_scaling.report.planner import N_DRAWS, thinned
from bayes_scaling.report.planner_laws import COLUMNS, FORMS, page_draws
from bayes_scaling.units import format_quantity

CARDS = ("chinchilla", "chinchilla-tied", "coupled-informed", "kaplan-nd", "shape")
RISKS = tuple(map(parse_risk, ("mean", "quantile:0.8", "cvar:0.873")))
NASTY = "</script><script>alert(1)</script> & 'x' `${y}` \\"


def small_fit(card: str, groups: int = 1) -> Fit:
    """A fit of few draws: what a check costs, each draw adds to."""
    return law_fit(card, groups, n_draws=50)


def drifting() -> Fit:
    return law_fit("coupled-informed")


def every(fit: Fit) -> np.ndarray:
    return np.arange(fit.n_draws)


def test_every_form_is_tried():
    assert {small_fit(card).law.name for card in CARDS} == set(FORMS)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("alone", [False, True])
def test_the_loss_of_every_draw_is_pythons(card, alone):
    fit = small_fit(card).law_only() if alone else small_fit(card)
    group = fit.groups[0]
    params, tokens = np.array([1e8, 7e10, 3e12]), np.array([2e9, 1.4e12, 6e13])
    found = in_node(
        "given.at.map(([n, d]) => planner.losses(given.draws, n, d))",
        **page_of(fit, group, every(fit)), at=np.log([params, tokens]).T,
    )  # fmt: skip
    expected = fit.predict(group, {"params": np.log(params), "tokens": np.log(tokens)})
    np.testing.assert_allclose(np.transpose(found), expected, rtol=1e-12)


def test_an_unseen_group_drifts_beyond_the_edges_of_all():
    fit = small_fit("coupled-informed", 3)
    params, flops = np.array([7e10]), 1e24
    found = in_node(
        "planner.losses(given.draws, given.n, planner.logTokens(given.n, given.budget))",
        **page_of(fit, NEW_GROUP, every(fit)),
        n=np.log(params[0]), budget={"flops": flops, "inference": 1e12},
    )  # fmt: skip
    expected = losses_of(fit, NEW_GROUP, every(fit), params, flops, 1e12)
    np.testing.assert_allclose(found, expected[:, 0], rtol=1e-12)


def test_single_precision_is_enough():
    """The page holds 32-bit numbers: far less is lost than the 1 % that it promises."""
    fit = drifting()
    draws = {k: v.astype(np.float32) for k, v in page_draws(fit, fit.groups[0], every(fit)).items()}
    found = in_node(
        "planner.losses(given.draws, Math.log(7e10), Math.log(1.4e12))",
        **page_of(fit, fit.groups[0], every(fit)) | {"draws": draws},
    )  # fmt: skip
    at = {"params": np.log([7e10]), "tokens": np.log([1.4e12])}
    np.testing.assert_allclose(found, fit.predict(fit.groups[0], at)[:, 0], rtol=3e-6)


@pytest.mark.parametrize("card", CARDS)
def test_the_optimum_of_every_draw_is_pythons(card):
    fit = small_fit(card)
    found = in_node(
        "planner.optima(given.draws, {flops: 5.76e23, inference: 0})",
        **page_of(fit, fit.groups[0], every(fit)),
    )
    expected, _ = fit.optimum(fit.groups[0], np.array([5.76e23]))
    # Laws without a closed form in Python are searched there to some 1e-6.
    np.testing.assert_allclose(np.exp(found), expected[:, 0], rtol=1e-5)


def test_the_optimum_under_inference_is_where_no_other_size_is_better():
    fit = drifting()
    chosen, budget = np.arange(0, fit.n_draws, 300), {"flops": 1e24, "inference": 1e13}
    found = in_node(
        "planner.optima(given.draws, given.budget)",
        **page_of(fit, fit.groups[0], chosen), budget=budget,
    )  # fmt: skip
    for draw, size in zip(chosen, np.exp(found), strict=True):
        one = best_params(fit, fit.groups[0], np.array([draw]), *budget.values(), RISKS[0])
        assert size == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("risk", RISKS, ids=str)
@pytest.mark.parametrize("inference", [0.0, 1e13])
def test_the_plan_has_the_least_risk(risk, inference):
    fit = drifting()
    chosen, flops = thinned(fit), 1e24
    group, budget = fit.groups[0], {"flops": flops, "inference": inference}
    found = in_node(
        "planner.plan(given.draws, given.budget, given.risk, 0.9)",
        **page_of(fit, group, chosen), budget=budget, risk=asdict(risk),
    )  # fmt: skip
    expected = best_params(fit, group, chosen, flops, inference, risk)
    # A quantile of draws is not smooth: sizes this near are as good.
    assert found["params"] == pytest.approx(expected, rel=2e-2 if risk.level else 1e-4)
    sizes = np.array([found["params"], expected])
    losses = losses_of(fit, group, chosen, sizes, flops, inference)
    np.testing.assert_allclose(*np.quantile(losses, 0.5, axis=0), rtol=1e-4)
    assert found["tokens"] == pytest.approx(tokens_of(sizes[0], flops, inference), rel=1e-9)
    assert found["flops"]["training"] + found["flops"]["inference"] == pytest.approx(flops)
    quantiles = np.quantile(losses[:, 0], [0.5, 0.05, 0.95])
    np.testing.assert_allclose([*found["loss"].values()], quantiles, rtol=1e-9)
    assert 0 <= found["regret"]["lower"] <= found["regret"]["mean"]


LIMITS = {
    "tokens": ({"max_tokens": "400B"}, {"maxTokens": 4e11}),
    "params": ({"max_params": "10B"}, {"maxParams": 1e10}),
    "days": ({"max_days": "10"}, {"trainable": 10 * 86400 * 1e17}),
    "all": (
        {"max_tokens": "400B", "max_params": "10B", "max_days": "1"},
        {"maxTokens": 4e11, "maxParams": 1e10, "trainable": 86400 * 1e17},
    ),
}


@pytest.mark.parametrize("risk", RISKS, ids=str)
@pytest.mark.parametrize("inference", [0.0, 1e12])
@pytest.mark.parametrize("which", LIMITS)
def test_the_page_limits_plans_as_the_command_does(which, inference, risk):
    limits, given = LIMITS[which]
    fit = small_fit("coupled-informed")
    found = in_node(
        "planner.plan(given.draws, given.budget, given.risk, 0.9)",
        **page_of(fit, fit.groups[0], every(fit)), risk=asdict(risk),
        budget={"flops": 1e24, "inference": inference, "served": 4 * inference, **given},
    )  # fmt: skip
    costs = load_costs(
        hardware={"peak_flops": 2.5e17, "utilisation": 0.4, "devices": 1},
        inference={"output_tokens": inference, "output_utilisation": 0.1}, limits=limits,
    )  # fmt: skip
    answer = json.loads(plan(fit, flops=1e24, costs=costs, risk=risk).to_json())
    near = 2e-2 if risk.kind == "quantile" else 1e-3
    for name in ("params", "tokens"):
        assert found[name] == pytest.approx(answer["plan"][name], rel=near)
    for key in ("median", "lower", "upper"):
        assert found["loss"][key] == pytest.approx(answer["plan"]["loss"][key], rel=1e-4)


def test_limits_are_read_as_they_are_typed():
    texts = ["", " ", "70B", "1.4t", "5.76e23", "12", "7e2 k", "many", "-3", "B"]
    found = in_node("given.texts.map((text) => planner.parseQuantity(text))", texts=texts)
    # JSON has neither infinities nor NaN.
    assert found == [None, None, 7e10, 1.4e12, 5.76e23, 12, 7e5, None, None, None]
    whether = in_node("given.texts.map((t) => planner.parseQuantity(t) > 0)", texts=texts)
    assert whether == [True] * 7 + [False] * 3


@pytest.mark.parametrize("risk", RISKS, ids=str)
@pytest.mark.parametrize("inference", [0.0, 1e13])
def test_the_page_plans_as_the_command_does(risk, inference):
    fit = small_fit("coupled-informed")
    found = in_node(
        "planner.plan(given.draws, given.budget, given.risk, 0.9)",
        **page_of(fit, fit.groups[0], every(fit)),
        budget={"flops": 1e24, "inference": inference}, risk=asdict(risk),
    )  # fmt: skip
    costs = load_costs(inference={"output_tokens": inference})
    answer = json.loads(plan(fit, flops=1e24, costs=costs, risk=risk).to_json())
    near = 2e-2 if risk.kind == "quantile" else 1e-3
    for name in ("params", "tokens"):
        assert found[name] == pytest.approx(answer["plan"][name], rel=near)
        for key in ("median", "lower", "upper"):
            best = answer["optimum"][name][key]
            assert found["optimum"][name][key] == pytest.approx(best, rel=1e-3)
    for key in ("median", "lower", "upper"):
        assert found["loss"][key] == pytest.approx(answer["plan"]["loss"][key], rel=1e-4)
    regret = answer["regret"]["nats"]["mean"]
    assert found["regret"]["mean"] == pytest.approx(regret, rel=near, abs=1e-6)
    for name in ("training", "inference"):
        expected = answer["plan"][f"{name}_flops"]
        assert found["flops"][name] == pytest.approx(expected, rel=near)


def test_a_point_mass_is_planned_as_the_law_says():
    fit = example_fit()
    one = np.zeros(5, dtype=int)
    found = in_node(
        "planner.plan(given.draws, {flops: 5.76e23, inference: 0}, given.risk, 0.9)",
        **page_of(fit, fit.groups[0], one), risk=asdict(RISKS[2]),
    )  # fmt: skip
    params, tokens = fit.optimum(fit.groups[0], np.array([5.76e23]))
    assert found["params"] == pytest.approx(params[0, 0], rel=1e-6)
    assert found["tokens"] == pytest.approx(tokens[0, 0], rel=1e-6)
    assert found["regret"]["mean"] == pytest.approx(0, abs=1e-9)


def test_days_and_hours_are_those_of_costs():
    given = {"peak": 989.4e12, "utilisation": 0.4, "devices": 1024}
    work = in_node("planner.work(5.76e23, given.hardware)", hardware=given)
    costs = load_costs(
        hardware={"name": "h100-sxm", "utilisation": 0.4, "devices": 1024, "price": 2}
    )
    assert work["days"] == pytest.approx(costs.days(5.76e23))
    assert 2 * work["hours"] == pytest.approx(costs.money(5.76e23))


def test_a_budget_that_inference_uses_up_is_no_budget():
    runs = {"params": 1e8, "tokens": 1e9}
    found = in_node(
        "given.inference.map((t) => planner.feasible({flops: 1e20, inference: t}, given.runs))",
        inference=[0, 4.9e14, 5.1e14], runs=runs,
    )  # fmt: skip
    assert found == [True, True, False]


def test_numbers_are_written_as_everywhere():
    values = [1.0, 999.9, 7.84, 12345, 999.9e6, 7e10, 1.4e12, 5.76e23, 9.999e14, 1e15, 3.2e-5, 0.25]
    found = in_node("given.values.map((x) => planner.formatQuantity(x))", values=values)
    assert found == [format_quantity(value) for value in values]


def test_draws_are_thinned_evenly_over_all_of_them():
    chosen = thinned(example_fit())
    assert len(chosen) == N_DRAWS
    assert chosen[[0, -1]].tolist() == [0, example_fit().n_draws - 1]
    assert set(np.diff(chosen)) <= {3, 4, 5}
    assert len(thinned(example_fit(n_draws=50))) == 200


def test_a_fit_without_drift_has_none_in_the_page():
    fit = drifting().law_only()
    columns = page_draws(fit, fit.groups[0], thinned(fit))
    assert tuple(columns) == COLUMNS
    assert not any(columns[name].any() for name in COLUMNS if name.startswith("drift"))
    assert "control-drift" not in Page(render_planner(fit)).ids
    assert "control-drift" in Page(render_planner(drifting())).ids


def named(name: str) -> Fit:
    """A fit of two groups, one of that name."""
    tree = example_fit(groups=2).tree.copy(deep=True)
    for key in ("posterior", "convergence"):
        tree[key] = tree[key].to_dataset().assign_coords(group=[name, "other"])
    tree.attrs["levels"] = json.dumps([[name, "other"]])
    return Fit(tree)


@pytest.mark.parametrize("name", [NASTY, "p1004", "p0"])
def test_names_of_groups_are_text(name):
    page = render_planner(named(name))
    assert "<script>alert" not in page
    (escaped,) = re.findall(r"const docs_json = '(.*)';", page)
    (document,) = json.loads(html.unescape(escaped.replace("\\\\", "\\"))).values()
    assert json.dumps([name, name]) in json.dumps(document)  # a choice and what it shows


def test_the_page_stands_alone_and_is_always_the_same():
    page = render_planner(example_fit(groups=2))
    parsed = Page(page)
    assert page == render_planner(example_fit(groups=2))
    assert not parsed.loads
    assert len(set(parsed.ids)) == len(parsed.ids)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'")
    assert "connect-src" not in policy
    assert len(page) < 2_500_000


def test_a_page_is_written(tmp_path):
    path = write_planner(example_fit(), tmp_path / "planner.html", flops="5.76e23")
    assert "Which N and D for this budget?" in Page(path.read_text(encoding="utf-8")).text


def test_other_laws_are_refused_in_words():
    with pytest.raises(InputError, match=r"cannot compute the law 'farseer'; it knows chinchilla"):
        render_planner(small_fit("farseer"))
    with pytest.raises(InputError, match="unknown group"):
        render_planner(example_fit(), group="nobody")
    with pytest.raises(InputError, match="flops"):
        render_planner(example_fit(), flops="a lot")
