"""How training compute is counted from parameters and tokens, and parameters from one another.

Pearce and Song 2024 (arXiv:2406.12907) tie the parameters with embeddings to those without, for
models that grow in depth and width alike: N_total = N + omega N^(1/3).
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np
import numpy.typing as npt

from bayes_scaling.errors import InputError
from bayes_scaling.units import PF_DAY

__all__ = [
    "FLOPS_PER_PARAM_TOKEN",
    "PEARCE_SONG_OMEGA",
    "non_embedding_params",
    "omega",
    "pf_days",
    "tokens_for",
    "total_params",
    "training_flops",
]

Floats = npt.NDArray[np.float64]

FLOPS_PER_PARAM_TOKEN = 6.0
"""A parameter and a token cost two FLOPs forwards and four backwards (Kaplan et al. 2020)."""

PEARCE_SONG_OMEGA = 47491.0
"""omega of the models of Hoffmann et al. 2022, vocabulary 32,000 (Pearce and Song 2024)."""


@overload
def training_flops(params: float, tokens: float, active: float = 1.0) -> float: ...
@overload
def training_flops(params: Floats, tokens: Floats, active: float = 1.0) -> Floats: ...
def training_flops(
    params: float | Floats, tokens: float | Floats, active: float = 1.0
) -> float | Floats:
    """Training compute C = 6 N D, times the share of N that a token passes through.

    Parameters
    ----------
    params, tokens
        N and D (tokens seen, repeats counted); any shapes that broadcast.
    active
        Share of the parameters that one token passes through, in (0, 1]: 0.5 for an
        encoder-decoder, as in Table D.1 of Brown et al. 2020 (arXiv:2005.14165).

    Returns
    -------
    float or array
        FLOPs.

    Raises
    ------
    InputError
        If `active` is not in (0, 1].
    """
    if not 0 < active <= 1:
        raise InputError(f"active is {active!r}; expected a share above 0 and at most 1")
    return FLOPS_PER_PARAM_TOKEN * active * params * tokens


def tokens_for(flops: Floats, params: Floats) -> Floats:
    """Tokens that a compute budget pays for, D = C / (6 N); the inverse of `training_flops`."""
    return flops / (FLOPS_PER_PARAM_TOKEN * params)


@overload
def pf_days(flops: float) -> float: ...
@overload
def pf_days(flops: Floats) -> Floats: ...
def pf_days(flops: float | Floats) -> float | Floats:
    """FLOPs -> petaFLOP/s-days of 8.64e19 FLOPs (any shape)."""
    return flops / PF_DAY


def omega(vocabulary: float, aspect_ratio: float) -> float:
    """Embeddings that a model adds for each cube root of its other parameters.

    omega = V (A / 12)^(1/3): with N = 12 depth width^2 and A = width / depth the width is
    (A N / 12)^(1/3), and each of V tokens has a vector of that length (Pearce and Song 2024).

    Parameters
    ----------
    vocabulary
        V, tokens of the vocabulary.
    aspect_ratio
        A, width over depth; 39.2 in the mean of Hoffmann et al.'s models.

    Returns
    -------
    float
        omega, in parameters^(2/3).

    Raises
    ------
    InputError
        If one of them is not positive and finite.

    Examples
    --------
    >>> round(omega(32_000, 39.2))
    47481
    """
    _check_positive("vocabulary", vocabulary)
    _check_positive("aspect_ratio", aspect_ratio)
    return vocabulary * math.cbrt(aspect_ratio / 12)


@overload
def total_params(non_embedding: float, *, omega: float = PEARCE_SONG_OMEGA) -> float: ...
@overload
def total_params(non_embedding: Floats, *, omega: float = PEARCE_SONG_OMEGA) -> Floats: ...
def total_params(
    non_embedding: float | Floats, *, omega: float = PEARCE_SONG_OMEGA
) -> float | Floats:
    """Parameters with token embeddings, N_total = N + omega N^(1/3) (Pearce and Song 2024).

    Parameters
    ----------
    non_embedding
        N without embeddings, any shape.
    omega
        Of the family of models; `omega` has the formula.

    Returns
    -------
    float or array
        Shaped like `non_embedding`. Embeddings of positions are not in it.

    Raises
    ------
    InputError
        If a number is not positive and finite.
    """
    _check_positive("non_embedding", non_embedding)
    _check_positive("omega", omega)
    total = non_embedding + omega * np.cbrt(non_embedding)
    return total if isinstance(total, np.ndarray) else float(total)


@overload
def non_embedding_params(total: float, *, omega: float = PEARCE_SONG_OMEGA) -> float: ...
@overload
def non_embedding_params(total: Floats, *, omega: float = PEARCE_SONG_OMEGA) -> Floats: ...
def non_embedding_params(
    total: float | Floats, *, omega: float = PEARCE_SONG_OMEGA
) -> float | Floats:
    """Parameters without embeddings; the inverse of `total_params`.

    Parameters
    ----------
    total
        N with token embeddings, any shape.
    omega
        As for `total_params`.

    Returns
    -------
    float or array
        Shaped like `total`.

    Raises
    ------
    InputError
        If a number is not positive and finite.
    """
    _check_positive("total", total)
    _check_positive("omega", omega)
    # The one real root of x^3 + omega x = total. Cardano's difference of cube roots cancels where
    # embeddings dominate; the hyperbolic form of the same root does not.
    scale = math.sqrt(omega / 3)
    root = 2 * scale * np.sinh(np.arcsinh(1.5 * total / (omega * scale)) / 3)
    rest = root**3
    return rest if isinstance(rest, np.ndarray) else float(rest)


def _check_positive(name: str, values: float | Floats) -> None:
    given = np.asarray(values, dtype=np.float64)
    wrong = given[~((given > 0) & np.isfinite(given))]
    if wrong.size:
        raise InputError(f"{name}: found {wrong.flat[0]:g}; expected positive finite numbers")
