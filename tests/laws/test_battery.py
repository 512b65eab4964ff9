"""Every registered law goes through one battery that samples nothing."""

from dataclasses import replace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayes_scaling.errors import InputError
from bayes_scaling.laws import VARIABLES, Law, OneVariable, Reference, get_law, list_laws
from bayes_scaling.laws.registry import register_law

LAWS = [
    *(law for law in list_laws() if not isinstance(law, OneVariable)),
    *(law.on(x) for law in list_laws() if isinstance(law, OneVariable) for x in VARIABLES),
]
TYPICAL = {
    "params": 3e8, "tokens": 7e9, "flops": 1.26e19, "flops_min": 6e18, "step": 3e4,
    "batch_tokens": 5e5, "unique_tokens": 2e9, "aspect_ratio": 60.0, "pretrained": 0.5,
}  # fmt: skip
REFERENCE = Reference(
    log_inputs={name: float(np.log(value)) for name, value in TYPICAL.items()},
    spread=dict.fromkeys(TYPICAL, 1.8),
    log_loss=float(np.log(2.3)),
)
GRID = np.geomspace(0.05, 20, 6)
POSITIVE = {
    "E": 0.7, "T": 0.4, "T_N": 0.3, "T_D": 0.25, "T_S": 0.3, "U": 0.7, "R": 3.0, "q": 0.3,
    "gamma": 0.6, "crit": 0.5, "kappa": 0.02, "zipf": 0.5, "K": 2.0, "delta": 1.2, "excess": 0.4,
    "R_D": 12.0, "R_N": 6.0, "k": 0.2, "w1": 0.4, "w2": 0.3, "u2": 1.1, "t_D": 0.2,
    "t_N": 0.4, "alpha_S": 0.7, "alpha_B": 0.25, "alpha_N": 0.08, "W": 0.4,
}  # fmt: skip
REAL = {
    "sU": -0.03, "sV": -0.2, "sW": -0.02, "alpha": 0.1, "beta": -0.1, "gamma": 0.15, "c": 0.2,
    "c1": 0.1, "c2": -0.15, "u1": 0.3, "u_best": 0.2, "v": 0.1, "slope": 0.5, "skew": 0.2,
}  # fmt: skip


def sampled(law: Law, seed: int, n: int = 1, scatter: float = 0.2) -> dict[str, np.ndarray]:
    """Sampled parameters around typical values, shape (n,)."""
    noise = np.random.default_rng(seed).standard_normal((len(law.sampled), n))
    return {
        p.name: POSITIVE.get(p.name, 0.35) * np.exp(scatter * z)
        if p.support == "positive"
        else REAL[p.name] * (1 + scatter * z)
        for p, z in zip(law.sampled, noise, strict=True)
    }


def cases(law: Law):
    """Natural parameters: published ones, and several drawn around typical ones."""
    names = {p.name for p in law.parameters}
    yield from (dict(fit.values) for fit in law.published if set(fit.values) == names)
    for seed in range(4):
        natural = law.natural(np, sampled(law, seed), REFERENCE)
        yield {p.name: float(natural[p.name][0]) for p in law.parameters}


def points(law: Law) -> dict[str, np.ndarray]:
    """A grid of inputs around the typical run, flat."""
    axes = [TYPICAL[name] * GRID for name in law.inputs]
    grids = np.meshgrid(*axes, indexing="ij")
    at = {name: grid.ravel() for name, grid in zip(law.inputs, grids, strict=True)}
    if "pretrained" in at:
        at["pretrained"] = (at["pretrained"] > TYPICAL["pretrained"]).astype(float)
    if "unique_tokens" in at:
        at["unique_tokens"] = np.minimum(at["unique_tokens"], at["tokens"])
    return at


