"""Whether the answer would move with the prior: power-scaling sensitivity."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayes_scaling.inference.diagnostics.answer import answer_name, log_answer
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.diagnostics.identifiability import explained
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_prior_sensitivity"]

THRESHOLD = 0.05
"""Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5."""

ANSWER = "answer"

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
    from arviz_stats import psense

    fit = evidence.fit
    names = [p.name for p in fit.law.sampled]
    variable = "mu" if fit.card.pooling is not None else "theta"
    posterior = fit.posterior.sel(draw=fit.tree["log_likelihood"]["draw"])
    theta = posterior[variable].sel(parameter=names)
    asked = posterior[fit.law.parameters[0].name]
    natural = {p.name: posterior[p.name].to_numpy() for p in fit.law.parameters}
    answer = asked.copy(data=np.broadcast_to(log_answer(evidence, natural), asked.shape))
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({variable: theta, ANSWER: answer}),
            # It adds up the runs anyway, but stacks them first.
            "log_likelihood": fit.tree["log_likelihood"].to_dataset().sum("run"),
            "log_prior": fit.tree["log_prior"].to_dataset().sel(draw=posterior["draw"]),
        }
    )

    def largest(group: str) -> dict[str, float]:
        found = psense(tree, group=group)
        of = {name: float(np.max(found[variable].sel(parameter=name))) for name in names}
        return {**of, ANSWER: float(np.max(found[ANSWER]))}

    return largest("prior"), largest("likelihood")
