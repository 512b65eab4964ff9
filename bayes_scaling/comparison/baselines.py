"""The methods that `backtest` sets beside the posteriors of its cards."""

from __future__ import annotations

import numpy as np

from bayes_scaling.comparison.cone import LEARNED, PROBS, cone_slopes, fit_part, half_widths
from bayes_scaling.comparison.methods import Answer, Problem, register_method
from bayes_scaling.inference.huber import bootstrap, log_law

__all__ = ["BASELINES", "best_run", "cone", "huber"]

BASELINES = ("huber", "best-run", "cone")

RESAMPLES = 1000
N_PARAMETERS = 5
"""Of Chinchilla's law, which Huber least squares fits."""

FEWEST_GROUPS = 3
"""Other groups from which the cone learns; with fewer, `LEARNED` takes their place."""


@register_method(
    "huber", "Huber least squares of Chinchilla's law, 1000 bootstrap refits, residual noise"
)
def huber(problem: Problem) -> Answer:
    """Huber least squares with a bootstrap (Hoffmann et al. 2022; Besiroglu et al. 2024).

    A draw is the prediction of a refit to resampled runs, plus one residual of the fit to all
    runs, drawn with replacement. Residuals are scaled by sqrt(n / (n - 5)), since a fit of five
    parameters leaves less than the runs' scatter.
    """
    runs = problem.fitted.stacked
    n = runs.shape[1]
    fit = fit_part(problem.fitted)
    thetas = bootstrap(runs, fit.theta, resamples=RESAMPLES, seed=problem.seed)
    law = log_law(thetas, problem.held.log_params, problem.held.log_tokens)
    rng = np.random.default_rng([problem.seed, 5])
    noise = np.sqrt(n / max(n - N_PARAMETERS, 1)) * fit.residuals
    return Answer(draws=law + noise[rng.integers(0, n, size=law.shape)])


@register_method("best-run", "Repeat the lowest loss that was fitted, with the errors of doing so")
def best_run(problem: Problem) -> Answer:
    """Repeat the best run.

    Its errors are those of the same rule among the runs that were fitted: each run of the
    costlier half against the best of the cheaper ones before it.
    """
    known = problem.fitted
    order = np.argsort(known.log_x, kind="stable")
    log_loss = known.log_loss[order]
    best = np.minimum.accumulate(log_loss)
    half = max(1, len(log_loss) // 2)
    errors = log_loss[half:] - best[half - 1 : -1]
    rng = np.random.default_rng([problem.seed, 6])
    chosen = rng.integers(0, len(errors), size=(RESAMPLES, len(problem.held)))
    return Answer(draws=best[-1] + errors[chosen])


@register_method(
    "cone",
    "Huber least squares, with an interval that grows by a quantile of errors a decade (conformal)",
    uses_others=True,
)
def cone(problem: Problem) -> Answer:
    """The conformal cone as evenly spaced quantiles of its distribution, symmetric in log loss."""
    fit = fit_part(problem.fitted)
    enough = len(problem.others) >= FEWEST_GROUPS
    slopes = cone_slopes(problem.others) if enough else np.array(LEARNED)
    centre = log_law(fit.theta, problem.held.log_params, problem.held.log_tokens)
    widths = half_widths(slopes, fit.residuals, problem.decades)
    place = 2 * (np.arange(RESAMPLES) + 0.5) / RESAMPLES - 1
    at = (0.0, *PROBS)
    away = [np.interp(np.abs(place), at, (0.0, *width)) for width in widths.T]
    draws = centre + np.sign(place)[:, None] * np.stack(away, axis=1)
    return Answer(draws=draws, counts={"cone_from_constant": int(not enough)})
