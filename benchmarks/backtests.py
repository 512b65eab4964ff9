"""The back-test of public sweeps: our posteriors beside every baseline, on the same runs.

Each sweep is cut 3, 10, 30 and 100 times below its costliest run, and once more at the shares of
its runs where `backtest` cuts by default, and predicted by cards that know nothing of its source:
the population of priors is learned, as `benchmarks.discrepancy` does it, from the sweeps of all
other sources, and the drift is the one that these choose, or that of the card as shipped.
The cone alone has seen every sweep (its constant is learned from all of them), which favours it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison import backtest
from bayes_scaling.comparison.backtest_result import BINS
from bayes_scaling.comparison.scoring import score_table
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import Runs, load_table, read_runs
from benchmarks.cone import ANY_COUNTING
from benchmarks.discrepancy import (
    LAWS,
    Drift,
    Study,
    best_drifts,
    drift_of,
    drifts,
    everywhere,
    undressed,
    uneven,
    with_drift,
)
from benchmarks.discrepancy_scores import FACTORS
from benchmarks.record import machine, markdown, save, say

__all__ = ["informed_cards", "run", "run_grouped"]

EFFORT = Effort(draws=500, tune=1000)
SHIPPED = "drift as shipped"
SHOWN = (
    "factor",
    "coverage50",
    "coverage80",
    "coverage90",
    "coverage95",
    "crps",
    "log_score",
    "width90",
    "bias",
    "crps_mc",
)


def run(data: Path, seed: int, folder: Path) -> str:
    """Predict every sweep, write ``backtests.json`` and return the tables as markdown."""
    facts = machine()
    study = Study.read(data)
    informed = {law: dict(informed_cards(study, law)) for law in LAWS}
    limited, shared, counts = [], [], []
    for name, runs in study.tables.items():
        limits = [case.limit for case in study.cases if case.sweep == name]
        if not limits:
            continue
        source = name.split()[0]
        cards = [
            card
            for law in LAWS
            for card in (informed[law][source], shipped_drift(informed[law][source], law))
        ]
        for cut, tables in (({"holdout": limits}, limited), ({}, shared)):
            result = backtest(
                runs,
                model=[*cards, weak_card()],
                engine="quick",
                effort=EFFORT,
                seed=seed,
                progress=False,
                **cut,
            )
            counts.append({"sweep": name, "cuts": list(result.cuts), **result.counts})
            # By the law alone both drifts are the same.
            own = result.table[~result.table["method"].str.endswith(f"{SHIPPED}, law only")]
            tables.append(own.assign(sweep=name, source=source))
            say(f"{name}: {counts[-1]}")
        limited[-1]["below"] = _nearest(runs, limited[-1]["cut"])
    content = {"machine": facts, "seed": seed, "counts": counts}
    content |= {"drifts": {law: _drifts(cards) for law, cards in informed.items()}}
    content |= _content(pd.concat(limited, ignore_index=True), pd.concat(shared, ignore_index=True))
    save("backtests", content, folder)
    return _tables(content)


def _content(limited: pd.DataFrame, shared: pd.DataFrame) -> dict[str, Any]:
    """Scores of every method, taken together in several ways."""
    for table in (limited, shared):
        table["case"] = table["sweep"] + " " + table["cut"].astype(str)
    *bounded, last = pairwise(BINS)
    bins = {f"{low:g} to {high:g}x": (low, high) for low, high in bounded}
    bins[f"over {last[0]:g}x"] = last
    return {
        "all": {
            "all": _scores(limited),
            "cuts at 50, 70 and 90 % of the runs instead": _scores(shared),
        },
        "distances": {
            name: _scores(limited[limited["factor"].between(low, high, inclusive="left")])
            for name, (low, high) in bins.items()
        },
        "cuts": {f"{f:g}x": _scores(limited[limited["below"] == f]) for f in FACTORS},
        "sweeps": {name: _scores(part) for name, part in limited.groupby("sweep", sort=False)},
    }


def _tables(content: Mapping[str, Any]) -> str:
    return "\n\n".join(
        [
            _report("predictions", content["all"]),
            _report("beyond the runs that were fitted", content["distances"]),
            _report("cut below the costliest run", content["cuts"]),
            _compact(content["sweeps"]),
        ]
    )


def weak_card() -> ModelCard:
    """Chinchilla's law with weak priors and no drift."""
    plain = undressed(load_card("chinchilla"))
    return plain.model_copy(update={"name": "chinchilla, weak priors"})


def shipped_drift(card: ModelCard, law: str) -> ModelCard:
    """A card with the drift of the informed card in the package instead of its own."""
    drifting = with_drift(card, drift_of(load_card(LAWS[law])))
    return drifting.model_copy(update={"name": f"{law}, learned elsewhere, {SHIPPED}"})


def _drifts(cards: Mapping[str, ModelCard]) -> dict[str, Drift]:
    return {source: drift_of(card) for source, card in cards.items()}


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """A table of several groups, and how it is cut."""

    source: str
    runs: Callable[[Path], pd.DataFrame]
    by: str
    cut: Mapping[str, Any]


def _gadre(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "gadre_overtraining.csv")


def _xlstm(data: Path) -> pd.DataFrame:
    table = pd.read_csv(data / "xlstm_scaling.csv")
    return table[table["selected"] & table["run_set"].str.startswith("tokenparam")]


