"""What each group would say by itself: a quick approximation, for pictures of shrinkage.

Per group the mode of the Student-t likelihood and the card's population prior, with noise and
tails fixed at their posterior medians, and a Gaussian around it on the scale where the parameters
are sampled (Laplace, from the observed information). It is not a posterior: the noise is taken
as known, rows that share a run count as independent, and skewness and second modes are lost. It
serves to show how far pooling moved a group, and is never used for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.inference.design import Design
from bayes_scaling.inference.model import parameter_names, population_prior
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import summarise
from bayes_scaling.laws import log_mean

__all__ = ["separate_estimates"]

N_DRAWS = 4000
N_STARTS = 6
N_STEPS = 60
STATISTICS = ("median", "lower", "upper")
_DIFFERENCE, _SECOND_DIFFERENCE = 1e-5, 1e-4
_EASIEST, _HARDEST = 1e-8, 1e8

Array = NDArray[np.float64]


def separate_estimates(fit: Fit, *, prob: float = DEFAULT_PROB) -> xr.Dataset:
    """Approximate estimate of every group from its own runs and the card's prior alone.

    Parameters
    ----------
    fit : Fit
    prob : float
        Probability of the approximate intervals.

    Returns
    -------
    Dataset
        The law's natural parameters and the exponents a and b, dims (group, statistic) with
        statistics median, lower and upper; and ``n_runs`` of each group.
    """
    from bayes_scaling.inference.storage import design_of

    design = design_of(fit)
    estimates = [_estimate(fit, design, group, prob) for group in range(len(fit.groups))]
    return xr.Dataset(
        {
            **{
                name: (("group", "statistic"), np.array([each[name] for each in estimates]))
                for name in estimates[0]
            },
            "n_runs": ("group", np.bincount(design.group_index, minlength=len(fit.groups))),
        },
        coords={"group": list(fit.groups), "statistic": list(STATISTICS)},
        attrs={"prob": prob, "method": "mode and Laplace approximation, noise fixed"},
    )


def _estimate(fit: Fit, design: Design, group: int, prob: float) -> dict[str, list[float]]:
    rng = np.random.default_rng([fit.seed, group, 2])
    problem = _problem(fit, design, group)
    mode = _mode(problem, _starts(fit, problem, group, rng))
    covariance = _covariance(problem, mode)
    theta = rng.multivariate_normal(mode, covariance, size=N_DRAWS, method="eigh")
    natural = fit.law.natural(np, problem.relative(theta), fit.reference)
    wanted = {p.name: natural[p.name] for p in fit.law.parameters} | fit.exponents(natural)
    summaries = {name: summarise(draws, prob) for name, draws in wanted.items()}
    return {name: [float(s[key]) for key in STATISTICS] for name, s in summaries.items()}


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Penalised Student-t regression of one group, for a batch of theta (batch, parameter)."""

    fit: Fit
    log_inputs: dict[str, Array]
    log_loss: Array
    scale: Array
    nu: float
    log_sigma: float
    centre: Array
    width: Array
    beyond: Array | None

    def relative(self, theta: Array) -> dict[str, Array]:
        """Parameters in reference units by name, and the noise."""
        noise = np.full((*theta.shape[:-1], 1), self.log_sigma)
        return parameter_values(self.fit.card, np.concatenate([theta, noise], axis=-1))

    def scores(self, theta: Array) -> Array:
        """Observed minus expected log loss in units of the noise, shape (..., run)."""
        relative = {name: v[..., None] for name, v in self.relative(theta).items()}
        law = self.fit.law
        with np.errstate(over="ignore", invalid="ignore"):
            natural = law.natural(np, relative, self.fit.reference)
            mean = log_mean(np, law, self.log_inputs, {**relative, **natural}, self.beyond)
        return np.asarray((self.log_loss - mean) / self.scale)

    def objective(self, theta: Array) -> Array:
        """Minus the log posterior density up to a constant, shape (...)."""
        z = self.scores(theta)
        misfit = (self.nu + 1) / 2 * np.log1p(z**2 / self.nu).sum(axis=-1)
        value = misfit + 0.5 * (((theta - self.centre) / self.width) ** 2).sum(axis=-1)
        return np.asarray(np.where(np.isfinite(value), value, np.inf))

    def jacobian(self, theta: Array) -> Array:
        """Change of the scores with theta, shape (batch, run, parameter)."""
        step = _DIFFERENCE * np.eye(theta.shape[-1])
        up, down = (self.scores(theta[..., None, :] + sign * step) for sign in (1, -1))
        return np.swapaxes(up - down, -1, -2) / (2 * _DIFFERENCE)

    def expected_information(self, theta: Array) -> Array:
        """Expected information of the likelihood plus the prior's precision; always invertible."""
        jacobian = self.jacobian(theta[None])[0]
        share = (self.nu + 1) / (self.nu + 3)
        return np.asarray(share * jacobian.T @ jacobian + np.diag(self.width**-2.0))

    def observed_information(self, theta: Array) -> Array:
        """Second differences of the objective."""
        steps = _SECOND_DIFFERENCE * np.eye(len(theta))
        total, apart = steps[:, None] + steps, steps[:, None] - steps
        f = self.objective
        corners = f(theta + total) - f(theta + apart) - f(theta - apart) + f(theta - total)
        return np.asarray(corners / (4 * _SECOND_DIFFERENCE**2))


