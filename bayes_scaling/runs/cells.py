"""Cells -> numbers under canonical names, in FLOPs, tokens and nats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.columns import CANONICAL, NUMERIC, LossUnit
from bayes_scaling.runs.flops import tokens_for, training_flops
from bayes_scaling.runs.problems import Origin
from bayes_scaling.units import bits_to_nats, parse_flops_column, parse_quantities

__all__ = ["LOSS_UNITS", "CheckedTable", "numeric_table"]

Bools = npt.NDArray[np.bool_]

LOSS_UNITS: tuple[LossUnit, ...] = ("nats", "bits", "perplexity")


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckedTable:
    """What the checks look at.

    Attributes
    ----------
    frame
        n rows; canonical numeric columns are float64, nan where a cell cannot be read.
    raw
        n rows; the same columns as they were written, for "found ...".
    origin
        The n row numbers.
    tolerance
        Factor by which flops may differ from 6ND.
    shown
        Canonical name -> the table's own name for it.
    unreadable
        Canonical name -> shape (n,), True where a cell is not a number.
    missing
        Canonical name -> shape (n,), True where a cell was empty, before anything was derived.
    loss_unit
        The unit the losses were given in; in `frame` they are nats.
    """

    frame: pd.DataFrame
    raw: pd.DataFrame
    origin: Origin
    tolerance: float
    shown: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, Bools] = field(default_factory=dict)
    missing: Mapping[str, Bools] = field(default_factory=dict)
    loss_unit: LossUnit = "nats"

    def has(self, *columns: str) -> bool:
        """Whether all of these columns are there."""
        return all(column in self.frame.columns for column in columns)

    def given(self, column: str) -> bool:
        """Whether the user's table has this column (it may have been derived)."""
        return column in self.raw.columns

    def values(self, column: str) -> npt.NDArray[np.float64]:
        """Shape (n,): one numeric column."""
        return self.frame[column].to_numpy(dtype=np.float64)

    def usable(self, *columns: str) -> Bools:
        """Shape (n,): True where all of these columns are finite and positive."""
        mask = np.ones(len(self.frame), dtype=bool)
        for column in columns:
            values = self.values(column)
            mask &= np.isfinite(values) & (values > 0)
        return mask

    def column(self, canonical: str) -> str:
        """Return the table's own name for a canonical column."""
        return self.shown.get(canonical, canonical)


def numeric_table(
    raw: pd.DataFrame,
    origin: Origin,
    *,
    loss_unit: LossUnit,
    tolerance: float,
    shown: Mapping[str, str],
) -> CheckedTable:
    """Read the numeric columns, convert the loss to nats, and derive tokens or flops.

    Parameters
    ----------
    raw
        Rows with canonical column names and cells of any kind.
    origin
        Their row numbers.
    loss_unit
        "nats", "bits" or "perplexity".
    tolerance
        Factor by which flops may differ from 6ND, above 1.
    shown
        Canonical name -> the table's own name for it.

    Returns
    -------
    CheckedTable
        Optional columns that are empty throughout are left out.

    Raises
    ------
    InputError
        If `loss_unit` is unknown or `tolerance` is not above 1.
    """
    if loss_unit not in LOSS_UNITS:
        raise InputError(unknown_name("loss_unit", loss_unit, LOSS_UNITS))
    if not tolerance > 1:
        raise InputError(f"tolerance is {tolerance!r}; expected a factor above 1, such as 2")
    raw = _without_empty(raw)
    columns, unreadable, missing = _read_cells(raw)
    frame = pd.DataFrame(columns, index=raw.index)
    _to_nats(frame, loss_unit)
    table = CheckedTable(
        frame=frame, raw=raw, origin=origin, tolerance=tolerance, shown=shown,
        unreadable=unreadable, missing=missing, loss_unit=loss_unit,
    )  # fmt: skip
    return replace(table, frame=_ordered(_derived(table)))


def _read_cells(
    raw: pd.DataFrame,
) -> tuple[dict[str, pd.Series], dict[str, Bools], dict[str, Bools]]:
    """Columns with numbers where there should be, unreadable cells, missing cells."""
    columns: dict[str, pd.Series] = {}
    unreadable: dict[str, Bools] = {}
    missing: dict[str, Bools] = {}
    for name in raw.columns:
        columns[name] = raw[name]
        if name in NUMERIC:
            parse = parse_flops_column if name == "flops" else parse_quantities
            values, unreadable[name] = parse(raw[name])
            missing[name] = np.isnan(values) & ~unreadable[name]
            columns[name] = pd.Series(values, index=raw.index)
    return columns, unreadable, missing


def _without_empty(raw: pd.DataFrame) -> pd.DataFrame:
    needed = ("params", "loss", *(("tokens",) if "flops" not in raw.columns else ()))
    empty = [c for c in CANONICAL if c in raw.columns and c not in needed and raw[c].isna().all()]
    return raw.drop(columns=empty) if len(raw) else raw


def _to_nats(frame: pd.DataFrame, unit: LossUnit) -> None:
    if "loss" not in frame.columns or unit == "nats":
        return
    loss = frame["loss"].to_numpy(dtype=np.float64)
    positive = loss > 0
    if unit == "bits":
        nats, slope = bits_to_nats(loss), np.full(len(loss), np.log(2.0))
    else:
        # Impossible losses stay as they are: the checks show them as they were given.
        safe = np.where(positive, loss, 1.0)
        with np.errstate(over="ignore"):
            nats, slope = np.where(positive, np.log(safe), loss), 1.0 / safe
    frame["loss"] = nats
    if "loss_se" in frame.columns:
        # Delta method: the standard error scales with the slope of the conversion.
        # An absurd loss may overflow here; the checks then refuse the infinity.
        with np.errstate(over="ignore", invalid="ignore"):
            frame["loss_se"] = frame["loss_se"].to_numpy(dtype=np.float64) * slope


def _derived(table: CheckedTable) -> pd.DataFrame:
    """Frame with tokens filled in from flops and flops from tokens, where cells are empty."""
    frame = table.frame.copy()
    if "params" not in frame.columns:
        return frame
    params = table.values("params")
    with np.errstate(all="ignore"):
        if "flops" in frame.columns:
            _fill(frame, "tokens", tokens_for(table.values("flops"), params), table)
        if "tokens" in frame.columns:
            tokens = frame["tokens"].to_numpy(dtype=np.float64)
            _fill(frame, "flops", training_flops(params, tokens), table)
    return frame


def _fill(
    frame: pd.DataFrame, column: str, values: npt.NDArray[np.float64], table: CheckedTable
) -> None:
    if column not in frame.columns:
        frame[column] = values
        return
    frame[column] = np.where(table.missing[column], values, frame[column])


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    first = [c for c in CANONICAL if c in frame.columns]
    return frame[first + [c for c in frame.columns if c not in first]]
