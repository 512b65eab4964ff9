"""The package simple-scaling-laws: wild cluster bootstrap of a least-squares fit.

As its own README does it: a table with one row a training run, ``fit`` with the conventional
E + A N^-alpha + B D^-beta and its default 1,000 draws, then ``predict``, whose kind "mean" is the
loss that the law gives (what all contestants are asked for).
"""

from __future__ import annotations

import warnings
from pathlib import Path

from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["interval"]

PARAMS, TOKENS, LOSS = "model_size__params", "dataset_size__tokens", "test_loss__nats"


def interval(table: Path, question: Question, seed: int) -> Answer:
    """Percentiles of the law over bootstrap draws."""
    import polars as pl
    from simple_scaling_laws import fit

    runs = pl.read_csv(table).select(
        pl.int_range(pl.len()).cast(pl.String).alias("training_run_id"),
        pl.col("params").alias(PARAMS),
        pl.col("tokens").alias(TOKENS),
        pl.col("loss").alias(LOSS),
    )
    points = {PARAMS: [question.params], TOKENS: [question.tokens]}
    lower, upper = question.tails
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the point is an extrapolation
        model = fit(runs, law="separable-power", seed=seed)
        row = model.predict(points, kind="mean", quantiles=[lower, 0.5, upper]).row(0)
    return Answer(lower=row[-3], median=row[-2], upper=row[-1])
