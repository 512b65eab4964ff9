"""What a card expects before any run is seen: the losses and exponents that its priors imply.

Plain numpy draws for one new group; nothing is compiled. Priors that look harmless one by one can
together expect losses that no language model has, and a small table then inherits them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.invented import invented_runs
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.simulate import prior_theta
from bayes_scaling.inference.summary import STATISTICS, summarise
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.laws import Reference, available, log_inputs
from bayes_scaling.runs import Runs, load_runs

__all__ = ["PriorPredictive", "prior_predictive"]

Array = NDArray[np.float64]

EXAMPLE_RUNS = "pile-families"
PROB = 0.9
TOO_LOW, TOO_HIGH = 0.3, 5.0
"""Times the reference loss, a low loss of the runs. A model that guesses has ln(vocabulary), about
11 nats, which is five times the loss of a good model; 0.3 times it would be a perplexity below
two."""

ABSURD_SHARE_MAX = 0.05
MOST_POINTS = 500


@dataclass(frozen=True, kw_only=True)
class PriorPredictive:
    """Losses that a card expects at the points of a table, before it has seen their losses.

    Parameters
    ----------
    card : str
        Name of the card.
    relative_loss : float array of shape (draw, point)
        The law's loss as a share of the reference loss of the runs; points in order of compute.
    absurd_share : float
        Share of these below `TOO_LOW` or above `TOO_HIGH`.
    loss : list of dict
        For the run with the least compute and the one with the most: which, params, tokens, the
        loss seen, and mean, median, sd, lower, upper of the prior loss, in the unit of the table.
    parameters : dict of str to dict
        The same statistics of the natural parameters E, alpha, ... and of the exponent a.
    verdict : CheckResult
    prob : float
        Probability of the intervals.
    """

    card: str
    relative_loss: Array
    absurd_share: float
    loss: list[dict[str, Any]]
    parameters: dict[str, dict[str, float]]
    verdict: CheckResult
    prob: float = PROB

    def to_json(self) -> str:
        """Object: card, passed, text, absurd_share, prob, loss, parameters."""
        values = {
            "card": self.card,
            "passed": self.verdict.passed,
            "text": self.verdict.text,
            "absurd_share": self.absurd_share,
            "prob": self.prob,
            "loss": self.loss,
            "parameters": self.parameters,
        }
        return json.dumps(values, indent=2)


def prior_predictive(
    card: str | Path | ModelCard, runs: Runs | None = None, *, draws: int = 4000, seed: int = 1
) -> PriorPredictive:
    """Draw the law's loss a priori at the points of a table of runs.

    Parameters
    ----------
    card : str, Path or ModelCard
        As `load_card` takes it.
    runs : Runs, optional
        Where to look, and whose reference scales to use; by default the embedded
        ``pile-families``, or invented runs if these lack what the law depends on.
    draws, seed : int
        Number of draws, and where they start.

    Returns
    -------
    PriorPredictive
        Its verdict passes if absurd losses are rare.
    """
    card = load_card(card)
    runs = _example(card) if runs is None else runs
    law, rng = card.get_law(), np.random.default_rng(seed)
    every = log_inputs(law.inputs, runs.numbers(), of=f"the law {law.name!r}")
    reference = Reference.of(every, runs.loss)
    relative = parameter_values(card, prior_theta(card, draws, rng))
    points = _points(runs)
    natural = law.natural(np, relative, reference)
    columns = {name: value[:, None] for name, value in natural.items()}
    seen = {name: value[points] for name, value in every.items()}
    loss = law.mean(np, seen, columns)
    values = {p.name: natural[p.name] for p in law.parameters}
    if law.allocates:
        values["a"] = law.exponents(natural, float(runs.flops.max()))[0]
    return PriorPredictive(
        card=card.name,
        relative_loss=loss / reference.loss,
        absurd_share=float(
            np.mean((loss < TOO_LOW * reference.loss) | (loss > TOO_HIGH * reference.loss))
        ),
        loss=_ends(runs, points, loss),
        parameters={name: _statistics(value) for name, value in values.items()},
        verdict=_verdict(card, runs.name, reference, loss / reference.loss),
    )


def _example(card: ModelCard) -> Runs:
    runs = load_runs(EXAMPLE_RUNS)
    return runs if set(card.get_law().inputs) <= set(available(runs.numbers())) else invented_runs()


def _points(runs: Runs) -> NDArray[np.intp]:
    """Rows in order of compute, thinned evenly if there are many."""
    order = np.argsort(runs.flops, kind="stable")
    keep = np.linspace(0, len(order) - 1, min(len(order), MOST_POINTS)).round().astype(int)
    return np.asarray(order[keep])


def _ends(runs: Runs, points: NDArray[np.intp], loss: Array) -> list[dict[str, Any]]:
    return [
        {
            "which": which,
            "params": float(runs.params[points[at]]),
            "tokens": float(runs.tokens[points[at]]),
            "seen": float(runs.loss[points[at]]),
            **_statistics(loss[:, at]),
        }
        for which, at in (("smallest", 0), ("largest", -1))
    ]


def _statistics(values: Array) -> dict[str, float]:
    summary = summarise(values, PROB)
    return {name: float(summary[name]) for name in STATISTICS}


def _verdict(card: ModelCard, name: str, reference: Reference, loss: Array) -> CheckResult:
    low, high = float(np.mean(loss < TOO_LOW)), float(np.mean(loss > TOO_HIGH))
    passed = low + high < ABSURD_SHARE_MAX
    advice = (
        "such losses are rare, as they should be."
        if passed
        else f"at most {ABSURD_SHARE_MAX:.0%} is wanted; narrow the priors of the terms, or of the "
        "exponents."
    )
    return CheckResult(
        name="prior predictive",
        passed=passed,
        fatal=False,
        text=f"At the runs of {name}, card {card.name!r} gives {low:.1%} of its prior to losses "
        f"below {TOO_LOW:g} times a low loss of theirs ({reference.loss:.4g}) and {high:.1%} to "
        f"losses above {TOO_HIGH:g} times it: {advice}",
        values={"too_low": low, "too_high": high},
    )
