"""The model card in words: priors with their ranges and reasons."""

from __future__ import annotations

import math
from typing import Any

from bayes_scaling.cards import LogNormal, Normal
from bayes_scaling.inference.card import SLOPE, Discrepancy, ModelCard, Rows
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import Reference
from bayes_scaling.report.tables import Table
from bayes_scaling.report.words import head, number, percent, size

__all__ = ["describe"]

Z = 1.6449
"""Standard deviations on either side that hold 90 % of a Normal."""

HEADS = ("quantity", "meaning", "prior", "90 % of the prior", "reason")
NOISE = {
    "sigma": "scatter of log loss around the law",
    "nu": "tails of the noise (degrees of freedom)",
    "run_sigma": "how far a run with several rows lies from the law",
    "slope": "change of log sigma a decade of compute",
    "skew": "scatter above the law over the scatter below it",
    "memory": "factors of e after which 1/e of what a row is off the law is left",
}


def describe(fit: Fit) -> dict[str, Any]:
    """Everything that the page says of the card."""
    card, reference = fit.card, fit.reference
    meanings = {p.name: p.meaning for p in card.sampled}
    rows = [_row(name, meanings[name], prior) for name, prior in card.priors.items()]
    noise = {name: getattr(card.noise, name) for name in NOISE}
    rows += [_row(name, NOISE[name], prior) for name, prior in noise.items() if prior is not None]
    return {
        "name": card.name,
        "title": card.title,
        "description": " ".join(card.description.split()),
        "family": card.noise.family,
        "units": f"Losses in units of a low loss of the runs, {number(reference.loss)}; inputs at "
        f"their geometric means: {_typical(reference)}.",
        "rows": "" if card.rows is None else _selection(card.rows),
        "discrepancy": "" if card.discrepancy is None else _drift(card.discrepancy),
        "priors": Table(name="Priors", heads=HEADS, rows=tuple(rows)),
        "spreads": [
            _spreads(f"Spread between {of}", of, spread, fit) for of, spread in _levels(card)
        ],
    }


def _levels(card: ModelCard) -> list[tuple[str, dict[str, LogNormal]]]:
    """What parameters differ between, with the priors of how far."""
    pooling = [] if card.pooling is None else [("groups", card.pooling.spread)]
    varying = [] if card.varying is None else [("budgets of a group", card.varying.spread)]
    return pooling + varying


def _spreads(title: str, of: str, spread: dict[str, LogNormal], fit: Fit) -> dict[str, Any]:
    real = {p.name for p in fit.card.sampled if p.support == "real"} | {SLOPE}
    rows = tuple(
        _row(
            name,
            f"spread of {name} between {of}" + ("" if name in real else ", on the log scale"),
            prior,
        )
        for name, prior in spread.items()
    )
    table = Table(name=f"Priors of the {title.lower()}", heads=HEADS, rows=rows)
    return {"title": title, "table": table}


def _selection(rows: Rows) -> str:
    """Which rows of the table the card is about."""
    kept = []
    if rows.near_best is not None:
        kept.append(
            f"Only runs whose loss is at most {percent(rows.near_best)} above the least that any "
            "run of the group reached with no more compute are fitted"
            + (
                ", of budgets whose best size has smaller and larger ones beside it"
                if rows.bracketed
                else ""
            )
        )
    if rows.recent is not None:
        kept.append(
            f"Only rows within a factor of {rows.recent:g} of the last of their group are fitted, "
            f"but at least {rows.fewest} of them"
        )
    return f"{'. '.join(kept)}. {' '.join(rows.reason.split())}"


def _drift(discrepancy: Discrepancy) -> str:
    """Where the loss begins to leave the law."""
    where = "at the costliest run of a group"
    if discrepancy.within > 0:
        where = f"{discrepancy.within:g} decades before the costliest run of a group"
    return f"The loss drifts away from the law from {where} on. {discrepancy.notes}"


def _typical(reference: Reference) -> str:
    return ", ".join(f"{head(n)} {size(reference.typical(n))}" for n in reference.log_inputs)


def _row(name: str, meaning: str, prior: LogNormal | Normal) -> tuple[str, ...]:
    if isinstance(prior, LogNormal):
        what = f"log-normal, median {prior.median:g}, log sd {prior.sigma:g}"
        ends = [prior.median * math.exp(sign * Z * prior.sigma) for sign in (-1, 1)]
    else:
        what = f"normal, mean {prior.mean:g}, sd {prior.sigma:g}"
        ends = [prior.mean + sign * Z * prior.sigma for sign in (-1, 1)]
    within = " to ".join(f"{end:.2g}" for end in ends)
    return name, meaning, what, within, " ".join(prior.reason.split())
