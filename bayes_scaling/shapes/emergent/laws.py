"""The error of an answer by scale, smooth or with a break, from standard normal coordinates.

Coordinates have standard normal priors, each the quantile of a parameter of the card, so that every
prior has the same density and importance sampling one geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayes_scaling.cards import LogNormal
from bayes_scaling.shapes.emergent.card import EmergenceCard

__all__ = ["AnswerLaw"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AnswerLaw:
    """log a(t) with t = log(scale / smallest scale seen), and what else is estimated with it.

    Parameters
    ----------
    card : EmergenceCard
    span : float
        t of the largest scale seen.
    broken : bool
        Whether the exponent grows at a break.
    guesses : bool
        Whether lucky answers are estimated.
    """

    card: EmergenceCard
    span: float
    broken: bool
    guesses: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coordinates, in order."""
        return (
            "start", "exponent", "floor", "scatter", *(("guess",) if self.guesses else ()),
            *(("change", "width", "place") if self.broken else ()),
        )  # fmt: skip

    def parameters(self, z: Array) -> dict[str, Array]:
        """Parameters of coordinates (sample, coordinate), each (sample,).

        Logarithms of those that are positive; ``place`` is t of the break.
        """
        found = {}
        for i, name in enumerate(self.names):
            if name == "place":
                margin = self.card.break_place.margin
                found[name] = self.span * (margin + (1 - 2 * margin) * ndtr(z[:, i]))
            else:
                prior = self._prior(name)
                found[name] = np.log(prior.median) + prior.sigma * z[:, i]
        return found

    def _prior(self, name: str) -> LogNormal:
        if name == "scatter":
            return self.card.noise.scatter
        prior: LogNormal = getattr(self.card.priors, name)
        return prior

    def log_error(self, parameters: dict[str, Array], t: Array) -> Array:
        """Log a at t (size,); shape (sample, size)."""
        at = {name: value[:, None] for name, value in parameters.items()}
        power = at["start"] - np.exp(at["exponent"]) * t
        if self.broken:
            width = np.exp(at["width"])
            power = power - np.exp(at["change"]) * width * np.logaddexp(
                0, (t - at["place"]) / width
            )
        return np.asarray(np.logaddexp(at["floor"], power))
