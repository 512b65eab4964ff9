"""Posterior summaries: one place for mean, median, sd and equal-tailed credible intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from bayes_scaling.inference.posterior import Fit

__all__ = [
    "STATISTICS", "check_prob", "leading_name", "reported_names", "summarise", "summarise_fit",
]  # fmt: skip

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
    import pandas as pd

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


def reported_names(fit: Fit, *, scales: bool = True) -> list[str]:
    """Parameters of the law in the order that people read them, then the exponent a if it is free.

    Parameters
    ----------
    fit : Fit
    scales : bool
        Whether scales, whose numbers say little by themselves, are among them.
    """
    # A law of isoFLOP valleys samples the exponent a itself: it is named once.
    names = [p.name for p in fit.law.parameters if p.latex != "a" and (scales or not p.scale)]
    return [*names, *("a" if _free_exponents(fit) else ())]


def leading_name(fit: Fit) -> str:
    """The one parameter to compare groups by: a, or else the first exponent of the law."""
    if _free_exponents(fit):
        return "a"
    return next(p.name for p in fit.law.parameters if not p.scale and p.unit != "nats")


def _free_exponents(fit: Fit) -> bool:
    """Whether the law has allocation exponents, and does not fix them."""
    return fit.law.allocates and bool(np.ptp(fit.posterior["a"].to_numpy()) > 0)
