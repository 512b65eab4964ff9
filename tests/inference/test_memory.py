"""Noise with a memory: points of a learning curve, and forecasts from the last of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

import bayes_scaling as bs
from bayes_scaling.errors import CardError
from bayes_scaling.inference import fitting
from bayes_scaling.inference.card import load_card, parse_card
from bayes_scaling.inference.memory import FIRST, NEAREST, links_between
from bayes_scaling.inference.model import build_model, with_runs
from bayes_scaling.inference.pointwise import draws_of, log_likelihood, noise_of, noise_of_runs
from bayes_scaling.inference.quick import _Target
from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss
from bayes_scaling.resources import resource_dir

CARD = "learning-curve-tail"
X = np.geomspace(1e9, 2e10, 31)
LOSS = 2.0 + 1.5 * (X / 1e10) ** -0.4


def runs(loss=LOSS, x=X):
    return bs.read_runs(pd.DataFrame({"params": 1e8, "tokens": x, "loss": loss}))


@pytest.fixture(scope="module")
def question():
    wave = 0.01 * np.sin(np.arange(len(X)) / 4)
    return fitting.prepare(runs(LOSS * np.exp(wave)), CARD)


@pytest.fixture(scope="module")
def fit():
    """A curve whose last points leave the law upwards."""
    away = np.concatenate([np.zeros(26), [0.01, 0.02, 0.03, 0.03, 0.03]])
    # Without noise the scatter has no floor, and the quick engine hands over to minutes of NUTS.
    away += 0.002 * np.random.default_rng(1).standard_normal(len(away))
    return bs.fit(runs(LOSS * np.exp(away)), model=CARD, engine="quick", seed=2, progress=False)


def test_rows_remember_the_one_before_in_their_group():
    log_x = np.log(np.array([4.0, 1.0, 2.0, 3.0, 3.0]))
    links = links_between(log_x, np.array([0, 0, 1, 0, 1]))
    np.testing.assert_array_equal(links.previous, [3, 1, 2, 1, 2])
    np.testing.assert_allclose(links.gap, [np.log(4 / 3), FIRST, FIRST, np.log(3.0), np.log(1.5)])
    assert links_between(np.zeros(2), np.zeros(2, int)).gap[1] == NEAREST


def test_the_likelihood_is_that_of_a_first_order_process(question):
    """Written out with scipy, one row after the other."""
    card, design = question.card, question.design
    draws = draws_of(draw_parameters(card, design, np.random.default_rng(5)))
    law_alone = noise_of(card, design, {k: v for k, v in draws.items() if k != "noise_memory"})
    away, sigma = design.log_loss - law_alone.centre[0], law_alone.scale[0]
    memory, nu = draws["noise_memory"][0], draws["nu"][0]
    expected = [student_t.logpdf(away[0], nu, scale=sigma[0])]
    for i in range(1, len(away)):
        kept = np.exp(
            -(design.log_inputs["tokens"][i] - design.log_inputs["tokens"][i - 1]) / memory
        )
        scale = sigma[i] * np.sqrt(1 - kept**2)
        expected.append(student_t.logpdf(away[i], nu, kept * away[i - 1], scale))
    found = log_likelihood(noise_of(card, design, draws), design.log_loss)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_quick_engine_and_the_model_have_one_density(question):
    target = _Target(card=question.card, design=question.design)
    model = build_model(question.card, question.design)
    logp = model.compile_logp()
    centre, width = target.prior
    z = target.point(np.random.default_rng(4).normal(centre, 0.3 * width, size=(6, len(centre))))
    n, names = len(target.coordinates.names), list(target.shape)
    assert names == ["nu", "noise_memory"]
    theirs = [
        logp(
            {"theta_anchored__": p[None, :n]}
            | {f"{s}_log__": p[n + i] for i, s in enumerate(names)}
        )
        for p in z
    ]
    differences = np.array(theirs) - target(z)
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def test_simulated_rows_remember(question):
    """Over many tables residuals are correlated as the memory says, within 4 standard errors."""
    card, design = question.card, question.design
    parameters = draw_parameters(card, design, np.random.default_rng(1))
    parameters["nu"][:], parameters["noise_memory"][:] = 50.0, 0.5
    law = noise_of_runs(card, design, parameters.drop_vars("noise_memory")).centre[0]
    rng = np.random.default_rng(6)
    away = np.array([simulate_log_loss(card, design, parameters, rng) - law for _ in range(400)])
    gap = float(np.diff(design.log_inputs["tokens"])[0])
    for steps in (1, 3):
        before, after = away[:, :-steps].ravel(), away[:, steps:].ravel()
        found, expected = np.corrcoef(before, after)[0, 1], np.exp(-steps * gap / 0.5)
        # Neighbours are no independent pairs: a table is worth one over the memory of them.
        pairs = 400 * (len(X) * gap / 0.5) / 2
        assert abs(found - expected) < 4 * (1 - expected**2) / np.sqrt(pairs)


def test_a_forecast_starts_where_the_curve_was_last_seen(fit):
    last = fit.data["tokens"].max()
    factors = np.array([1.02, 3.0, 1e4])
    at = list(float(last) * factors)
    whole = np.log(bs.forecast(fit, tokens=at).draws["loss"].to_numpy())
    law = np.log(bs.forecast(fit.law_only(), tokens=at).draws["loss"].to_numpy())
    np.testing.assert_allclose(np.median(whole[:, 0]), np.log(fit.data["loss"].iloc[-1]), atol=5e-3)
    values = fit.parameters("all runs")
    left = np.exp(-np.log(factors) / values["noise_memory"][:, None])
    at_last = np.log(fit.data["loss"].iloc[-1]) - np.log(
        fit.law_only().predict("all runs", {"tokens": np.log([last])})
    )
    drift = values["drift"][:, None] * np.log10(factors)
    np.testing.assert_allclose(whole - law, left * at_last + drift, rtol=1e-9, atol=1e-12)
    assert np.median(whole[:, 0] - law[:, 0]) > 0.01
    scale = fit.run_noise("all runs", {"tokens": np.log(np.array(at))}).scale
    np.testing.assert_allclose(scale, values["sigma"][:, None] * np.sqrt(1 - left**2), rtol=1e-9)


def test_what_is_not_seen_remembers_what_was(fit):
    """The predictive density of hidden rows does not depend on their own losses through others."""
    question = fitting.prepare(runs(), CARD)
    stacked = fit.posterior.stack(sample=("chain", "draw"), create_index=False)
    last = np.arange(len(question.design.log_loss)) >= 10
    seen, hidden = question.design.take(~last).settled(), question.design.take(last)
    centre = noise_of_runs(question.card, hidden.seen_from(seen), stacked).centre
    moved = np.random.default_rng(1).permutation(hidden.log_loss)
    other = type(hidden)(**{**vars(hidden), "log_loss": moved}).seen_from(seen)
    np.testing.assert_array_equal(noise_of_runs(question.card, other, stacked).centre, centre)


def test_only_the_end_of_a_curve_is_fitted():
    kept = fitting.prepare(runs(), CARD).runs
    assert len(kept) == (X.max() / 8 <= X).sum() < len(X)
    few = fitting.prepare(runs(LOSS[::5], X[::5]), CARD).runs
    assert len(few) == 6
    with pytest.raises(CardError, match="near_best or recent"):
        parse_card(_text().replace("recent = 8.0", ""))


def test_a_table_of_other_losses_serves_the_compiled_model(question):
    model = build_model(question.card, question.design)
    given = {}

    class Compiled:
        def with_data(self, **data):
            given.update(data)

    shifted = fitting.prepare(runs(LOSS, X * 2), CARD).design
    with_runs(Compiled(), model, shifted)
    np.testing.assert_array_equal(given["gap"], shifted.links.gap)


def test_a_curve_and_budgets_do_not_go_together():
    text = (
        _text()
        + '\n[varying]\nover = "budget"\n[varying.spread.T]\n'
        + ('distribution = "lognormal"\nmedian = 0.1\nsigma = 0.5\nreason = "none"\n')
    )
    with pytest.raises(CardError, match="budgets"):
        parse_card(text)
    assert load_card(CARD).noise.memory is not None


def _text() -> str:
    return (resource_dir("models") / f"{CARD}.toml").read_text()
