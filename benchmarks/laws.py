"""Every law on runs that it made itself: coverage, convergence and speed of its posterior.

Truths lie around typical values of the card (its prior medians, or those below where a median is
no example of the law: a broken power law without a break), with half the spread of its priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayes_scaling.comparison import recover
from bayes_scaling.inference import list_cards
from bayes_scaling.inference.sample import Effort
from benchmarks.record import machine, markdown, number, save, say

__all__ = ["CARDS", "run"]

TYPICAL: dict[str, dict[str, float]] = {
    "broken": {"c0": 0.1, "c1": 0.3},
    "broken-twice": {"c0": 0.05, "c1": 0.3, "c2": -0.25},
}
WIDEN = 0.5
SINGLE, GROUPS = (40,), (8, 14, 20, 30)
EFFORT = Effort(draws=1000, tune=1000)
CARDS = tuple(card.name for card in list_cards())


@dataclass(frozen=True, kw_only=True)
class Line:
    """One card, on one group or on several."""

    card: str
    groups: int
    coverage: dict[str, float]
    fits: list[dict[str, float]]

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


def run(cards: Sequence[str], tables: int, groups: bool, seed: int, folder: Path) -> str:
    """Recover truths by every card, write ``laws.json`` and return the table as markdown."""
    facts = machine()
    lines = []
    for card in cards:
        for sizes in (SINGLE, GROUPS) if groups else (SINGLE,):
            if len(sizes) == 1 and card == "chinchilla-hierarchical":
                continue
            if len(sizes) > 1 and card == "chinchilla":
                continue
            result = recover(
                card,
                sizes=sizes,
                tables=tables,
                widen=WIDEN,
                around=TYPICAL.get(card),
                seed=seed,
                effort=EFFORT,
            )
            coverage = result.coverage()["coverage"].to_dict()
            fits = result.fits.to_dict("records")
            lines.append(Line(card=card, groups=len(sizes), coverage=coverage, fits=fits))
            say(" | ".join(lines[-1].row))
    content = [
        {"card": x.card, "groups": x.groups, "coverage": x.coverage, "fits": x.fits} for x in lines
    ]
    save("laws", {"machine": facts, "tables": tables, "lines": content}, folder)
    columns = (
        "card",
        "groups",
        "coverage of 90 %: mean (lowest)",
        "of the loss at 100x",
        "worst R-hat (above 1.01)",
        "divergences",
        "second attempts",
        "lowest bulk ESS",
        "ESS / s sampling",
    )
    return markdown(columns, [line.row for line in lines])
