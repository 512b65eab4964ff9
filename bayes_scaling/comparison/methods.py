"""Ways to predict the runs beyond a cut, from those up to it.

A method is a function of a `Problem` that gives draws of what each run beyond the cut will show,
scatter of single runs included. Those that do not need a model card are registered by name, and
`backtest` sets them beside the posteriors of its cards:

>>> import numpy as np
>>> from bayes_scaling.comparison.methods import Answer, register_method
>>> @register_method("last-run", "Repeat the costliest run that was fitted.")
... def last_run(problem):
...     known = problem.fitted
...     last = known.log_loss[known.log_x.argmax()]
...     draws = np.random.default_rng(problem.seed).normal(
...         last, known.log_loss.std(), size=(1000, len(problem.held))
...     )
...     return Answer(draws=draws)

A method runs in other processes too: it must be a function of a module that they can import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name

if TYPE_CHECKING:
    from bayes_scaling.comparison.posterior_method import Model

__all__ = [
    "METHODS", "Answer", "Method", "Part", "Problem", "Registered", "decades_beyond",
    "find_methods", "register_method",
]  # fmt: skip

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some runs, as arrays of shape (run,).

    Attributes
    ----------
    log_params, log_tokens, log_loss : array
        Natural logs; the loss is in nats per token.
    log_x : array
        Natural log of what the cut is made along: compute, size or tokens.
    """

    log_params: Array
    log_tokens: Array
    log_loss: Array
    log_x: Array

    def __len__(self) -> int:
        return len(self.log_loss)

    @property
    def stacked(self) -> Array:
        """Logs of params, tokens and loss, shape (3, run)."""
        return np.stack([self.log_params, self.log_tokens, self.log_loss])

    def take(self, rows: NDArray[np.bool_]) -> Part:
        """Some of the runs."""
        return replace(self, **{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is known, and what is to be predicted.

    Attributes
    ----------
    fitted, held : Part
        Runs up to the cut and beyond it; a method may look at everything of `held` but its
        losses.
    others : tuple of tuples of (Part, Part)
        Of each other group of the table, the runs up to the cut and beyond it at every cut; their
        losses are known.
    model : Model, optional
        Card and design, for the posterior of a card.
    seed : int
    """

    fitted: Part
    held: Part
    others: tuple[tuple[tuple[Part, Part], ...], ...] = ()
    model: Model | None = None
    seed: int = 1

    @property
    def decades(self) -> Array:
        """How far each run to predict lies beyond the largest that was fitted, shape (run,)."""
        return decades_beyond(self.fitted, self.held)


def decades_beyond(fitted: Part, held: Part) -> Array:
    """Decades from the largest run that was fitted to each one beyond it, shape (run,)."""
    return np.asarray((held.log_x - fitted.log_x.max()) / np.log(10))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Draws of log loss, shape (draw, run), of the runs beyond the cut; and counts to report."""

    draws: Array
    counts: Mapping[str, int] = field(default_factory=dict)


Method = Callable[[Problem], Answer]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A method under its name."""

    name: str
    title: str
    predict: Method
    uses_others: bool = False


METHODS: dict[str, Registered] = {}
"""Methods that need no model card."""


def register_method(
    name: str, title: str, *, uses_others: bool = False
) -> Callable[[Method], Method]:
    """Make a method known by its name; a decorator.

    Parameters
    ----------
    name : str
        As `backtest` is asked for it.
    title : str
        What it does, in a sentence.
    uses_others : bool
        Whether it looks at the other groups of the table, so that they have to be sent along.
    """

    def register(predict: Method) -> Method:
        METHODS[name] = Registered(name=name, title=title, predict=predict, uses_others=uses_others)
        return predict

    return register


def find_methods(names: tuple[str, ...]) -> list[Registered]:
    """Registered methods of these names.

    Raises
    ------
    InputError
        One is unknown, or named twice.
    """
    for name in names:
        if name not in METHODS:
            raise InputError(unknown_name("method", name, METHODS))
    if len(set(names)) < len(names):
        raise InputError(f"a method is named twice: {', '.join(names)}")
    return [METHODS[name] for name in names]
