r"""From the error of an answer to what a metric expects (Schaeffer et al. 2023, arXiv:2304.15004).

With e = -log p the error per token and L the tokens of an answer, a = L e is the error of the whole
answer, and exp(-a) = p^L the probability that all of it is right. Scores are oriented so that 1 is
right; c is what chance gets.

=========  ==============================================  =====================================
kind       expected score                                  what it is
=========  ==============================================  =====================================
answer     c + (1 - c)(g + (1 - g) exp(-a))                exact match, with lucky answers g
choice     c + (1 - c) exp(-a)                             multiple choice: knows, or guesses
token      c + (1 - c) exp(-a / L)                         share of right tokens; 1 - edit distance
brier      1 - (1 - s)^2,  s = b + (1 - b) exp(-a)         one minus the Brier score of the choice
=========  ==============================================  =====================================

For the Brier score, b = 1 - sqrt(1 - c) is the probability that chance gives to the right choice.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.runs.metric_checks import is_exact_match

__all__ = [
    "KINDS", "METRICS", "Kind", "answer_error", "expected", "kind_of",
]  # fmt: skip

Array = NDArray[np.float64]
Kind = Literal["answer", "choice", "token", "brier"]
KINDS: Final[tuple[Kind, ...]] = ("answer", "choice", "token", "brier")

_ACCURACY = ("accuracy", "acc", "accnorm")
_CHOICE = ("multiplechoicegrade", "multiplechoice", "mc1", "mc2")
_TOKEN = ("editdistance", "tokeneditdistance", "normalizededitdistance", "tokenaccuracy",
          "pertokenaccuracy", "ter", "tokenerrorrate")  # fmt: skip
_BRIER = ("brier", "brierscore")

METRICS: Final = (
    "exact_match (em)", "accuracy (acc, with its chance)", "multiple_choice_grade",
    "token_edit_distance, token_accuracy", "brier_score",
)  # fmt: skip
"""What messages say is understood."""


def kind_of(metric: str, chance: float) -> Kind | None:
    """How a metric follows from the error of an answer; None where it does not.

    Parameters
    ----------
    metric : str
    chance : float
        nan where unknown. Accuracies above chance 0 are choices, and those with chance 0 whole
        answers; where it is unknown nobody can say.
    """
    name = _bare(metric)
    if is_exact_match(metric):
        return "answer"
    if name in _ACCURACY and np.isfinite(chance):
        return "choice" if chance > 0 else "answer"
    if name in _CHOICE and chance > 0:
        return "choice"
    if name in _TOKEN:
        return "token"
    return "brier" if name in _BRIER and np.isfinite(chance) else None


def _bare(metric: str) -> str:
    return "".join(c for c in metric.casefold() if c.isalnum())


def expected(
    kind: Kind,
    error: Array,
    *,
    chance: float = 0.0,
    guess: Array | float = 0.0,
    tokens: Array | float = 1.0,
) -> Array:
    """Expected score, 1 is right; shapes broadcast.

    Parameters
    ----------
    kind : {"answer", "choice", "token", "brier"}
    error : array
        a = -log of the probability that the whole answer is right.
    chance : float
        Score of chance, in the same orientation.
    guess : array
        Share of lucky answers beyond chance; of kind "answer" only.
    tokens : array
        L; of kind "token" only.
    """
    if kind == "token":
        return np.asarray(chance + (1 - chance) * np.exp(-error / tokens))
    if kind == "brier":
        base = 1 - np.sqrt(1 - chance)
        return np.asarray(1 - np.square((1 - base) * -np.expm1(-error)))
    known = np.exp(-error)
    if kind == "answer":
        known = guess + (1 - guess) * known
    return np.asarray(chance + (1 - chance) * known)


def answer_error(
    kind: Kind, score: Array, *, chance: float = 0.0, guess: float = 0.0, tokens: float = 1.0
) -> Array:
    """The error a of which a score is expected, inverse of `expected`; inf where luck explains it.

    Parameters are those of `expected`, score of any shape.
    """
    base = 1 - np.sqrt(1 - chance) if kind == "brier" else chance
    share = 1 - np.sqrt((1 - score).clip(0)) if kind == "brier" else score
    known = (share - base) / (1 - base)
    if kind == "answer":
        known = (known - guess) / (1 - guess)
    with np.errstate(divide="ignore"):
        error = -np.log(known.clip(0, 1))
    return np.asarray(error * (tokens if kind == "token" else 1.0))