GROUPED = {
    # Of each corpus three runs have 1.4B or 6.9B parameters.
    "gadre2024 by corpus, 1.4B and 6.9B held out": Grouped(
        source="gadre2024", runs=_gadre, by="dataset", cut={"along": "params", "cuts": (0.9,)}
    ),
    "gadre2024 by corpus": Grouped(
        source="gadre2024",
        runs=_gadre,
        by="dataset",
        cut={"holdout": tuple(5.7e21 / factor for factor in FACTORS[1:])},
    ),
    "beck2025_xlstm by architecture": Grouped(
        source="beck2025_xlstm", runs=_xlstm, by="run_set", cut={"cuts": (0.5, 0.75)}
    ),
    "pile by family": Grouped(
        source="pile",
        runs=lambda _: load_table("pile-families"),
        by="architecture",
        cut={"cuts": (0.75,)},
    ),
}
"""Tables whose groups a hierarchical card pools."""


def run_grouped(data: Path, seed: int, folder: Path) -> str:
    """Predict tables of several groups by NUTS, write ``backtests-grouped.json``."""
    facts = machine()
    informed = dict(informed_cards(Study.read(data), "coupled"))
    pooling = load_card("coupled-informed").pooling
    plain = load_card("chinchilla-hierarchical").law_only()
    found, counts = {}, {}
    for name, table in GROUPED.items():
        frame = table.runs(data)
        columns = [c for c in ("params", "tokens", "loss", table.by) if c in frame]
        runs = read_runs(frame[columns].reset_index(drop=True), tolerance=ANY_COUNTING)
        ours = informed[table.source].model_copy(update={"pooling": pooling})
        result = backtest(
            runs, model=[ours, plain], by=table.by, effort=EFFORT, seed=seed, progress=False,
            **table.cut,
        )  # fmt: skip
        counts[name] = {**result.counts, "left_out": list(result.left_out)}
        say(f"{name}: {counts[name]}")
        # Groups of a table are clusters of one observation each.
        own = result.table.assign(source=result.table["group"], case=result.table["group"])
        found[name] = _scores(own)
    content = {"machine": facts, "seed": seed, "counts": counts, "tables": found}
    save("backtests-grouped", content, folder)
    return _report("table", found)


def informed_cards(study: Study, law: str) -> Iterator[tuple[str, ModelCard]]:
    """For each source, the card that the other sources teach."""
    start = uneven(undressed(load_card(law)))
    cards = {source: study.population(start, source) for source in study.sources}
    tried = {drift: everywhere(study, cards, drift) for drift in drifts()}
    for source, drift in best_drifts(study, tried).items():
        say(f"{law} without {source}: within {drift[0]}, loss {drift[1]}, terms {drift[2]}")
        card = with_drift(cards[source], drift)
        yield source, card.model_copy(update={"name": f"{law}, learned elsewhere"})


def _nearest(runs: Runs, cuts: pd.Series) -> np.ndarray:
    """The factor that each cut was asked for."""
    asked = np.array(FACTORS)
    ratio = runs.flops.max() / cuts.to_numpy()
    return asked[np.abs(np.log(ratio[:, None] / asked)).argmin(axis=1)]


def _scores(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Scores of every method, and the mean over cases of the CRPS."""
    found = {}
    for method, part in table.groupby("method", sort=False):
        clusters = "source" if len(part["source"].unique()) > 1 else "case"
        scores = score_table(part, clusters)
        cases = part.groupby("case")["crps"].mean()
        found[str(method)] = {
            "cases": len(cases),
            "n": len(part),
            "runs": len(part.drop_duplicates([*(c for c in ("sweep",) if c in part), "row"])),
            "crps_mean_of_cases": float(cases.mean()),
            **{k: float(v) for k, v in scores.items() if k.removesuffix("_se") in SHOWN},
        }
    return found


BRIEF = {
    "ours": "coupled, learned elsewhere",
    "plain": "chinchilla, weak priors",
    "Huber": "huber",
    "cone": "cone",
}
"""Methods in the table of sweeps, and what it calls them."""


def _compact(sweeps: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    heads = ["sweep", "cuts", "predictions", "of runs"]
    heads += [f"CRPS, {name}" for name in BRIEF] + [f"in 90 %, {name}" for name in BRIEF]
    heads += [f"width, {name}" for name in BRIEF]
    rows = []
    for name, scores in sweeps.items():
        own = [scores[method] for method in BRIEF.values()]
        cells = [name, *(str(own[0][key]) for key in ("cases", "n", "runs"))]
        cells += [f"{100 * s['crps_mean_of_cases']:.2f} %" for s in own]
        cells += [f"{100 * s['coverage90']:.0f} %" for s in own]
        cells += [f"{100 * s['width90']:.1f} %" for s in own]
        rows.append(cells)
    return markdown(heads, rows)


def _report(first: str, scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    heads = [first, "method", "cases", "predictions", "of runs", "factor"]
    heads += ["CRPS, mean of cases", "CRPS, pooled"]
    heads += ["log score", "inside 50 %", "80 %", "90 % (standard error)", "95 %", "width of 90 %"]
    heads += ["bias"]
    rows = [_cells(name, method, s) for name, own in scores.items() for method, s in own.items()]
    return markdown(heads, rows)


def _cells(name: str, method: str, s: Mapping[str, float]) -> list[str]:
    error = s.get("coverage90_se", float("nan"))
    return [
        name,
        method,
        str(s["cases"]),
        str(s["n"]),
        str(s["runs"]),
        f"{s['factor']:.3g}",
        f"{100 * s['crps_mean_of_cases']:.2f} %",
        f"{100 * s['crps']:.2f} %",
        f"{s['log_score']:.2f}",
        f"{100 * s['coverage50']:.0f} %",
        f"{100 * s['coverage80']:.0f} %",
        f"{100 * s['coverage90']:.0f} ({100 * error:.0f}) %",
        f"{100 * s['coverage95']:.0f} %",
        f"{100 * s['width90']:.1f} %",
        f"{100 * s['bias']:+.2f} %",
    ]
