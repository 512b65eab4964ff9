"""Scores of predictions of log loss, and their errors.

CRPS and logarithmic score come from `scoringrules`; both are better the lower they are (Gneiting
and Raftery 2007, doi:10.1198/016214506000001437).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "COVERED", "LEVELS", "cluster_error", "compact", "held_draws", "score_draws", "score_table",
]  # fmt: skip

COVERED = (0.5, 0.8, 0.9, 0.95)
"""Probabilities of the intervals whose coverage is told."""

LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Quantiles that are kept of every prediction."""

KEPT_DRAWS = 200
"""Draws that are kept of every prediction: some 2 kB of a study's folder."""

FEWEST_HELD, MOST_HELD = 20, 10_000_000
"""Draws of each prediction that are held in memory at least, and of all at most (80 MB)."""

KEPT_DIGITS = 6
"""Decimals of log loss of these draws: a millionth of the loss."""

BATCHES = 4
KERNEL_NU = 4.0
"""Degrees of freedom of the kernels that the logarithmic score smooths draws with."""

_ONE_IMPORT = threading.Lock()

Array = NDArray[np.float64]


def score_draws(draws: Array, observed: Array) -> dict[str, list[Any]]:
    """Quantiles, scores and some draws of every prediction, as lists that JSON can say.

    The CRPS is the unbiased one of an ensemble. The logarithmic score is minus the log density of
    the draws smoothed by Student-t kernels (four degrees of freedom; Silverman's bandwidth of the
    smaller of standard deviation and interquartile range over 1.34): with Gaussian kernels the
    score of a far miss would be infinite.

    Parameters
    ----------
    draws : array of shape (draw, run)
        Of log loss.
    observed : array of shape (run,)
        Log loss that was seen.

    Returns
    -------
    dict
        ``quantiles`` (run, level), ``crps`` and ``log_score`` (run,), and ``crps_batches``
        (run, batch): the CRPS of each fourth draw, from which its Monte Carlo error follows; and
        ``draws`` (run, draw), evenly spaced ones, at most `KEPT_DRAWS`. Scores are of all draws.
    """
    crps_ensemble = _scoringrules().crps_ensemble
    ensemble = np.ascontiguousarray(draws.T)

    def crps(of: Array) -> Array:
        return np.asarray(crps_ensemble(observed, of, estimator="pwm", backend="numpy"))

    batches = [crps(ensemble[:, i::BATCHES]) for i in range(BATCHES)]
    return {
        "quantiles": np.quantile(ensemble, LEVELS, axis=1).T.tolist(),
        "crps": crps(ensemble).tolist(),
        "crps_batches": np.stack(batches, axis=1).tolist(),
        "log_score": _log_score(ensemble, observed).tolist(),
        "draws": np.round(_thinned(ensemble, KEPT_DRAWS), KEPT_DIGITS).tolist(),
    }


