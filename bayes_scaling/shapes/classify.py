"""Which shape a trend has between the smallest size seen and a stated one: six, one of them each.

With g the trend in points of the metric (up is better), a the smallest size seen, L the largest
seen, T the stated size, and "more" always meaning by more than the threshold `rope`:

1. `u_shaped`: the worst of [a, T] is more below g(a) and more below g(T).
2. `inverted_u`: the best of [a, T] is more above g(a) and more above g(T). If both hold (two
   bends), the extreme that comes later decides.
3. `inverse`: otherwise, g(T) is more below g(a).
4. `improving`: otherwise, g(T) is more above g(a), and so is g(L).
5. `delayed`: otherwise, g(T) is more above g(a): what was flat up to L gets better (emergent).
6. `flat`: otherwise.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHAPES", "classify", "path"]

Array = NDArray[np.float64]

SHAPES: Final = ("improving", "flat", "inverse", "u_shaped", "inverted_u", "delayed")
STEPS: Final = 60
"""Sizes between the ends at which a trend is looked at."""


def path(first: float, last: float, stated: float) -> tuple[Array, int]:
    """Sizes from the smallest seen to the stated one, and the index of the largest seen."""
    seen = np.linspace(first, last, STEPS // 2)
    beyond = np.linspace(last, stated, STEPS // 2 + 1)[1:] if stated > last else np.empty(0)
    return np.concatenate([seen, beyond]), len(seen) - 1


def classify(goodness: Array, last: int, rope: float) -> NDArray[np.int64]:
    """Index into `SHAPES` of every draw.

    Parameters
    ----------
    goodness : array of shape (sample, size)
        In points of the metric, up is better, along a `path`.
    last : int
        Index of the largest size seen.
    rope : float
        Threshold, in points of the metric.
    """
    start, end, seen = goodness[:, 0], goodness[:, -1], goodness[:, last]
    worst, best = goodness.argmin(axis=1), goodness.argmax(axis=1)
    low, high = goodness.min(axis=1), goodness.max(axis=1)
    valley = (start - low > rope) & (end - low > rope)
    hill = (high - start > rope) & (high - end > rope)
    valley, hill = valley & ~(hill & (best > worst)), hill & ~(valley & (worst > best))
    conditions = {
        "u_shaped": valley,
        "inverted_u": hill,
        "inverse": start - end > rope,
        "improving": (end - start > rope) & (seen - start > rope),
        "delayed": end - start > rope,
    }
    codes = [SHAPES.index(name) for name in conditions]
    return np.select(list(conditions.values()), codes, default=SHAPES.index("flat"))
