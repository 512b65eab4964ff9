"""CSV and its relatives -> a data frame that still knows the line of every row."""

from __future__ import annotations

import csv
import io
import re
import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.errors import InputError

__all__ = ["read_delimited"]

_SEPARATORS = (",", "\t", ";", "|")
_HEAD = 20_000


def read_delimited(text: str, name: str) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Read delimited text; the separator is the commonest of `, tab ; |` in the header.

    Parameters
    ----------
    text
        A header and one line a run; blank lines are skipped.
    name
        What messages call the file.

    Returns
    -------
    frame
        n rows; columns named as in the header (perhaps not distinct).
    lines
        Shape (n,): the line of each row, the first line of the file being 1.

    Raises
    ------
    InputError
        If there is only one column, or if rows have more cells than the header.
    """
    header, separator, skipped = _header(text, name)
    frame = _cells(text, name, separator, len(header), skipped)
    blank = frame.isna().all(axis=1).to_numpy(dtype=bool)
    lines = np.flatnonzero(~blank) + skipped + 1
    frame = frame[~blank].reset_index(drop=True)
    frame.columns = pd.Index([h.strip() or f"unnamed {i + 1}" for i, h in enumerate(header)])
    # What a spreadsheet leaves behind: trailing separators make empty columns without a name.
    named = [bool(h.strip()) or frame.iloc[:, i].notna().any() for i, h in enumerate(header)]
    return frame.loc[:, named], lines


def _header(text: str, name: str) -> tuple[list[str], str, int]:
    """Header cells, separator, and number of lines up to the end of the header."""
    skipped = len(re.match(r"(?:[ \t]*\r?\n)*", text)[0].splitlines())  # type: ignore[index]
    first = text.splitlines()[skipped] if len(text) < _HEAD else _line(text, skipped)
    counts = {separator: first.count(separator) for separator in _SEPARATORS}
    separator = max(counts, key=counts.__getitem__)
    if not counts[separator]:
        raise InputError(
            f"{name}: only one column found ({first.strip()[:60]!r}); expected a header of "
            "columns separated by comma, tab, semicolon or |"
        )
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    for _ in range(skipped):
        next(rows)
    try:
        return next(rows), separator, rows.line_num
    except csv.Error as error:
        raise InputError(f"{name}: the header cannot be read ({error})") from error


def _line(text: str, number: int) -> str:
    lines = io.StringIO(text)
    for _ in range(number):
        lines.readline()
    return lines.readline()


def _cells(text: str, name: str, separator: str, width: int, skipped: int) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # Without this pandas cuts the surplus cells off when the first row has them.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(text),
                sep=separator,
                header=None,
                names=range(width),
                index_col=False,
                skiprows=skipped,
                skip_blank_lines=False,
                skipinitialspace=True,
                low_memory=False,
                decimal="," if separator == ";" and _decimal_commas(text) else ".",
            )
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=range(width))
    except (pd.errors.ParserWarning, ValueError, OverflowError) as error:
        raise InputError(
            f"{name}: the rows do not fit the header of {width} columns ({error}). "
            "Quote cells that hold the separator."
        ) from error


def _decimal_commas(text: str) -> bool:
    """Whether numbers are written as in `2,31;1,4`: only looked at where `;` separates."""
    head = text[:_HEAD]
    return bool(re.search(r"\d,\d", head)) and not re.search(r"\d\.\d", head)
