"""Numbers as the field writes them: "70B", "1.4T", "5.76e23", PF-days, nats and bits.

Suffixes of counts (either case): k 1e3, M 1e6, B or G 1e9, T 1e12, Q 1e15, and the words
thousand, million, billion, trillion. There is no P and no E: `1E` would be half a number in
scientific notation. Commas and underscores group digits by three ("1,000,000") and never
mark a decimal. FLOPs may also carry a unit: "1.2 EFLOP", "3 PF-days", "5e3 PFLOP/s-days".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PF_DAY",
    "bits_per_byte_to_nats",
    "bits_to_nats",
    "format_count",
    "format_factor",
    "format_quantity",
    "nats_to_bits",
    "nats_to_bits_per_byte",
    "parse_flops",
    "parse_flops_column",
    "parse_quantities",
    "parse_quantity",
    "perplexity_to_nats",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PF_DAY = 8.64e19
"""FLOPs of one petaFLOP/s-day: 1e15 operations a second for 86,400 seconds."""

_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12, "q": 1e15}
_COUNTS |= {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SI = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_WORDS = {"tera": 1e12, "peta": 1e15, "exa": 1e18, "zetta": 1e21}
_PF = ("pf", "pflop", "pflops", "pflop/s", "petaflop", "petaflops", "petaflop/s")
_FLOPS = (
    _COUNTS
    | {f"{prefix}flop{s}": x for prefix, x in (_SI | _WORDS).items() for s in ("", "s")}
    | {f"{pf}{gap}day{s}": PF_DAY for pf in _PF for gap in ("-", "") for s in ("", "s")}
)

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)"
_NUMBER = rf"[+-]?(?:{_DIGITS}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_PATTERN = re.compile(rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>[a-zA-Z][a-zA-Z/ -]*)?\s*")
_MISSING = frozenset({"", "nan", "na", "n/a", "none", "null", "<na>"})


def parse_quantity(text: str | float) -> float:
    """Read one count, such as a number of parameters or tokens.

    Parameters
    ----------
    text
        A number, or text such as "70B", "1.4T", "5.76e23", "512M", "20k", "1,000,000".

    Returns
    -------
    float
        The count.

    Raises
    ------
    InputError
        If it is not a finite number with an optional suffix (k, M, B, G, T, Q).

    Examples
    --------
    >>> parse_quantity("70B")
    70000000000.0
    """
    return _parse_one(text, _COUNTS, "a number such as 3.2e9, 70B or 1.4T (k, M, B, G, T, Q)")


def parse_flops(text: str | float) -> float:
    """Read one amount of compute, in FLOPs.

    Parameters
    ----------
    text
        A number, or text such as "5.76e23", "1.2 EFLOP", "3 PF-days".

    Returns
    -------
    float
        FLOPs (operations, not a rate).

    Raises
    ------
    InputError
        If it is not a finite number with an optional unit.

    Examples
    --------
    >>> parse_flops("2 PF-days")
    1.728e+20
    """
    return _parse_one(text, _FLOPS, "FLOPs such as 5.76e23, 1.2 EFLOP or 3 PF-days")


def _parse_one(text: str | float, units: Mapping[str, float], expected: str) -> float:
    value = _scale(text, units) if isinstance(text, str) else _as_number(text)
    if not math.isfinite(value):
        raise InputError(f"cannot read {text!r} as a quantity; expected {expected}")
    return value


def _as_number(value: object) -> float:
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return math.nan


def _scale(text: str, units: Mapping[str, float]) -> float:
    """Value of a text, nan where it cannot be read."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return math.nan
    unit = (match["unit"] or "").strip().casefold().replace(" ", "")
    number = float(match["number"].replace(",", "").replace("_", ""))
    # Binary fractions: 0.27 * 1e12 is 270000000000.00003.
    return float(f"{number * units.get(unit, math.nan):.15g}") if unit else number


def parse_quantities(cells: pd.Series) -> tuple[Floats, Bools]:
    """Read a column of counts: numeric as it is, text as `parse_quantity` does.

    Parameters
    ----------
    cells
        n cells of any dtype.

    Returns
    -------
    values
        Shape (n,); nan where a cell is missing or could not be read.
    unreadable
        Shape (n,); True where a cell holds something that is not a number. Missing cells
        (None, nan, blank, "NA") are not unreadable.
    """
    return _parse_column(cells, _COUNTS)


def parse_flops_column(cells: pd.Series) -> tuple[Floats, Bools]:
    """Read a column of compute, as `parse_flops` does.

    Parameters
    ----------
    cells
        n cells of any dtype.

    Returns
    -------
    values, unreadable
        As for `parse_quantities`, in FLOPs.
    """
    return _parse_column(cells, _FLOPS)


def _parse_column(cells: pd.Series, units: Mapping[str, float]) -> tuple[Floats, Bools]:
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype):
        return np.full(len(cells), np.nan), cells.notna().to_numpy(dtype=bool)
    if pd.api.types.is_integer_dtype(cells.dtype) or pd.api.types.is_float_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(cells), dtype=bool)
    # Columns of text repeat themselves ("70B"): each distinct cell is read once.
    codes, distinct = pd.factorize(_hashable(cells))
    read = [_read_cell(cell, units) for cell in distinct]
    values = np.array([value for value, _ in read] + [np.nan])
    unreadable = np.array([bad for _, bad in read] + [False])
    return values[codes], unreadable[codes]


