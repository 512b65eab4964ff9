"""bayes-scaling through its public API, all settings at their defaults."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants import Answer
from benchmarks.world import Question

__all__ = ["interval"]


def interval(
    table: Path,
    question: Question,
    seed: int,
    *,
    model: str = "chinchilla",
    by: str | None = None,
    group: str | None = None,
) -> Answer:
    """Forecast of the posterior."""
    from bayes_scaling import fit, forecast, read_runs

    posterior = fit(read_runs(table), model=model, by=by, seed=seed, progress=False)
    row = (
        forecast(
            posterior,
            params=question.params,
            tokens=question.tokens,
            group=group,
            prob=question.prob,
        )
        .table()
        .iloc[0]
    )
    return Answer(
        lower=row["lower"],
        median=row["median"],
        upper=row["upper"],
        seconds=posterior.seconds,
        draws=lambda: posterior.tree["posterior"].dataset,
    )
