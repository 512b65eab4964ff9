"""Tasks that a card of shapes simulates: their scatter, and how often they turn."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm
from shape_examples import SIZES

from bayes_scaling.runs import read_metrics
from bayes_scaling.shapes import SHAPES, load_shape_card
from bayes_scaling.shapes.classify import classify, path
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.scale import MetricScale
from bayes_scaling.shapes.simulate import draw_bends, draw_population, simulate_tasks
from bayes_scaling.shapes.trend import Trend, expected_change

ROPE = 0.01


def test_simulated_tasks_scatter_as_their_population_says():
    card = load_shape_card("shapes")
    rows = [
        {"task": f"{i:04d}", "params": n, "value": 0.3 + k / 99, "n_examples": 1e9, "metric": "acc"}
        for i in range(300)
        for k, n in enumerate(SIZES)
    ]  # fmt: skip
    design = make_shape_design(read_metrics(pd.DataFrame(rows)))
    people = draw_population(card, np.random.default_rng(0)) | {
        "slope_mean": 0.3, "slope_spread": 0.2, "nu": 50.0, "persistence": 0.5,
        "log_scatter_mean": np.log(0.1), "scatter_spread": 1e-6,
    }  # fmt: skip
    tasks = simulate_tasks(card, design, np.random.default_rng(1), people)
    slopes = np.concatenate([t.start for t in tasks.trends])
    assert slopes.mean() == pytest.approx(0.3, abs=4 * 0.2 / np.sqrt(300))
    away = tasks.z - np.stack([t.at(design.x[0])[0] for t in tasks.trends])
    # Student-t with 50 degrees of freedom has a variance of 50/48.
    assert away.std() == pytest.approx(0.1 * np.sqrt(50 / 48), rel=0.08)
    correlation = np.corrcoef(away[:, :-1].ravel(), away[:, 1:].ravel())[0, 1]
    assert correlation == pytest.approx(0.5 ** (0.5 / np.log10(3)), abs=4 / np.sqrt(1200))


def test_simulated_scores_of_one_size_scatter_independently():
    card = load_shape_card("shapes")
    rows = [
        {"task": f"{i:04d}", "params": n, "seed": k, "value": 0.3 + k / 99, "n_examples": 1e9,
         "metric": "acc"}
        for i in range(300)
        for k, n in enumerate([1e9, 1e9, 3e9, 3e9])
    ]  # fmt: skip
    design = make_shape_design(read_metrics(pd.DataFrame(rows)))
    people = draw_population(card, np.random.default_rng(0)) | {
        "nu": 50.0, "persistence": 0.5, "log_scatter_mean": np.log(0.1), "scatter_spread": 1e-6,
    }  # fmt: skip
    tasks = simulate_tasks(card, design, np.random.default_rng(1), people)
    away = tasks.z - np.stack([t.at(design.x[0])[0] for t in tasks.trends])
    assert away.std(axis=0) == pytest.approx(0.1 * np.sqrt(50 / 48), rel=4 / np.sqrt(600))
    # Half of the mean of the first two is left in both of the next: half of it, squared, of one.
    left, error = 0.5**2 / 2, 4 / np.sqrt(300)
    expected = np.array([[1, 0, 0.25, 0.25], [0, 1, 0.25, 0.25],
                         [0.25, 0.25, 1, left], [0.25, 0.25, left, 1]])  # fmt: skip
    assert np.corrcoef(away.T) == pytest.approx(expected, abs=error)


def test_simulated_checkpoints_share_the_distance_of_their_model():
    card = load_shape_card("shapes")
    rows = [
        {"task": f"{i:04d}", "params": n, "tokens": d, "value": 0.3 + j / 99 + k / 999,
         "n_examples": 1e9, "metric": "acc"}
        for i in range(200)
        for j, n in enumerate(np.geomspace(1e8, 1e10, 5))
        for k, d in enumerate(np.geomspace(1e9, 1e11, 4))
    ]  # fmt: skip
    design = make_shape_design(read_metrics(pd.DataFrame(rows), checkpoints="all"))
    people = draw_population(card, np.random.default_rng(0), checkpoints=True) | {
        "nu": 50.0, "persistence": 0.5, "between_models": 2.0,
        "log_scatter_mean": np.log(0.1), "scatter_spread": 1e-6,
    }  # fmt: skip
    tasks = simulate_tasks(card, design, np.random.default_rng(1), people)
    x = design.x[0]
    away = tasks.z - np.stack([t.at(x)[0] for t in tasks.trends])
    own = np.stack([away[:, design.model[0] == m] for m in np.unique(design.model[0])])
    shared, within = own.mean(axis=2), own - own.mean(axis=2, keepdims=True)
    # Four checkpoints, neighbours a factor of 4.64 apart: variance of their mean over their own.
    lag = 0.5 ** (np.log10(100) / 3 / np.log10(3))
    correlation = lag ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    mean = correlation.mean()
    t = 50 / 48
    assert shared.var() == pytest.approx(0.01 * t * (4 + mean), rel=5 * np.sqrt(2 / shared.size))
    spread = (within**2).mean()
    assert spread == pytest.approx(0.01 * t * (1 - mean), rel=5 * np.sqrt(2 / own.size))


def test_a_share_of_the_tasks_changes_widely():
    rng, n, card = np.random.default_rng(0), 20_000, load_shape_card("shapes")
    people = draw_population(card, rng)
    change, _ = draw_bends(card, np.zeros(n), people, rng)
    away = change[:, 0] - expected_change(0.0, people["recovery"], people["saturation"])
    wide = card.priors.wide_change
    own, other = norm(0, people["change_spread"]), norm(0, wide.sigma)
    found = kstest(away, lambda x: (1 - wide.share) * own.cdf(x) + wide.share * other.cdf(x))
    assert found.pvalue > 1e-4


def test_the_base_rate_of_turning_is_that_of_its_evidence():
    """6 of 11 prize tasks turned (Wei et al. 2023): about half, within a decade."""
    rng, n, seen = np.random.default_rng(0), 10_000, np.linspace(-1.25, 1.25, 7)
    card = load_shape_card("shapes")
    drawn = [draw_population(card, rng) for _ in range(n)]
    people = {name: np.array([each[name] for each in drawn]) for name in drawn[0]}
    start = rng.normal(-0.3, people["slope_spread"])
    change, place = draw_bends(card, start, people, rng)
    curves = Trend.of_start(
        start, level=rng.normal(0, 1, n), width=people["width"], change=change,
        place=seen[-1] + place, seen=seen,
    )  # fmt: skip
    for beyond, share in ((0.5, 0.42), (1.0, 0.55)):
        sizes, last = path(seen[0], seen[-1], seen[-1] + beyond)
        good = MetricScale(bounded=True, sign=1.0, zero=0.0).goodness(curves.at(sizes))
        fell = good[:, last] < good[:, 0] - ROPE
        turned = classify(good[fell], last, ROPE) == SHAPES.index("u_shaped")
        # The card states the shares to two digits.
        error = np.sqrt(share * (1 - share) / fell.sum())
        assert turned.mean() == pytest.approx(share, abs=3 * error + 0.005)
