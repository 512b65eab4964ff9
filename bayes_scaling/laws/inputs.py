"""What the loss of a law may depend on, and how each is read off the columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError

__all__ = ["INPUTS", "Input", "available", "log_inputs", "sources"]

Array = NDArray[np.float64]
Columns = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a law.

    Parameters
    ----------
    name : str
    meaning : str
        In words, with its unit.
    short : str
        In few words, as in "exponent of ...".
    column : str
        How to name it in a table, for messages.
    read : callable
        Its values from the columns of a table; raises KeyError for a column that is missing.
    """

    name: str
    meaning: str
    short: str
    column: str
    read: Callable[[Columns], Array]


def _unique_tokens(columns: Columns) -> Array:
    """Never more than the tokens seen; where the table does not say, nothing was repeated."""
    tokens = columns["tokens"]
    unique = np.asarray(columns.get("unique_tokens", tokens), dtype=float)
    return np.minimum(np.where(np.isfinite(unique), unique, tokens), tokens)


def _batch_tokens(columns: Columns) -> Array:
    if "batch_tokens" in columns:
        return columns["batch_tokens"]
    return columns["tokens"] / columns["step"]


def _step(columns: Columns) -> Array:
    if "step" in columns:
        return columns["step"]
    return columns["tokens"] / columns["batch_tokens"]


def _aspect_ratio(columns: Columns) -> Array:
    if "aspect_ratio" in columns:
        return columns["aspect_ratio"]
    return columns["width"] / columns["depth"]


def _flops(columns: Columns) -> Array:
    if "flops" in columns:
        return columns["flops"]
    return 6.0 * columns["params"] * columns["tokens"]


def _column(name: str) -> Callable[[Columns], Array]:
    return lambda columns: columns[name]


INPUTS: Mapping[str, Input] = {
    each.name: each
    for each in (
        Input(
            name="params",
            meaning="parameters N",
            short="model size",
            column="params",
            read=_column("params"),
        ),
        Input(
            name="tokens",
            meaning="training tokens D",
            short="training tokens",
            column="tokens",
            read=_column("tokens"),
        ),
        Input(
            name="flops",
            meaning="training compute C, in FLOPs",
            short="training compute",
            column="flops",
            read=_flops,
        ),
        Input(
            name="flops_min",
            meaning="compute C_min that a batch far below the critical one would have taken, FLOPs",
            short="minimum compute",
            column="flops_min",
            read=_column("flops_min"),
        ),
        Input(
            name="step",
            meaning="parameter updates S",
            short="training steps",
            column="step",
            read=_step,
        ),
        Input(
            name="batch_tokens",
            meaning="tokens of a batch B",
            short="batch size",
            column="batch_tokens (or step, beside tokens)",
            read=_batch_tokens,
        ),
        Input(
            name="unique_tokens",
            meaning="different tokens among those seen",
            short="different tokens",
            column="unique_tokens",
            read=_unique_tokens,
        ),
        Input(
            name="aspect_ratio",
            meaning="width over depth, d_model / n_layer",
            short="aspect ratio",
            column="width and depth",
            read=_aspect_ratio,
        ),
        Input(
            name="pretrained",
            meaning="1 where the run starts from a pre-trained model, 0 where from scratch",
            short="pre-training",
            column="pretrained",
            read=_column("pretrained"),
        ),
    )
}


def available(columns: Columns) -> tuple[str, ...]:
    """Names of the inputs that these columns give."""
    return tuple(name for name, each in INPUTS.items() if _read(each, columns) is not None)


_SOURCES: Mapping[str, tuple[str, ...]] = {
    "step": ("step", "batch_tokens"),
    "batch_tokens": ("batch_tokens", "step"),
    "aspect_ratio": ("aspect_ratio", "width", "depth"),
}


def sources(name: str) -> tuple[str, ...]:
    """Columns that an input can be read from, besides params, tokens and flops."""
    return _SOURCES.get(name, (name,))


def _read(each: Input, columns: Columns) -> Array | None:
    try:
        values = np.asarray(each.read(columns), dtype=float)
    except KeyError:
        return None
    return values if np.all(np.isfinite(values)) else None


def log_inputs(names: Sequence[str], columns: Columns, *, of: str) -> dict[str, Array]:
    """Natural logs of the named inputs.

    Parameters
    ----------
    names : sequence of str
    columns : mapping of str to array
        Columns of a table, by canonical name.
    of : str
        Whose inputs they are, for the message.

    Raises
    ------
    InputError
        The columns do not give an input, or not for every row; all such inputs are named.
    """
    values = {name: _read(INPUTS[name], columns) for name in names}
    missing = [INPUTS[name] for name, value in values.items() if value is None]
    if missing:
        wanted = "; ".join(f"{each.column}: {each.meaning}" for each in missing)
        raise InputError(
            f"{of} needs columns with a number in every row that are not there ({wanted}); the "
            f"numbers there are: {', '.join(map(str, columns)) or 'none'}"
        )
    with np.errstate(divide="ignore"):
        return {name: np.log(value) for name, value in values.items() if value is not None}
