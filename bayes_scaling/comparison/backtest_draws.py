"""The draws that a back-test keeps of its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["prediction_draws"]

LABELS = ("group", "cut", "method", "row", "params", "tokens", "flops", "factor")
"""Columns of `Backtest.predictions` that say which prediction it is."""

Array = NDArray[np.float64]


def prediction_draws(table: pd.DataFrame, results: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Draws of all predictions, as `Backtest.draws` has them.

    Parameters
    ----------
    table : DataFrame
        `Backtest.table`.
    results : sequence of mappings
        Of the tasks, in the order of their rows in the table.
    """
    import xarray as xr

    log_loss = [np.array(result["draws"], dtype=float) for result in results]
    most = max(draws.shape[1] for draws in log_loss)
    with np.errstate(over="ignore"):  # a loss beyond floats is an infinite one
        loss = np.exp(np.concatenate([_padded(draws, most) for draws in log_loss])).T
    return xr.Dataset(
        {"loss": (("sample", "prediction"), loss)},
        coords={
            **{name: ("prediction", table[name].to_numpy()) for name in LABELS},
            "seen": ("prediction", table["loss"].to_numpy()),
        },
    )


def _padded(draws: Array, n: int) -> Array:
    """Draws of shape (run, draw), with nan up to `n` of them."""
    return np.pad(draws, ((0, 0), (0, n - draws.shape[1])), constant_values=np.nan)
