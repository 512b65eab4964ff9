"""Statistics that quick fits have of their own, against the libraries that are slow to import."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest, kstwo

from bayes_scaling.inference import pareto
from bayes_scaling.inference.diagnostics.power_scaling import power_sensitivity
from bayes_scaling.inference.diagnostics.predictive import uniform_p_value
from bayes_scaling.inference.pareto import pareto_smoothed


@pytest.mark.parametrize("samples", [100, 1000, 4000])
@pytest.mark.parametrize(
    "ratios",
    [
        lambda rng, shape: rng.standard_normal(shape),
        lambda rng, shape: 3 * rng.standard_t(2, shape),
        lambda rng, shape: -rng.exponential(size=shape),
        lambda rng, shape: 30 * rng.standard_normal(shape),
        lambda rng, shape: np.where(rng.random(shape) < 0.5, -1e300, rng.standard_normal(shape)),
    ],
    ids=["usual", "heavy", "bounded", "hopeless", "half impossible"],
)
def test_weights_are_smoothed_as_arviz_does(monkeypatch, ratios, samples):
    from arviz_stats.base import array_stats

    monkeypatch.setattr(pareto, "ROWS", 3)
    log_ratios = ratios(np.random.default_rng(1), (10, samples))
    weights, k = pareto_smoothed(log_ratios)
    expected, expected_k = array_stats.psislw(-log_ratios)
    assert np.exp(weights) == pytest.approx(np.exp(expected), abs=1e-10)
    assert k == pytest.approx(expected_k, abs=1e-8)
    assert np.exp(weights).sum(axis=1) == pytest.approx(1)


def test_a_tail_that_is_all_the_same_has_no_shape():
    weights, k = pareto_smoothed(np.zeros((1, 1000)))
    assert np.isnan(k).all()
    assert np.exp(weights) == pytest.approx(1e-3)


def test_so_few_samples_have_no_tail():
    with pytest.raises(ValueError, match="24 samples have no tail; 25 are needed"):
        pareto_smoothed(np.zeros((1, 24)))


def test_a_constant_does_not_move():
    assert power_sensitivity(np.ones(100), np.random.default_rng(1).standard_normal(100)) == 0.0


def test_power_scaling_is_that_of_arviz():
    from arviz_stats import psense

    rng = np.random.default_rng(2)
    dims, shape = ("chain", "draw"), (4, 500)
    x = rng.standard_normal(shape)
    skewed = np.exp(x + 0.5 * rng.standard_normal(shape))
    log_prior, log_likelihood = -0.5 * (x - 1) ** 2, -2 * (x + 0.3) ** 2
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": (dims, x), "skewed": (dims, skewed)}),
            "log_prior": xr.Dataset({"x": (dims, log_prior)}),
            "log_likelihood": xr.Dataset({"y": (dims, log_likelihood)}),
        }
    )
    for group, part in (("prior", log_prior), ("likelihood", log_likelihood)):
        expected = psense(tree, group=group)
        for name, draws in (("x", x), ("skewed", skewed)):
            found = power_sensitivity(draws.ravel(), part.ravel())
            # It smooths the largest and smallest weights, which are within 3 % of even.
            assert found == pytest.approx(float(expected[name]), rel=0.02)


@pytest.mark.parametrize("n", [10, 30, 245])
def test_the_test_of_uniform_values_is_nearly_exact(n):
    for p in (0.5, 0.1, 0.01):
        distance = kstwo.isf(p, n)
        # Values whose distribution lies so far above that of uniform ones.
        values = np.clip((np.arange(n) + 0.999999) / n - distance, 0, 1)
        assert kstest(values, "uniform").pvalue == pytest.approx(p, rel=0.01)
        assert uniform_p_value(values) == pytest.approx(p, rel=0.05)
        assert uniform_p_value(1 - values) == pytest.approx(p, rel=0.05)
