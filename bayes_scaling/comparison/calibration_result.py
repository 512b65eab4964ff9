"""`Calibration`: ranks of true parameters among posterior draws, and what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.comparison.scoring import COVERED

__all__ = ["FALSE_ALARMS", "Calibration", "threshold"]

FALSE_ALARMS = 0.01
"""How often all quantities that are looked at together raise an alarm by chance."""


def threshold(quantities: int) -> float:
    """P-value below which one of so many quantities raises an alarm (Bonferroni)."""
    return FALSE_ALARMS / quantities


@dataclass(frozen=True, kw_only=True, repr=False)
class Calibration:
    """Ranks of true parameters among posterior draws.

    Attributes
    ----------
    pit : xarray.Dataset
        Share of the draws below the truth, dims (simulation, ...), by quantity; ``log_likelihood``
        is that of the whole table.
    counts : dict of str to int
        ``fits``; ``divergences`` over all of them; those ``handed_over`` from the quick engine to
        NUTS, made with a ``second_attempt``, and ``doubtful``: not mixed after it.
    card : str
        Name of the card.
    runs : str
        Of which tables were simulated.
    engine : str
        That was asked for.
    seed : int
    """

    pit: xr.Dataset
    counts: Mapping[str, int] = field(default_factory=dict)
    card: str = "card"
    runs: str = "runs"
    engine: str = "nuts"
    seed: int = 1

    @property
    def simulations(self) -> int:
        """Simulated tables."""
        return int(self.pit.sizes["simulation"])

    @property
    def quantities(self) -> tuple[str, ...]:
        """Labels of every scalar quantity."""
        return tuple(self.scalars())

    @property
    def divergences(self) -> int:
        """Over all simulations."""
        return self.counts.get("divergences", 0)

    def p_values(self) -> dict[str, float]:
        """Kolmogorov-Smirnov p-value of uniformity of every scalar quantity."""
        from scipy.stats import kstest

        return {
            name: float(kstest(values, "uniform").pvalue) for name, values in self.scalars().items()
        }

    def worst(self) -> tuple[str, float]:
        """The quantity with the lowest p-value, and that p-value."""
        return min(self.p_values().items(), key=lambda pair: pair[1])

    def calibrated(self, quantities: int | None = None) -> bool:
        """Whether no rank departs from uniformity by more than chance would have it.

        `quantities` is how many are looked at together, with those of other cards; by default
        this card's own.
        """
        return self.worst()[1] >= threshold(quantities or len(self.quantities))

    def coverage(self, prob: float = 0.9) -> dict[str, float]:
        """Share of simulations whose equal-tailed interval holds the truth."""
        tail = (1 - prob) / 2
        return {
            name: float(np.mean((values >= tail) & (values <= 1 - tail)))
            for name, values in self.scalars().items()
        }

    def coverage_error(self, prob: float = 0.9) -> float:
        """Standard error of a coverage, where intervals are right."""
        return float(np.sqrt(prob * (1 - prob) / self.simulations))

    def scalars(self) -> dict[str, NDArray[np.float64]]:
        """Values of every scalar quantity over simulations, by label."""
        scalars = {}
        for name, values in self.pit.data_vars.items():
            dims = [dim for dim in values.dims if dim != "simulation"]
            for cell in product(*(values[dim].to_numpy() for dim in dims)):
                label = f"{name}[{', '.join(map(str, cell))}]" if cell else str(name)
                at = dict(zip(dims, cell, strict=True))
                scalars[label] = values.sel(at).to_numpy()
        return scalars

    def table(self) -> pd.DataFrame:
        """One row a quantity.

        Columns: quantity; mean_rank (above 0.5 where truths lie above the posterior); p_value;
        coverage50 to coverage95, each with its standard error (``_se``) where intervals are right.
        """
        columns: dict[str, Any] = {
            "quantity": self.quantities,
            "mean_rank": [float(values.mean()) for values in self.scalars().values()],
            "p_value": list(self.p_values().values()),
        }
        for prob in COVERED:
            columns[f"coverage{100 * prob:g}"] = list(self.coverage(prob).values())
            columns[f"coverage{100 * prob:g}_se"] = self.coverage_error(prob)
        return pd.DataFrame(columns)

    def verdict(self, quantities: int | None = None) -> str:
        """What the ranks say, in a sentence; `quantities` as for `calibrated`."""
        name, p = self.worst()
        looked_at = quantities or len(self.quantities)
        beside = (
            f"the lowest p-value of its {len(self.quantities)} quantities is {p:.2g} ({name}); "
            f"below {threshold(looked_at):.2g} would be an alarm, so that {looked_at} quantities "
            f"looked at together raise one by chance {100 * FALSE_ALARMS:g} % of the time"
        )
        if self.calibrated(quantities):
            return (
                f"{self.card}: {self.simulations} simulations show no departure from calibration: "
                f"{beside}."
            )
        return (
            f"{self.card} is NOT calibrated: intervals do not hold truths drawn from its own "
            f"priors as often as they say; {beside.replace('would be', 'is')}."
        )

    def notes(self) -> list[str]:
        """What has to be known about how the ranks came about."""
        fits = self.counts.get("fits", self.simulations)
        handed, doubtful = self.counts.get("handed_over", 0), self.counts.get("doubtful", 0)
        notes = []
        if self.engine == "quick":
            taken = f"NUTS took its place in {handed} of {fits}" if handed else "none needed NUTS"
            notes.append(f"Fits are by the quick engine; {taken}.")
        if self.divergences:
            notes.append(f"{self.divergences} draws of the fits that were kept diverged.")
        if doubtful:
            notes.append(
                f"In {doubtful} of {fits} fits the chains had not mixed after further attempts; "
                "their ranks are counted all the same."
            )
        return notes

    def to_json(self) -> str:
        """Object with the ``table``, the ``ranks``, the ``verdict`` and what was asked."""
        name, p = self.worst()
        value = {
            "card": self.card,
            "runs": self.runs,
            "simulations": self.simulations,
            "engine": self.engine,
            "seed": self.seed,
            "counts": dict(self.counts),
            "calibrated": self.calibrated(),
            "lowest_p_value": p,
            "lowest_p_value_of": name,
            "alarm_below": threshold(len(self.quantities)),
            "verdict": self.verdict(),
            "notes": self.notes(),
            "table": self.table().to_dict("records"),
            "ranks": {name: values.tolist() for name, values in self.scalars().items()},
        }
        return json.dumps(value, indent=2)

    def plot(self, quantities: int | None = None) -> NDArray[np.object_]:
        """Departure of the ranks from uniform, a panel a quantity.

        See `bayes_scaling.figures.plot_calibration`.
        """
        from bayes_scaling.figures import plot_calibration

        return plot_calibration(self, quantities=quantities)

    def __repr__(self) -> str:
        lines = [self.verdict(), *self.notes()]
        return "Calibration\n" + "\n".join(f"  {sentence}" for sentence in lines)
