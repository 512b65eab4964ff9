"""Simulated tasks whose error per token is smooth, or breaks; known truth."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from bayes_scaling.shapes.emergent.card import load_emergence_card
from bayes_scaling.shapes.emergent.emergence import emergence
from bayes_scaling.shapes.emergent.laws import AnswerLaw
from bayes_scaling.shapes.emergent.result import Emergence
from bayes_scaling.shapes.emergent.simulate import simulate_scores

SIZES = np.geomspace(1e8, 1e11, 9)
SMOOTH = {"start": 12.0, "exponent": 0.55, "floor": 0.02, "scatter": 0.03, "guess": 1e-4}
"""exp(-12) of the answers are right at first, and nearly 0.8 at the end: sharp, and a mirage."""

BROKEN = {"start": 6.0, "exponent": 0.05, "floor": 0.01, "scatter": 0.03, "guess": 1e-4,
          "change": 1.8, "width": 0.2}  # fmt: skip
BREAK = 5e9


def example_scores(truth: dict[str, float], *, seed: int = 1, **settings: object) -> pd.DataFrame:
    """Scores of one task."""
    law = AnswerLaw(
        card=load_emergence_card(), span=float(np.log(SIZES[-1] / SIZES[0])),
        broken="change" in truth, guesses=True,
    )  # fmt: skip
    parameters = {name: np.log([value]) for name, value in truth.items()}
    if law.broken:
        parameters["place"] = np.log([BREAK / SIZES[0]])
    given = {"n": 2000, **settings}
    return simulate_scores(law, parameters, SIZES, rng=np.random.default_rng(seed), **given)


def example_table() -> pd.DataFrame:
    """A smooth task, a broken one, one that is flat at zero, and one of four choices."""
    flat = pd.DataFrame(
        {"task": "flat", "metric": "exact_match", "params": SIZES, "value": 0.0,
         "n_examples": 200, "chance": 0.0}
    )  # fmt: skip
    return pd.concat(
        [example_scores(SMOOTH, task="mirage", seed=2), example_scores(BROKEN, task="break"), flat,
         example_scores(SMOOTH, task="choice", kinds=("choice",), chance=0.25)],
        ignore_index=True,
    )  # fmt: skip


@functools.cache
def example_emergence() -> Emergence:
    """The answer about `example_table`."""
    return emergence(example_table())
