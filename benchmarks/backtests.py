"""The back-test of public sweeps: our posteriors beside every baseline, on the same runs.

Each sweep is predicted 3, 10, 30 and 100 times beyond a cut in compute by cards that know nothing
of its source: the population of priors and the drift are learned, as `benchmarks.discrepancy` does
it, from the sweeps of all other sources. The cone alone has seen every sweep (its constant is
learned from all of them), which favours it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.comparison import backtest
from bayes_scaling.comparison.scoring import score_table
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs import Runs, load_table, read_runs
from benchmarks.cone import ANY_COUNTING
from benchmarks.discrepancy import (
    FACTORS,
    LAWS,
    Study,
    best_drifts,
    drifts,
    everywhere,
    undressed,
    uneven,
    with_drift,
)
from benchmarks.record import machine, markdown, save, say

__all__ = ["informed_cards", "run", "run_grouped"]

EFFORT = Effort(draws=500, tune=1000)
SHOWN = (
    "coverage50",
    "coverage80",
    "coverage90",
    "coverage95",
    "crps",
    "log_score",
    "width90",
    "bias",
)


def run(data: Path, seed: int, folder: Path) -> str:
    """Predict every sweep, write ``backtests.json`` and return the tables as markdown."""
    facts = machine()
    study = Study.read(data)
    informed = {law: dict(informed_cards(study, law)) for law in LAWS}
    plain = undressed(load_card("chinchilla")).model_copy(
        update={"name": "chinchilla, weak priors"}
    )
    tables, counts = [], []
    for name, runs in study.tables.items():
        source = name.split()[0]
        limits = [case.limit for case in study.cases if case.sweep == name]
        if not limits:
            continue
        result = backtest(
            runs,
            model=[*(informed[law][source] for law in LAWS), plain],
            holdout=limits,
            engine="quick",
            effort=EFFORT,
            seed=seed,
            progress=False,
        )
        counts.append({"sweep": name, **result.counts})
        asked = _nearest(runs, result.table["cut"])
        tables.append(result.table.assign(sweep=name, source=source, beyond=asked))
        say(f"{name}: {result.counts}")
    table = pd.concat(tables, ignore_index=True)
    table["case"] = table["sweep"] + " " + table["beyond"].astype(str)
    scores = {
        "all": _scores(table, {}),
        **{f"{f:g}x": _scores(table, {"beyond": f}) for f in FACTORS},
    }
    sweeps = {name: _scores(table, {"sweep": name}) for name in table["sweep"].unique()}
    content = {"machine": facts, "seed": seed, "counts": counts, "beyond": scores, "sweeps": sweeps}
    save("backtests", content, folder)
    return "\n\n".join([_report("beyond", scores), _compact(sweeps)])


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
        found[name] = _scores(own, {})
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


def _scores(table: pd.DataFrame, where: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Scores of every method, and the mean over cases of the CRPS."""
    for column, value in where.items():
        table = table[table[column] == value]
    found = {}
    for method, part in table.groupby("method", sort=False):
        clusters = "source" if len(part["source"].unique()) > 1 else "case"
        scores = score_table(part, clusters)
        cases = part.groupby("case")["crps"].mean()
        found[str(method)] = {
            "cases": len(cases),
            "n": len(part),
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
    heads = ["sweep", "cuts", "runs"]
    heads += [f"CRPS, {name}" for name in BRIEF] + [f"in 90 %, {name}" for name in BRIEF]
    heads += [f"width, {name}" for name in BRIEF]
    rows = []
    for name, scores in sweeps.items():
        own = [scores[method] for method in BRIEF.values()]
        cells = [name, str(own[0]["cases"]), str(own[0]["n"])]
        cells += [f"{100 * s['crps_mean_of_cases']:.2f} %" for s in own]
        cells += [f"{100 * s['coverage90']:.0f} %" for s in own]
        cells += [f"{100 * s['width90']:.1f} %" for s in own]
        rows.append(cells)
    return markdown(heads, rows)


def _report(first: str, scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    heads = [first, "method", "cases", "runs", "CRPS, mean of cases", "CRPS, pooled"]
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
