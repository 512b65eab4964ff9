"""Reading a question: numbers as people write them, groups, and the points they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.units import parse_flops, parse_quantity

__all__ = ["LARGEST", "quantities", "with_groups"]

LARGEST = 1e40
"""No budget, size or number of tokens is beyond this; a larger one is a slip of the pen."""


def quantities(values: Any, what: str, *, flops: bool = False) -> NDArray[np.float64]:
    """Positive numbers from a number, a text such as ``"70B"``, or several of them.

    Raises
    ------
    InputError
        One is not a positive finite number, or is absurdly large.
    """
    read = parse_flops if flops else parse_quantity
    many = [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)
    if not many:
        raise InputError(f"{what}: at least one value is needed")
    try:
        parsed = np.array([read(value) for value in many], dtype=float)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    bad = ~(np.isfinite(parsed) & (parsed >= 1) & (parsed < LARGEST))
    if bad.any():
        raise InputError(
            f"{what} must lie between 1 and {LARGEST:g}, not {many[int(np.argmax(bad))]!r}"
        )
    return parsed


def with_groups(fit: Fit, points: pd.DataFrame, group: str | Sequence[str] | None) -> pd.DataFrame:
    """Points with a ``group`` column: their own, or every point for every group asked about.

    Raises
    ------
    InputError
        A group is unknown, or groups are given both in the points and beside them.
    """
    if "group" not in points:
        groups = pd.DataFrame({"group": fit.select_groups(group)})
        return points.merge(groups, how="cross")
    if group is not None:
        raise InputError("groups are given twice: as a column of the points and as group=")
    fit.select_groups(tuple(points["group"].astype(str).unique()))
    return points.assign(group=points["group"].astype(str)).reset_index(drop=True)
