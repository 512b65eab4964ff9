"""How many fits a minute a study makes, in each place where it can run, and its peak memory.

Tables are simulated from one law with the scatter of public runs; every fit has 4 chains of 500
draws after 1,000 of tuning, goes through the seam of back-tests and calibration, is checked for
convergence as there, and predicts 60 runs, whose scores and draws are held to the end. Every place
is a child process, whose tree is watched. Compilation (of every worker) happens before the clock
starts.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT
from benchmarks.memory import TreeMemory
from benchmarks.record import machine, markdown, number, save, say

__all__ = ["PLACES", "run"]

PLACES = {
    "quick": "quick engine, serial",
    "nuts": "NUTS, serial",
    "nuts-2": "NUTS, two processes",
    "nuts-dask": "NUTS, Dask with two workers",
}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a place did.

    ``seconds`` is the clock over ``fits`` fits; ``cpu_seconds`` what their processes computed
    meanwhile, which other work on the machine disturbs less; ``first_seconds`` the time from the
    start of the child until every worker had made its first fit (imports and compilation);
    ``peak_mib`` the peak of the process tree by the number of fits made.
    """

    place: str
    fits: int
    seconds: float
    cpu_seconds: float
    first_seconds: float
    second_attempts: int
    peak_mib: dict[str, float]
    machine: dict[str, Any]

    @property
    def a_minute(self) -> float:
        """Fits a minute."""
        return 60 * self.fits / self.seconds


def run(
    places: Sequence[str], fits: int, rows: int, memory: Sequence[int], seed: int, folder: Path
) -> str:
    """Measure, write ``fits.json`` and return the table as markdown."""
    found = []
    for place in places:
        if place == "nuts-dask" and importlib.util.find_spec("distributed") is None:
            say("left out: Dask needs the package distributed (the extra dask)")
            continue
        points = sorted({fits, *memory})
        found.append(_measure(place, fits, points, rows, seed))
        say(f"{place}: {found[-1].a_minute:.1f} fits a minute, {found[-1].peak_mib} MiB")
    content = {"rows": rows, "seed": seed, "places": [asdict(each) for each in found]}
    save("fits", content, folder)
    return _report(found)


def _measure(place: str, fits: int, points: Sequence[int], rows: int, seed: int) -> Pace:
    facts, start = machine(), time.perf_counter()
    given = json.dumps({"place": place, "points": list(points), "rows": rows, "seed": seed})
    command = [sys.executable, "-m", "benchmarks.fits_child", given]
    peaks: dict[str, float] = {}
    first, clock = 0.0, {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        if child.stdout is None:
            raise RuntimeError("the child has no output")
        with TreeMemory(child.pid) as memory:
            for line in child.stdout:
                told = json.loads(line)
                if told["fits"] == 0:
                    first = time.perf_counter() - start
                    continue
                peaks[str(told["fits"])] = round(memory.peak_mib, 1)
                if told["fits"] <= fits:
                    clock = told
    if child.returncode:
        raise RuntimeError(f"{place} did not finish")
    return Pace(
        place=place,
        first_seconds=first,
        **clock,
        peak_mib=peaks,
        machine=facts,
    )


def _report(found: list[Pace]) -> str:
    points = list(dict.fromkeys(n for each in found for n in each.peak_mib))
    points.sort(key=int)
    heads = (
        "place",
        "fits",
        "fits a minute",
        "CPU s a fit",
        "second attempts",
        "start to first fits, s",
        *(f"peak MiB after {n} fits" for n in points),
        "load at start",
    )
    rows = [
        [
            PLACES[each.place],
            str(each.fits),
            number(each.a_minute),
            number(each.cpu_seconds / each.fits),
            str(each.second_attempts),
            number(each.first_seconds),
            *(number(each.peak_mib.get(n)) for n in points),
            number(each.machine["load_at_start"]),
        ]
        for each in found
    ]
    return markdown(heads, rows)
