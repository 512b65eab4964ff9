"""The model before any sampling: log density, gradient and geometry against numpy."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import drifting_card

from bayes_scaling import read_runs
from bayes_scaling.inference import pointwise
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.coordinates import Coordinates
from bayes_scaling.inference.design import make_design
from bayes_scaling.inference.model import (
    build_model,
    parameter_names,
    population_prior,
    spread_prior,
)
from bayes_scaling.inference.pointwise import (
    draws_of,
    in_parts,
    log_likelihood,
    noise_of_runs,
    parameter_values,
    pit,
)
from bayes_scaling.inference.simulate import draw_parameters
from bayes_scaling.laws import Reference, get_law


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n, d = 10 ** rng.uniform(7.5, 10, 24), 10 ** rng.uniform(9, 11.5, 24)
    loss = 1.7 + 400 / n**0.34 + 1000 / d**0.33
    return pd.DataFrame(
        {
            "params": n,
            "tokens": d,
            "loss": loss * np.exp(0.01 * rng.standard_normal(24)),
            "loss_se": rng.uniform(0.001, 0.01, 24),
            "architecture": np.repeat(["a", "b", "c"], [4, 8, 12]),
            "dataset": np.tile(["x", "y"], 12),
            "run": [f"r{i // 2}" if i < 12 else f"alone{i}" for i in range(24)],
        }
    )


CHINCHILLA = load_card("chinchilla")
CASES = {
    "one group": ("chinchilla", None, ["loss_se", "run"]),
    "separate groups": ("chinchilla", "architecture", ["loss_se", "run"]),
    "hierarchical": ("chinchilla-hierarchical", "architecture", ["loss_se", "run"]),
    "crossed": ("chinchilla-hierarchical", ["architecture", "dataset"], ["loss_se", "run"]),
    "stated errors": ("chinchilla", None, ["run"]),
    "checkpoints": ("chinchilla-hierarchical", "architecture", []),
    "drift, uneven and lopsided noise": (drifting_card(), None, ["loss_se", "run"]),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    card_name, by, dropped = CASES[request.param]
    card = load_card(card_name)
    design = make_design(read_runs(table().drop(columns=dropped)), by, card)
    return card, design, build_model(card, design)


def truth_of(card, design, seed=3) -> xr.Dataset:
    return draw_parameters(card, design, np.random.default_rng(seed))


def point_of(model, truth, card, design):
    """Unconstrained point of the model at given parameters."""
    values = {name: truth[name].to_numpy()[0] for name in truth.data_vars if name != "run_effect"}
    if "run_effect" in truth:
        anchor, group = design.training_run_anchor
        law = card.get_law()
        value = parameter_values(card, values["theta"][group])
        expected = np.log(law.mean(np, anchor, law.natural(np, value, design.reference)))
        values["run_level"] = expected + truth["run_effect"].to_numpy()[0]
    point = {}
    for rv in model.free_RVs:
        value_var, transform = model.rvs_to_values[rv], model.rvs_to_transforms[rv]
        if transform is None:
            point[value_var.name] = values[rv.name]
        else:
            inputs = {other: values[other.name] for other in model.free_RVs}
            forward = transform.forward(rv, *rv.owner.inputs)
            point[value_var.name] = forward.eval(inputs, on_unused_input="ignore")
    return point, values


def test_likelihood_is_the_numpy_one(case):
    card, design, model = case
    truth = truth_of(card, design)
    point, _ = point_of(model, truth, card, design)
    compiled = model.compile_logp(vars=model.observed_RVs, sum=False)(point)[0]
    ours = log_likelihood(noise_of_runs(card, design, truth), design.log_loss)[0]
    np.testing.assert_allclose(compiled, ours, rtol=1e-8)


@pytest.mark.parametrize("of", [log_likelihood, pit])
def test_in_parts_the_numbers_are_those_of_all_draws_at_once(case, of, monkeypatch):
    card, design, _ = case
    five = xr.concat([truth_of(card, design, seed) for seed in range(5)], "sample")
    at_once = of(noise_of_runs(card, design, five), design.log_loss)
    monkeypatch.setattr(pointwise, "CELLS", 2 * len(design.log_loss))
    np.testing.assert_array_equal(in_parts(of, card, design, draws_of(five)), at_once)


def test_prior_is_the_cards(case):
    """Density of theta in anchored coordinates: the card's normals times the Jacobian."""
    from scipy.stats import lognorm, norm

    card, design, model = case
    truth = truth_of(card, design)
    point, values = point_of(model, truth, card, design)
    centre, width = population_prior(card)
    got = model.compile_logp(vars=model.free_RVs, jacobian=False, sum=False)(point)
    density = {rv.name: np.sum(part) for rv, part in zip(model.free_RVs, got, strict=True)}
    assert density["nu"] == pytest.approx(
        lognorm.logpdf(values["nu"], card.noise.nu.sigma, scale=card.noise.nu.median)
    )
    if card.pooling is None:
        expected = norm.logpdf(values["theta"], centre, width).sum()
        assert density["theta"] == pytest.approx(expected)
        return
    assert density["mu"] == pytest.approx(norm.logpdf(values["mu"], centre, width).sum())
    location, scale = spread_prior(card)
    for name in (n for n in values if n.startswith("tau")):
        expected = lognorm.logpdf(values[name], scale, scale=np.exp(location)).sum()
        assert density[name] == pytest.approx(expected)
    if "tau" in values:
        expected = norm.logpdf(values["theta"], values["mu"], values["tau"]).sum()
        assert density["theta"] == pytest.approx(expected)


