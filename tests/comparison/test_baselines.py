"""Baselines of back-tests: Huber least squares, the best run, and the conformal cone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from examples import TRUTH, example_runs

from bayes_scaling.comparison.cone import LEARNED, PROBS, cone_slopes, half_widths
from bayes_scaling.comparison.cuts import make_cuts
from bayes_scaling.comparison.methods import METHODS, Part, Problem
from bayes_scaling.inference.huber import bootstrap, fit_huber, log_law

pytestmark = pytest.mark.usefixtures("few_starts")


def part_of(runs):
    return Part(
        log_params=np.log(runs.params),
        log_tokens=np.log(runs.tokens),
        log_loss=np.log(runs.loss),
        log_x=np.log(runs.flops),
    )


def split(runs, share=0.6):
    labels = pd.Series(["all"] * len(runs))
    (cut,) = make_cuts(runs.flops, labels, shares=[share], limits=()).cuts
    part = part_of(runs)
    return part.take(cut.fitted), part.take(cut.held)


def test_huber_finds_the_truth_and_its_bootstrap_scatters_around_it():
    runs = example_runs(n_sizes=10, n_ratios=8)
    stacked = part_of(runs).stacked
    fit = fit_huber(stacked)
    at = np.log(np.array([1e9])), np.log(np.array([2e10]))
    truth = np.log(
        TRUTH["E"] + TRUTH["A"] * 1e9 ** -TRUTH["alpha"] + TRUTH["B"] * 2e10 ** -TRUTH["beta"]
    )
    assert log_law(fit.theta, *at)[0] == pytest.approx(truth, abs=0.005)
    again = log_law(bootstrap(stacked, fit.theta, resamples=20, seed=1), *at)
    assert 0 < again.std() < 0.01


@pytest.mark.parametrize("name", ["huber", "best-run", "cone"])
def test_baselines_look_at_no_held_out_loss(name, monkeypatch):
    monkeypatch.setattr("bayes_scaling.comparison.baselines.RESAMPLES", 20)
    fitted, held = split(example_runs())
    blind = replace(held, log_loss=np.full(len(held), np.nan))
    predict = METHODS[name].predict
    seen = predict(Problem(fitted=fitted, held=held, seed=7)).draws
    assert np.array_equal(seen, predict(Problem(fitted=fitted, held=blind, seed=7)).draws)
    assert seen.shape[1] == len(held)
    assert np.all(np.isfinite(seen))
    assert np.abs(np.median(seen, axis=0) - held.log_loss).max() < 0.2


def test_the_cone_grows_with_distance_and_learns_from_other_groups():
    others = tuple((split(example_runs(seed=s)),) for s in (1, 2, 3))
    slopes = cone_slopes(others)
    assert np.all(np.diff(slopes) >= 0)
    fitted, held = split(example_runs(seed=4))
    widths = half_widths(slopes, np.full(10, 0.001), np.array([0.1, 1.0, 2.0]))
    assert np.all(np.diff(widths, axis=1) >= 0)
    assert np.all(np.diff(widths, axis=0) >= 0)
    cone = METHODS["cone"].predict
    learned = cone(Problem(fitted=fitted, held=held, others=others))
    constant = cone(Problem(fitted=fitted, held=held, others=others[:2]))
    assert (learned.counts, constant.counts) == (
        {"cone_from_constant": 0}, {"cone_from_constant": 1},
    )  # fmt: skip
    assert np.ptp(constant.draws, axis=0).min() > np.ptp(learned.draws, axis=0).min()
    assert len(LEARNED) == len(PROBS)


def test_a_share_of_the_calibration_runs_lies_inside_its_cone():
    pair = split(example_runs(n_sizes=8, n_ratios=8), 0.5)
    slopes = cone_slopes([[pair]])
    fitted, held = pair
    fit = fit_huber(fitted.stacked)
    error = np.abs(held.log_loss - log_law(fit.theta, held.log_params, held.log_tokens))
    decades = (held.log_x - fitted.log_x.max()) / np.log(10)
    widths = half_widths(slopes, fit.residuals, decades)
    for p, width in zip(PROBS, widths, strict=True):
        assert (error <= width * (1 + 1e-9)).mean() >= p - 1e-9
