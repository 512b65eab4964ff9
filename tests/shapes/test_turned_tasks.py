"""A task that turned within its sizes, fitted beside tasks that did not."""

import numpy as np
import pandas as pd
import pytest

import bayes_scaling as bs
from bayes_scaling.runs import read_metrics

SIZES = [1.6e8, 4.1e8, 1e9, 2.8e9, 6.9e9, 1.2e10]
STEPS = np.linspace(0, 1, len(SIZES))
SCORES = {
    "falls": 0.6 - 0.2 * STEPS,
    "falls slowly": 0.5 - 0.08 * STEPS,
    "flat": 0.3 + 0 * STEPS,
    "rises": 0.35 + 0.3 * STEPS,
    "rises fast": 0.25 + 0.5 * STEPS,
    "rises slowly": 0.3 + 0.2 * STEPS,
    "turns up": np.array([0.55, 0.45, 0.34, 0.32, 0.42, 0.56]),
}


@pytest.fixture(scope="module")
def shares():
    rng = np.random.default_rng(7)
    rows = [
        {"task": task, "params": n, "value": value + rng.normal(0, 0.012), "metric": "acc",
         "chance": 0.25, "n_examples": 500}
        for task, values in SCORES.items()
        for n, value in zip(SIZES, values, strict=True)
    ]  # fmt: skip
    curves = read_metrics(pd.DataFrame(rows))
    # Steps small enough that no draw diverges: a further attempt would take three times as long.
    fit = bs.fit_shapes(curves, target_accept=0.95, progress=False)
    assert fit.trusted
    return fit.probabilities(at="175B").shares()


def test_a_task_that_fell_and_rose_within_its_sizes_is_u_shaped(shares):
    # With a population of average slopes, which is 0 for this task, it was 0.46.
    assert shares.loc["turns up", "u_shaped"] > 0.8


def test_tasks_that_rose_throughout_are_improving(shares):
    assert (shares.loc[["rises", "rises fast", "rises slowly"], "improving"] > 0.9).all()
