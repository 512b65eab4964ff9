"""Laws side by side, on small posteriors that were not sampled."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import TRUTH, example_fit, example_runs, shifted

import bayes_scaling as bs
from bayes_scaling.comparison import average_fits, compare, kaplan_or_chinchilla
from bayes_scaling.comparison.counted import exponent_as_counted
from bayes_scaling.comparison.extrapolation import HeldOut, largest_runs, stacked
from bayes_scaling.comparison.plans import pair_verdicts, plan_difference, verdict
from bayes_scaling.comparison.terms import default_group
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import NEW_GROUP, Fit
from bayes_scaling.laws import get_law
from bayes_scaling.runs.flops import total_params


@pytest.fixture(scope="module")
def fit():
    return example_fit()


def point_mass(fit: Fit, **values) -> Fit:
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    sure = {name: posterior[name] * 0 + value for name, value in {**TRUTH, **values}.items()}
    tree["posterior"] = posterior.assign(sure)
    return Fit(tree)


def test_the_loo_of_a_fit_and_its_copy_tie_and_weights_sum_to_one(fit):
    result = compare({"one": fit, "same": shifted(fit)})
    assert list(result.loo["difference"]) == pytest.approx([0.0, 0.0])
    assert sum(result.weights().values()) == pytest.approx(1.0)
    assert result.loo["elpd_loo"].iloc[0] == pytest.approx(float(fit.tree["loo"]["elpd"].sum()))


def test_a_law_that_predicts_worse_loses_by_the_difference_of_the_scores(fit):
    tree = fit.tree.copy()
    worse = tree["log_likelihood"].to_dataset() - 0.5
    tree["log_likelihood"] = worse
    result = compare({"good": fit, "bad": Fit(tree)})
    assert list(result.loo.index) == ["good", "bad"]
    assert result.loo.loc["bad", "difference"] == pytest.approx(0.5 * fit.n_runs, rel=1e-6)
    assert result.weights()["good"] > 0.99


def test_plans_of_known_laws_differ_by_what_they_do(fit):
    one, other = point_mass(fit), point_mass(fit, A=2 * TRUTH["A"])
    plan = plan_difference(("one", "other"), (one, other), "all runs", 1e22, 1.25)
    # G = (alpha A / (beta B))^(1 / (alpha + beta)): doubling A multiplies the size.
    expected = 2 ** (1 / (TRUTH["alpha"] + TRUTH["beta"]))
    np.testing.assert_allclose(plan.ratio, expected, rtol=1e-9)
    assert plan.probability == 1.0
    assert plan.verdict == "differs"
    law = get_law("chinchilla")
    size = law.optimum(1e22, {k: np.array(v) for k, v in TRUTH.items()})[0]
    best = law.loss(size, 1e22 / 6 / size, **TRUTH)
    followed = law.loss(expected * size, 1e22 / 6 / (expected * size), **TRUTH)
    np.testing.assert_allclose(plan.loss_if_one_holds, followed - best, rtol=1e-6)
    assert plan_difference(("a", "b"), (one, one), "all runs", 1e22, 1.25).verdict == verdict(0.0)


def test_verdicts_are_three_way():
    assert [verdict(p) for p in (0.95, 0.5, 0.05)] == [
        "differs",
        "undecided",
        "does not differ in practice",
    ]


def test_an_average_has_draws_in_proportion_to_the_weights(fit):
    low, high = point_mass(fit, E=1.5), point_mass(fit, E=2.5)
    low, high = low.law_only(), high.law_only()
    mixed = average_fits({"low": low, "high": high}, {"low": 0.25, "high": 0.75})
    loss = bs.forecast(mixed, params="1B", tokens="20B").draws["loss"].to_numpy().ravel()
    assert np.mean(loss > 2.3) == pytest.approx(0.75, abs=1e-3)
    plan = bs.allocate(mixed, flops="1e22")
    # A plan's loss is that of the law which made the plan.
    at = bs.allocate(low, flops="1e22").draws["loss"].to_numpy().mean()
    np.testing.assert_allclose(plan.draws["loss"].min(), at, rtol=1e-9)
    np.testing.assert_allclose(plan.draws["loss"].max(), at + 1.0, rtol=1e-9)
    assert "0.25" in repr(mixed)


def test_a_weight_of_one_gives_the_fit_itself(fit):
    mixed = average_fits({"it": fit, "other": point_mass(fit)}, {"it": 1.0, "other": 0.0})
    alone, averaged = (bs.forecast(each, params="7B", tokens="1T").table() for each in (fit, mixed))
    pd.testing.assert_frame_equal(alone, averaged)


def test_weights_at_scale_are_those_of_the_best_mixture():
    rng = np.random.default_rng(4)
    elpd = np.log(rng.gamma(2.0, size=(3, 12)))
    elpd[2] -= 5.0
    held = {
        name: HeldOut(elpd=values, error=values, decades=1.0)
        for name, values in zip("abc", elpd, strict=True)
    }
    weights = np.array(list(stacked(held).values()))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] < 1e-6

    def score(first):
        return np.log(np.array([first, 1 - first, 0]) @ np.exp(elpd)).sum()

    grid = np.linspace(0, 1, 1001)
    assert weights[0] == pytest.approx(grid[np.argmax([score(w) for w in grid])], abs=2e-3)


def test_weights_at_scale_need_runs_that_were_held_out(fit):
    result = compare({"one": fit, "two": shifted(fit, A=1.1)})
    with pytest.raises(InputError, match="no runs were held out"):
        result.average("held-out")
    with pytest.raises(InputError, match="known: 'loo', 'held-out'"):
        result.weights("best")
    held = {
        name: HeldOut(elpd=np.full(3, value), error=np.zeros(3), decades=1.0)
        for name, value in (("one", 0.0), ("two", -1.0))
    }
    at_scale = replace(result, held_out=held)
    assert at_scale.average("held-out").weights["one"] > 0.99
    assert at_scale.table().loc["one", "weight_extrapolation"] > 0.99
    assert json.loads(at_scale.to_json())["laws"][0]["weight_extrapolation"] is not None


def test_the_largest_runs_stay_together_and_leave_enough():
    flops = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 9]) * 1e20
    assert list(np.flatnonzero(largest_runs(flops, 0.1))) == [8, 9]
    assert largest_runs(flops, 0.4).sum() == 4
    for share, message in ((0.0, "between 0 and 1"), (1.0, "between"), (0.7, "Hold out fewer")):
        with pytest.raises(InputError, match=message):
            largest_runs(flops, share)


def test_a_law_in_kaplans_units_has_nearly_kaplans_exponent():
    """Pearce and Song 2024: 0.78 and 0.74 over Kaplan's range of compute."""
    law = get_law("chinchilla")
    kaplans = (10**12.95, 10**20.7)
    for published, expected in zip(law.published, (0.74, 0.78), strict=True):
        theta = {name: np.array([value]) for name, value in published.values.items()}
        found = exponent_as_counted(law, theta, kaplans)
        # They take the best of 20 sizes, which we do not.
        assert found[0] == pytest.approx(expected, abs=0.02), published.key
        a, _ = law.exponents(theta)
        # Far above the embeddings nothing is left of the effect.
        far = exponent_as_counted(law, theta, (1e30, 1e32))
        assert far[0] == pytest.approx(a[0], abs=0.01)
        counted = exponent_as_counted(law, theta, kaplans, last_layer=True)
        assert counted[0] > a[0] + 0.1


