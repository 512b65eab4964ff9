"""What learned priors are worth when there are few runs: 3, 5, 10 and 20 of public sweeps.

Runs are drawn at random from those below a tenth of a sweep's largest compute, and all runs beyond
that tenth are predicted. Cards with learned priors know nothing of the sweep's source. Each card
has its own drift: those with learned priors the one that the other sources choose, those
with weak priors the one that they are shipped with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison.many_fits import kept, mixed
from bayes_scaling.comparison.scoring import cluster_error
from bayes_scaling.comparison.studies import seed_of
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import make_design
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import Runs
from benchmarks.backtests import informed_cards
from benchmarks.discrepancy import Study, flat, score_draws
from benchmarks.record import machine, markdown, save, saved, say, time_left

__all__ = ["run"]

RUNS = (3, 5, 10, 20)
BEYOND = 10.0
"""Largest compute of a sweep over the most of the runs that are drawn."""

EFFORT = Effort(draws=500, tune=1000)
LEARNED, WEAK = "learned elsewhere", "weak"
PAIR = ["law", "runs", "sweep", "repeat"]
"""Columns that say which table a row is of; each has a row for either kind of priors."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Few runs of a sweep, and those that they are to predict."""

    sweep: str
    runs: Runs
    repeat: int
    few: np.ndarray
    held: np.ndarray

    @property
    def source(self) -> str:
        """Paper or project that the sweep is of."""
        return self.sweep.split()[0]

    def labels(self, law: str, priors: str) -> Row:
        """What tells a row of the results from the others."""
        n = int(self.few.sum())
        return {
            "law": law, "priors": priors, "sweep": self.sweep, "runs": n, "repeat": self.repeat
        }  # fmt: skip


def run(laws: Sequence[str], repeats: int, data: Path, seed: int, folder: Path) -> str:
    """Score every table and return the table of ``few.json`` as markdown.

    Each fit is saved as soon as it is done, and what is saved already for this seed stands, so
    that a later start goes on where an earlier one was interrupted, or adds repeats.
    """
    settings = {"seed": seed, "beyond": BEYOND, "effort": asdict(EFFORT)}
    new: dict[str, Any] = {"machine": machine(), **settings, "cards": {}, "rows": []}
    content = saved("few", settings, folder) or new
    study = Study.read(data)
    done = {_key(row) for row in content["rows"]}
    tasks = [
        (table, labels)
        for law in laws
        for table in _tables(study, repeats, seed)
        for priors in (LEARNED, WEAK)
        if _key(labels := table.labels(law, priors)) not in done
    ]
    waiting = {labels["law"] for _, labels in tasks}
    cards = {law: _cards(study, law, content["cards"]) for law in laws if law in waiting}
    save("few", content, folder)
    start = time.perf_counter()
    for i, (table, labels) in enumerate(tasks, start=1):
        card = cards[labels["law"]][labels["priors"]][table.source]
        content["rows"].append(labels | _scored(study, table, card, seed))
        save("few", content, folder)
        say(f"{', '.join(map(str, labels.values()))}: {time_left(start, i, len(tasks))}")
    return _report(content["rows"])


def _key(labels: Mapping[str, Any]) -> tuple[Any, ...]:
    return (labels["priors"], *(labels[name] for name in PAIR))


def _tables(study: Study, repeats: int, seed: int) -> Iterator[Table]:
    """Every sweep with few of its runs below the cut, the same ones for every card."""
    for sweep, runs in study.tables.items():
        below = runs.flops <= runs.flops.max() / BEYOND * (1 + 1e-9)
        for n in (n for n in RUNS if n <= below.sum()):
            # There is only one way to draw all of them.
            for repeat in range(repeats if n < below.sum() else 1):
                rng = np.random.default_rng(seed_of(seed, f"{sweep}/{n}/{repeat}"))
                few = np.zeros(len(below), dtype=bool)
                few[rng.choice(np.flatnonzero(below), n, replace=False)] = True
                yield Table(sweep=sweep, runs=runs, repeat=repeat, few=few, held=~below)


def _cards(
    study: Study, law: str, learned: dict[str, dict[str, Any]]
) -> dict[str, dict[str, ModelCard]]:
    """Cards by kind of priors and source; `learned` holds those that need not be learned again."""
    if law not in learned:
        found = informed_cards(study, law)
        learned[law] = {source: card.model_dump(mode="json") for source, card in found}
    elsewhere = {source: ModelCard.model_validate(card) for source, card in learned[law].items()}
    weak = load_card(law).model_copy(update={"pooling": None})
    return {LEARNED: elsewhere, WEAK: dict.fromkeys(elsewhere, weak)}


def _scored(study: Study, table: Table, card: ModelCard, seed: int) -> Row:
    """How a card does on a table, and how its draws were made."""
    design = make_design(table.runs, (), card)
    seen = design.take(table.few).settled()
    # One table is compiled for all: draws then do not depend on where a start went on.
    base = make_design(next(iter(study.tables.values())), (), card)
    fits = kept(card, base, EFFORT, "quick")
    before = fits.handed_over
    sampling, attempts = fits.sample(seen, seed)
    score = score_draws(card, design.take(table.held).seen_from(seen), flat(sampling.tree))
    return {
        **asdict(score),
        "by_nuts": fits.handed_over > before,
        "mixed": mixed(sampling, attempts),
    }


def _report(rows: Sequence[Row]) -> str:
    """Medians over tables, which no blown-up one decides, beside coverage."""
    frame = pd.DataFrame(rows)
    weak = frame.loc[frame["priors"] == WEAK, [*PAIR, "crps", "width"]]
    frame = frame.merge(weak, on=PAIR, how="left", suffixes=("", "_weak"))
    first = ["law", "runs", "priors"]
    told = [
        {**dict(zip(first, map(str, labels), strict=True)), **_cells(part)}
        for labels, part in frame.groupby(first)
    ]
    return markdown(list(told[0]), [list(cells.values()) for cells in told])


def _cells(part: pd.DataFrame) -> dict[str, str]:
    sources = np.asarray(pd.factorize(part["sweep"].str.split().str[0])[0], dtype=float)
    error = cluster_error(part["inside90"].to_numpy(), sources)
    return {
        "tables": str(len(part)),
        "sweeps": str(part["sweep"].nunique()),
        "width of 90 %": f"{100 * part['width'].median():.1f} %",
        "width, times that of weak": _beside_weak(part, "width"),
        "inside 90 % (se)": f"{100 * part['inside90'].mean():.0f} ({100 * error:.0f}) %",
        "inside 50 %": f"{100 * part['inside50'].mean():.0f} %",
        "score of 90 %": f"{100 * part['interval'].median():.1f} %",
        "CRPS": f"{100 * part['crps'].median():.2f} %",
        "CRPS, times that of weak": _beside_weak(part, "crps"),
        "bias": f"{100 * part['bias'].median():+.1f} %",
        "by NUTS": str(int(part["by_nuts"].sum())),
        "not mixed": str(int((~part["mixed"]).sum())),
    }


def _beside_weak(part: pd.DataFrame, name: str) -> str:
    """Median of the ratios to weak priors on the same tables, and on how many it is lower."""
    ratio = (part[name] / part[f"{name}_weak"]).dropna()
    if (part["priors"] == WEAK).all() or not len(ratio):
        return "-"
    return f"{ratio.median():.2f} ({100 * (ratio < 1).mean():.0f} % lower)"
