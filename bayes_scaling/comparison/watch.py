"""A word on standard error when a study waits because nobody is there to work on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from bayes_scaling.inference.progress import announce

__all__ = ["LOOK_SECONDS", "WorkerWatch"]

LOOK_SECONDS = 5.0
"""After which to look up from a task that takes long."""

PATIENCE_SECONDS = 30.0
"""How long a cluster may be without workers before that is said: one may be on its way."""


class WorkerWatch:
    """Says once that a cluster has no worker; the study goes on to wait for one.

    Parameters
    ----------
    count : callable, optional
        Number of workers; None where they cannot be counted, and nothing is ever said.
    """

    def __init__(self, count: Callable[[], int] | None) -> None:
        self._count = count
        self._since: float | None = None
        self._told = False

    def look(self) -> None:
        """Count the workers, while no task comes to an end."""
        if self._count is None or self._told:
            return
        now = time.monotonic()
        if self._count():
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= PATIENCE_SECONDS:
            self._told = True
            announce(
                f"waiting for a worker: the Dask scheduler has had none for {PATIENCE_SECONDS:g} "
                "s. Start one with `dask worker ADDRESS --nthreads 1`, and the study goes on.",
                show=True,
            )
