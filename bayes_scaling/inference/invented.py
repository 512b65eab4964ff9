"""Invented tables of runs that have every input a law may ask for, for studies and examples."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.laws import Reference, get_law, log_inputs
from bayes_scaling.runs import Runs, read_runs

__all__ = ["COMPUTE", "invented_columns", "invented_design", "invented_runs"]

COMPUTE = (1e18, 1e21)
N_BUDGETS = 8
TOKENS_PER_PARAM = (2.0, 200.0)
BATCH_TOKENS = (2**17, 2**21)
EPOCHS = (1, 1, 2, 4, 8, 16)
ASPECT_RATIO = (15.0, 250.0)
SEED_NOISE = 0.002

Array = NDArray[np.float64]


def _log_uniform(rng: np.random.Generator, between: tuple[float, float], n: int) -> Array:
    return np.exp(rng.uniform(*np.log(between), size=n))


def invented_columns(
    n: int,
    rng: np.random.Generator,
    *,
    compute: tuple[float, float] = COMPUTE,
    isoflop: bool = False,
) -> dict[str, Array]:
    """Columns of `n` runs, without losses, spread evenly over what people run.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    compute : tuple of float
        Least and most training compute, FLOPs.
    isoflop : bool
        At a few budgets only.

    Returns
    -------
    dict of str to array of shape (n,)
        Every column that an input of a law is read from.
    """
    flops = _log_uniform(rng, compute, n)
    if isoflop:
        flops = np.geomspace(*compute, N_BUDGETS)[np.arange(n) % N_BUDGETS]
    ratio = _log_uniform(rng, TOKENS_PER_PARAM, n)
    params, tokens = np.sqrt(flops / 6 / ratio), np.sqrt(flops / 6 * ratio)
    batch, aspect = _log_uniform(rng, BATCH_TOKENS, n), _log_uniform(rng, ASPECT_RATIO, n)
    depth = np.cbrt(params / (12 * aspect**2))
    return {
        "params": params,
        "tokens": tokens,
        "flops": flops,
        "flops_min": flops / 2,
        "batch_tokens": batch,
        "step": tokens / batch,
        "unique_tokens": tokens / rng.choice(EPOCHS, n),
        "width": aspect * depth,
        "depth": depth,
        "pretrained": rng.integers(0, 2, n).astype(float),
    }


def invented_runs(*, isoflop: bool = False, n: int = 60, seed: int = 1) -> Runs:
    """A table of runs of Chinchilla's law as Besiroglu et al. 2024 fitted it, with seed noise."""
    rng = np.random.default_rng(seed)
    columns = invented_columns(n, rng, isoflop=isoflop)
    law = get_law("chinchilla")
    truth = next(fit.values for fit in law.published if fit.key.startswith("Besiroglu"))
    loss = law.loss(columns["params"], columns["tokens"], **truth)
    noisy = loss * np.exp(SEED_NOISE * rng.standard_normal(n))
    return read_runs(pd.DataFrame({**columns, "loss": noisy}), name="invented runs")


def invented_design(
    card: ModelCard,
    sizes: tuple[int, ...],
    rng: np.random.Generator,
    *,
    compute: tuple[float, float] = COMPUTE,
) -> Design:
    """Design of invented runs of one group for each of `sizes`, with a loss of one everywhere."""
    index = np.repeat(np.arange(len(sizes)), sizes)
    columns = invented_columns(len(index), rng, compute=compute, isoflop=card.varying is not None)
    inputs = log_inputs(card.get_law().inputs, columns, of=f"the law {card.law!r}")
    groups = tuple(f"g{i + 1}" for i in range(len(sizes)))
    by = ("group",) if card.pooling is not None else ()
    budget_index: NDArray[np.int64] | None = None
    budgets: tuple[str, ...] = ()
    if card.varying is not None:
        _, budget_index = np.unique(
            np.stack([index, np.round(np.log(columns["flops"]), 6)]), axis=1, return_inverse=True
        )
        budgets = tuple(f"b{i + 1}" for i in range(int(budget_index.max()) + 1))
    return Design(
        by=by,
        groups=groups,
        levels=(groups,) if by else (),
        group_levels=np.arange(len(groups))[None] if by else np.zeros((0, 1), dtype=np.int64),
        group_index=index,
        training_run_index=None,
        training_runs=(),
        budget_index=budget_index,
        budgets=budgets,
        log_inputs=inputs,
        log_loss=np.zeros(len(index)),
        log_loss_se=None,
        reference=Reference.of(inputs, np.ones(len(index))),
        within=card.within,
    ).settled()