def test_gradient_is_finite_at_jittered_points(case):
    _, _, model = case
    gradient = model.compile_dlogp()
    rng = np.random.default_rng(5)
    start = model.initial_point()
    for _ in range(5):
        point = {k: v + 0.3 * rng.standard_normal(np.shape(v)) for k, v in start.items()}
        assert np.all(np.isfinite(gradient(point)))


@pytest.mark.parametrize("pooled", [False, True])
def test_anchored_coordinates_invert_and_their_jacobian_is_right(pooled):
    import pytensor.tensor as pt

    from bayes_scaling.inference.geometry import Anchored

    law = get_law("chinchilla")
    names = parameter_names(load_card("chinchilla"))
    n = len(names)
    rng = np.random.default_rng(2)
    anchor = {"params": np.array([20.4, 19.0]), "tokens": np.array([22.7, 23.8])}
    reference = Reference(
        log_inputs={"params": 20.0, "tokens": 23.0},
        spread={"params": 1.0, "tokens": 1.0},
        log_loss=0.9,
    )
    coordinates = Coordinates(law=law, names=tuple(names), reference=reference, anchor=anchor)
    transform = Anchored(coordinates, pooled=pooled)
    mu, tau = rng.normal(-1, 0.5, n), np.exp(rng.normal(-2, 0.5, n))
    theta = rng.normal(-1, 0.5, (2, n))
    inputs = (None, None, pt.as_tensor(mu), pt.as_tensor(tau))
    z = transform.forward(pt.as_tensor(theta), *inputs).eval()
    symbol = pt.dmatrix("z")
    back = transform.backward(symbol, *inputs)
    np.testing.assert_allclose(back.eval({symbol: z}), theta, rtol=1e-10)
    jacobian = np.zeros((2 * n, 2 * n))
    for i in range(2 * n):
        step = np.zeros(2 * n)
        step[i] = 1e-6
        up, down = (back.eval({symbol: z + s * step.reshape(2, n)}) for s in (1, -1))
        jacobian[:, i] = ((up - down) / 2e-6).ravel()
    claimed = transform.log_jac_det(pt.as_tensor(z), *inputs).eval().sum()
    _, numerical = np.linalg.slogdet(jacobian)
    # log_jac_det is that of the backward map.
    np.testing.assert_allclose(claimed, numerical, atol=1e-6)


def test_scaled_effects_invert_and_their_jacobian_is_right():
    import pytensor.tensor as pt

    from bayes_scaling.inference.geometry import Scaled

    rng = np.random.default_rng(3)
    effect, spread = rng.normal(size=(3, 2)), np.array([0.1, 2.0])
    inputs = (None, None, pt.zeros(()), pt.as_tensor(spread))
    z = Scaled().forward(pt.as_tensor(effect), *inputs).eval()
    np.testing.assert_allclose(Scaled().backward(pt.as_tensor(z), *inputs).eval(), effect)
    slopes = Scaled().backward(pt.as_tensor(z + 1), *inputs).eval() - effect
    claimed = Scaled().log_jac_det(pt.as_tensor(z), *inputs).eval()
    np.testing.assert_allclose(claimed, np.log(slopes), rtol=1e-10)


def test_named_dims(case):
    card, design, model = case
    assert model.named_vars_to_dims["theta"] == ("group", "parameter")
    assert tuple(model.coords["parameter"]) == tuple(parameter_names(card))
    assert tuple(model.coords["group"]) == design.groups


def test_rows_of_one_run_share_a_level_and_the_others_have_none():
    design = make_design(read_runs(table()), "architecture", CHINCHILLA)
    assert design.training_runs == tuple(f"r{i}" for i in range(6))
    assert list(design.training_run_index[:4]) == [0, 0, 1, 1]
    assert set(design.training_run_index[12:]) == {6}


def test_without_shared_runs_there_is_no_run_level():
    rows = table().drop_duplicates("run")
    assert make_design(read_runs(rows), None, CHINCHILLA).training_run_index is None


def test_reference_units_do_not_depend_on_the_unit_of_the_loss():
    nats, bits = table(), table()
    bits["loss"] /= 8.0
    one, other = (make_design(read_runs(t), None, CHINCHILLA) for t in (nats, bits))
    relative = [design.log_loss - design.reference.log_loss for design in (one, other)]
    np.testing.assert_allclose(*relative)
    np.testing.assert_allclose(other.reference.loss, one.reference.loss / 8)
