"""What a scaling law is: a pure function of log inputs and parameters, and what is known of it.

A law is written once, against an array namespace ``xp``: numpy evaluates it on posterior draws,
``pytensor.tensor`` inside a model (which also gives its gradient).

A model does not sample the published constants (A and alpha correlate at 0.999), but what the
terms of the law are worth at a typical run: the `Law.sampled` parameters, of order one and nearly
uncorrelated. `Law.natural` takes them to the published constants, given the `Reference`: what is
typical.

A law of one's own is a subclass that states its facts and these two functions. Under the decorator
`register_law` cards can name it; `notebooks/a_law_of_your_own.ipynb` goes all the way.

>>> from bayes_scaling.laws.base import Law, Parameter
>>> from bayes_scaling.laws.terms import ALPHA, BETA, FLOOR, amplitude, level
>>> class Product(Law):
...     name = "product"
...     title = "Size and data multiply, as in Zhang et al. 2024"
...     source = "Zhang et al. 2024, arXiv:2402.17193"
...     formula = "E + A / (params**alpha * tokens**beta)"
...     worth = Parameter(
...         name="T", meaning="reducible loss at the reference run", unit="nats", latex="T"
...     )
...     scale = Parameter(name="A", meaning="scale of the product", unit="", latex="A")
...     sampled = (FLOOR, worth, ALPHA, BETA)
...     parameters = (FLOOR, scale, ALPHA, BETA)
...     allocates = False  # the better of two exponents would take all of the compute
...
...     def mean(self, xp, log_inputs, theta):
...         power = theta["alpha"] * log_inputs["params"] + theta["beta"] * log_inputs["tokens"]
...         return theta["E"] + theta["A"] * xp.exp(-power)
...
...     def natural(self, xp, theta, reference):
...         at_size = amplitude(
...             xp, level(xp, theta["T"], reference), theta["alpha"], reference.log_inputs["params"]
...         )
...         return {
...             "E": level(xp, theta["E"], reference),
...             "A": amplitude(xp, at_size, theta["beta"], reference.log_inputs["tokens"]),
...             "alpha": theta["alpha"],
...             "beta": theta["beta"],
...         }
>>> round(float(Product().loss(1e9, 2e10, E=1.8, A=1e3, alpha=0.2, beta=0.2)), 3)
1.938

What both functions must keep to:

- Arithmetic and functions of ``xp`` only, on arrays that broadcast; no branch on a value. The soft
  maximum and other mathematics that both namespaces share are in `bayes_scaling.laws.numeric`;
  its `bounded_exp` for what may overflow far from the posterior, where a gradient that is no
  number is a divergence of the sampler.
- Inputs are natural logs, by the names of `bayes_scaling.laws.inputs`.
- Sampled parameters with the unit "nats" are *levels*, shares of a low loss of the runs:
  `bayes_scaling.laws.terms.level` puts them into the unit of the losses. Doubling all of them must
  double the loss; a law that is not like that says ``homogeneous = False``, which costs the sampler
  its best coordinates.
- `natural` gives every one of `parameters`, and may give more. Of the reference it may use the
  typical log of the law's own inputs, and the log of a low loss.
- A parameter that may be negative has ``support="real"``, and a normal prior in cards; all others
  are positive, and log-normal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.laws.optimum import best_params

__all__ = ["LOW_LOSS", "Law", "Parameter", "PublishedFit", "Reference"]

Array = NDArray[np.float64]

LOW_LOSS = 0.1
"""Quantile of the losses that makes the unit of loss."""

FLOPS_PER_PARAM_TOKEN = 6.0
NO_SPREAD = 1e-6
_SLOPE_STEP = 0.25
"""Half the step, in log compute, over which a local allocation exponent is measured."""


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
        Unit of the natural parameter. Sampled parameters in "nats" are *levels*: multiplying all
        of them by a factor multiplies the loss by it.
    latex : str
        Symbol in figures, without dollar signs.
    support : {"positive", "real"}
        Positive parameters are sampled, and pooled over groups, on the log scale.
    scale : bool
        Whether its number says little by itself, since it moves with the exponents over many
        decades: short answers leave it out.
    """

    name: str
    meaning: str
    unit: str
    latex: str
    support: str = "positive"
    scale: bool = False


