"""The RUNS argument: a file, or the name of a set of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    from bayes_scaling import Runs

__all__ = ["find_runs", "parse_renames"]


def find_runs(source: str, **reading: Any) -> Runs:
    """Runs of a file or of the catalogue; `reading` goes to `read_runs`.

    Raises
    ------
    InputError
        Neither a file nor a set of runs; `RunsError` if what is there cannot be used.
    """
    from dataclasses import replace

    import bayes_scaling as bs
    from bayes_scaling.runs import fetch

    entries = {entry.name: entry for entry in bs.list_runs()}
    if Path(source).exists() or Path(source).suffix or len(Path(source).parts) > 1:
        return bs.read_runs(source, **reading)
    if source not in entries:
        names = ", ".join(name for name, entry in entries.items() if entry.holds == "runs")
        raise InputError(f"{source!r} is neither a file nor a known data set; data sets: {names}")
    # A table of models is refused there, whatever the options say.
    if not reading or entries[source].holds != "runs":
        return bs.load_runs(source)
    runs = bs.read_runs(fetch(source), name=source, **reading)
    return replace(runs, source=entries[source].citation)


def parse_renames(texts: Sequence[str], known: Sequence[str] = ()) -> Mapping[str, str]:
    """Canonical name -> column of the table, from texts such as "params=my_n".

    Raises
    ------
    InputError
        A text has no equals sign, or a name is given twice.
    """
    renames: dict[str, str] = {}
    for text in texts:
        canonical, sign, theirs = text.partition("=")
        if not (sign and canonical and theirs):
            raise InputError(f"--rename wants CANONICAL=THEIRS, such as params=my_n, not {text!r}")
        if canonical in renames or canonical in known:
            raise InputError(
                f"--rename {text!r}: {canonical!r} cannot be given here, or is given twice"
            )
        renames[canonical] = theirs
    return renames
