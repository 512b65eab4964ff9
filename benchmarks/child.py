"""One contestant in its own process: time to the interval, memory of its tree, its own report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.memory import TreeMemory
from benchmarks.world import QUESTION, Question

__all__ = ["ContestantError", "Job", "Measurement", "measure"]

ROOT = Path(__file__).resolve().parent.parent


class ContestantError(RuntimeError):
    """A contestant ended without an interval."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a contestant is asked to do.

    Parameters
    ----------
    table : Path
        CSV of params, tokens, loss (and architecture).
    question : Question
    seed : int
    settings : dict
        More keyword arguments of the contestant's ``interval``.
    """

    table: Path
    question: Question = QUESTION
    seed: int = 1
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Text that the child reads."""
        return json.dumps(asdict(self), default=str)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one child did.

    Parameters
    ----------
    contestant : str
    wall_seconds : float
        From the start of the process to the interval.
    peak_mib : float
        Of the process tree, until the interval.
    lower, median, upper : float
    seconds : dict of str to float
        Parts, as the contestant tells them.
    min_bulk_ess, draws : float, int or None
        MCMC only.
    """

    contestant: str
    wall_seconds: float
    peak_mib: float
    lower: float
    median: float
    upper: float
    seconds: dict[str, float]
    min_bulk_ess: float | None = None
    draws: int | None = None

    @property
    def sampling_seconds(self) -> float | None:
        """Time spent sampling, without compilation."""
        return self.seconds.get("sample")


def measure(contestant: str, job: Job, caches: Path) -> Measurement:
    """Run a contestant as a child process.

    Parameters
    ----------
    contestant : str
        Key of `benchmarks.contestants.CONTESTANTS`.
    job : Job
    caches : Path
        Folder of all compilation caches: an empty one is a cold start.

    Raises
    ------
    ContestantError
        With the end of what the child wrote on standard error.
    """
    command = [sys.executable, "-m", "benchmarks.contestants", contestant, job.to_json()]
    environment = _environment(caches)
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            told = _listen(child, start)
            child.wait()
        finally:
            child.kill()
        if child.returncode or "median" not in told:
            errors.seek(0)
            raise ContestantError(f"{contestant} did not finish:\n{errors.read()[-2000:]}")
    told["peak_mib"] = max(told["peak_mib"], told.pop("own_peak_mib"))
    return Measurement(contestant=contestant, **told)


def _listen(child: subprocess.Popen[str], start: float) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if child.stdout is None:
        return told
    with TreeMemory(child.pid) as memory:
        for line in child.stdout:
            word, _, rest = line.partition(" ")
            if word == "READY":
                told["wall_seconds"] = time.perf_counter() - start
                memory.stop()
                told |= {"peak_mib": memory.peak_mib, **json.loads(rest)}
            elif word == "DONE":
                told |= json.loads(rest)
    return told


@cache
def _fonts() -> str:
    """Fill matplotlib's list of fonts, which is no compilation and is nobody's cold start."""
    import matplotlib as mpl
    import matplotlib.font_manager

    return mpl.get_cachedir()


def _environment(caches: Path) -> dict[str, str]:
    """Keep every compilation cache in one folder."""
    return os.environ | {
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "XDG_CACHE_HOME": str(caches / "xdg"),
        "MPLCONFIGDIR": _fonts(),
        "PYTHONUNBUFFERED": "1",
    }
