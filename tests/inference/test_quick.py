"""The quick engine, without NUTS."""

import re
from dataclasses import replace

import numpy as np
import pytest
from examples import law_fit

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.inference import fitting
from bayes_scaling.inference import quick as quick_module
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.invented import invented_design
from bayes_scaling.inference.model import build_model
from bayes_scaling.inference.quick import QuickError, _smoothed, _Target, _walked, quick_sample
from bayes_scaling.inference.sample import Effort, Sampling
from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss
from bayes_scaling.inference.storage import design_of

RUNS = bs.read_runs(law_fit("chinchilla").data[["params", "tokens", "loss"]])


@pytest.fixture(scope="module")
def quick():
    return bs.fit(RUNS, model="chinchilla", engine="quick", seed=3, progress=False)


def test_it_needs_no_sampler_and_says_how_good_it_is(quick):
    assert quick.trusted
    assert quick.tree.attrs["sampler"] == "quick"
    figures = quick.diagnostics
    assert figures["max_rhat"] is None
    assert figures["pareto_k"] < 0.7
    assert figures["min_ess_bulk"] > 400
    assert {check.name for check in quick.checks} >= {"importance sampling", "influential runs"}
    assert np.isnan(quick.summary()["r_hat"]).all()


def test_same_seed_same_draws(quick):
    again, other = (
        bs.fit(RUNS, model="chinchilla", engine="quick", seed=s, progress=False) for s in (3, 4)
    )
    np.testing.assert_array_equal(again.posterior["E"], quick.posterior["E"])
    assert not np.array_equal(other.posterior["E"], quick.posterior["E"])


def test_it_survives_a_file(quick, tmp_path):
    loaded = bs.load_fit(quick.save(tmp_path / "quick.nc"))
    assert loaded.diagnostics == quick.diagnostics
    assert "max_rhat" in loaded.diagnostics


def test_groups_and_checkpoints_are_refused():
    groups = law_fit("chinchilla-hierarchical", 3)
    with pytest.raises(QuickError, match="one group"):
        quick_sample(groups.card, design_of(groups), Effort(), seed=1)
    design = fitting.prepare(bs.load_runs("pile-families"), "chinchilla").design
    with pytest.raises(QuickError, match="checkpoints"):
        quick_sample(load_card("chinchilla"), design, Effort(), seed=1)


def test_handing_over_is_said(monkeypatch):
    example = law_fit("chinchilla-hierarchical", 3)

    def in_the_place_of_nuts(*_, **__):
        return Sampling(tree=example.tree, seconds={"compile": 0.0, "sample": 0.0}), 1

    monkeypatch.setattr(fitting, "sample_with_care", in_the_place_of_nuts)
    runs = bs.read_runs(example.data[["params", "tokens", "loss", "group"]])
    fit = bs.fit(runs, model="chinchilla-hierarchical", by="group", engine="quick", progress=False)
    assert fit.tree.attrs["sampler"] == "nutpie"
    (said,) = (check.text for check in fit.problems() if "quick engine" in check.text)
    assert "one group" in said


def test_pareto_k_tells_weights_with_a_heavy_tail():
    rng = np.random.default_rng(5)
    # Weights exp(k E), with E exponential, have a Pareto tail of shape k.
    for k in (0.3, 1.0):
        assert _smoothed(k * rng.exponential(size=8000))[1] == pytest.approx(k, abs=0.15)


def test_a_bad_pareto_k_hands_over_to_nuts_and_is_said(monkeypatch, capsys):
    example, asked = law_fit("chinchilla"), []

    def in_the_place_of_nuts(*_, seed, **__):
        asked.append(seed)
        return Sampling(tree=example.tree, seconds={"compile": 0.0, "sample": 0.0}), 1

    monkeypatch.setattr(fitting, "sample_with_care", in_the_place_of_nuts)
    monkeypatch.setattr(quick_module, "PARETO_K_MAX", -1.0)
    fit = bs.fit(RUNS, model="chinchilla", engine="quick", seed=3, progress=True)
    assert asked == [3]
    assert fit.tree.attrs["sampler"] == "nutpie"
    (said,) = (check.text for check in fit.problems() if "quick engine" in check.text)
    assert re.search(r"too far from Gaussian \(Pareto k -?\d\.\d\d\)", said)
    assert "NUTS took the place of the quick engine" in " ".join(capsys.readouterr().err.split())


