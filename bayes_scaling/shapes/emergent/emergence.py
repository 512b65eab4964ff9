"""`emergence`: whether a smooth law of the error per token explains a sharp curve."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.runs.metrics import MetricCurves, read_metrics
from bayes_scaling.shapes.emergent.card import (
    DEFAULT_EMERGENCE_CARD,
    EmergenceCard,
    load_emergence_card,
)
from bayes_scaling.shapes.emergent.design import TokenTask, make_token_tasks
from bayes_scaling.shapes.emergent.posterior import task_posterior
from bayes_scaling.shapes.emergent.result import DEFAULT_SURE, Emergence, TaskEmergence
from bayes_scaling.shapes.emergent.score import emergence_score, risen, score_draws, wei

__all__ = ["emergence"]

DRAWS = 2000

Array = NDArray[np.float64]


def emergence(
    metrics: MetricCurves | pd.DataFrame | str | Path,
    *,
    answer_tokens: float | Mapping[str, float] | None = None,
    n_examples: float | None = None,
    along: str | None = None,
    prior_break: float | None = None,
    sure: float = DEFAULT_SURE,
    model: str | Path | EmergenceCard = DEFAULT_EMERGENCE_CARD,
    prob: float = DEFAULT_PROB,
    seed: int = 1,
) -> Emergence:
    """Weigh, for every task, a smooth law of the error per token against one with a break.

    A metric that needs L tokens right, p^L, jumps where the error per token, -log p, falls as an
    unremarkable power law: then its emergence is a mirage of the metric (Schaeffer et al. 2023,
    arXiv:2304.15004). Where no such power law gives the scores, the error per token itself breaks.
    Metrics of one task (exact match and token edit distance, ...) are fitted together.

    Parameters
    ----------
    metrics : MetricCurves, DataFrame or path
        Scores by scale; see `read_metrics`.
    answer_tokens : float or mapping, optional
        L, of all tasks or by task; else the column ``answer_tokens``, else a prior. It decides
        which error per token is shown, and hardly which law is right.
    n_examples : float, optional
        Questions of scores that state neither their number nor a standard error; 2000 otherwise.
    along : str, optional
        The scale; by default the first that every row has, of params, tokens, flops.
    prior_break : float, optional
        Probability of a break before the scores are seen; that of the card otherwise.
    sure : float
        Probability from which on the verdict is one; below it is "undecided".
    model : str, Path or EmergenceCard
    prob : float
        Probability of the intervals.
    seed : int

    Returns
    -------
    Emergence

    Raises
    ------
    InputError
        No curve is of a metric that follows from an error per token, or has three scales; or an
        argument makes no sense.
    RunsError
        The table cannot be used.

    Examples
    --------
    >>> import bayes_scaling as bs
    >>> curves = bs.load_metrics("gpt3-benchmarks").select("task == '1DC' and n_shots == 50")
    >>> bs.emergence(curves).tasks[0].verdict
    'mirage'
    """
    check_prob(prob)
    card = load_emergence_card(model)
    prior = card.prior_break.probability if prior_break is None else prior_break
    if not 0 < prior < 1:
        raise InputError(f"prior_break must lie between 0 and 1, such as 0.5, not {prior}")
    if not 0.5 < sure < 1:
        raise InputError(f"sure must lie between 0.5 and 1, such as 0.8, not {sure}")
    curves = metrics if isinstance(metrics, MetricCurves) else _read(metrics)
    tasks, aside = make_token_tasks(
        curves, along=along, answer_tokens=answer_tokens, n_examples=n_examples
    )
    return Emergence(
        tasks=tuple(_answered(task, card, prior, sure, prob, seed) for task in tasks),
        aside=tuple(aside),
        card=card,
        prior_break=prior,
        sure=sure,
        prob=prob,
    )


def _read(metrics: pd.DataFrame | str | Path) -> MetricCurves:
    """Flat curves stay: at zero is where the posterior of the emergence score is asked for."""
    return read_metrics(metrics, keep_constant=True)


def _answered(
    task: TokenTask, card: EmergenceCard, prior: float, sure: float, prob: float, seed: int
) -> TaskEmergence:
    rng = np.random.default_rng([seed, zlib.crc32(task.label.encode())])
    posterior = task_posterior(task, card, prior_break=prior, draws=DRAWS, rng=rng)
    main = task.main
    there = np.isfinite(main.right)
    scores = score_draws(main.right[there], main.n[there], DRAWS, rng)
    shown = scores if main.better_high else 1 - scores
    measured = main.right[there] if main.better_high else 1 - main.right[there]
    several = there.sum() > 1
    return TaskEmergence(
        task=task,
        posterior=posterior,
        sure=sure,
        prob=prob,
        score_observed=float(emergence_score(measured)) if several else float("nan"),
        score_draws=emergence_score(shown) if several else np.full(DRAWS, np.nan),
        wei=wei(scores, task.scale[there], main.chance),
        p_risen=risen(scores),
    )
