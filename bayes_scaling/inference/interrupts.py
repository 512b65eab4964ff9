"""Ctrl-C where it can be acted upon, and not lost in a callback or a finalizer."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["deferred_interrupt", "heeded_interrupt"]


@contextmanager
def deferred_interrupt(told: Callable[[], None]) -> Iterator[None]:
    """Hold Ctrl-C back until the block ends: raised inside numba's callbacks it gets lost.

    `told` is called where it is pressed, to say that it was noticed.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    pressed: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        pressed.append(number)
        told()

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if pressed:
        previous(pressed[0], None)


@contextmanager
def heeded_interrupt() -> Iterator[Callable[[], None]]:
    """Ctrl-C at once, and again from the function yielded, should the first have been lost.

    Python drops what is raised while it frees an object, as those of Dask are all the time.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield lambda: None
        return
    pressed: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        previous(number, frame)

    def heed() -> None:
        if pressed:
            previous(pressed[0], None)

    signal.signal(signal.SIGINT, stop)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, previous)
