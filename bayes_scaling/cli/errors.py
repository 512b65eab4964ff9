"""Errors as one message on standard error and an exit code, never a traceback."""

from __future__ import annotations

import functools
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from bayes_scaling.errors import BayesScalingError

__all__ = ["BAD_INPUT", "INTERRUPTED", "UNTRUSTED", "Interrupted", "interruptible", "reported"]

UNTRUSTED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class Interrupted(BaseException):
    """Ctrl-C, under a name that no sampler catches to return the draws made so far."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, Ctrl-C ends the work at once and leaves nothing behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signum: int, _frame: FrameType | None) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def reported[**P](command: Callable[P, None]) -> Callable[P, None]:
    """Make a command say what went wrong in one message, and exit with the code for it."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise
        except (BayesScalingError, OSError) as error:
            _report(error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(BAD_INPUT) from None
        except (Interrupted, KeyboardInterrupt):
            typer.echo("interrupted; nothing half-done was written", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return run


def _report(error: BayesScalingError | OSError, *, as_json: bool) -> None:
    problems = getattr(error, "problems", ())
    # The message of a table of runs already says of each problem whether it is an error.
    typer.echo(str(error) if problems else f"error: {error}", err=True)
    if as_json:
        listed = [problem.to_dict() for problem in problems]
        typer.echo(json.dumps({"error": str(error), "problems": listed}, indent=2))
