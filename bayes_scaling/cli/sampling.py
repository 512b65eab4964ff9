"""Options of the commands that sample."""

from __future__ import annotations

from typing import Annotated

import typer

from bayes_scaling.errors import InputError

__all__ = ["Chains", "Draws", "Quiet", "Seed", "Tune", "check_ranges"]

RANGES = {"seed": (0, 2**32 - 1), "draws": (4, 100_000), "tune": (1, 100_000), "chains": (2, 64)}

Seed = Annotated[int, typer.Option("--seed", help="The same seed, the same draws.")]
Draws = Annotated[int, typer.Option("--draws", help="Draws kept of a chain.")]
Tune = Annotated[int, typer.Option("--tune", help="Draws of a chain to adapt with.")]
Chains = Annotated[int, typer.Option("--chains", help="Number of chains.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no table; warnings still.")
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
