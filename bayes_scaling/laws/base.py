"""What a scaling law is: a pure function of log inputs and parameters, and what is known of it.

A law is written once, against an array namespace ``xp``: numpy evaluates it on posterior draws,
``pytensor.tensor`` inside a model (which also gives its gradient).

Every law here keeps its form when its inputs and its loss are measured in other units, so a
model samples it in *reference units*: inputs divided by those of a typical run, loss by a low
loss of the table. There the parameters are of order one and nearly uncorrelated. `Law.natural`
takes them back to nats, parameters and tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Law", "Parameter", "PublishedFit", "Reference"]

Array = NDArray[np.float64]

LOW_LOSS = 0.1
"""Quantile of the losses that makes the unit of loss."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a law.

    Parameters
    ----------
    name : str
        Name in formulas, cards and answers.
    meaning : str
        What it is, in words.
    unit : str
        Unit of the natural parameter.
    latex : str
        Symbol in figures, without dollar signs.
    support : {"positive", "real"}
        Positive parameters are sampled, and pooled over groups, on the log scale.
    """

    name: str
    meaning: str
    unit: str
    latex: str
    support: str = "positive"


@dataclass(frozen=True, kw_only=True)
class PublishedFit:
    """Parameter values that were published for a law, with where they were printed."""

    key: str
    source: str
    values: Mapping[str, float]
    standard_errors: Mapping[str, float] | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The units a model samples in: a typical run and a low loss.

    Parameters
    ----------
    params, tokens : float
        Geometric means over the runs.
    loss : float
        A low loss of the runs (their tenth percentile), in their unit.
    """

    params: float
    tokens: float
    loss: float

    @classmethod
    def of(cls, params: ArrayLike, tokens: ArrayLike, loss: ArrayLike) -> Reference:
        """Reference of runs, given as three arrays of shape (run,)."""
        return cls(
            params=float(np.exp(np.mean(np.log(np.asarray(params, dtype=float))))),
            tokens=float(np.exp(np.mean(np.log(np.asarray(tokens, dtype=float))))),
            # Not the lowest: one mis-recorded loss must not move the prior of every term.
            loss=float(np.quantile(np.asarray(loss, dtype=float), LOW_LOSS)),
        )

    def log_inputs(self, params: Any, tokens: Any) -> dict[str, Any]:
        """Natural logs of inputs in reference units, as `Law.mean` takes them."""
        return {
            "params": np.log(params) - np.log(self.params),
            "tokens": np.log(tokens) - np.log(self.tokens),
        }


class Law(ABC):
    """A scaling law; a subclass states its facts as class attributes and three functions.

    Attributes
    ----------
    name : str
        Key by which cards name the law.
    formula : str
        The law as a Python expression over its inputs and parameters; tested against `mean`.
    sampled : tuple of Parameter
        Parameters in reference units, as a model samples them and a card gives priors for.
    parameters : tuple of Parameter
        Natural parameters, as published and reported.
    published : tuple of PublishedFit
        Published constants of the natural parameters.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    sampled: ClassVar[tuple[Parameter, ...]]
    parameters: ClassVar[tuple[Parameter, ...]]
    published: ClassVar[tuple[PublishedFit, ...]] = ()

    @abstractmethod
    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """Loss that the law gives.

        Parameters
        ----------
        xp : module
            numpy or ``pytensor.tensor``.
        log_inputs : mapping of str to array
            Natural logs of ``params`` and ``tokens``, in the units of `theta`.
        theta : mapping of str to array
            Natural parameters by name (in reference units, the same with every unit set to
            the reference); broadcast against the inputs.

        Returns
        -------
        array
            Loss in the unit of `theta`, of the broadcast shape.
        """

    @abstractmethod
    def natural(self, theta: Mapping[str, Array], reference: Reference) -> dict[str, Array]:
        """Natural parameters from those in reference units (keyed by the names in `sampled`)."""

    @abstractmethod
    def in_reference(self, theta: Mapping[str, Any]) -> Mapping[str, Any]:
        """`sampled` parameters under the names that `mean` takes, still in reference units."""

    @abstractmethod
    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Compute-optimal params and tokens under C = 6 N D.

        Parameters
        ----------
        flops : array_like
            Training budgets, broadcast against the parameters.
        theta : mapping of str to array
            Natural parameters.

        Returns
        -------
        params, tokens : arrays of the broadcast shape
        """

    @abstractmethod
    def exponents(self, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Allocation exponents a and b: N_opt ~ C^a, D_opt ~ C^b."""

    def loss(self, params: ArrayLike, tokens: ArrayLike, **theta: ArrayLike) -> Array:
        """Loss at `params` and `tokens` for natural parameters given by name (numpy)."""
        log_inputs = {
            "params": np.log(np.asarray(params, dtype=float)),
            "tokens": np.log(np.asarray(tokens, dtype=float)),
        }
        values = {name: np.asarray(value, dtype=float) for name, value in theta.items()}
        return np.asarray(self.mean(np, log_inputs, values))