@dataclass(frozen=True, kw_only=True)
class PublishedFit:
    """Values of (some of) the parameters of a law, with where they were printed."""

    key: str
    source: str
    values: Mapping[str, float]
    standard_errors: Mapping[str, float] | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What is typical of a table of runs: the units that sampled parameters are stated in.

    Parameters
    ----------
    log_inputs : mapping of str to float
        Mean natural log of each input of the law over the runs.
    spread : mapping of str to float
        Standard deviation of the natural log of each input over the runs.
    log_loss : float
        Natural log of a low loss of the runs (their tenth percentile), in their unit.
    """

    log_inputs: Mapping[str, Any]
    spread: Mapping[str, Any]
    log_loss: Any

    @classmethod
    def of(cls, log_inputs: Mapping[str, ArrayLike], loss: ArrayLike) -> Reference:
        """Reference of runs, given as arrays of shape (run,)."""
        arrays = {name: np.asarray(x, dtype=float) for name, x in log_inputs.items()}
        return cls(
            log_inputs={name: _typical(x) for name, x in arrays.items()},
            spread={name: _spread(x) for name, x in arrays.items()},
            # Not the lowest: one mis-recorded loss must not move the prior of every term.
            log_loss=float(np.log(np.quantile(np.asarray(loss, dtype=float), LOW_LOSS))),
        )

    @property
    def loss(self) -> float:
        """A low loss of the runs, in their unit."""
        return float(np.exp(self.log_loss))

    def typical(self, name: str) -> float:
        """Geometric mean of an input over the runs, such as of ``params``."""
        return float(np.exp(self.log_inputs[name]))


def _typical(log_input: Array) -> float:
    """Mean log, or the log of the mean where some runs have none of the input."""
    if np.all(np.isfinite(log_input)):
        return float(np.mean(log_input))
    return float(np.log(np.mean(np.exp(log_input)))) if np.any(np.isfinite(log_input)) else 0.0


def _spread(log_input: Array) -> float:
    """Standard deviation of the finite values; one where there is none to speak of."""
    finite = log_input[np.isfinite(log_input)]
    spread = float(np.std(finite)) if len(finite) else 0.0
    return spread if spread > NO_SPREAD else 1.0


class Law(ABC):
    """A scaling law; a subclass states its facts as class attributes and two functions.

    Attributes
    ----------
    name : str
        Key by which cards name the law.
    formula : str
        The law as a Python expression over its inputs and parameters, or an equation that
        ``loss`` solves; tested against `mean`.
    inputs : tuple of str
        What the loss depends on, by the names of `bayes_scaling.laws.inputs`.
    sampled : tuple of Parameter
        Parameters as a model samples them and a card gives priors for.
    parameters : tuple of Parameter
        Natural parameters, as published and reported.
    published : tuple of PublishedFit
        Published constants of the natural parameters.
    drifting : tuple of str
        Natural parameters that a term, or the best size, is proportional to. Their drift beyond the
        runs is another exponent there (see `bayes_scaling.laws.drift`).
    homogeneous : bool
        Whether the loss is proportional to the levels taken together, as nearly always.
    allocates : bool
        Whether it says how to split compute between size and data.
    planned : str
        What `plan_inputs` takes the inputs besides size and tokens to be, in words.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    formula: str
    inputs: tuple[str, ...] = ("params", "tokens")
    sampled: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    published: tuple[PublishedFit, ...] = ()
    drifting: tuple[str, ...] = ()
    homogeneous: ClassVar[bool] = True
    allocates: ClassVar[bool] = True
    planned: ClassVar[str] = ""

    def on(self, x: str) -> Self:
        """The law in another variable; only laws of one variable have this choice.

        Raises
        ------
        InputError
            The law's inputs are fixed, or it has no such variable.
        """
        raise InputError(
            f"the law {self.name!r} is a function of {' and '.join(self.inputs)}; only laws of one "
            f"variable can be put on another, such as {x!r}"
        )

    @abstractmethod
    def mean(self, xp: Any, log_inputs: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        """Loss that the law gives.

        Parameters
        ----------
        xp : module
            numpy or ``pytensor.tensor``.
        log_inputs : mapping of str to array
            Natural logs of the inputs.
        theta : mapping of str to array
            Natural parameters by name; broadcast against the inputs.

        Returns
        -------
        array
            Loss in nats, of the broadcast shape.
        """

    @abstractmethod
    def natural(self, xp: Any, theta: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """Natural parameters from the `sampled` ones; may add others worth keeping.

        Parameters
        ----------
        xp : module
            numpy or ``pytensor.tensor``.
        theta : mapping of str to array
            Sampled parameters by name: levels as a share of the reference loss.
        reference : Reference
        """

    def plan_inputs(
        self, log_params: Any, log_tokens: Any, theta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Log inputs of a run of that size on so many new tokens, all else at its best (numpy)."""
        del theta
        return {"params": log_params, "tokens": log_tokens}

    def planned_loss(self, params: Array, tokens: Array, theta: Mapping[str, Array]) -> Array:
        """Loss of a run of that size on so many new tokens, all else at its best."""
        return np.asarray(
            self.mean(np, self.plan_inputs(np.log(params), np.log(tokens), theta), theta)
        )

    def optimum(self, flops: ArrayLike, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """Compute-optimal params and tokens under C = 6 N D; numerical unless overridden.

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
        self._require_allocation()
        log_nd = np.log(np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN)

        def loss(log_params: Array) -> Array:
            inputs = self.plan_inputs(log_params, log_nd - log_params, theta)
            return np.asarray(self.mean(np, inputs, theta))

        log_params = best_params(loss, log_nd)
        return np.exp(log_params), np.exp(log_nd - log_params)

    def exponents(self, theta: Mapping[str, Array], flops: ArrayLike = 1e21) -> tuple[Array, Array]:
        """Allocation exponents a and b at a budget: there N_opt ~ C^a and D_opt ~ C^b.

        Laws whose exponents are the same everywhere ignore the budget.
        """
        log_flops = np.log(np.asarray(flops, dtype=float))
        low, high = (self.optimum(np.exp(log_flops + s * _SLOPE_STEP), theta)[0] for s in (-1, 1))
        a = np.log(high / low) / (2 * _SLOPE_STEP)
        return a, 1 - a

    def _require_allocation(self) -> None:
        if not self.allocates:
            raise InputError(
                f"the law {self.name!r} in {' and '.join(self.inputs)} does not say how to split "
                "compute between size and data; fit one of params and tokens, such as chinchilla"
            )

    def loss(self, *inputs: ArrayLike, **theta: ArrayLike) -> Array:
        """Loss for inputs in the order of `inputs` and natural parameters by name (numpy)."""
        logs = {
            name: np.log(np.asarray(value, dtype=float))
            for name, value in zip(self.inputs, inputs, strict=True)
        }
        values = {name: np.asarray(value, dtype=float) for name, value in theta.items()}
        return np.asarray(self.mean(np, logs, values))
