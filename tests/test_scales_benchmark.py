"""The benchmark of scales of the drift: weights, and what runs say of a scale."""

import numpy as np
import pytest

from benchmarks.discrepancy_scales import WIDE, Scale, log_weights, updated

N = 200_000
LEARNED = Scale(median=0.02, sigma=0.5)


def wide_drifts(seed=1):
    return np.random.default_rng(seed).normal(0, WIDE, N)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_weighted_drifts_have_the_prior_of_the_scale(sigma):
    scale, drift = Scale(median=0.02, sigma=sigma), wide_drifts()
    weights = np.exp(log_weights(drift, scale)).mean(axis=0)
    effective = weights.sum() ** 2 / (weights**2).sum()
    second = (scale.nodes() ** 2).mean()
    assert np.average(drift**2, weights=weights) == pytest.approx(second, rel=8 / effective**0.5)


def test_runs_that_say_nothing_leave_the_scale_as_it_was():
    found = updated(wide_drifts(), LEARNED)
    log_scale = np.log(LEARNED.nodes())
    assert found["scale"] == pytest.approx(np.exp(log_scale.mean()), rel=0.02)
    assert found["left"] == pytest.approx(1.0, rel=0.02)


def test_a_drift_that_is_known_moves_the_scale_towards_it():
    """With a drift known exactly, scales have the density of that drift."""
    for drift in (0.0, 0.06):
        found = updated(np.full(10, drift), LEARNED)
        nodes = LEARNED.nodes()
        share = np.exp(-0.5 * (drift / nodes) ** 2) / nodes
        share /= share.sum()
        assert found["scale"] == pytest.approx(np.exp(share @ np.log(nodes)))
        assert (found["scale"] > LEARNED.median) == (drift > 0)