def test_groups_that_look_alike_are_told_before_sampling(monkeypatch, capsys):
    table = RUNS.table.assign(kind=["dense", "Dense "] * (len(RUNS) // 2))
    monkeypatch.setattr(fitting, "sample_fit", lambda *_, **__: ("nothing is sampled", None))
    bs.fit(bs.read_runs(table), by="kind")
    told = " ".join(capsys.readouterr().err.split())
    assert "'dense' and 'Dense ', 2 groups with one name" in told


def test_a_posterior_that_reaches_further_than_was_found_is_refused(monkeypatch):
    """Two breaks: proposals round the mode have a good Pareto k, and miss arms of the posterior."""
    card = load_card("broken-twice").grouped_by(())
    design = invented_design(card, (40,), np.random.default_rng([1]))
    rng = np.random.default_rng([7, 2])
    log_loss = simulate_log_loss(card, design, draw_parameters(card, design, rng), rng)
    table, effort = replace(design, log_loss=log_loss), Effort(draws=1000)
    with pytest.raises(QuickError, match="reaches further than was found"):
        quick_sample(card, table, effort, seed=2)
    monkeypatch.setattr(quick_module, "STRAYED_MAX", 1.0)
    assert quick_sample(card, table, effort, seed=2).tree["sample_stats"]["pareto_k"] < 0.7


@pytest.mark.parametrize("start", ["posterior", "far too narrow"])
def test_walkers_keep_to_the_posterior_and_find_it(start):
    """A Gaussian with sds 1 and 3: as it was, or wherever they set out."""
    sd, n = np.array([1.0, 3.0]), 2000
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 2)) * (sd if start == "posterior" else 0.1)
    ends, density = _walked(lambda x: -0.5 * ((x / sd) ** 2).sum(axis=1), z, 200, rng)
    np.testing.assert_allclose(density, -0.5 * ((ends / sd) ** 2).sum(axis=1))
    # Walkers hardly depend on each other.
    assert (ends.mean(axis=0) / sd) == pytest.approx(0, abs=4 / np.sqrt(n))
    assert (ends.std(axis=0) / sd) == pytest.approx(1, abs=4 / np.sqrt(2 * n))


@pytest.mark.parametrize("name", ["chinchilla", "coupled", "kaplan-nd"])
def test_its_density_is_that_of_the_model(name):
    question = fitting.prepare(RUNS, name)
    target = _Target(card=question.card, design=question.design)
    logp = build_model(question.card, question.design).compile_logp()
    rng = np.random.default_rng(4)
    centre, width = target.prior
    z = target.point(rng.normal(centre, 0.3 * width, size=(6, len(centre))))
    theirs = [logp({"theta_anchored__": p[None, :-1], "nu_log__": p[-1]}) for p in z]
    # Up to a constant.
    np.testing.assert_allclose(np.diff(target(z)), np.diff(theirs), rtol=1e-7)


def test_a_drift_that_no_run_has_seen_stays_as_its_prior(quick):
    theta = (
        quick.tree.posterior["theta"].to_numpy().reshape(-1, quick.tree.posterior.parameter.size)
    )
    names = list(quick.tree.posterior.parameter.to_numpy())
    for name in ("drift", "drift_A"):
        prior, draws = quick.card.priors[name], theta[:, names.index(name)]
        z = (draws - prior.mean) / prior.sigma
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert abs(z.std() - 1) < 4 / np.sqrt(2 * len(z))
        assert abs(np.corrcoef(z, theta[:, names.index("E")])[0, 1]) < 4 / np.sqrt(len(z))


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match=r"engine.*nuts.*quick"):
        bs.fit(RUNS, model="chinchilla", engine="quickest", progress=False)


def test_its_intervals_hold_what_they_promise():
    """Simulation-based calibration, on few tables: a wrong density or Jacobian shows."""
    from bayes_scaling.comparison import calibrate

    design = fitting.prepare(RUNS, "chinchilla").design
    result = calibrate("chinchilla", design, simulations=60, engine="quick", seed=5)
    # Of seven p-values the least is below 0.001 in 0.7 % of such studies.
    assert min(result.p_values().values()) > 0.001
