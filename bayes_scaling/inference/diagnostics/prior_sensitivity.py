"""Whether the answer would move with the prior: power-scaling sensitivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.diagnostics.answer import answer_name, log_answer
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.diagnostics.identifiability import explained
from bayes_scaling.inference.diagnostics.power_scaling import power_sensitivity
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_prior_sensitivity"]

THRESHOLD = 0.05
"""Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5."""

ANSWER = "answer"

Array = NDArray[np.float64]

ADVICE = "If you know better than the card, copy it, edit the prior and pass --model my_card.toml."


def check_prior_sensitivity(evidence: Evidence) -> list[CheckResult]:
    """Scale the card's priors and the likelihood a little; see what follows which."""
    prior, likelihood = sensitivity(evidence)
    # Terms that follow the prior alone are what the check of identifiability is about.
    terms = [
        name
        for name in prior
        if name != ANSWER and prior[name] > THRESHOLD and likelihood[name] > THRESHOLD
    ]
    moves = prior[ANSWER] > THRESHOLD
    listed, answer = " and ".join(explained(evidence.fit.law, terms)), answer_name(evidence.fit)
    if moves:
        told = f"{listed} and of {answer}" if terms else answer
        text = f"The posterior of {told} moves with the prior as well as with the runs. {ADVICE}"
    elif terms:
        text = (
            f"The posterior of {listed} moves with the prior as well as with the runs, that of "
            f"{answer} hardly. {ADVICE}"
        )
    else:
        text = "The answers follow the runs, not the priors of the card."
    return [
        CheckResult(
            name="prior sensitivity",
            # A prior that matters is a property of small tables, not a fault of the fit.
            passed=None if moves or terms else True,
            fatal=False,
            text=text,
            values={"prior": prior, "likelihood": likelihood, "answer_moves": moves},
        )
    ]


def sensitivity(evidence: Evidence) -> tuple[dict[str, float], dict[str, float]]:
    """Power-scaling sensitivity to prior and likelihood, in the group where it is largest.

    Of every sampled parameter (with a population: of its mean over groups), and of the answer.
    """
    fit = evidence.fit
    names = [p.name for p in fit.law.sampled]
    variable = "mu" if fit.card.pooling is not None else "theta"
    draw = fit.tree["log_likelihood"]["draw"]
    posterior = fit.posterior.sel(draw=draw)
    natural = {p.name: posterior[p.name].to_numpy() for p in fit.law.parameters}
    shape = next(iter(natural.values())).shape
    told = {name: posterior[variable].sel(parameter=name).to_numpy() for name in names}
    told[ANSWER] = np.broadcast_to(log_answer(evidence, natural), shape)
    priors = fit.tree["log_prior"].to_dataset().sel(draw=draw)

    def largest(log_part: Array) -> dict[str, float]:
        return {
            name: max(
                power_sensitivity(group, log_part) for group in draws.reshape(log_part.size, -1).T
            )
            for name, draws in told.items()
        }

    return (
        largest(np.sum([each.to_numpy().ravel() for each in priors.values()], axis=0)),
        largest(evidence.log_likelihood.sum(axis=1)),
    )
