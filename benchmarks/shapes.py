"""Shapes of metric curves: back-test on real tables, simulated tasks, calibration, a large fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.record import machine, save
from benchmarks.shapes_backtest import backtest
from benchmarks.shapes_bends import bends
from benchmarks.shapes_large import large
from benchmarks.shapes_simulated import sbc, simulated

__all__ = ["PARTS", "run"]

PARTS: dict[str, Callable[[Path, int], tuple[dict[str, Any], str]]] = {
    "backtest": backtest,
    "backtest-two-bends": partial(backtest, bends=2),
    "bends": bends,
    "simulated": simulated,
    "sbc": sbc,
    "large": large,
}


def run(only: Sequence[str], data: Path, seed: int, folder: Path) -> str:
    """Run the parts, write ``shapes-PART.json`` each, and return the tables as markdown."""
    texts = []
    for name in only:
        facts = machine()
        content, text = PARTS[name](data, seed)
        save(f"shapes-{name}", {"machine": facts, "seed": seed, **content}, folder)
        texts.append(f"{name}\n\n{text}")
    return "\n\n".join(texts)
