"""How training compute is counted from parameters and tokens."""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt

__all__ = ["FLOPS_PER_PARAM_TOKEN", "tokens_for", "training_flops"]

Floats = npt.NDArray[np.float64]

FLOPS_PER_PARAM_TOKEN = 6.0
"""A parameter and a token cost two FLOPs forwards and four backwards (Kaplan et al. 2020)."""


@overload
def training_flops(params: float, tokens: float) -> float: ...
@overload
def training_flops(params: Floats, tokens: Floats) -> Floats: ...
def training_flops(params: float | Floats, tokens: float | Floats) -> float | Floats:
    """Training compute C = 6 N D.

    Parameters
    ----------
    params, tokens
        N and D (tokens seen, repeats counted); any shapes that broadcast.

    Returns
    -------
    float or array
        FLOPs.
    """
    return FLOPS_PER_PARAM_TOKEN * params * tokens


def tokens_for(flops: Floats, params: Floats) -> Floats:
    """Tokens that a compute budget pays for, D = C / (6 N); the inverse of `training_flops`."""
    return flops / (FLOPS_PER_PARAM_TOKEN * params)
