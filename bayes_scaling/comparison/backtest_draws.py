"""The draws that a back-test keeps of its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["prediction_draws"]

LABELS = ("group", "cut", "method", "row", "params", "tokens", "flops", "factor")
"""Columns of `Backtest.predictions` that say which prediction it is."""


def prediction_draws(table: pd.DataFrame, results: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Draws of all predictions, as `Backtest.draws` has them.

    Parameters
    ----------
    table : DataFrame
        `Backtest.table`.
    results : sequence of mappings
        Of the tasks, in the order of their rows in the table, with arrays as of `compact`.
    """
    import xarray as xr

    loss = np.full((len(table), max(each["draws"].shape[1] for each in results)), np.nan)
    row = 0
    with np.errstate(over="ignore"):  # a loss beyond floats is an infinite one
        for result in results:
            n, kept = result["draws"].shape
            np.exp(result["draws"], out=loss[row : row + n, :kept])
            row += n
    return xr.Dataset(
        {"loss": (("sample", "prediction"), loss.T)},
        coords={
            **{name: ("prediction", table[name].to_numpy()) for name in LABELS},
            "seen": ("prediction", table["loss"].to_numpy()),
        },
    )