def _hashable(cells: pd.Series) -> pd.Series:
    import pandas as pd

    if cells.dtype != object:
        return cells
    # Booleans hash like 0 and 1, and lists do not hash at all.
    plain = [c if isinstance(c, str | float) or _is_number(c) else _named(c) for c in cells]
    return pd.Series(plain, dtype=object)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | np.integer | np.floating) and not isinstance(cell, bool)


def _named(cell: object) -> object:
    import pandas as pd

    return cell if cell is None or cell is pd.NA or cell is pd.NaT else f"<{cell!r}>"


def _read_cell(cell: object, units: Mapping[str, float]) -> tuple[float, bool]:
    if not isinstance(cell, str):
        value = _as_number(cell)
        return value, not _is_number(cell) and not isinstance(cell, float)
    text = cell.strip().casefold()
    if text in _MISSING:
        return math.nan, False
    if text.lstrip("+-") in {"inf", "infinity"}:
        return float(text), False
    value = _scale(cell, units)
    return value, math.isnan(value)


def format_count(n: int, noun: str) -> str:
    """Write how many of something there are: "1 run", "12 runs", "12,000 runs".

    Parameters
    ----------
    n
        How many, 0 or more.
    noun
        One of them, a word whose plural takes an s.
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def format_factor(value: float, digits: int = 3) -> str:
    """Write how many times as large something is: "1.5", "10,000".

    Parameters
    ----------
    value
        Any number.
    digits
        Significant digits, at least 1.
    """
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 1e3 <= rounded < 1e15 else format_quantity(rounded, digits)


def format_quantity(value: float, digits: int = 3) -> str:
    """Write a count as the field does: "70B", "1.4T", and "5.76e23" from 1e15 on.

    Parameters
    ----------
    value
        Any number.
    digits
        Significant digits, at least 1; trailing zeros are dropped.

    Returns
    -------
    str
        What `parse_quantity` reads back to `digits` digits.

    Raises
    ------
    InputError
        If `digits` is below 1.
    """
    if digits < 1:
        raise InputError(f"digits is {digits}; expected 1 or more")
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    # Rounding comes first, so that 999.9M becomes 1B and not 1000M.
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if power < -4 or power >= 15:
        return f"{_short(mantissa)}e{power}"
    step = max(0, min(power // 3, 4))
    scaled = float(f"{mantissa}e{power - 3 * step}")
    decimals = max(0, digits - 1 - (power - 3 * step))
    return _short(f"{scaled:.{decimals}f}") + ("", "k", "M", "B", "T")[step]


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


@overload
def bits_to_nats(loss: float) -> float: ...
@overload
def bits_to_nats(loss: Floats) -> Floats: ...
def bits_to_nats(loss: float | Floats) -> float | Floats:
    """Loss in bits -> nats (any shape)."""
    return loss * math.log(2)


@overload
def nats_to_bits(loss: float) -> float: ...
@overload
def nats_to_bits(loss: Floats) -> Floats: ...
def nats_to_bits(loss: float | Floats) -> float | Floats:
    """Loss in nats -> bits (any shape)."""
    return loss / math.log(2)


@overload
def perplexity_to_nats(perplexity: float) -> float: ...
@overload
def perplexity_to_nats(perplexity: Floats) -> Floats: ...
def perplexity_to_nats(perplexity: float | Floats) -> float | Floats:
    """Perplexity -> loss in nats per token (any shape).

    Raises
    ------
    InputError
        If a perplexity is not positive.
    """
    if not np.all(np.asarray(perplexity) > 0):
        raise InputError(f"perplexity must be positive; given {perplexity!r}")
    if isinstance(perplexity, np.ndarray):
        return np.log(perplexity)
    return math.log(perplexity)


@overload
def nats_to_bits_per_byte(loss: float, bytes_per_token: float) -> float: ...
@overload
def nats_to_bits_per_byte(loss: Floats, bytes_per_token: float) -> Floats: ...
def nats_to_bits_per_byte(loss: float | Floats, bytes_per_token: float) -> float | Floats:
    """Loss in nats per token -> bits per byte.

    Parameters
    ----------
    loss
        Nats per token, any shape.
    bytes_per_token
        Bytes of text in a mean token of the tokeniser (about 4 for English).

    Returns
    -------
    float or array
        Bits per byte, shaped like `loss`.

    Raises
    ------
    InputError
        If `bytes_per_token` is not positive and finite.
    """
    return loss / (math.log(2) * _checked_ratio(bytes_per_token))


@overload
def bits_per_byte_to_nats(loss: float, bytes_per_token: float) -> float: ...
@overload
def bits_per_byte_to_nats(loss: Floats, bytes_per_token: float) -> Floats: ...
def bits_per_byte_to_nats(loss: float | Floats, bytes_per_token: float) -> float | Floats:
    """Loss in bits per byte -> nats per token; the inverse of `nats_to_bits_per_byte`."""
    return loss * (math.log(2) * _checked_ratio(bytes_per_token))


def _checked_ratio(bytes_per_token: float) -> float:
    if not (math.isfinite(bytes_per_token) and bytes_per_token > 0):
        raise InputError(f"bytes_per_token is {bytes_per_token!r}; expected a positive number")
    return bytes_per_token
