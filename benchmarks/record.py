"""Results as files and as tables: JSON that is kept, markdown that is printed."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "machine", "markdown", "number", "save", "saved", "say", "time_left"]

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "bayes-scaling",
    "pymc",
    "nutpie",
    "pytensor",
    "numba",
    "arviz",
    "numpy",
    "scipy",
    "simple-scaling-laws",
)


def say(text: str) -> None:
    """Tell progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def time_left(start: float, done: int, total: int) -> str:
    """How far it is, and how long the rest takes at the pace since `start` (a `perf_counter`)."""
    seconds = (time.perf_counter() - start) / done * (total - done)
    return f"{done} of {total}, about {seconds / 60:.0f} min left"


def machine() -> dict[str, Any]:
    """Tell what the numbers depend on: cores, how busy they were, versions."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def save(name: str, content: dict[str, Any], folder: Path) -> Path:
    """Write ``NAME.json``, whole or not at all: what is half written cannot be gone on with."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def saved(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    """The content of ``NAME.json``, if there is one and it was made with these settings."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(settings))
    return content if all(content.get(key) == value for key, value in wanted.items()) else None


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table; the first column is text, the others are right-aligned."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, or a dash."""
    if value is None:
        return "-"
    whole = abs(value) >= 10 ** (digits - 1)
    return f"{value:,.0f}" if whole else f"{value:#.{digits}g}".rstrip(".")
