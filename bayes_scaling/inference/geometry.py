"""Theta of a PyMC model in anchored coordinates (see `bayes_scaling.inference.coordinates`).

With groups, the ratios and exponents are also drawn halfway towards the non-centred form, since a
few runs leave them about as wide as the spread between groups; the drift all the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from bayes_scaling.inference.coordinates import Coordinates
from bayes_scaling.laws import drift_parameters

__all__ = ["Anchored", "Scaled"]

NON_CENTRING = 0.5
"""0 is centred, 1 non-centred; halfway had the fewest divergences on 2 to 9 groups."""


class Scaled(Transform):  # type: ignore[misc]  # PyMC has no types
    """Transform of effects around zero, halfway to their ratio to the spread they come from."""

    name = "scaled"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Scaled effects."""
        return value / inputs[-1] ** NON_CENTRING

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Effects of scaled ones."""
        return value * inputs[-1] ** NON_CENTRING

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Of the scaling, by element."""
        return NON_CENTRING * pt.log(inputs[-1]) + pt.zeros_like(value)


class Anchored(Transform):  # type: ignore[misc]  # PyMC has no types
    """Transform of theta, of shape (group, parameter), to anchored coordinates.

    Parameters
    ----------
    coordinates : Coordinates
    pooled : bool
        Whether theta's own inputs are a population mean and spread.
    """

    name = "anchored"

    def __init__(self, coordinates: Coordinates, *, pooled: bool) -> None:
        self.coordinates, self.pooled = coordinates, pooled

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Anchored coordinates of theta."""
        location, scale = self._location_scale(*inputs)
        return (self.coordinates.forward(pt, value) - location) / scale

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Theta of anchored coordinates."""
        location, scale = self._location_scale(*inputs)
        return self.coordinates.backward(pt, value * scale + location)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Of the scaling alone: the anchoring itself preserves volume."""
        _, scale = self._location_scale(*inputs)
        return pt.log(scale) + pt.zeros_like(value)

    def _location_scale(self, *inputs: Any) -> tuple[Any, Any]:
        """Centre and scale of the partial non-centring; nothing moves the loss at the anchor."""
        if not self.pooled:
            return 0.0, pt.ones(())
        mu, tau = inputs[-2:]
        own = self.coordinates
        base = own.levels[0] if own.levels else None
        drifts = {each.name for each in drift_parameters(own.law)}
        # Runs pin the base level down and say nearly nothing of the drift.
        share = np.array(
            [0.0 if n == base else 1.0 if n in drifts else NON_CENTRING for n in own.names]
        )
        return own.stack(pt, own.relative(mu)) * (share > 0), tau**share