def _problem(fit: Fit, design: Design, group: int) -> _Problem:
    own = design.group_index == group
    draws = fit.parameters(fit.groups[group])
    sigma = float(np.median(fit.run_noise(fit.groups[group]).scale))
    stated = 0.0 if design.log_loss_se is None else design.log_loss_se[own]
    centre, width = population_prior(fit.card)
    return _Problem(
        fit=fit,
        log_inputs={name: values[own] for name, values in design.log_inputs.items()},
        log_loss=design.log_loss[own],
        scale=np.sqrt(sigma**2 + np.square(stated)) * np.ones(int(own.sum())),
        nu=float(np.median(draws["nu"])),
        log_sigma=float(np.log(sigma)),
        centre=centre[:-1],
        width=width[:-1],
        beyond=None if design.beyond is None else design.beyond[own],
    )


def _covariance(problem: _Problem, mode: Array) -> Array:
    """Inverse of the observed information, or of the expected one where that has no inverse."""
    observed = problem.observed_information(mode)
    try:
        np.linalg.cholesky(observed)
    except np.linalg.LinAlgError:
        return np.linalg.inv(problem.expected_information(mode))
    return np.linalg.inv(observed)


def _starts(fit: Fit, problem: _Problem, group: int, rng: np.random.Generator) -> Array:
    """The pooled answer, the prior's centre, and points scattered like the prior."""
    theta = fit.posterior["theta"].isel(group=group)
    pooled = theta.median(("chain", "draw")).sel(parameter=parameter_names(fit.card)[:-1])
    scattered = rng.normal(problem.centre, problem.width, size=(N_STARTS - 2, len(problem.centre)))
    return np.stack([pooled.to_numpy(), problem.centre, *scattered])


def _mode(problem: _Problem, theta: Array) -> Array:
    """Best end of Levenberg-Marquardt with reweighting, all starts at once."""
    value = problem.objective(theta)
    damping = np.full(len(theta), 1e-2)
    for _ in range(N_STEPS):
        moved = theta + _step(problem, theta, damping)
        reached = problem.objective(moved)
        better = reached < value
        gain = np.max(np.where(better & np.isfinite(value), value - reached, 0.0))
        theta = np.where(better[:, None], moved, theta)
        value = np.where(better, reached, value)
        damping = np.clip(np.where(better, damping / 5, damping * 5), _EASIEST, _HARDEST)
        if gain < 1e-10 and np.all(damping > 1e2):
            break
    return np.asarray(theta[np.argmin(value)])


def _step(problem: _Problem, theta: Array, damping: Array) -> Array:
    z, jacobian = problem.scores(theta), problem.jacobian(theta)
    weight = (problem.nu + 1) / (problem.nu + z**2)
    weighted = jacobian * weight[..., None]
    precision = problem.width**-2.0
    gradient = np.einsum("srp,sr->sp", weighted, z) + (theta - problem.centre) * precision
    curvature = np.swapaxes(weighted, -1, -2) @ jacobian + np.diag(precision)
    diagonal = np.einsum("spp->sp", curvature)
    damped = curvature + damping[:, None, None] * diagonal[:, :, None] * np.eye(theta.shape[1])
    return -np.asarray(np.linalg.solve(damped, gradient[..., None]))[..., 0]
