"""What sweeps teach, and mixtures of laws."""

import numpy as np
import pytest
from examples import example_runs

from bayes_scaling.inference.card import load_card
from benchmarks import discrepancy
from benchmarks.discrepancy import (
    NARROWEST,
    Study,
    best_drifts,
    chosen_by_others,
    drift_of,
    undressed,
)
from benchmarks.discrepancy_averages import mixture
from benchmarks.discrepancy_scores import LAW_ONLY, Score, best_drift, differences, score_of


def test_a_sweep_whose_fit_is_refused_counts_as_in_the_step_before(monkeypatch):
    card = undressed(load_card("chinchilla"))
    asked = []

    def moments(card, design):
        asked.append(design)
        refused = len(asked) > 2 and len(asked) % 2 == 0
        mean = np.full(len(card.parameter_names), 1.0 if len(asked) % 2 else 3.0)
        return None if refused else (mean, np.full_like(mean, 0.04))

    monkeypatch.setattr(discrepancy, "_moments", moments)
    runs = example_runs()
    found = Study(tables={"a one": runs, "b two": runs}).population(card)
    assert len(asked) == 2 * discrepancy.ITERATIONS
    assert found.prior_of("alpha").median == pytest.approx(np.exp(2.0))
    assert found.prior_of("alpha").sigma == pytest.approx(np.sqrt(2 * 0.04 + 2 * 1.0))
    asked.clear()
    alone = Study(tables={"a one": runs, "b two": runs, "c three": runs}).population(card, "b")
    assert len(asked) == 2 * discrepancy.ITERATIONS
    assert alone.prior_of("alpha").sigma >= NARROWEST


def test_a_draw_of_a_mixture_is_of_one_law_for_all_runs():
    n = 20_000
    draws = {"one": np.zeros((n, 3)), "other": np.ones((n, 3))}
    mixed = mixture(draws, {"one": 1.0, "other": 3.0}, seed=1)
    assert mixed.shape == (n, 3)
    assert np.ptp(mixed, axis=1).max() == 0
    assert mixed[:, 0].mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / n))
    assert mixture(draws, {"one": 0.0, "other": 1.0}, seed=1).min() == 1


def test_scores_are_those_of_a_known_prediction():
    """Of a standard normal: CRPS of its own median is 2 phi(0) - 1 / sqrt(pi)."""
    y = 0.1 * np.random.default_rng(1).standard_normal((40_000, 2))
    found = score_of(y, np.array([0.0, 0.3]))
    first = 0.1 * (2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi))
    second = 0.1 * (3 * (2 * 0.99865 - 1) + 2 * 0.004432 - 1 / np.sqrt(np.pi))
    assert found.crps == pytest.approx((first + second) / 2, rel=0.02)
    assert (found.n, found.inside50, found.inside90) == (2, 0.5, 0.5)
    assert found.width == pytest.approx(0.329, rel=0.03)
    # The second lies 0.1355 beyond the 95 % quantile, which costs 20 times that.
    assert found.interval == pytest.approx(0.329 + 10 * 0.1355, rel=0.03)


def test_the_drift_of_a_card_is_the_one_that_it_ships():
    assert drift_of(load_card("coupled-informed")) == (0.15, 0.018, 0.04)
    with pytest.raises(ValueError, match="has no drift"):
        drift_of(undressed(load_card("coupled-informed")))


def scored(**by_source):
    """Scores of a drift: CRPS and share inside 90 % of the one case of each source."""
    rest = {"inside50": 0.5, "interval": 1.0, "width": 1.0, "bias": 0.0}
    return {
        (f"{source} sweep", 3.0): Score(n=n, crps=crps, inside90=inside90, **rest)
        for source, (n, crps, inside90) in by_source.items()
    }


def test_the_drift_holds_nine_in_ten_and_scores_best_among_those_that_do():
    # The hundred runs of a case count as much as the one of another.
    tried = {
        "sharp": scored(a=(100, 0.8, 0.80), b=(1, 0.8, 0.95)),
        "good": scored(a=(100, 0.9, 0.85), b=(1, 0.9, 0.96)),
        "wide": scored(a=(100, 1.0, 1.0), b=(1, 1.0, 1.0)),
    }
    assert best_drift(tried) == "good"
    assert best_drift(tried, without="b") == "wide"
    assert best_drift(tried, without="a") == "sharp"
    narrow = {name: tried[name] for name in ("sharp", "good")}
    assert best_drift(narrow, without="b") == "good"


def test_a_source_has_no_say_in_its_own_drift():
    tried = {
        "sharp": scored(a=(10, 0.8, 0.80), b=(10, 0.8, 0.95)),
        "wide": scored(a=(10, 1.0, 1.0), b=(10, 1.0, 1.0)),
    }
    runs = example_runs()
    study = Study(tables={"a sweep": runs, "b sweep": runs})
    assert best_drifts(study, tried) == {"a": "sharp", "b": "wide"}
    judged = chosen_by_others(study, tried)
    assert [judged[f"{source} sweep", 3.0].crps for source in "ab"] == [0.8, 1.0]


def test_differences_are_those_of_the_same_cases_and_count_sources():
    def case(source, i, crps):
        (score,) = scored(**{source: (10, crps, 0.5)}).values()
        return {(f"{source} {i}", 3.0): score}

    alone = case("a", 1, 1.0) | case("a", 2, 1.0) | case("b", 1, 2.0) | case("c", 1, 9.0)
    drifting = case("a", 1, 0.9) | case("a", 2, 0.9) | case("b", 1, 2.5)
    (row,) = differences({LAW_ONLY: alone, "drifting": drifting})
    assert (row["fit"], row["cases"]) == ("drifting", 3)
    assert row["crps, difference"] == pytest.approx(0.1)
    # Sums over the two sources lie 0.4 on either side of zero: sqrt(2 x 0.4^2 x 2 / 1) / 3.
    assert row["crps, its error"] == pytest.approx(0.8 / 3)
    assert row["crps, lower in"] == pytest.approx(2 / 3)
