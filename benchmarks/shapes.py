"""Shapes of metric curves: back-test on real tables, simulated tasks, calibration, a large fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.record import machine, save, saved
from benchmarks.shapes_backtest import backtest, backtest_report
from benchmarks.shapes_bends import bends, bends_report
from benchmarks.shapes_large import large, large_report
from benchmarks.shapes_simulated import sbc, sbc_report, simulated, simulated_report

__all__ = ["PARTS", "report", "run"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is measured from a folder of tables and a seed, and how a file of it reads."""

    measure: Callable[[Path, int], dict[str, Any]]
    report: Callable[[Mapping[str, Any]], str]


PARTS = {
    "backtest": Part(measure=backtest, report=backtest_report),
    "backtest-two-bends": Part(measure=partial(backtest, bends=2), report=backtest_report),
    "bends": Part(measure=bends, report=bends_report),
    "simulated": Part(measure=simulated, report=simulated_report),
    "sbc": Part(measure=sbc, report=sbc_report),
    "large": Part(measure=large, report=large_report),
}


def run(only: Sequence[str], data: Path, seed: int, folder: Path) -> str:
    """Run the parts, write ``shapes-PART.json`` each, and return the tables as markdown."""
    for name in only:
        facts = machine()
        content = PARTS[name].measure(data, seed)
        save(f"shapes-{name}", {"machine": facts, "seed": seed, **content}, folder)
    return report(only, folder)


def report(only: Sequence[str], folder: Path) -> str:
    """The tables of the stored parts, as markdown; nothing is fitted."""
    texts = []
    for name in only:
        content = saved(f"shapes-{name}", {}, folder)
        text = "not there" if content is None else PARTS[name].report(content)
        texts.append(f"{name}\n\n{text}")
    return "\n\n".join(texts)
