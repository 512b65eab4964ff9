"""Posterior summaries: one place for mean, median, sd and equal-tailed credible intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from bayes_scaling.inference.posterior import Fit

__all__ = ["STATISTICS", "check_prob", "summarise", "summarise_fit"]

STATISTICS = ("mean", "median", "sd", "lower", "upper")


def check_prob(prob: float) -> float:
    """The probability of an interval, if it is one.

    Raises
    ------
    InputError
        It does not lie strictly between 0 and 1.
    """
    if not 0 < prob < 1:
        raise InputError(f"prob must lie between 0 and 1, such as 0.9, not {prob}")
    return float(prob)


def summarise(draws: NDArray[np.float64], prob: float) -> dict[str, NDArray[np.float64]]:
    """Mean, median, sd and equal-tailed interval over the first axis of `draws`."""
    tail = (1 - check_prob(prob)) / 2
    lower, median, upper = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    return {
        "mean": draws.mean(axis=0),
        "median": median,
        "sd": draws.std(axis=0, ddof=1),
        "lower": lower,
        "upper": upper,
    }


def summarise_fit(fit: Fit, prob: float) -> pd.DataFrame:
    """See `Fit.summary`."""
    statistics = fit.tree["convergence"].to_dataset()
    posterior = fit.posterior
    rows = []
    exponents = ("a", "b") if fit.law.allocates else ()
    names = [*(p.name for p in fit.law.parameters), *exponents, "sigma", "nu"]
    for group in fit.groups:
        for name in names:
            at = {"group": group} if "group" in posterior[name].dims else {}
            values = posterior[name].sel(at).to_numpy().ravel()
            rows.append(
                {"group": group, "parameter": name}
                | {key: float(value) for key, value in summarise(values, prob).items()}
                | {"prob": prob}
                | _quality(statistics, name, at)
            )
    return pd.DataFrame(rows).set_index(["group", "parameter"])


def _quality(statistics: xr.Dataset, name: str, at: dict[str, str]) -> dict[str, float]:
    """Effective sample sizes and R-hat; nan for an exponent that the law fixes."""
    wanted = ("ess_bulk", "ess_tail", "r_hat")
    if name not in statistics:
        return dict.fromkeys(wanted, float("nan"))
    found = statistics[name].sel(at)
    return {key: float(found.sel(statistic=key)) for key in wanted}
