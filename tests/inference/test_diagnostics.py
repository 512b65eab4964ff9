"""Checks of a fit give the verdict that the evidence deserves."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from examples import example_fit, example_runs

import bayes_scaling as bs
from bayes_scaling.decisions.questions import ON_PRIORS
from bayes_scaling.inference.diagnostics import Evidence
from bayes_scaling.inference.diagnostics.answer import answer_budget, log_answer
from bayes_scaling.inference.diagnostics.convergence import convergence, sampler_figures
from bayes_scaling.inference.diagnostics.identifiability import check_identifiability
from bayes_scaling.inference.diagnostics.predictive import check_predictive
from bayes_scaling.inference.model import population_prior
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.storage import design_of


@pytest.fixture(scope="module")
def fit():
    return example_fit()


def evidence_of(fit: Fit, **changes) -> Evidence:
    design = replace(design_of(fit), **changes)
    return Evidence(fit=fit, design=design, warnings=(), attempt=1)


def test_design_survives_the_tree(fit):
    design = design_of(fit)
    np.testing.assert_allclose(np.exp(design.log_loss), fit.data["loss"], rtol=1e-12)
    assert design.groups == fit.groups


def test_runs_that_follow_the_law_pass(fit):
    (check,) = check_predictive(evidence_of(fit))
    assert check.passed


def test_runs_that_bend_away_fail(fit):
    design = design_of(fit)
    size = design.log_inputs["params"]
    bent = design.log_loss + 0.05 * np.sign(size - size.mean())
    (check,) = check_predictive(evidence_of(fit, log_loss=bent))
    assert check.passed is False
    assert not check.fatal
    assert "bends away" in check.text


def test_runs_closer_than_expected_are_the_safe_side(fit):
    theta = {
        name: np.exp(fit.posterior["theta"].sel(parameter=name).mean().item())
        for name in ("E", "T_N", "T_D", "alpha", "beta")
    }
    natural = fit.law.natural(np, theta, fit.reference)
    centre = np.log(fit.law.mean(np, design_of(fit).log_inputs, natural))
    (check,) = check_predictive(evidence_of(fit, log_loss=centre))
    assert check.values["inside_90"] == 1.0
    assert "safe side" in check.text


def test_a_posterior_as_wide_as_the_prior_is_not_identified(fit):
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    names = list(posterior["parameter"].to_numpy())
    _, width = population_prior(fit.card)
    theta = posterior["theta"].copy(deep=True)
    i = names.index("beta")
    noise = np.random.default_rng(0).standard_normal(theta[..., i].shape)
    theta[..., i] = float(theta[..., i].mean()) + width[i] * noise
    tree["posterior"] = posterior.assign(theta=theta)
    (check,) = check_identifiability(evidence_of(Fit(tree)))
    assert check.passed is False
    assert "beta (exponent of data) is not identified" in check.text
    (check,) = check_identifiability(evidence_of(fit))
    assert check.passed


@pytest.mark.parametrize(
    ("log_tokens", "cause"),
    [
        (lambda size: 0 * size, "nearly one value of training tokens D"),
        (lambda size: size + 1, "nearly one ratio of tokens to parameters"),
    ],
)
def test_the_cause_is_named(fit, log_tokens, cause):
    from bayes_scaling.inference.diagnostics.identifiability import _cause

    design = design_of(fit)
    size = design.log_inputs["params"]
    inputs = {"params": size, "tokens": log_tokens(size)}
    assert cause in _cause(replace(design, log_inputs=inputs))


def test_priors_that_move_the_plan_are_told():
    def quick(runs):
        return bs.fit(runs, model="chinchilla", engine="quick", seed=1, progress=False)

    few = quick(example_runs(n_sizes=2, n_ratios=2))
    (check,) = (check for check in few.checks if check.name == "prior sensitivity")
    assert few.leans_on_priors
    assert "and of the optimal number of tokens per parameter at 1.44e21 FLOPs moves" in check.text
    plan = bs.plan(few, flops=1e22)
    assert ON_PRIORS in plan.warnings
    many = quick(example_runs(n_sizes=8, n_ratios=8))
    assert not many.leans_on_priors
    assert ON_PRIORS not in bs.plan(many, flops=1e22).warnings
    average = bs.average_fits({"few": few, "none": few}, {"few": 1.0, "none": 0.0})
    assert average.leans_on_priors


def test_what_checks_call_the_answer_is_what_allocate_gives(fit):
    flops = answer_budget(fit)
    given = bs.allocate(fit.law_only(), flops=flops).drawn["tokens_per_param"][:, 0]
    natural = fit.parameters(fit.groups[0])
    np.testing.assert_allclose(np.exp(log_answer(evidence_of(fit), natural)), given)


def test_chains_that_disagree_are_found():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((4, 500)) + np.array([0, 0, 0, 1])[:, None]
    posterior = xr.Dataset({"x": (("chain", "draw"), draws)})
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((4, 500), bool)),
            "energy": (("chain", "draw"), rng.standard_normal((4, 500))),
        }
    )
    figures = sampler_figures(convergence(posterior), stats)
    assert figures["max_rhat"] > 1.05
    assert figures["min_ess_bulk"] < 100
    assert figures["divergences"] == 0
