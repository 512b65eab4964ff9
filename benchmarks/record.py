"""Results as files and as tables: JSON that is kept, markdown that is printed."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "machine", "markdown", "number", "save", "say"]

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
    """Write ``NAME.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


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