def logs(at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore"):
        return {name: np.log(value) for name, value in at.items()}


pytestmark = pytest.mark.parametrize(
    "law", LAWS, ids=lambda law: f"{law.name}-{law.x}" if hasattr(law, "x") else law.name
)


def test_states_its_facts(law):
    assert law.title
    assert law.source
    assert all(fit.source for fit in law.published)
    for fit in law.published:
        assert fit.values
        assert set(fit.values) <= {p.name for p in law.parameters}
    for parameter in (*law.parameters, *law.sampled):
        assert parameter.meaning
        assert "{" not in parameter.meaning + parameter.unit
        assert parameter.latex


def test_formula_is_what_is_computed(law):
    at = points(law)
    names = {name: getattr(np, name) for name in ("exp", "log", "minimum")}
    for theta in cases(law):
        with np.errstate(divide="ignore"):
            loss = law.loss(*at.values(), **theta)
        left, equation, right = law.formula.partition("==")
        values = {**names, **at, **theta, "loss": loss}
        if not equation:
            left, right = "loss", law.formula
        np.testing.assert_allclose(eval(left, values), eval(right, values), rtol=1e-9)  # noqa: S307


def test_numpy_and_pytensor_agree_and_gradients_are_right(law):
    inputs = logs(points(law))
    *_, theta = cases(law)
    symbols = {name: pt.dscalar(name) for name in theta}
    mean = law.mean(pt, inputs, symbols)
    gradients = pytensor.grad(mean.sum(), list(symbols.values()))
    compiled = pytensor.function(list(symbols.values()), [mean, *gradients], mode="FAST_COMPILE")
    value, *slopes = compiled(*theta.values())

    def total(**changes):
        given = {k: np.asarray(v) for k, v in {**theta, **changes}.items()}
        return float(law.mean(np, inputs, given).sum())

    np.testing.assert_allclose(value.sum(), total(), rtol=1e-12)
    assert np.all(np.isfinite(slopes))
    for name, slope in zip(symbols, slopes, strict=True):
        step = 1e-6 * abs(theta[name])
        change = total(**{name: theta[name] + step}) - total(**{name: theta[name] - step})
        np.testing.assert_allclose(slope, change / (2 * step), rtol=2e-4, atol=1e-9 / step)


def test_loss_is_positive_finite_and_falls_with_compute(law):
    at = points(law)
    for theta in cases(law):
        with np.errstate(divide="ignore"):
            loss = law.loss(*at.values(), **theta)
        assert np.all(np.isfinite(loss))
        assert np.all(loss > 0)
    if law.name.startswith("broken") or law.name == "valley":
        return  # may turn, and a size may be too large for its compute
    natural = law.natural(np, sampled(law, 9), REFERENCE)
    for name in set(law.inputs) - {"aspect_ratio", "pretrained"}:
        line = {key: np.full(6, TYPICAL[key]) for key in law.inputs} | {name: TYPICAL[name] * GRID}
        if "unique_tokens" in line:
            line["tokens"] = np.maximum(line["tokens"], line["unique_tokens"])
        loss = law.loss(*line.values(), **{p.name: natural[p.name] for p in law.parameters})
        assert np.all(np.diff(loss) <= 1e-12), name


def test_loss_is_proportional_to_the_levels(law):
    """What the anchored coordinates of the sampler rest on."""
    if not law.homogeneous:
        return
    inputs, theta = logs(points(law)), sampled(law, 2)
    doubled = {p.name: theta[p.name] * (2.0 if p.unit == "nats" else 1.0) for p in law.sampled}
    one, two = (law.mean(np, inputs, law.natural(np, t, REFERENCE)) for t in (theta, doubled))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)


def test_sampled_parameters_do_not_depend_on_units(law):
    """The same sampled parameters and ten times the loss: ten times the predicted loss."""
    inputs, theta = logs(points(law)), sampled(law, 3)
    other = replace(REFERENCE, log_loss=REFERENCE.log_loss + np.log(10))
    one, ten = (law.mean(np, inputs, law.natural(np, theta, r)) for r in (REFERENCE, other))
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-9)


