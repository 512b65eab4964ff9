"""Power-scaling sensitivity (Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5).

`arviz_stats` has it too, and a test holds this to it. Its import takes a quarter of a quick fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr, softmax

__all__ = ["power_sensitivity"]

POWERS = (0.99, 1.01)

Array = NDArray[np.float64]


def power_sensitivity(draws: Array, log_part: Array) -> float:
    """How fast a posterior moves when its prior, or its likelihood, is raised to a power.

    Parameters
    ----------
    draws : array of shape (sample,)
        Of a quantity.
    log_part : array of shape (sample,)
        Log density of the prior, or of all runs, under each draw.

    Returns
    -------
    float
        Distance from the scaled posterior, over the binary logarithm of the power; 0 of a
        quantity that is the same in every draw.
    """
    if np.ptp(draws) == 0:
        return 0.0
    speeds = []
    for power in POWERS:
        # So near to 1 the weights are nearly even: they need no smoothing.
        weights = softmax((power - 1) * log_part)
        distance = max(_distance(draws, weights), _distance(-draws, weights))
        speeds.append(distance / abs(np.log2(power)))
    return float(np.mean(speeds))


def _distance(draws: Array, weights: Array) -> float:
    """Cumulative Jensen-Shannon distance between draws, and the same draws weighted; 0 to 1."""
    order = np.argsort(draws)
    width = np.diff(draws[order])
    even, scaled = np.arange(1, len(draws)) / len(draws), np.cumsum(weights[order])[:-1]
    middle = (even + scaled) / 2
    divergence = (rel_entr(even, middle) + rel_entr(scaled, middle)) / np.log(2)
    return float(np.sqrt(max(width @ divergence, 0.0) / (width @ (even + scaled))))
