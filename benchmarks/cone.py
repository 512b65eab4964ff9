"""How wide a conformal cone has to be: slopes learned from public sweeps, judged on those left out.

The slopes that all sweeps together teach are the constant `LEARNED` of
`bayes_scaling.comparison.cone`, which a back-test uses where its own table has too few groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_scaling.comparison.cone import PROBS, cone_slopes, fit_part, half_widths
from bayes_scaling.comparison.cuts import make_cuts, whole
from bayes_scaling.comparison.methods import Part, decades_beyond
from bayes_scaling.inference.huber import log_law
from bayes_scaling.runs import load_table, read_runs
from benchmarks.record import machine, markdown, save, say

__all__ = ["SHARES", "run", "sweeps"]

SHARES = (0.5, 0.7, 0.9)
JUDGED = (0.5, 0.9)
FEWEST_RUNS = 12
"""Families with fewer runs leave six to fit only at the highest cut."""

ANY_COUNTING = 1e3
"""Tolerance to compute that is not 6 N D."""

Pair = tuple[Part, Part]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Slopes learned without a sweep, and how they did on it."""

    sweep: str
    runs: int
    predictions: int
    decades: float
    slopes: list[float]
    coverage: dict[str, float]
    width: float


def _one(
    name: str, query: str | None = None
) -> Callable[[pd.DataFrame], Iterator[tuple[str, pd.DataFrame]]]:
    def split(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
        yield name, table if query is None else table.query(query)

    return split


def _each(
    column: str, query: str | None = None
) -> Callable[[pd.DataFrame], Iterator[tuple[str, pd.DataFrame]]]:
    def split(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
        for name, part in (table if query is None else table.query(query)).groupby(column):
            yield f"{part['source'].iloc[0]} {name}", part

    return split


def _best_rate(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The best learning rate of each size and token count."""
    yield "li2025 misfitting", table.loc[table.groupby(["params", "tokens"])["loss"].idxmin()]


SOURCES = {
    "chinchilla_epoch.csv": _one("hoffmann2022", "not outlier_epoch"),
    "gadre_overtraining.csv": _each("dataset"),
    "datablations.csv": _one("muennighoff2023 single epoch", "epochs <= 1"),
    "xlstm_scaling.csv": _each(
        "run_set", "selected and (run_set.str.startswith('tokenparam') or context_length == 16384)"
    ),
    "gemstones_cooldown.csv": _one("mcleish2025 gemstones"),
    "misfitting_final.csv": _best_rate,
    "porian_isoflop.csv": _each("dataset", "config == 'Cosine decay'"),
}
"""Public tables, and the sweeps in them."""


def sweeps(data: Path) -> dict[str, pd.DataFrame]:
    """Tables of params, tokens, flops and loss of one sweep each, by name."""
    found = {
        name: part
        for file, split in SOURCES.items()
        for name, part in split(pd.read_csv(data / file))
    }
    for name, part in load_table("pile-families").groupby("architecture"):
        if len(part) >= FEWEST_RUNS:
            found[f"pile {name}"] = part
    return found


def run(data: Path, seed: int, folder: Path) -> str:
    """Learn and judge, write ``cone.json`` and return the table as markdown."""
    del seed  # nothing here is drawn
    pairs = {name: _pairs(part) for name, part in sweeps(data).items()}
    learned = cone_slopes(list(pairs.values()))
    judged = []
    for name, own in pairs.items():
        slopes = cone_slopes([each for other, each in pairs.items() if other != name])
        judged.append(_judge(name, own, slopes))
        say(f"{name}: {judged[-1].coverage}")
    content = {
        "machine": machine(),
        "probs": PROBS,
        "learned": learned.round(5).tolist(),
        "sweeps": [asdict(each) for each in judged],
    }
    save("cone", content, folder)
    return _report(judged, learned)


def _pairs(table: pd.DataFrame) -> list[Pair]:
    """Runs up to each cut and beyond it."""
    columns = [c for c in ("params", "tokens", "flops", "loss") if c in table]
    runs = read_runs(table[columns].reset_index(drop=True), tolerance=ANY_COUNTING)
    part, labels = whole(runs, "flops"), pd.Series(["all"] * len(runs))
    cuts = make_cuts(runs.flops, labels, shares=SHARES, limits=()).cuts
    return [(part.take(cut.fitted), part.take(cut.held)) for cut in cuts]


def _judge(name: str, pairs: list[Pair], slopes: np.ndarray) -> Judged:
    inside: dict[float, list[np.ndarray]] = {p: [] for p in JUDGED}
    widths, decades = [], []
    for fitted, held in pairs:
        fit = fit_part(fitted)
        away = np.abs(held.log_loss - log_law(fit.theta, held.log_params, held.log_tokens))
        half = half_widths(slopes, fit.residuals, decades_beyond(fitted, held))
        for p in JUDGED:
            inside[p].append(away <= half[PROBS.index(p)])
        widths.append(2 * half[PROBS.index(0.9)])
        decades.append(decades_beyond(fitted, held))
    return Judged(
        sweep=name,
        runs=len(pairs[0][0]) + len(pairs[0][1]),
        predictions=sum(map(len, widths)),
        decades=float(np.concatenate(decades).max()),
        slopes=slopes.round(5).tolist(),
        coverage={f"{p:g}": float(np.concatenate(inside[p]).mean()) for p in JUDGED},
        width=float(np.median(np.concatenate(widths))),
    )


def _report(judged: list[Judged], learned: np.ndarray) -> str:
    heads = ["sweep left out", "runs", "predictions", "decades beyond, most"]
    heads += [
        "slope of 90 % learned without it",
        "inside 50 %",
        "inside 90 %",
        "median width of 90 %",
    ]
    rows = [
        [
            each.sweep,
            str(each.runs),
            str(each.predictions),
            f"{each.decades:.2f}",
            f"{each.slopes[PROBS.index(0.9)]:.4f}",
            *(f"{100 * each.coverage[f'{p:g}']:.0f} %" for p in JUDGED),
            f"{100 * each.width:.1f} %",
        ]
        for each in judged
    ]
    means = {p: np.mean([each.coverage[f"{p:g}"] for each in judged]) for p in JUDGED}
    summary = ", ".join(f"{100 * mean:.0f} % in {100 * p:.0f} %" for p, mean in means.items())
    slopes = ", ".join(f"{value:.5f}" for value in learned)
    return "\n\n".join(
        [
            markdown(heads, rows),
            f"Mean over sweeps left out: {summary}.",
            f"Learned from all {len(judged)}: ({slopes})",
        ]
    )
