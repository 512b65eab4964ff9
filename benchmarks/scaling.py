"""How the cost of our own fit grows: with rows, and with groups."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.child import Job, Measurement, measure
from benchmarks.record import machine, markdown, number, save, say
from benchmarks.world import CHINCHILLA, simulate, write

__all__ = ["run"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Rows a group, and groups; one group is fitted without a hierarchy."""

    rows: int
    groups: int = 1

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of our fit."""
        if self.groups == 1:
            return {}
        return {"model": "chinchilla-hierarchical", "by": "architecture", "group": "arch-00"}


def run(
    rows: Sequence[int],
    groups: Sequence[int],
    rows_per_group: int,
    repeats: int,
    patience: float,
    seed: int,
    folder: Path,
) -> str:
    """Measure with warm caches, write ``scaling.json`` and return the table as markdown.

    A size is not repeated any more once its repeats have taken `patience` seconds.
    """
    facts = machine()
    sizes = [Size(rows=n) for n in sorted(rows)]
    sizes += [Size(rows=rows_per_group, groups=n) for n in groups]
    with tempfile.TemporaryDirectory() as scratch:
        results = [_measure(size, repeats, patience, seed, Path(scratch)) for size in sizes]
    content = [
        asdict(size) | {"repeats": [asdict(m) for m in found]}
        for size, found in zip(sizes, results, strict=True)
    ]
    save("scaling", {"machine": facts, "sizes": content}, folder)
    return _report(sizes, results)


def _measure(
    size: Size, repeats: int, patience: float, seed: int, scratch: Path
) -> list[Measurement]:
    rng = np.random.default_rng([seed, size.rows, size.groups])
    path = scratch / f"{size.groups}-{size.rows}.csv"
    table = write(simulate(rng, size.rows, CHINCHILLA, size.groups), path)
    caches = scratch / f"caches-{size.groups}"
    if not caches.exists():  # compiled code depends on the number of groups, not on the rows
        measure("ours", Job(table=table, seed=seed, settings=size.settings), caches)
    found: list[Measurement] = []
    while len(found) < repeats and sum(m.wall_seconds for m in found) < patience:
        job = Job(table=table, seed=seed + len(found), settings=size.settings)
        found.append(measure("ours", job, caches))
        say(f"{size.groups} x {size.rows} rows: {found[-1].wall_seconds:.1f} s")
    return found


def _report(sizes: list[Size], results: list[list[Measurement]]) -> str:
    columns = (
        "groups x rows",
        "start to interval, s",
        "compiling, s",
        "sampling, s",
        "all else, s",
        "min bulk ESS",
        "ESS / s sampling",
        "peak MiB",
    )
    return markdown(columns, map(_row, sizes, results))


def _row(size: Size, found: list[Measurement]) -> list[str]:
    sampling = median(m.seconds["sample"] for m in found)
    effective = median(m.min_bulk_ess or 0.0 for m in found)
    return [
        f"{size.groups} x {size.rows:,}",
        number(median(m.wall_seconds for m in found)),
        number(median(m.seconds["compile"] for m in found)),
        number(sampling),
        number(median(_all_else(m) for m in found)),
        number(effective),
        number(effective / sampling),
        number(median(m.peak_mib for m in found)),
    ]


def _all_else(m: Measurement) -> float:
    """Imports, reading, checking the fit, and the answer."""
    return m.wall_seconds - m.seconds["compile"] - m.seconds["sample"]
