"""Published findings beside ours, on the published runs, from a folder that holds the tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling import fit, read_runs
from bayes_scaling.comparison import compare_models
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.summary import summarise
from bayes_scaling.laws.repeated import Repeated, effective
from benchmarks.record import machine, markdown, save, say

__all__ = ["PARTS", "run"]

PROB = 0.9
ANY_COUNTING = 1e3
"""Tolerance to compute that is not 6 N D: that is what Porian et al. vary."""

REPEATED = {
    "all": "epochs > 0",
    "at most 60 epochs of 1e9 tokens or more": "epochs <= 60 and unique_tokens >= 1e9",
}
"""The law only levels off, while runs of few tokens that are seen often get worse: Muennighoff et
al. leave out those whose loss rises."""

Tables = dict[str, list[dict[str, Any]]]

NARROWER = 1.6449 / 1.96
"""A 95 % interval of a Normal, shrunk to 90 %."""


def run(parts: list[str], data: Path, seed: int, folder: Path) -> str:
    """Run some of the parts, write ``reproduce-PART.json`` for each and return the tables."""
    return "\n\n".join(_part(name, data, seed, folder) for name in parts)


def _part(name: str, data: Path, seed: int, folder: Path) -> str:
    facts, start = machine(), time.perf_counter()
    tables = PARTS[name](data, seed)
    content = {"machine": facts, "seconds": time.perf_counter() - start, **tables}
    save(f"reproduce-{name}", content, folder)
    shown = [
        markdown(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
        for rows in tables.values()
    ]
    return f"{name}:\n\n" + "\n\n".join(shown)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _laws(data: Path, seed: int) -> Tables:
    """Coupled, Chinchilla's and Kaplan's law on the 245 runs, with 10 and 30 % held out.

    ``time`` tells where the seconds of a comparison go, the first one with what it compiles.
    """
    runs = read_runs(data / "chinchilla_epoch.csv", counting="total")
    models = ["coupled", "chinchilla", "kaplan-nd"]
    rows: dict[str, dict[str, Any]] = {}
    spent = []
    for share in (0.1, 0.3):
        start = time.perf_counter()
        result = compare_models(runs, models, hold_out=share, seed=seed, progress=False)
        seconds = {"wall": time.perf_counter() - start, **result.seconds}
        spent.append({"held out": f"{share:.0%}", **seconds})
        say(f"compare, {share:.0%} held out: {seconds}")
        for name, row in result.table().iterrows():
            mine = rows.setdefault(str(name), {"law": str(name)})
            mine |= {key: float(row[key]) for key in ("elpd_loo", "difference", "difference_se")}
            mine |= {"weight": float(row["weight"])}
            mine[f"extrapolation, {share:.0%}"] = float(row["elpd_extrapolation"])
            held = result.held_out[str(name)]
            mine[f"mean error, {share:.0%}"] = f"{100 * held.error.mean():+.2f} %"
            mine["a"] = f"{row['a_median']:.3f} [{row['a_lower']:.3f}, {row['a_upper']:.3f}]"
            mine["b"] = f"{row['b_median']:.3f} [{row['b_lower']:.3f}, {row['b_upper']:.3f}]"
            mine |= {"gamma": _gamma(result.fits[str(name)]), **_quality(result.fits[str(name)])}
    return {"rows": list(rows.values()), "time": spent}


def _gamma(found: Fit) -> str:
    """With its 90 % interval, where the law has one."""
    theta = found.parameters(found.groups[0])
    if "gamma" not in theta:
        return ""
    row = summarise(theta["gamma"], PROB)
    return f"{row['median']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]"


def _porian(data: Path, seed: int) -> Tables:
    """The exponent a of Porian et al.'s 15 configurations, by isoFLOP valleys."""
    table = pd.read_csv(data / "porian_isoflop.csv")
    rows = []
    for published in pd.read_csv(data / "porian_published_fits.csv").to_dict("records"):
        own = table[
            (table["dataset"] == published["dataset"]) & (table["config"] == published["config"])
        ]
        frame = own[["flops", "loss"]].assign(params=own["n_counted"])
        found = fit(
            read_runs(frame, tolerance=ANY_COUNTING, name=str(published["config"])),
            model="isoflop",
            seed=seed,
            progress=False,
        )
        a = found.summary(prob=PROB).loc[("all runs", "a")]
        value = float(published["a_published"])
        rows.append(
            {
                "corpus": published["dataset"],
                "configuration": published["config"],
                "published a": value,
                "published 95 %": f"{published['a_lo95']:.3f} to {published['a_hi95']:.3f}",
                "ours": float(a["median"]),
                "our 90 %": f"{a['lower']:.3f} to {a['upper']:.3f}",
                "inside": bool(a["lower"] <= value <= a["upper"]),
                "width over theirs": float(a["upper"] - a["lower"])
                / (NARROWER * float(published["a_hi95"] - published["a_lo95"])),
                **_quality(found),
            }
        )
        say(" ".join(str(v) for v in rows[-1].values()))
    return {"rows": rows}


def _repeated(data: Path, seed: int) -> Tables:
    """What repeated tokens are worth, from Muennighoff et al.'s runs."""
    published = next(iter(Repeated.published)).values
    runs = read_runs(data / "datablations.csv").select("~dedup")
    rows = []
    for which, query in REPEATED.items():
        found = fit(runs.select(query), model="repeated", seed=seed, progress=False)
        theta = found.parameters(found.groups[0])
        rows += [_row(which, f"{n}*", theta[n], published[n], found) for n in ("R_D", "R_N")]
        for epochs in (2, 4, 16, 40):
            ours = effective(np, 1.0, float(epochs), theta["R_D"]) / epochs
            theirs = effective(np, 1.0, float(epochs), published["R_D"]) / epochs
            rows.append(_row(which, f"mean worth of a token, {epochs} epochs", ours, theirs, found))
            last = np.exp(-(epochs - 1) / theta["R_D"])
            theirs = np.exp(-(epochs - 1) / published["R_D"])
            what = f"worth of the next token after {epochs} epochs"
            rows.append(_row(which, what, last, theirs, found))
    return {"rows": rows}


def _row(which: str, name: str, draws: Any, published: float, found: Fit) -> dict[str, Any]:
    ours = summarise(np.asarray(draws), PROB)
    return {
        "runs": f"{which} ({found.n_runs})",
        "quantity": name,
        "published": float(published),
        "ours": float(ours["median"]),
        "our 90 %": f"{ours['lower']:.3g} to {ours['upper']:.3g}",
        **_quality(found),
    }


def _quality(found: Fit) -> dict[str, Any]:
    figures = found.sampler_figures
    return {
        "R-hat": float(figures["max_rhat"]),
        "divergences": int(figures["divergences"]),
        "ESS": float(figures["min_ess_bulk"]),
    }


PARTS: dict[str, Callable[[Path, int], Tables]] = {
    "laws": _laws,
    "porian": _porian,
    "repeated": _repeated,
}
