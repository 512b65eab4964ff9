"""Scores of simulated tasks, from a law of the error of their answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.shapes.emergent.laws import AnswerLaw
from bayes_scaling.shapes.emergent.links import Kind, expected

__all__ = ["simulate_scores"]

Array = NDArray[np.float64]

_NAMES = {
    "answer": "exact_match", "choice": "multiple_choice_grade", "token": "token_accuracy",
    "brier": "brier_score",
}  # fmt: skip


def simulate_scores(
    law: AnswerLaw,
    parameters: dict[str, Array],
    scale: Array,
    n: int,
    rng: np.random.Generator,
    *,
    kinds: tuple[Kind, ...] = ("answer",),
    chance: float = 0.0,
    tokens: float = 4.0,
    task: str = "task",
) -> pd.DataFrame:
    """Long table of scores of one task, as `read_metrics` takes it.

    Parameters
    ----------
    law : AnswerLaw
        Spanning the scales.
    parameters : dict of array of shape (1,)
        As `AnswerLaw.parameters` gives them.
    scale : array of shape (size,)
        Numbers of parameters, ascending.
    n : int
        Questions of each score.
    rng : Generator
    kinds : tuple of {"answer", "choice", "token", "brier"}
        Metrics; a share of right tokens has ``tokens`` times as many questions.
    chance : float
        Of every metric, as a share of what is right.
    tokens : float
        L.
    task : str
    """
    noise = law.card.noise
    t = np.log(scale / scale[0])
    scatter = np.exp(parameters["scatter"]) * rng.standard_t(noise.nu, len(scale))
    error = np.exp(law.log_error(parameters, t)[0] + scatter)
    guess = float(np.exp(parameters["guess"][0])) if "guess" in parameters else 0.0
    within = noise.within_choice if chance > 0 else noise.within
    rows = []
    for kind in kinds:
        mean = expected(kind, error, chance=chance, guess=guess, tokens=tokens)
        strength = 1 / within - 1
        share = rng.beta(mean * strength + 1e-12, (1 - mean) * strength + 1e-12)
        asked = round(n * tokens) if kind == "token" else n
        right = rng.binomial(asked, share) / asked
        value = 1 - right if kind == "brier" else right
        level = 1 - chance if kind == "brier" else chance
        rows += [
            {"task": task, "metric": _NAMES[kind], "params": size, "value": each,
             "n_examples": asked, "chance": level}
            for size, each in zip(scale, value, strict=True)
        ]  # fmt: skip
    return pd.DataFrame(rows)