def held_draws(predictions: int) -> int:
    """How many draws of each of so many predictions are held in memory."""
    return max(FEWEST_HELD, min(KEPT_DRAWS, MOST_HELD // max(1, predictions)))


def compact(result: Mapping[str, Any], draws: int = KEPT_DRAWS) -> dict[str, Any]:
    """What `score_draws` gave, as arrays: the same numbers in a quarter of the memory.

    At most so many draws of each prediction are held. What else is in the result (``counts``) stays
    as it is.
    """
    arrays = {
        name: np.array(value, dtype=np.float64) if isinstance(value, list) else value
        for name, value in result.items()
    }
    return {**arrays, "draws": _thinned(arrays["draws"], draws)}


def _thinned(ensemble: Array, most: int) -> Array:
    """The middles of as many equal stretches of the draws: those of the cone are in order."""
    n = ensemble.shape[1]
    kept = min(n, most)
    return ensemble[:, (2 * np.arange(kept) + 1) * n // (2 * kept)]


def _scoringrules() -> Any:
    """The library without its numba functions, which nothing here needs.

    It compiles them when it is imported, 3 to 6 s in every process. Only its own modules are
    hidden, and not numba, which another thread may be importing.
    """
    with _ONE_IMPORT:
        if "scoringrules" in sys.modules:
            import scoringrules

            return scoringrules
        hidden: dict[str, Any] = dict.fromkeys(_compiled_modules())
        sys.modules.update(hidden)  # an import of them fails now
        try:
            import scoringrules
        finally:
            for name in hidden:
                sys.modules.pop(name, None)
        # By default it would look for what it has not got.
        scoringrules.backends.set_active("numpy")
        return scoringrules


def _compiled_modules() -> list[str]:
    """Names of the library's modules that numba compiles."""
    spec = find_spec("scoringrules")
    root = Path(str(spec and spec.origin)).parent
    paths = (path.relative_to(root.parent) for path in root.glob("core/*/_gufunc*.py"))
    return [".".join(path.with_suffix("").parts) for path in paths]


def _log_score(ensemble: Array, observed: Array) -> Array:
    from scipy.special import logsumexp

    n = ensemble.shape[1]
    low, high = np.quantile(ensemble, [0.25, 0.75], axis=1)
    scale = np.minimum(ensemble.std(axis=1, ddof=1), (high - low) / 1.34)
    width = np.maximum(0.9 * scale * n**-0.2, 1e-9)
    scores = _scoringrules().logs_t(
        observed[:, None], KERNEL_NU, ensemble, width[:, None], backend="numpy"
    )
    return np.asarray(np.log(n) - logsumexp(-np.asarray(scores), axis=1))


def cluster_error(values: Array, clusters: Array, *, shares: bool = False) -> float:
    """Standard error of a mean of values that are alike within clusters.

    That of a bootstrap over clusters, in closed form; nan for a single one. With two or three
    clusters it is rough itself. With `shares` the values are zeros and ones, and the error is at
    least the binomial one of independent values, at the share shrunk towards one half by one
    success and one failure: all inside is no proof of certainty.
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    m, n = int(codes.max()) + 1, len(values)
    mean = float(values.mean())
    sums = np.bincount(codes, values - mean, m)
    error = float(np.sqrt(np.sum(sums**2) * m / (m - 1)) / n) if m > 1 else np.nan
    if not shares:
        return error
    shrunk = (n * mean + 1) / (n + 2)
    return float(np.nanmax([error, np.sqrt(shrunk * (1 - shrunk) / n)]))


def score_table(predictions: pd.DataFrame, clusters: str) -> dict[str, Any]:
    """Scores of some predictions together.

    Parameters
    ----------
    predictions : DataFrame
        Rows of `Backtest.predictions`.
    clusters : str
        Column whose values tell which rows err together.

    Returns
    -------
    dict
        n, factor (geometric mean), coverages, crps, log_score and bias with their standard errors,
        and the median width of the 90 % interval.
    """
    label: Array = np.asarray(pd.factorize(predictions[clusters])[0])
    row: dict[str, Any] = {
        "n": len(predictions),
        "factor": float(np.exp(np.log(predictions["factor"]).mean())),
    }
    for prob in COVERED:
        name = f"{100 * prob:g}"
        inside = predictions["loss"].between(
            predictions[f"lower{name}"], predictions[f"upper{name}"]
        )
        share = np.asarray(inside, dtype=np.float64)
        row[f"coverage{name}"] = float(share.mean())
        row[f"coverage{name}_se"] = cluster_error(share, label, shares=True)
    for name in ("crps", "log_score", "bias"):
        values = predictions[name].to_numpy(dtype=float)
        row[name], row[f"{name}_se"] = float(values.mean()), cluster_error(values, label)
    batches = predictions[[f"crps_batch{i}" for i in range(BATCHES)]].mean().to_numpy()
    # Independent batches of a quarter of the draws each.
    row["crps_mc"] = float(batches.std(ddof=1) / np.sqrt(BATCHES))
    widths = np.log(predictions["upper90"].to_numpy() / predictions["lower90"].to_numpy())
    row["width90"] = float(np.median(widths))
    return row
