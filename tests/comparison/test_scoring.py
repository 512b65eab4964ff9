"""Scores of predictions: against closed forms, their errors, and how the library is imported."""

import subprocess
import sys

import numpy as np
import pytest

from bayes_scaling.comparison.scoring import cluster_error, score_draws


def test_scores_agree_with_closed_forms():
    import scoringrules as sr

    rng = np.random.default_rng(1)
    draws = rng.normal([0.0, 1.0, 2.0], [1.0, 0.1, 2.0], size=(20_000, 3))
    seen = np.array([0.5, 1.0, -1.0])
    made = score_draws(draws, seen)
    exact = sr.crps_normal(seen, np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.1, 2.0]))
    assert made["crps"] == pytest.approx(exact, rel=0.03)
    density = sr.logs_normal(seen, np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.1, 2.0]))
    assert made["log_score"] == pytest.approx(density, abs=0.06)
    # A far miss is bad, but not infinitely so.
    far = score_draws(rng.normal(0, 0.001, size=(2000, 1)), np.array([1.0]))
    assert 10 < far["log_score"][0] < 100


IMPORTS_BESIDE = """
import sys, threading

failed, others = [], []

def import_numba():
    try:
        import numba
    except ImportError as error:
        failed.append(error)

class Beside:
    def find_spec(self, name, path=None, target=None):
        if name == "scoringrules.core.crps" and not others:
            others.append(threading.Thread(target=import_numba))
            others[0].start()
            others[0].join()

sys.meta_path.insert(0, Beside())
from bayes_scaling.comparison.scoring import _scoringrules
rules = _scoringrules()
assert others and not failed, failed
assert not [name for name in sys.modules if "_gufunc" in name and "scoringrules" in name]
rules.crps_ensemble([0.0], [[0.1, 0.2, 0.3]])
"""


def test_scores_are_imported_without_numba_functions_and_beside_an_import_of_numba():
    subprocess.run([sys.executable, "-c", IMPORTS_BESIDE], check=True, timeout=120)


def test_the_error_of_a_mean_is_that_of_a_bootstrap_over_clusters():
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(30), 5)
    values = rng.normal(size=30)[clusters] + 0.1 * rng.normal(size=150)
    means = values.reshape(30, 5).mean(axis=1)
    resampled = [means[rng.integers(0, 30, 30)].mean() for _ in range(4000)]
    assert cluster_error(values, clusters) == pytest.approx(np.std(resampled), rel=0.08)
    inside = np.ones(12)
    assert cluster_error(inside, np.repeat([0, 1, 2], 4), shares=True) == pytest.approx(
        np.sqrt(13 / 14 * 1 / 14 / 12)
    )
    assert np.isnan(cluster_error(values, np.zeros(150)))
