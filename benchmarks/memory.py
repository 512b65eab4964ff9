"""Peak memory of a process and all that it starts."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["TreeMemory"]

PROC = Path("/proc")


class TreeMemory:
    """Watches the proportional set size of a process tree, in MiB (Linux; elsewhere stays 0).

    Proportional: a page that two processes share counts half in each, so forked workers are not
    counted twice. Spikes shorter than the period may be missed; a single process's own peak
    (``ru_maxrss``) is exact, and the caller takes the larger of the two.
    """

    def __init__(self, pid: int, period: float = 0.2) -> None:
        self.pid, self.period, self.peak_mib = pid, period, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.period):
            kib = sum(_proportional_kib(pid) for pid in _tree(self.pid))
            self.peak_mib = max(self.peak_mib, kib / 1024)


def _tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for children in PROC.glob(f"{parent}/task/*/children"):
            found += [int(child) for child in _read(children).split()]
    return found


def _proportional_kib(pid: int) -> int:
    for line in _read(PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""
