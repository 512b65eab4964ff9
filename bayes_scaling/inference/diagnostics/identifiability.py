"""Terms about which the runs say little: their posterior is nearly their prior."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.model import population_prior
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.laws import INPUTS, Law

__all__ = ["check_identifiability", "explained"]

SHARE_OF_PRIOR = 0.75
"""A posterior this wide, relative to its prior, means that the runs added little."""

NARROW = 0.05
"""Standard deviation of a log input below which the runs have 'nearly one' value of it."""


def check_identifiability(evidence: Evidence) -> list[CheckResult]:
    """Compare the posterior spread of every sampled parameter with its prior spread."""
    widths = _relative_widths(evidence)
    weak = {name: width for name, width in widths.items() if width > SHARE_OF_PRIOR}
    if not weak:
        text = "The runs inform every term of the law."
    else:
        listed = " and ".join(explained(evidence.fit.law, weak))
        text = (
            f"{_cause(evidence.design)}{listed} {'is' if len(weak) == 1 else 'are'} not "
            "identified: the answer about them is the prior's. "
            f"{_advice(evidence.design)} would settle it."
        )
    return [
        CheckResult(
            name="identifiability",
            passed=not weak,
            fatal=False,
            text=text[0].upper() + text[1:],
            values={"posterior_sd_over_prior_sd": widths},
        )
    ]


def explained(law: Law, names: Iterable[str]) -> list[str]:
    """Sampled parameters with what they mean, such as "beta (exponent of data)"."""
    meaning = {parameter.name: parameter.meaning for parameter in law.sampled}
    return [f"{name} ({meaning[name]})" for name in names]


def _relative_widths(evidence: Evidence) -> dict[str, float]:
    """Posterior sd over prior sd of each parameter, on its sampled scale; worst group."""
    card: ModelCard = evidence.fit.card
    # The drift is beyond the runs, which therefore say little of it.
    names = [parameter.name for parameter in card.get_law().sampled]
    _, prior_sd = population_prior(card)
    draws = evidence.fit.posterior["mu" if card.pooling is not None else "theta"]
    posterior_sd = draws.std(("chain", "draw"))
    if "group" in posterior_sd.dims:
        posterior_sd = posterior_sd.max("group")
    widths = posterior_sd.sel(parameter=names).to_numpy() / prior_sd[: len(names)]
    return dict(zip(names, np.round(widths, 3).tolist(), strict=True))


def _advice(design: Design) -> str:
    if {"params", "tokens"} <= set(design.log_inputs):
        return "Runs at other sizes and other tokens per parameter"
    return f"Runs at other {' and '.join(INPUTS[name].meaning for name in design.log_inputs)}"


def _cause(design: Design) -> str:
    """What about the runs leaves a term open, as the start of a sentence."""
    inputs = design.log_inputs
    for name, values in inputs.items():
        if np.std(values) < NARROW:
            return f"your runs have nearly one value of {INPUTS[name].meaning}: "
    in_proportion = {"params", "tokens"} <= set(inputs) and (
        np.std(inputs["tokens"] - inputs["params"]) < NARROW
    )
    if in_proportion:
        return "your runs have nearly one ratio of tokens to parameters: "
    return "your runs are too few, too alike or too noisy: "
