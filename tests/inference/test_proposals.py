"""Mixtures that propose draws, and how draws of several proposals are weighted."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from bayes_scaling.inference.proposals import (
    COMPONENTS,
    DEGREES_OF_FREEDOM,
    Proposal,
    balanced,
    fitted_mixture,
    moments,
    resample,
)

MIXTURE = Proposal(
    shares=np.array([0.3, 0.7]),
    means=np.array([[0.0, 0.0], [4.0, -2.0]]),
    factors=np.array([[[1.0, 0.0], [0.5, 2.0]], [[0.5, 0.2], [0.0, 0.5]]]),
)


def theirs(proposal, z):
    parts = [
        share * multivariate_t.pdf(z, mean, factor @ factor.T, df=DEGREES_OF_FREEDOM)
        for share, mean, factor in zip(
            proposal.shares, proposal.means, proposal.factors, strict=True
        )
    ]
    return np.log(np.sum(parts, axis=0))


def banana(z):
    """Log density of a bent Gaussian, which has a long tail."""
    return -0.5 * z[:, 0] ** 2 - 0.5 * ((z[:, 1] - z[:, 0] ** 2) / 0.5) ** 2


def test_the_density_is_that_of_a_mixture_of_student_t():
    z = np.random.default_rng(0).normal(size=(40, 2), scale=4)
    constant = MIXTURE.log_density(z) - theirs(MIXTURE, z)
    np.testing.assert_allclose(constant, constant[0], rtol=1e-10)


def test_draws_have_the_density_of_their_proposal():
    z = MIXTURE.draw(200_000, np.random.default_rng(1))
    # Variance of a Student-t is nu / (nu - 2) times its scale.
    mean = MIXTURE.shares @ MIXTURE.means
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.03)
    wide = DEGREES_OF_FREEDOM / (DEGREES_OF_FREEDOM - 2)
    within = wide * np.einsum("k,kij,klj->il", MIXTURE.shares, MIXTURE.factors, MIXTURE.factors)
    away = MIXTURE.means - mean
    covariance = within + np.einsum("k,ki,kj->ij", MIXTURE.shares, away, away)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.15)
    assert np.mean(z[:, 0] > 2.0) == pytest.approx(0.7, abs=0.02)


def test_draws_of_several_proposals_are_weighted_by_all_of_them():
    rng = np.random.default_rng(2)
    narrow = Proposal.single(np.zeros(2), np.eye(2))
    z = np.concatenate([each.draw(40_000, rng) for each in (narrow, MIXTURE)])
    log_weights = -0.5 * (z**2).sum(axis=1) - balanced([narrow, MIXTURE], z)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    mean, root = moments(z, weights)
    np.testing.assert_allclose(mean, 0, atol=0.03)
    np.testing.assert_allclose(root @ root.T, np.eye(2), atol=0.04)


def test_a_mixture_follows_what_one_student_t_cannot():
    rng = np.random.default_rng(3)
    first = Proposal.single(np.zeros(2), np.diag([1.3, 1.0]))

    def effective(proposals, z):
        log_weights = banana(z) - balanced(proposals, z)
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        return weights, 1 / np.sum(weights**2) / len(z)

    z = first.draw(4000, rng)
    weights, poor = effective([first], z)
    mixture = fitted_mixture(z, weights, rng)
    again = mixture.draw(4000, rng)
    _, better = effective([mixture], again)
    assert poor < 0.35
    assert better > 1.5 * poor
    assert 1 < len(mixture.shares) <= COMPONENTS
    assert mixture.shares.sum() == pytest.approx(1)


def test_draws_that_carry_no_information_make_no_mixture():
    z = np.random.default_rng(4).normal(size=(50, 3))
    one = np.eye(50)[0]
    assert moments(z, one) is None
    assert fitted_mixture(z, one, np.random.default_rng(5)) is None


def test_resampling_keeps_the_weights():
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    chosen = resample(weights, 8000, np.random.default_rng(6))
    np.testing.assert_allclose(np.bincount(chosen) / 8000, weights, atol=2 / 8000)
