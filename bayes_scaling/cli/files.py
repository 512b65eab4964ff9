"""Where results are written, looked at before the work starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bayes_scaling.errors import InputError

__all__ = ["check_figure", "check_fit", "check_page", "check_writable"]

FIGURES = (".pdf", ".png", ".svg")
PAGES = (".html", ".htm")


def check_figure(path: Path, *sources: str | Path) -> None:
    """Find out now whether a figure can be drawn there; see `check_writable`.

    Raises
    ------
    InputError
        Its ending is that of no format, or it cannot be written.
    """
    if path.suffix.casefold() not in FIGURES:
        raise InputError(
            f"cannot draw {str(path)!r}: expected a name that ends in {', '.join(FIGURES)}"
        )
    check_writable(path, *sources)


def check_page(path: Path, *sources: str | Path) -> None:
    """Find out now whether an HTML page can be written there; see `check_writable`.

    Raises
    ------
    InputError
        Its ending is not that of a page, or it cannot be written.
    """
    check_writable(path, *sources)
    if path.suffix.casefold() not in PAGES:
        raise InputError(
            f"cannot write a page as {str(path)!r}: expected a name that ends in .html"
        )


def check_fit(path: Path, *sources: str | Path) -> None:
    """Find out now whether a fit can be saved there; see `check_writable`.

    Raises
    ------
    InputError
        Its ending is that of a page or a picture, or it cannot be written.
    """
    check_writable(path, *sources)
    if path.suffix.casefold() in (*PAGES, *FIGURES):
        raise InputError(
            f"cannot save a fit as {str(path)!r}: expected a name such as fit.nc; --help says what "
            "writes pages and pictures"
        )


def check_writable(path: Path, *sources: str | Path) -> None:
    """Find out now whether a file can be written, and leave no trace.

    `sources` are the files that are read, which must not be the one that is written.

    Raises
    ------
    InputError
        It is a folder, or its folder does not exist or cannot be written to.
    """
    if path.is_dir():
        raise InputError(f"cannot write {str(path)!r}: it is a folder; give the name of a file")
    if str(path) == "-":
        raise InputError("cannot write '-': files are not written to a pipe; give a file a name")
    read = [Path(source) for source in sources if Path(source).exists()]
    if path.exists() and any(path.samefile(source) for source in read):
        raise InputError(f"cannot write {str(path)!r}: it is the file that is read; choose another")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {str(path)!r}: make the folder {str(path.parent)!r} first")
    try:
        with tempfile.TemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from None
