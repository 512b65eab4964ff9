"""Public tables: a few come with the package, others are downloaded on request.

`data/catalogue.toml` lists them. Set BAYES_SCALING_CACHE to choose where downloads are kept,
and BAYES_SCALING_MIRROR to a folder that already holds the files, for work without a network.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bayes_scaling.errors import DownloadError, InputError, unknown_name
from bayes_scaling.resources import resource_dir
from bayes_scaling.runs.metric_checks import MetricUnit
from bayes_scaling.runs.metrics import MetricCurves, read_metrics
from bayes_scaling.runs.read import read_runs
from bayes_scaling.runs.readers import read_table
from bayes_scaling.runs.table import Runs

__all__ = [
    "DatasetEntry", "catalogue_name", "datasheet", "fetch", "list_runs", "load_metrics",
    "load_runs", "load_table",
]  # fmt: skip

CACHE_VARIABLE = "BAYES_SCALING_CACHE"
MIRROR_VARIABLE = "BAYES_SCALING_MIRROR"
_TIMEOUT = (4.0, 15.0)
"""Seconds to connect, and between two packets: nobody should wait long to hear "offline"."""


@dataclass(frozen=True, kw_only=True)
class DatasetEntry:
    """One table of the catalogue.

    Attributes
    ----------
    name, title
        What to ask `load_runs` or `load_table` for, and one line about it.
    kind
        "embedded" in the package, or "download".
    file
        File name, in `data/`, in the cache, and in a mirror.
    n_rows
        Rows of the file, suspect ones included.
    citation, licence
        Whom to cite; under what terms.
    sha256
        Of the file.
    url
        Where a download comes from; "" for embedded sets.
    by
        Columns that are a sensible hierarchy; empty if there is one group only.
    holds
        "runs", which have losses and can be fitted; "models", which have none; "metrics", scores
        of tasks by scale; or "abilities", findings about tasks.
    unit
        Of scores that have a ceiling, as `read_metrics` takes it.
    """

    name: str
    title: str
    kind: Literal["embedded", "download"]
    file: str
    n_rows: int
    citation: str
    licence: str
    sha256: str
    url: str = ""
    by: tuple[str, ...] = ()
    holds: Literal["runs", "models", "metrics", "abilities"] = "runs"
    unit: MetricUnit = "auto"


@cache
def _entries() -> dict[str, DatasetEntry]:
    listed = tomllib.loads((resource_dir("data") / "catalogue.toml").read_text("utf-8"))
    return {
        name: DatasetEntry(**{**fields, "name": name, "by": tuple(fields.get("by", ()))})
        for name, fields in listed.items()
    }


def list_runs() -> list[DatasetEntry]:
    """Return all sets: runs (`load_runs`), metrics (`load_metrics`), others (`load_table`)."""
    return list(_entries().values())


def _entry(name: str) -> DatasetEntry:
    if name not in _entries():
        raise InputError(unknown_name("data set", name, _entries()))
    return _entries()[name]


def load_runs(name: str) -> Runs:
    """Load a set of runs by its name in the catalogue.

    Parameters
    ----------
    name
        Such as "pile-families" or "chinchilla"; `list_runs` has all.

    Returns
    -------
    Runs
        Checked like any other table; `source` is the citation. Suspect rows are left out.

    Raises
    ------
    InputError
        If there is no such set, or it is a table of models or of metrics.
    DownloadError
        If it has to be downloaded and cannot be.
    """
    entry = _entry(name)
    if entry.holds == "metrics":
        raise InputError(
            f"{name!r} holds scores of tasks, not losses of runs. Use load_metrics({name!r}), or "
            f"`bayes-scaling shapes {name}`."
        )
    if entry.holds != "runs":
        raise InputError(
            f"{name!r} is a table of {entry.holds}, not of runs: it has no loss to fit. Use "
            f"load_table({name!r}), or `bayes-scaling data fetch {name}` for the file."
        )
    return replace(read_runs(fetch(name), name=name), source=entry.citation)


def catalogue_name(runs: Runs) -> str | None:
    """Name of the set of the catalogue that runs are of, all or some; None of a table of one's own.

    It goes by name and citation: the same runs out of a file are a table of one's own.
    """
    entry = _entries().get(runs.name)
    return entry.name if entry is not None and entry.citation == runs.source else None


def load_metrics(name: str, **settings: Any) -> MetricCurves:
    """Load a set of metric curves by its name in the catalogue.

    Parameters
    ----------
    name
        Such as "gpt3-benchmarks" or "inverse-scaling-pythia"; `list_runs` has all.
    **settings
        For `read_metrics`, such as `checkpoints="all"`.

    Returns
    -------
    MetricCurves
        Checked like any other table; `source` is the citation.

    Raises
    ------
    InputError
        If there is no such set, or it does not hold scores.
    DownloadError
        If it has to be downloaded and cannot be.
    """
    entry = _entry(name)
    if entry.holds != "metrics":
        known = [other.name for other in list_runs() if other.holds == "metrics"]
        raise InputError(
            f"{name!r} holds {entry.holds}, not scores of tasks; of those there are "
            f"{', '.join(known)}"
        )
    settings = {"unit": entry.unit, **settings}
    return replace(read_metrics(fetch(name), name=name, **settings), source=entry.citation)


def load_table(name: str) -> pd.DataFrame:
    """Load the table of a set as its file has it, be it of runs or of models.

    Parameters
    ----------
    name
        Such as "known-models"; `list_runs` has all.

    Returns
    -------
    DataFrame
        One row a line of the file, RangeIndex, columns as they are named there and in the
        datasheet. Nothing is checked, converted or left out: suspect rows are in it.

    Raises
    ------
    InputError
        If there is no such set.
    DownloadError
        If it has to be downloaded and cannot be.
    """
    return read_table(fetch(name)).frame


def datasheet(name: str) -> str:
    """Return the datasheet of a set: what it is, how it was made, what is wrong with it.

    Parameters
    ----------
    name
        As for `load_runs`; nothing is downloaded.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    InputError
        If there is no such set.
    """
    return (resource_dir("data") / f"{_entry(name).name}.md").read_text("utf-8")


def fetch(name: str) -> Path:
    """Return the file of a set: from the package, the cache, the mirror, or the network.

    Parameters
    ----------
    name
        As for `load_runs`.

    Returns
    -------
    Path
        A file whose checksum is that of the catalogue.

    Raises
    ------
    InputError
        If there is no such set.
    DownloadError
        If the file cannot be had, or is not the one of the catalogue.
    """
    entry = _entry(name)
    if entry.kind == "embedded":
        return resource_dir("data") / entry.file
    cached = _cache_dir() / entry.file
    if cached.is_file() and _sha256(cached) == entry.sha256:
        return cached
    return _from_mirror(entry) or _download(entry)


def _cache_dir() -> Path:
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder).expanduser()
    import pooch

    return Path(pooch.os_cache("bayes-scaling"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _from_mirror(entry: DatasetEntry) -> Path | None:
    folder = os.environ.get(MIRROR_VARIABLE)
    if not folder:
        return None
    path = Path(folder).expanduser() / entry.file
    if not path.is_file():
        return None
    found = _sha256(path)
    if found != entry.sha256:
        raise DownloadError(
            f"{path} is not the file of the catalogue: found SHA-256 {found}, expected "
            f"{entry.sha256}. Fetch it again from {entry.url}, or unset {MIRROR_VARIABLE}."
        )
    return path


def _download(entry: DatasetEntry) -> Path:
    import pooch

    # The log would name the cache and the checksum; our own message says what is needed.
    pooch.get_logger().setLevel("WARNING")
    folder = _cache_dir()
    try:
        path = pooch.retrieve(
            entry.url,
            known_hash=f"sha256:{entry.sha256}",
            fname=entry.file,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
        )
    except (OSError, ValueError) as error:
        raise DownloadError(_no_download(entry, folder, error)) from error
    return Path(path)


def _no_download(entry: DatasetEntry, folder: Path, error: Exception) -> str:
    mirror = os.environ.get(MIRROR_VARIABLE)
    looked = f"and not in {MIRROR_VARIABLE}={mirror}" if mirror else f"({MIRROR_VARIABLE} not set)"
    return (
        f"{entry.name!r} could not be downloaded from {entry.url} ({_root(error)}). It is "
        f"not in the cache {folder} {looked}. Without a network, set {MIRROR_VARIABLE} to a folder "
        f"that holds the file as {entry.file}, or save the download as {folder / entry.file}."
    )


def _root(error: BaseException) -> str:
    """What went wrong first: requests wraps a failed look-up of a name four times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}"
