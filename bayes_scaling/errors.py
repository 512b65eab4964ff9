"""The errors this package raises on purpose.

::

    BayesScalingError
    ├── InputError            what was given cannot be used (also a ValueError)
    │   ├── RunsError         a table of runs; carries every problem found
    │   ├── CardError         a model card
    │   └── FitFileError      a file that is not a saved fit, or one of another format
    ├── DownloadError         a data set could not be fetched
    └── StudyError            a study of many fits could not be finished

Every message says what was given, what is allowed, and what to do. The command line turns
any of them into one message and exit code 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BayesScalingError",
    "CardError",
    "DownloadError",
    "FitFileError",
    "InputError",
    "StudyError",
    "unknown_name",
]


class BayesScalingError(Exception):
    """Base of every error raised on purpose by this package."""


class InputError(BayesScalingError, ValueError):
    """Something that was given cannot be used."""


class CardError(InputError):
    """A model card that cannot be read, or that does not validate."""


class FitFileError(InputError):
    """A file that is not a saved fit, is damaged, or has another format."""


class DownloadError(BayesScalingError):
    """A data set that could not be downloaded or did not match its checksum."""


class StudyError(BayesScalingError):
    """A study of many fits that could not be finished; what had finished is kept."""


def unknown_name(what: str, given: object, known: Iterable[object]) -> str:
    """Message for a name that is not among the known ones: it lists them, and one that is close."""
    names = [str(name) for name in known]
    close = get_close_matches(str(given), names, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {what} {given!r}{meant}; known: {', '.join(map(repr, names)) or 'none'}"
