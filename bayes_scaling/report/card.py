"""The model card in words: priors with their ranges and reasons."""

from __future__ import annotations

import math
from typing import Any

from bayes_scaling.inference.card import LogNormal, Normal
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import Reference
from bayes_scaling.report.tables import Table
from bayes_scaling.report.words import number, size

__all__ = ["describe"]

Z = 1.6449
"""Standard deviations on either side that hold 90 % of a Normal."""

NOISE = {
    "sigma": "scatter of log loss around the law",
    "nu": "tails of the noise (degrees of freedom)",
    "run_sigma": "how far a run with several rows lies from the law",
}


def describe(fit: Fit) -> dict[str, Any]:
    """Everything that the page says of the card."""
    card, reference = fit.card, fit.reference
    meanings = {p.name: p.meaning for p in fit.law.sampled}
    noise = {name: getattr(card.noise, name) for name in NOISE}
    rows = [_row(name, meanings[name], prior) for name, prior in card.priors.items()]
    rows += [_row(name, NOISE[name], prior) for name, prior in noise.items()]
    heads = ("quantity", "meaning", "prior", "90 % of the prior", "reason")
    spread = None
    if card.pooling is not None:
        spread = Table(
            name="Priors of the spread between groups",
            heads=heads,
            rows=tuple(
                _row(name, f"spread of {name} between groups, on the log scale", prior)
                for name, prior in card.pooling.spread.items()
            ),
        )
    return {
        "name": card.name,
        "title": card.title,
        "description": " ".join(card.description.split()),
        "family": card.noise.family,
        "units": f"Losses in units of a low loss of the runs, {number(reference.loss)}; inputs at "
        f"their geometric means: {_typical(reference)}.",
        "priors": Table(name="Priors", heads=heads, rows=tuple(rows)),
        "spread": spread,
    }


def _typical(reference: Reference) -> str:
    return ", ".join(f"{name} {size(reference.typical(name))}" for name in reference.log_inputs)


def _row(name: str, meaning: str, prior: LogNormal | Normal) -> tuple[str, ...]:
    if isinstance(prior, LogNormal):
        what = f"log-normal, median {prior.median:g}, log sd {prior.sigma:g}"
        ends = [prior.median * math.exp(sign * Z * prior.sigma) for sign in (-1, 1)]
    else:
        what = f"normal, mean {prior.mean:g}, sd {prior.sigma:g}"
        ends = [prior.mean + sign * Z * prior.sigma for sign in (-1, 1)]
    within = " to ".join(f"{end:.2g}" for end in ends)
    return name, meaning, what, within, " ".join(prior.reason.split())
