"""Every law on runs that it made itself: coverage, convergence and speed of its posterior.

Truths lie around typical values of the card (its prior medians, or those below where a median is
no example of the law: a broken power law without a break), with half the spread of its priors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling.comparison import Recovery, recover
from bayes_scaling.inference import list_cards
from bayes_scaling.inference.sample import Effort
from benchmarks.record import machine, markdown, number, save, say

__all__ = ["CARDS", "run"]

TYPICAL: dict[str, dict[str, float]] = {
    "broken": {"c": 0.25, "c1": 0.3},
    "broken-twice": {"c": 0.15, "c1": 0.3, "c2": -0.25},
}
WIDEN = 0.5
SINGLE, GROUPS = (40,), (8, 14, 20, 30)
NOT_OF = {("chinchilla-hierarchical", len(SINGLE)), ("chinchilla", len(GROUPS))}
EFFORT = Effort(draws=1000, tune=1000)
CARDS = tuple(card.name for card in list_cards())


@dataclass(frozen=True, kw_only=True)
class Line:
    """One card, on one group or on several."""

    card: str
    groups: int
    machine: dict[str, Any]
    coverage: dict[str, float] = field(default_factory=dict)
    fits: list[dict[str, float]] = field(default_factory=list)

    def worst(self, figure: str, pick: Any) -> float:
        """Over all tables."""
        return float(pick([fit[figure] for fit in self.fits]))

    @property
    def row(self) -> list[str]:
        """Of the table."""
        covered = [value for name, value in self.coverage.items() if name != FORECAST]
        ess = np.median([fit["min_ess_bulk"] / fit["seconds"] for fit in self.fits])
        poor = sum(fit["max_rhat"] > 1.01 for fit in self.fits)
        return [
            self.card,
            str(self.groups),
            f"{np.mean(covered):.2f} ({min(covered):.2f})",
            f"{self.coverage[FORECAST]:.2f}",
            f"{self.worst('max_rhat', max):.3f} ({poor})",
            f"{int(sum(fit['divergences'] for fit in self.fits))}",
            f"{sum(fit['attempts'] > 1 for fit in self.fits)}",
            f"{self.worst('min_ess_bulk', min):.0f}",
            number(float(ess)),
        ]


FORECAST = "loss at 100x"


def run(
    cards: Sequence[str], tables: int, groups: bool, again: bool, seed: int, folder: Path
) -> str:
    """Recover truths by every card and return the table of ``laws.json`` as markdown.

    Each table is saved as soon as it is done, and what is saved already for this seed stands,
    unless ``again``, which forgets what is asked for: hours of work may be interrupted.
    """
    shapes = (SINGLE, GROUPS) if groups else (SINGLE,)
    asked = {(card, len(s)): s for card in cards for s in shapes if (card, len(s)) not in NOT_OF}
    lines = _saved(folder, seed)
    if again:
        lines = {key: line for key, line in lines.items() if key not in asked}

    def keep() -> None:
        content = [vars(line) for line in lines.values()]
        save("laws", {"seed": seed, "lines": content}, folder)

    for key, sizes in asked.items():
        line = lines.setdefault(key, Line(card=key[0], groups=key[1], machine=machine()))
        missing = range(len(line.fits), tables)
        if missing:
            _recover(line, sizes, missing, seed, keep)
            say(" | ".join(line.row))
    columns = (
        "card",
        "groups",
        "coverage of 90 %: mean (lowest)",
        "of the loss at 100x",
        "worst R-hat (above 1.01)",
        "divergences",
        "further attempts",
        "lowest bulk ESS",
        "ESS / s sampling",
    )
    return markdown(columns, [line.row for line in lines.values() if len(line.fits) >= tables])


def _saved(folder: Path, seed: int) -> dict[tuple[str, int], Line]:
    path = folder / "laws.json"
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["seed"] != seed:
        return {}
    lines = [Line(**line) for line in content["lines"]]
    return {(line.card, line.groups): line for line in lines}


def _recover(
    line: Line, sizes: tuple[int, ...], tables: range, seed: int, keep: Callable[[], None]
) -> None:
    """Add tables to a line, and keep it after each."""

    def add(one: Recovery) -> None:
        done = len(line.fits)
        for name, value in one.coverage()["coverage"].items():
            so_far = line.coverage.get(str(name), 0.0)
            line.coverage[str(name)] = (so_far * done + float(value)) / (done + 1)
        line.fits.extend({str(k): v for k, v in r.items()} for r in one.fits.to_dict("records"))
        keep()
        say(f"{line.card}, {line.groups} group(s): {len(line.fits)} tables")

    recover(
        line.card,
        sizes=sizes,
        tables=tables,
        widen=WIDEN,
        around=TYPICAL.get(line.card),
        seed=seed,
        effort=EFFORT,
        on_table=add,
    )
