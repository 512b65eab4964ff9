"""The law as papers print it, with `pm.sample` as it comes.

log A, log B, E, alpha and beta are sampled directly. Priors and likelihood are those of the card
`chinchilla`, as near as this form allows: where the card has a prior on a term at the middle of
the runs, log A and log B get a Normal that covers the same terms.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np

from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["interval"]


def interval(table: Path, question: Question, seed: int) -> Answer:
    """Percentiles of the law over posterior draws."""
    start = time.perf_counter()
    import pandas as pd
    import pymc as pm

    imported = time.perf_counter()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    runs = pd.read_csv(table)
    log_params, log_tokens = np.log(runs["params"].to_numpy()), np.log(runs["tokens"].to_numpy())
    with pm.Model():
        E = pm.LogNormal("E", np.log(0.7 * runs["loss"].min()), 0.35)
        log_A = pm.Normal("log_A", 6.0, 3.0)
        log_B = pm.Normal("log_B", 7.0, 3.5)
        alpha = pm.LogNormal("alpha", np.log(0.35), 0.4)
        beta = pm.LogNormal("beta", np.log(0.35), 0.4)
        sigma = pm.LogNormal("sigma", np.log(0.01), 1.0)
        nu = pm.LogNormal("nu", np.log(5.0), 0.8)
        pm.Deterministic("A", pm.math.exp(log_A))
        pm.Deterministic("B", pm.math.exp(log_B))
        terms = pm.math.exp(log_A - alpha * log_params) + pm.math.exp(log_B - beta * log_tokens)
        pm.StudentT(
            "log_loss",
            nu=nu,
            mu=pm.math.log(E + terms),
            sigma=sigma,
            observed=np.log(runs["loss"].to_numpy()),
        )
        tree = pm.sample(chains=4, random_seed=seed, progressbar=False)
    sampled = time.perf_counter()
    draws = tree["posterior"].dataset
    size = draws["A"] * question.params ** -draws["alpha"]
    loss = draws["E"] + size + draws["B"] * question.tokens ** -draws["beta"]
    lower, upper = question.tails
    low, median, high = np.quantile(loss, [lower, 0.5, upper])
    seconds = {"import": imported - start, "compile and sample": sampled - imported}
    if "sampling_time" in draws.attrs:
        seconds["sample"] = float(draws.attrs["sampling_time"])
    return Answer(lower=low, median=median, upper=high, seconds=seconds, draws=lambda: draws)
