"""Which form of the card `learning-curve-tail` predicts best, chosen on other curves.

How much of a curve is fitted, and whether the noise has a memory. For every group of curves (a data
set of images, or another domain) the form is the one with the highest mean log density on all other
groups, each of which weighs the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.quick import QuickError
from benchmarks.curves import DOMAINS, Curve, predict, read_curves, score
from benchmarks.record import machine, markdown, save, say

__all__ = ["choose", "forms", "group_of", "run_forms"]

CHOSEN = "chosen on the other groups"
RECENT = (3.0, 5.0, 8.0)


def forms() -> dict[str, ModelCard]:
    """Cards by what is different in them."""
    card = load_card("learning-curve-tail")
    if card.rows is None:
        raise ValueError("the card says nothing about rows")
    forgetful = card.noise.model_copy(update={"memory": None})
    parts = {
        f"last factor of {recent:g}": card.rows.model_copy(update={"recent": recent})
        for recent in RECENT
    } | {"all of the curve": None}
    made = {f"{name}, memory": card.model_copy(update={"rows": p}) for name, p in parts.items()}
    own = card.model_copy(update={"noise": forgetful, "name": "no memory"})
    return made | {"last factor of 8, no memory": own}


def group_of(curve: Curve) -> str:
    """The data set of an image classifier's curve, or another curve's domain."""
    return curve.task.split("_")[0] if curve.domain == "IC" else curve.domain


def run_forms(data: Path, seed: int, folder: Path) -> str:
    """Predict every curve in every form, write ``curves-forms.json``, return tables as markdown."""
    facts, curves, rows = machine(), read_curves(data), []
    for name, card in forms().items():
        start = time.perf_counter()
        for curve in curves:
            about = {"form": name, "group": group_of(curve), "domain": curve.domain,
                     "task": curve.task, "family": curve.family}  # fmt: skip
            try:
                rows.append(about | score(curve, predict(curve, card, seed).prediction()))
            except QuickError as error:
                rows.append({**about, "refused": str(error)})
        say(f"{name}: {time.perf_counter() - start:.0f} s")
    table = pd.DataFrame(rows)
    choices = choose(table)
    picked = pd.concat(
        [table[(table["group"] == g) & (table["form"] == form)] for g, form in choices.items()]
    )
    whole = pd.concat([table, picked.assign(form=CHOSEN)], ignore_index=True)
    means = whole.groupby(["form", "domain"], sort=False)[["rmsle", "log_density"]].mean()
    counts = whole.dropna(subset="rmsle").groupby(["form", "domain"], sort=False).size()
    content: dict[str, Any] = {
        "machine": facts, "seed": seed, "choices": choices,
        "summary": means.assign(curves=counts).reset_index().to_dict("records"),
        "curves": table.round(5).astype(object).where(table.notna(), None).to_dict("records"),
    }  # fmt: skip
    save("curves-forms", content, folder)
    return _report(content["summary"], choices)


def choose(table: pd.DataFrame) -> dict[str, str]:
    """The form of each group: the best on all others, by mean log density of equal groups."""
    means = table.pivot_table(values="log_density", index="group", columns="form")
    return {
        str(group): str(means.drop(index=group).mean().idxmax())
        for group in dict.fromkeys(table["group"])
    }


def _report(summary: Sequence[dict[str, Any]], choices: dict[str, str]) -> str:
    heads = ["form", *(f"{name}: RMSLE, log density" for name in DOMAINS.values())]
    most = {d: max(row["curves"] for row in summary if row["domain"] == d) for d in DOMAINS}
    rows = []
    for form in dict.fromkeys(row["form"] for row in summary):
        own = {row["domain"]: row for row in summary if row["form"] == form}
        rows.append([str(form), *(_cell(own[d], most[d]) for d in DOMAINS)])
    told = ", ".join(f"{group}: {form}" for group, form in choices.items())
    return f"{markdown(heads, rows)}\n\nChosen without {told}."


def _cell(row: dict[str, Any], most: int) -> str:
    """Scores, and over how many curves where the engine refused some."""
    missing = f" ({row['curves']} curves)" if row["curves"] < most else ""
    return f"{row['rmsle']:.4f}, {row['log_density']:.3f}{missing}"
