"""The folder of a study: every finished task, and a manifest that says whose tasks they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bayes_scaling.errors import InputError
from bayes_scaling.inference.storage import replacing

__all__ = ["STUDY_FORMAT", "StudyFolder", "digest"]

STUDY_FORMAT = 3
"""Of the manifest and the results. Count it up when either changes its meaning, and whenever the
same task would come to another result: when an engine draws, refuses or hands over differently,
when seeds, scores or methods change. Else a study that goes on mixes both. The version of the
package says nothing of that between releases. (2: draws are kept; 3: the quick engine refuses
posteriors that reach further than was found.)"""

MANIFEST = "study.json"


def digest(value: Any) -> str:
    """SHA-256 (hex) of what JSON can say; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class StudyFolder:
    """Results of one study on disk, each in a JSON file that is there whole or not at all.

    Parameters
    ----------
    path : str or Path
        Made if it does not exist; its parent must.
    study : mapping of str to str
        What makes the study this one and no other, by name: hashes of the runs, cards and
        settings.

    Raises
    ------
    InputError
        The folder cannot be written to, holds other files, or belongs to another study or another
        version of the package. Nothing in it has been changed then.
    """

    def __init__(self, path: str | Path, study: Mapping[str, str]) -> None:
        from bayes_scaling import __version__

        self.path = Path(path)
        self._facts: dict[str, Any] = {
            "creator": "bayes-scaling",
            "format": STUDY_FORMAT,
            "version": __version__,
            "study": dict(study),
            "hash": digest(dict(study)),
        }
        self._open()

    def _open(self) -> None:
        where = f"the folder {str(self.path)!r}"
        try:
            self.path.mkdir(exist_ok=True)
            names = {each.name for each in self.path.iterdir()}
        except OSError as error:
            raise InputError(f"cannot keep results in {where}: {error.strerror}") from error
        if MANIFEST in names:
            self._check(where)
            return
        if names:
            raise InputError(
                f"{where} holds other files and no study; give resume (--resume) a new folder, or "
                "one that an earlier study made"
            )
        self._write(self.path / MANIFEST, self._facts)

    def _check(self, where: str) -> None:
        found = _read(self.path / MANIFEST)
        if found.get("creator") != "bayes-scaling":
            raise InputError(f"{where} was not made by bayes-scaling; choose another")
        for what in ("format", "version"):
            if found.get(what) != self._facts[what]:
                raise InputError(
                    f"{where} is of a study by another version of bayes-scaling ({what} "
                    f"{found.get(what)}, this one has {self._facts[what]}), whose results must not "
                    "be mixed with those of this one; go on with that version, or choose a new "
                    "folder"
                )
        if found.get("hash") != self._facts["hash"]:
            theirs, ours = found.get("study", {}), self._facts["study"]
            names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
            raise InputError(
                f"{where} is of another study, whose results must not be mixed with those of this "
                f"one: they differ in {', '.join(names)}; choose another folder"
            )

    def results(self) -> Iterator[tuple[str, Any]]:
        """Keys and results of the finished tasks, read one by one: there may be very many.

        Raises
        ------
        InputError
            A file is damaged.
        """
        for path in sorted(self.path.glob("task-*.json")):
            kept = _read(path)
            if not {"key", "result"} <= set(kept):
                raise InputError(f"{str(path)!r} is damaged; delete it to have it done again")
            yield str(kept["key"]), kept["result"]

    def keep(self, key: str, result: Any) -> None:
        """Write the result of a task.

        Raises
        ------
        InputError
            It cannot be written, as on a full disk; nothing is left half-written.
        """
        name = f"task-{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
        self._write(self.path / name, {"key": key, "result": result})

    def _write(self, path: Path, value: Any) -> None:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(value), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read or is damaged ({type(error).__name__}); delete it to "
            "have it done again"
        ) from error
    return value if isinstance(value, dict) else {}