def test_other_runs_and_other_counting_are_refused(fit):
    tree = fit.tree.copy()
    tree.attrs = {**tree.attrs, "runs_hash": "other"}
    with pytest.raises(InputError, match="different runs"):
        compare({"one": fit, "other": Fit(tree)})
    tree = fit.tree.copy()
    tree.attrs = {**tree.attrs, "counting": "N non-embedding, C 6ND"}
    with pytest.raises(InputError, match="count differently"):
        compare({"one": fit, "other": Fit(tree)})
    with pytest.raises(InputError, match="two fits or more"):
        compare({"one": fit})
    with pytest.raises(InputError, match="weights must be"):
        average_fits({"one": fit, "two": fit}, {"one": 1.0})
    with pytest.raises(InputError, match="factor must be above 1"):
        compare({"one": fit, "two": fit}, factor=0.5)


def test_a_study_refuses_before_it_samples():
    with pytest.raises(InputError, match="too few for this study"):
        kaplan_or_chinchilla(example_runs())
    with pytest.raises(InputError, match="must lie between 0 and 1"):
        kaplan_or_chinchilla(example_runs(n_sizes=6), hold_out=1.5)


def test_a_study_of_runs_without_embeddings_adds_them(monkeypatch):
    asked = []

    def stop(question, *_, **__):
        asked.append(question.runs)
        raise InterruptedError

    module = sys.modules["bayes_scaling.comparison.kaplan_or_chinchilla"]
    monkeypatch.setattr(module, "sample_fit", stop)
    table = example_runs(n_sizes=6).table
    with pytest.raises(InterruptedError):
        kaplan_or_chinchilla(bs.read_runs(table, counting="non-embedding"), progress=False)
    (runs,) = asked
    assert runs.counting.params == "total"
    np.testing.assert_allclose(runs.params, total_params(table["params"].to_numpy()))


