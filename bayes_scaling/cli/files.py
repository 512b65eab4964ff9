"""Where results are written, looked at before the work starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bayes_scaling.errors import InputError

__all__ = ["check_writable"]


def check_writable(path: Path) -> None:
    """Find out now whether a file can be written, and leave no trace.

    Raises
    ------
    InputError
        It is a folder, or its folder does not exist or cannot be written to.
    """
    if path.is_dir():
        raise InputError(f"cannot write {str(path)!r}: it is a folder; give the name of a file")
    try:
        with tempfile.TemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from None
