"""Every registered law goes through one battery that samples nothing."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayes_scaling.errors import InputError
from bayes_scaling.laws import Law, Reference, get_law, list_laws, register_law

LAWS = list_laws()
N = np.geomspace(1e7, 1e12, 7)[:, None]
D = np.geomspace(1e8, 1e13, 5)[None, :]


def cases(law: Law):
    """Published constants, and a few thousandfold different ones."""
    yield from (dict(fit.values) for fit in law.published)
    rng = np.random.default_rng(0)
    for fit in law.published:
        for _ in range(3):
            yield {k: v * np.exp(0.3 * rng.standard_normal()) for k, v in fit.values.items()}


pytestmark = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)


def test_states_its_facts(law):
    assert law.title
    assert law.source
    assert law.published
    assert all(fit.source for fit in law.published)
    for parameter in (*law.parameters, *law.sampled):
        assert parameter.meaning
        assert parameter.latex


def test_formula_is_what_is_computed(law):
    for theta in cases(law):
        by_formula = eval(law.formula, {"params": N, "tokens": D, **theta})  # noqa: S307
        np.testing.assert_allclose(law.loss(N, D, **theta), by_formula, rtol=1e-12)


def test_numpy_and_pytensor_agree_and_gradients_are_finite(law):
    for theta in cases(law):
        symbols = {name: pt.dscalar(name) for name in theta}
        log_inputs = {"params": np.log(N), "tokens": np.log(D)}
        mean = law.mean(pt, log_inputs, symbols)
        gradients = pytensor.grad(mean.sum(), list(symbols.values()))
        compiled = pytensor.function(
            list(symbols.values()), [mean, *gradients], mode="FAST_COMPILE"
        )
        value, *slopes = compiled(*theta.values())
        np.testing.assert_allclose(value, law.loss(N, D, **theta), rtol=1e-12)
        assert np.all(np.isfinite(slopes))
        for name, slope in zip(symbols, slopes, strict=True):
            step = 1e-6 * theta[name]
            up = law.loss(N, D, **{**theta, name: theta[name] + step}).sum()
            down = law.loss(N, D, **{**theta, name: theta[name] - step}).sum()
            np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-4, atol=1e-12)


def test_loss_falls_with_size_and_with_data(law):
    for theta in cases(law):
        loss = law.loss(N, D, **theta)
        assert np.all(np.diff(loss, axis=0) < 0)
        assert np.all(np.diff(loss, axis=1) < 0)


def test_natural_parameters_undo_the_reference_units(law):
    reference = Reference(params=3e8, tokens=7e9, loss=2.3)
    rng = np.random.default_rng(1)
    relative = {p.name: np.exp(0.3 * rng.standard_normal(50)) * 0.4 for p in law.sampled}
    natural = law.natural(relative, reference)
    log_inputs = reference.log_inputs(2e9, 5e10)
    in_reference = law.mean(np, log_inputs, law.in_reference(relative))
    absolute = law.mean(np, {"params": np.log(2e9), "tokens": np.log(5e10)}, natural)
    np.testing.assert_allclose(absolute, reference.loss * in_reference, rtol=1e-10)


def test_optimum_spends_the_budget_and_no_neighbour_is_better(law):
    for theta in cases(law):
        values = {name: np.array([value]) for name, value in theta.items()}
        for flops in (1e18, 5.76e23, 1e27):
            params, tokens = law.optimum(flops, values)
            np.testing.assert_allclose(6 * params * tokens, flops, rtol=1e-9)
            best = law.loss(params, tokens, **theta)
            for factor in (0.99, 1.01):
                assert law.loss(params * factor, tokens / factor, **theta) > best


def test_exponents_are_the_slopes_of_the_optimum(law):
    for theta in cases(law):
        values = {name: np.array([value]) for name, value in theta.items()}
        a, b = law.exponents(values)
        low, high = law.optimum(1e20, values), law.optimum(1e22, values)
        np.testing.assert_allclose(np.log(high[0] / low[0]) / np.log(100), a, rtol=1e-9)
        np.testing.assert_allclose(np.log(high[1] / low[1]) / np.log(100), b, rtol=1e-9)
        np.testing.assert_allclose(a + b, 1.0)


def test_registry_knows_it_and_refuses_a_second_of_the_name(law):
    assert get_law(law.name) is law
    other = type("Other", (type(law),), {"name": law.name})
    with pytest.raises(InputError, match="already registered"):
        register_law(other)