def test_json_has_the_promised_keys(fit):
    value = json.loads(compare({"one": fit, "two": shifted(fit, A=1.1)}, flops="1e23").to_json())
    assert set(value["laws"][0]) >= {
        "name", "elpd_loo", "se", "weight", "elpd_extrapolation", "a", "b",
    }  # fmt: skip
    assert set(value["laws"][0]["a"]) == {"mean", "median", "sd", "lower", "upper", "prob"}
    assert [pair["flops"] for pair in value["pairwise"]] == [1e23]
    assert value["verdicts"]


def with_an_influential_run(fit: Fit) -> Fit:
    """The fit, with a first run that a few draws fit far better than all others do."""
    tree = fit.tree.copy()
    seen = tree["log_likelihood"].to_dataset().copy(deep=True)
    heavy = np.random.default_rng(1).exponential(3.0, size=seen["log_loss"].shape[:2])
    seen["log_loss"][..., 0] = -heavy
    tree["log_likelihood"] = xr.DataTree(seen)
    return Fit(tree)


def test_runs_that_cannot_be_left_out_are_told_and_not_warned_about():
    fits = {"one": example_fit(), "two": with_an_influential_run(example_fit())}
    comparison = compare(fits)
    assert comparison.loo.loc["two", "unreliable"] >= 1
    assert "Pareto k above 0.7" in comparison.verdicts()[0]


def test_one_sentence_a_pair_of_laws(fit):
    plans = compare({"one": fit, "same": fit, "far": shifted(fit, A=3.0)}).plans
    first, second, third = pair_verdicts(plans)
    assert first.startswith("The sizes that one and same call for do not differ in practice at ")
    assert "that one and far call for differ at " in second
    assert third.count("FLOPs") == 1
    assert first.endswith("(within a factor of 1.25 they count as the same).")


def test_plans_are_of_a_group_that_every_law_knows():
    labels = np.array(["b", "a", "b"])
    assert default_group(labels, pooled=True) == NEW_GROUP
    assert default_group(labels, pooled=False) == "b"
    assert default_group(labels[:1], pooled=True) == "b"


def test_questions_are_refused_before_the_largest_runs_are_fitted(fit, monkeypatch):
    def no_sampling(*arguments, **settings):
        raise AssertionError("the sampler was started")

    monkeypatch.setattr("bayes_scaling.inference.sample.SAMPLERS", {"nutpie": no_sampling})
    fits = {"one": fit, "two": fit}
    for wrong in ({"prob": 2}, {"factor": 1}, {"flops": "no"}, {"group": "nobody"}):
        with pytest.raises(InputError):
            compare(fits, hold_out=0.2, **wrong)
