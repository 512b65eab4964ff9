"""Files and data frames -> a plain table with its row numbers; no meaning is read into it yet.

A format is a function from bytes to `RawTable`, registered for the endings it reads.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError
from bayes_scaling.runs.delimited import read_delimited
from bayes_scaling.runs.problems import Origin, Problem

__all__ = ["RawTable", "Reader", "read_table", "register_reader"]


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it was found.

    Attributes
    ----------
    frame
        n rows, RangeIndex, columns named by strings (perhaps not distinct).
    origin
        The n row numbers.
    name, source
        Short name, and the path as it was given.
    problems
        What was chosen while it was read, as warnings.
    """

    frame: pd.DataFrame
    origin: Origin
    name: str
    source: str
    problems: tuple[Problem, ...] = ()


type Reader = Callable[[bytes, str], tuple[pd.DataFrame, Origin]]
"""(content, file name) -> (table, origin); raises InputError for content it cannot read."""

_READERS: dict[str, Reader] = {}


def register_reader(*endings: str) -> Callable[[Reader], Reader]:
    """Register a function as the reader of files with these endings.

    Parameters
    ----------
    endings
        Such as ".csv"; ".gz" after any of them is undone before the reader is called.

    Returns
    -------
    Callable
        A decorator that returns the reader unchanged.
    """

    def register(reader: Reader) -> Reader:
        _READERS.update(dict.fromkeys(endings, reader))
        return reader

    return register


def read_table(source: str | Path | pd.DataFrame) -> RawTable:
    """Read a file or take over a data frame.

    Parameters
    ----------
    source
        A path that ends in .csv, .tsv, .txt, .parquet, .jsonl or .ndjson (text also with
        .gz), or a data frame.

    Returns
    -------
    RawTable
        At least one row is not promised: empty tables are reported by the checks.

    Raises
    ------
    InputError
        If the file is absent, not readable, empty, or not what its ending says.
    """
    if isinstance(source, pd.DataFrame):
        frame = _flat(source)
        return RawTable(frame, Origin("data frame", "row", np.arange(len(frame))), "runs", "")
    if not isinstance(source, str | Path):
        raise InputError(
            f"cannot read runs from {type(source).__name__}; expected a path or a data frame"
        )
    path = Path(source)
    endings = [ending.casefold() for ending in path.suffixes]
    zipped = endings[-1:] == [".gz"]
    ending = next(iter(endings[::-1][zipped:]), "")
    if ending not in _READERS:
        known = ", ".join(sorted(_READERS))
        raise InputError(
            f"{path.name}: unknown file ending {ending or 'none'!r}; expected one of {known} "
            "(text also with .gz)"
        )
    frame, origin = _READERS[ending](_content(path, zipped), path.name)
    stem = path.name[: -len("".join(path.suffixes[-1 - zipped :]))]
    return RawTable(frame, origin, stem, str(source))


def _content(path: Path, zipped: bool) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a directory; expected a file with a table of runs")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if zipped and content:
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path.name} is not a whole gzip file: {error}") from error
    if not content.strip():
        raise InputError(f"{path.name} is empty; expected a header and one line a run")
    return content


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Copy with a RangeIndex and string columns; a named index is data, others are not."""
    kept = [name for name in frame.index.names if name is not None and name not in frame.columns]
    flat = frame.reset_index(level=kept) if kept else frame
    flat = flat.reset_index(drop=True)
    flat.columns = pd.Index([_column_name(c) for c in flat.columns], dtype=object)
    return flat


def _column_name(column: object) -> str:
    return ".".join(map(str, column)) if isinstance(column, tuple) else str(column)


@register_reader(".csv", ".tsv", ".txt")
def _delimited(content: bytes, name: str) -> tuple[pd.DataFrame, Origin]:
    frame, lines = read_delimited(decode(content, name), name)
    return frame, Origin(name, "line", lines)


@register_reader(".parquet", ".pq")
def _parquet(content: bytes, name: str) -> tuple[pd.DataFrame, Origin]:
    from pyarrow.lib import ArrowException

    try:
        frame = _flat(pd.read_parquet(io.BytesIO(content)))
    except (ArrowException, OSError, ValueError) as error:
        raise InputError(f"{name} is not a readable Parquet file: {error}") from error
    return frame, Origin(name, "row", np.arange(len(frame)))


@register_reader(".jsonl", ".ndjson")
def _json_lines(content: bytes, name: str) -> tuple[pd.DataFrame, Origin]:
    records, lines = [], []
    for number, line in enumerate(decode(content, name).splitlines(), start=1):
        if line.strip():
            records.append(_json_record(line, number, name))
            lines.append(number)
    # Trackers nest what they log: {"config": {"n_params": ...}} becomes config.n_params.
    nested = any(isinstance(value, dict) for record in records for value in record.values())
    frame = pd.json_normalize(records) if nested else pd.DataFrame.from_records(records)
    return _flat(frame), Origin(name, "line", np.array(lines, dtype=np.int64))


def _json_record(line: str, number: int, name: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}, line {number}: not JSON ({error})") from None
    if not isinstance(record, dict):
        raise InputError(
            f"{name}, line {number}: found {line[:40]!r}; expected one JSON object a line, "
            'such as {"params": 7e10, "tokens": 1.4e12, "loss": 1.94}'
        )
    return record


def decode(content: bytes, name: str) -> str:
    """Text of a file that should be UTF-8, with or without a byte order mark.

    Parameters
    ----------
    content
        The bytes of the file.
    name
        What messages call it.

    Returns
    -------
    str
        The text, without the mark.

    Raises
    ------
    InputError
        If it is binary or in another encoding; says at which byte.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name} is UTF-16; expected UTF-8. Save it as 'CSV UTF-8'.")
    if (null := content.find(b"\0")) >= 0:
        raise InputError(f"{name} is a binary file (byte {null} is zero); expected text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name} is not UTF-8: byte {error.start} (line {line}) is "
            f"0x{content[error.start]:02x}. Save it as UTF-8."
        ) from None
