"""Options of the commands that sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_scaling.errors import InputError

__all__ = [
    "Chains", "Draws", "Engine", "Jobs", "Quiet", "Resume", "Scheduler", "Seed", "Tune",
    "check_ranges",
]  # fmt: skip

RANGES = {"seed": (0, 2**32 - 1), "draws": (4, 100_000), "tune": (1, 100_000), "chains": (2, 64)}

Seed = Annotated[int, typer.Option("--seed", help="The same seed, the same draws.")]
Draws = Annotated[int, typer.Option("--draws", help="Draws kept of a chain.")]
Tune = Annotated[int, typer.Option("--tune", help="Draws of a chain to adapt with.")]
Chains = Annotated[int, typer.Option("--chains", help="Number of chains.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no table; warnings still.")
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="nuts, or quick, as in `bayes-scaling fit`: one group at a time; nuts fits cards that "
        "pool over groups.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Processes of this machine; by default 1.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Run on a Dask scheduler, such as tcp://10.0.0.1:8786 (the extra dask).",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        metavar="DIR",
        help="Keep every finished fit in this folder; the same command goes on from there.",
    ),
]


def check_ranges(**given: int) -> None:
    """Refuse settings of the sampler that make no sense.

    Raises
    ------
    InputError
        One lies outside its range.
    """
    for name, value in given.items():
        least, most = RANGES[name]
        if not least <= value <= most:
            raise InputError(f"--{name} must lie between {least} and {most}, not {value}")
