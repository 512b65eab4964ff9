"""Time, memory and effective draws of every contestant on the same runs, side by side."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.child import Job, Measurement, measure
from benchmarks.contestants import CONTESTANTS
from benchmarks.record import machine, markdown, number, save, say
from benchmarks.world import CHINCHILLA, simulate, write

__all__ = ["run"]

Round = dict[str, dict[str, Measurement]]
"""Of one repeat: contestant, then "cold" or "warm"."""


def run(
    names: Sequence[str], repeats: int, rows: int, runs: Path | None, seed: int, folder: Path
) -> str:
    """Measure, write ``speed.json`` and return the table as markdown.

    Every repeat runs all contestants one after the other, so that a machine which slows down
    slows them all, and ratios are taken within a repeat.
    """
    facts = machine()
    with tempfile.TemporaryDirectory() as scratch:
        table = _table(Path(scratch), rows, runs, seed)
        rounds = [
            _round(_installed(names), table, seed + i, Path(scratch) / str(i))
            for i in range(repeats)
        ]
    content = {
        "machine": facts,
        "runs": runs.name if runs else f"simulated, {rows} rows",
        "repeats": [
            {name: {k: asdict(m) for k, m in kinds.items()} for name, kinds in one.items()}
            for one in rounds
        ],
    }
    save("speed", content, folder)
    return _report(rounds)


def _installed(names: Sequence[str]) -> list[str]:
    there = [n for n in names if importlib.util.find_spec(CONTESTANTS[n].needs)]
    for name in set(names) - set(there):
        say(f"left out: {name} needs the package {CONTESTANTS[name].needs} (group bench)")
    return there


def _table(scratch: Path, rows: int, runs: Path | None, seed: int) -> Path:
    path = scratch / "runs.csv"
    if runs is None:
        return write(simulate(np.random.default_rng(seed), rows, CHINCHILLA), path)
    from bayes_scaling import read_runs

    return write(read_runs(runs).table[["params", "tokens", "loss"]], path)


def _round(names: Sequence[str], table: Path, seed: int, caches: Path) -> Round:
    """Cold, then warm where that differs; each contestant has caches of its own."""
    result: Round = {}
    for name in names:
        kinds = ("cold", "warm") if CONTESTANTS[name].compiles else ("warm",)
        result[name] = {}
        for kind in kinds:
            one = measure(name, Job(table=table, seed=seed), caches / name)
            result[name][kind] = one
            say(f"{name:12} {kind}: {one.wall_seconds:7.1f} s  [{one.lower:.4f}, {one.upper:.4f}]")
    return result


def _report(rounds: list[Round]) -> str:
    names = list(rounds[0])
    columns = (
        "contestant",
        "cold, s",
        "times ours",
        "warm, s",
        "times ours",
        "sampling, s",
        "min bulk ESS",
        "ESS / s sampling",
        "ESS / s, warm start to interval",
        "peak MiB",
        "90 % interval",
    )
    return markdown(columns, [_row(rounds, name) for name in names])


def _row(rounds: list[Round], name: str) -> list[str]:
    def over(value: Callable[[Measurement], float | None], kind: str = "warm") -> float | None:
        values = [value(r[name].get(kind, r[name]["warm"])) for r in rounds]
        known = [v for v in values if v is not None]
        return median(known) if known else None

    def ratio(kind: str) -> float | None:
        if "ours" not in rounds[0]:
            return None
        return median(
            r[name].get(kind, r[name]["warm"]).wall_seconds / r["ours"][kind].wall_seconds
            for r in rounds
        )

    def rate(m: Measurement, seconds: float | None) -> float | None:
        return m.min_bulk_ess / seconds if m.min_bulk_ess and seconds else None

    lower, upper = over(lambda m: m.lower), over(lambda m: m.upper)
    return [
        CONTESTANTS[name].label,
        number(over(lambda m: m.wall_seconds, "cold")),
        number(ratio("cold")),
        number(over(lambda m: m.wall_seconds)),
        number(ratio("warm")),
        number(over(lambda m: m.sampling_seconds)),
        number(over(lambda m: m.min_bulk_ess)),
        number(over(lambda m: rate(m, m.sampling_seconds))),
        number(over(lambda m: rate(m, m.wall_seconds))),
        number(over(lambda m: m.peak_mib)),
        f"{lower:.4f} to {upper:.4f}",
    ]