def test_optimum_spends_the_budget_and_no_neighbour_is_better(law):
    natural = law.natural(np, sampled(law, 4, n=5), REFERENCE)
    if not law.allocates:
        with pytest.raises(InputError, match="does not say how to split"):
            law.optimum(1e21, natural)
        return
    for flops in (1e19, 1e21, 1e23):
        params, tokens = law.optimum(flops, natural)
        np.testing.assert_allclose(6 * params * tokens, flops, rtol=1e-9)
        best = law.planned_loss(params, tokens, natural)
        for factor in (0.97, 1.03):
            assert np.all(law.planned_loss(params * factor, tokens / factor, natural) > best)


def test_closed_and_numerical_optimum_agree(law):
    if not law.allocates:
        return
    natural = law.natural(np, sampled(law, 5, n=7), REFERENCE)
    theta = {name: np.asarray(value)[:, None] for name, value in natural.items()}
    flops = np.geomspace(1e19, 1e24, 6)
    for own, numerical in zip(
        law.optimum(flops, theta), Law.optimum(law, flops, theta), strict=True
    ):
        assert own.shape == numerical.shape == (7, 6)
        # The loss of repeated data has a kink at its optimum, across which differences reach.
        np.testing.assert_allclose(own, numerical, rtol=1e-3 if law.name == "repeated" else 1e-4)


def test_exponents_are_the_slopes_of_the_optimum(law):
    if not law.allocates:
        return
    natural = law.natural(np, sampled(law, 6, n=3), REFERENCE)
    a, b = law.exponents(natural, 1e21)
    (n_low, d_low), (n_high, d_high) = (law.optimum(1e21 * f, natural) for f in (0.99, 1.01))
    step = np.log(1.01 / 0.99)
    np.testing.assert_allclose(np.log(n_high / n_low) / step, a, atol=5e-3)
    np.testing.assert_allclose(np.log(d_high / d_low) / step, b, atol=5e-3)
    np.testing.assert_allclose(a + b, 1.0)


def test_registry_knows_it_and_refuses_a_second_of_the_name(law):
    assert type(get_law(law.name)) is type(law)
    other = type("Other", (type(law),), {"name": law.name})
    with pytest.raises(InputError, match="already registered"):
        register_law(other)


def test_only_laws_of_one_variable_have_a_choice(law):
    if isinstance(law, OneVariable):
        assert get_law(law.name, "tokens").inputs == ("tokens",)
        with pytest.raises(InputError, match="known: 'flops'"):
            law.on("colour")
        return
    with pytest.raises(InputError, match="only laws of one variable"):
        law.on("tokens")


def test_draws_far_out_have_a_log_loss_and_gradients(law):
    """A gradient that is not a number is a divergence of the sampler, and says nothing true."""
    inputs = {name: values[:, None] for name, values in logs(points(law)).items()}
    wild = np.random.default_rng(3).standard_normal((len(law.sampled), 400))
    typical = sampled(law, 0, n=400)
    theta = {
        p.name: typical[p.name] * np.exp(3 * z)
        if p.support == "positive"
        else typical[p.name] + 3 * z
        for p, z in zip(law.sampled, wild, strict=True)
    }
    symbols = {name: pt.dvector(name) for name in theta}
    # As in the model, where rows pick the parameters of their group.
    rows = np.arange(400)
    natural = {name: v[rows] for name, v in law.natural(pt, symbols, REFERENCE).items()}
    log_loss = pt.log(law.mean(pt, inputs, natural))
    gradients = pytensor.grad(log_loss.sum(), list(symbols.values()))
    compiled = pytensor.function(
        list(symbols.values()), [log_loss, *gradients], mode="FAST_COMPILE"
    )
    value, *slopes = compiled(*theta.values())
    assert np.all(np.isfinite(value))
    assert np.all(np.isfinite(slopes))
