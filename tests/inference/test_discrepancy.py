"""Drift beyond the runs, and noise that changes with compute or leans to one side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from examples import DRIFT, WITHIN, drifting_card, example_fit
from scipy.integrate import quad
from scipy.stats import kstest

import bayes_scaling as bs
from bayes_scaling.cards import Normal
from bayes_scaling.comparison import average_fits, calibrate
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import make_design
from bayes_scaling.inference.invented import invented_runs
from bayes_scaling.inference.pointwise import Noise, log_likelihood, pit


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return drifting_card()


@pytest.fixture(scope="module")
def fit(card):
    return bs.fit(invented_runs(), model=card, engine="quick", draws=1000, progress=False)


_NOISE = {
    name: np.full((1, 1), value)
    for name, value in {"centre": 0.3, "scale": 0.2, "nu": 4.0, "skew": 3.0}.items()
}


def test_lopsided_noise_is_a_distribution():
    rng = np.random.default_rng(1)
    noise = Noise(**_NOISE)

    def density(x: float) -> float:
        return float(np.exp(log_likelihood(noise, np.array([x])))[0, 0])

    assert quad(density, -40, 60, points=[0.3])[0] == pytest.approx(1, abs=1e-6)
    for x in (-0.1, 0.3, 0.8):
        below = quad(density, -40, x, points=[0.3] if x > 0.3 else None)[0]
        assert pit(noise, np.array([x]))[0, 0] == pytest.approx(below, abs=1e-6)
    many = replace(noise, centre=np.full((1, 4000), 0.3))
    assert kstest(pit(noise, many.draw(rng)).ravel(), "uniform").pvalue > 1e-3


def test_lopsided_noise_of_the_model_is_the_numpy_one():
    import pytensor.tensor as pt

    from bayes_scaling.inference.model import _two_sided

    noise = Noise(**_NOISE)
    x = np.array([-0.4, 0.1, 0.29, 0.31, 0.8, 2.0])
    given = (float(_NOISE[name][0, 0]) for name in ("nu", "centre", "scale", "skew"))
    density = _two_sided(pt.as_tensor(x), *map(pt.as_tensor, given)).eval()
    np.testing.assert_allclose(density, log_likelihood(noise, x)[0], rtol=1e-6)


def test_drift_is_none_at_the_runs_and_grows_beyond(fit):
    flops = fit.columns["flops"].max()
    plain = fit.law_only()
    inside, beyond = flops / 10, flops * np.array([1.0, 10.0, 100.0, 1e4])
    for each in (inside, *beyond):
        tokens = float(each / 6 / 1e9)
        at = {"params": np.log([1e9]), "tokens": np.log([tokens])}
        gap = np.log(fit.predict("all runs", at) / plain.predict("all runs", at))
        u = max(0.0, np.log10(each / flops) + WITHIN)
        theta = fit.parameters("all runs")
        if u == 0:
            np.testing.assert_array_equal(gap, 0)
            continue
        # The drift of the loss, and the share of it that the terms' own drift makes.
        E, A, B = (theta[name] for name in ("E", "A", "B"))
        N, D = 1e9 ** -theta["alpha"], tokens ** -theta["beta"]
        moved = E + A * np.exp(u * theta["drift_A"]) * N + B * np.exp(u * theta["drift_B"]) * D
        expected = u * theta["drift"] + np.log(moved / (E + A * N + B * D))
        np.testing.assert_allclose(gap[:, 0], expected, rtol=1e-6, atol=1e-12)


def test_law_only_narrows_answers_beyond_the_runs(fit):
    far = 1e3 * fit.columns["flops"].max()
    both = [
        bs.forecast(each, params=1e10, flops=far).draws["loss"] for each in (fit, fit.law_only())
    ]
    carried, without = (float(np.log(each).var()) for each in both)
    drift = fit.parameters("all runs")["drift"]
    # The drift of the loss is nearly independent of the law's own answer, and adds to it.
    assert carried > without + 0.5 * drift.var() * (3 + WITHIN) ** 2
    assert drift.std() < DRIFT, "the costliest runs have something to say about it"
    plans = [bs.allocate(each, flops=far).draws["params"] for each in (fit, fit.law_only())]
    assert np.log(plans[0]).std() > np.log(plans[1]).std()


def test_a_group_without_runs_drifts_beyond_those_of_all_groups():
    fit = example_fit(groups=3)
    moved = fit.reaching(fit.groups[0], 1e24)
    at = {"params": np.log([5e9, 1e12]), "tokens": np.log([1e12, 1e14])}  # 3e22 and 6e26 FLOPs
    law, near, far = (f.predict(bs.NEW_GROUP, at) for f in (fit.law_only(), fit, moved))
    np.testing.assert_allclose(far[:, 0], law[:, 0], rtol=1e-12)
    assert np.std(np.log(near[:, 0] / law[:, 0])) > 0.005
    assert np.std(np.log(far[:, 1] / law[:, 1])) > 0.005


def test_the_exponent_of_a_drifting_plan_is_its_slope(fit):
    far = 1e3 * fit.columns["flops"].max()
    budgets = np.array([far, far * 1.01])
    params, _ = fit.optimum("all runs", budgets)
    a, b = fit.allocation_exponents("all runs", budgets[:1])
    np.testing.assert_allclose(a[:, 0], np.diff(np.log(params))[:, 0] / np.log(1.01), rtol=1e-6)
    theta = fit.parameters("all runs")
    total = theta["alpha"] + theta["beta"]
    closed = (theta["beta"] + (theta["drift_A"] - theta["drift_B"]) / np.log(10)) / total
    np.testing.assert_allclose(a[:, 0], closed, rtol=1e-4)
    np.testing.assert_allclose(a + b, 1)


def test_drift_survives_saving_and_averaging(fit, tmp_path):
    far = {"params": 1e10, "flops": 1e3 * fit.columns["flops"].max()}
    again = bs.load_fit(fit.save(tmp_path / "fit.nc"))
    expected = bs.forecast(fit, **far).draws["loss"].to_numpy()
    np.testing.assert_array_equal(bs.forecast(again, **far).draws["loss"].to_numpy(), expected)
    mixed = average_fits({"one": fit, "other": again}, {"one": 1.0, "other": 0.0})
    np.testing.assert_array_equal(bs.forecast(mixed, **far).draws["loss"].to_numpy(), expected)
    narrow = bs.forecast(mixed.law_only(), **far).draws["loss"].to_numpy()
    assert narrow.std() < expected.std()


def test_noise_of_a_far_run_follows_its_slope(fit):
    theta = fit.parameters("all runs")
    x = {"params": np.log([1e10]), "tokens": np.log([1e12])}
    typical = sum(fit.reference.log_inputs[name] for name in x)
    decades = (np.log(1e10) + np.log(1e12) - typical) / np.log(10)
    np.testing.assert_allclose(
        fit.run_noise("all runs", x).scale[:, 0],
        theta["sigma"] * np.exp(theta["sigma_slope"] * decades),
    )


def test_ranks_of_drift_slope_and_skew_are_uniform(card):
    design = make_design(invented_runs(), (), card)
    result = calibrate(card, design, simulations=40, engine="quick", seed=3)
    p = result.p_values()
    assert any("drift_A" in name for name in p) and any("sigma_slope" in name for name in p)
    assert min(p.values()) > 1e-3 / len(p)
    # A drift eight times as large as the card expects lies outside its intervals.
    wide = Normal(distribution="normal", mean=0, sigma=8 * DRIFT, reason="of a test")
    truth = card.model_copy(update={"priors": {**card.priors, "drift": wide}})
    assert _coverage_of_drift(card, truth, design) < 0.9 - 4 * np.sqrt(0.09 / 40)


def _coverage_of_drift(card: ModelCard, truth: ModelCard, design) -> float:
    from bayes_scaling.inference.quick import QuickError, quick_sample
    from bayes_scaling.inference.sample import Effort
    from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss

    at, inside = card.parameter_names.index("drift"), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        true = draw_parameters(truth, design, rng)
        table = replace(design, log_loss=simulate_log_loss(truth, design, true, rng))
        try:
            drawn = quick_sample(card, table, Effort(draws=250, tune=1), seed=seed).tree[
                "posterior"
            ]
        except QuickError:
            continue  # too surprising a table for this engine; NUTS would be slow for a test
        low, high = np.quantile(drawn["theta"].to_numpy()[..., 0, at], [0.05, 0.95])
        inside.append(low <= float(true["theta"].to_numpy()[0, 0, at]) <= high)
    assert len(inside) > 30
    return float(np.mean(inside))


def test_a_card_with_a_discrepancy_needs_its_priors(card):
    bare = card.model_dump(mode="json")
    bare["priors"] = {k: v for k, v in bare["priors"].items() if not k.startswith("drift")}
    with pytest.raises(ValueError, match="missing drift, drift_A, drift_B"):
        ModelCard.model_validate(bare)
