"""What every question to a saved fit does: open it, print the answer as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bayes_scaling import Fit

__all__ = ["open_fit", "print_answer"]


class Answer(Protocol):
    """An answer that can be printed for programs."""

    def to_json(self) -> str:
        """Text of one JSON value."""


def open_fit(path: Path, *, law_only: bool = False) -> Fit:
    """A saved fit, of which only what questions need is read.

    Parameters
    ----------
    path : Path
    law_only : bool
        Whether answers take the law for the truth.
    """
    import bayes_scaling as bs
    from bayes_scaling.inference.storage import QUESTION_GROUPS

    fit = bs.load_fit(path, groups=QUESTION_GROUPS)
    return fit.law_only() if law_only else fit


def print_answer[T: Answer](answer: T, show: Callable[[T], None], *, as_json: bool) -> None:
    """Print an answer as JSON, or as `show` prints it for people."""
    from bayes_scaling.cli.output import print_json_text

    if as_json:
        print_json_text(answer.to_json())
    else:
        show(answer)
