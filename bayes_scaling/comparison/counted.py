"""The exponent a that the same law shows when N and C are counted without embeddings.

Pearce and Song 2024, arXiv:2406.12907: Chinchilla's law, looked at in Kaplan's units and at
Kaplan's scale, has a local exponent near Kaplan's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.laws import Law
from bayes_scaling.laws.optimum import best_params
from bayes_scaling.runs.flops import (
    FLOPS_PER_PARAM_TOKEN,
    PEARCE_SONG_OMEGA,
    non_embedding_params,
    total_params,
)

__all__ = ["exponent_as_counted"]

N_BUDGETS = 25

Array = NDArray[np.float64]


def exponent_as_counted(
    law: Law,
    theta: Mapping[str, Array],
    flops: tuple[float, float],
    *,
    last_layer: bool = False,
    omega: float = PEARCE_SONG_OMEGA,
) -> Array:
    """Slope of log N_opt in log C over a range of compute, with N counted without embeddings.

    Parameters
    ----------
    law : Law
        Of total parameters and tokens.
    theta : mapping of str to array of shape (sample,)
        Natural parameters.
    flops : tuple of float
        Least and most compute; budgets between them are spread evenly in log, and a least-squares
        line goes through their optima.
    last_layer : bool
        Whether C = 6 N D counts the embeddings and the last layer; without it, as in Kaplan et
        al. 2020, C = 6 N_E D.
    omega : float
        Of N = N_E + omega N_E^(1/3).

    Returns
    -------
    array of shape (sample,)
    """
    log_flops = np.log(np.geomspace(*flops, N_BUDGETS))
    columns = {name: np.asarray(value, dtype=float)[..., None] for name, value in theta.items()}
    if last_layer:
        total, _ = law.optimum(np.exp(log_flops), columns)
        log_best = np.log(non_embedding_params(total, omega=omega))
    else:
        log_best = _best_uncounted(law, columns, log_flops, omega)
    centred = log_flops - log_flops.mean()
    return np.asarray(log_best @ centred / (centred @ centred))


def _best_uncounted(law: Law, theta: Mapping[str, Array], log_flops: Array, omega: float) -> Array:
    """Log N_E with the least loss at budgets of 6 N_E D, shape (sample, budget)."""
    log_nd = log_flops - np.log(FLOPS_PER_PARAM_TOKEN)

    def loss(log_counted: Array) -> Array:
        log_total = np.log(total_params(np.exp(log_counted), omega=omega))
        inputs = law.plan_inputs(log_total, log_nd - log_counted, theta)
        return np.asarray(law.mean(np, inputs, theta))

    return best_params(loss, log_nd)
