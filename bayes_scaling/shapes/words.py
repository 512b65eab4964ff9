"""What a shape means, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_scaling.shapes.classify import SHAPES
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from bayes_scaling.shapes.probabilities import ShapeProbabilities

__all__ = ["NAMES", "sentence"]

NAMES: Final = {
    "improving": "improving",
    "flat": "flat",
    "inverse": "inverse",
    "u_shaped": "U-shaped",
    "inverted_u": "inverted U",
    "delayed": "delayed",
}
"""How people call the shapes."""

_FATES: Final = {
    "improving": {"improving": "still improving", "inverted_u": "turned down"},
    "flat": {"flat": "still flat"},
    "inverse": {"inverse": "still inverse", "u_shaped": "turned"},
    "u_shaped": {"u_shaped": "still U-shaped", "inverse": "worse again"},
    "inverted_u": {"inverted_u": "still an inverted U", "improving": "improving again"},
}
NAMED = 0.05
"""Probabilities below this are not spelled out."""
LEAST = 0.5
"""A shape less likely than this is no verdict."""


def sentence(answer: ShapeProbabilities, curve: str) -> str:
    """Such as "inverse in the data (0.97); at 175B still inverse 0.55, turned 0.31, ...".

    Where no shape holds half of the probability, "undecided in the data (improving 0.42, ...)".

    Parameters
    ----------
    answer : ShapeProbabilities
    curve : str
    """
    seen, then = (
        dict(zip(SHAPES, answer.shares(which).loc[curve].to_numpy(dtype=float), strict=True))
        for which in ("shape_seen", "shape")
    )
    now = max(seen, key=seen.__getitem__)
    if seen[now] >= LEAST:
        fates, verdict = _FATES.get(now, {}), f"{NAMES[now]} in the data ({seen[now]:.2f})"
    else:
        fates, verdict = {}, f"undecided in the data ({_spelled(seen, {})})"
    own = answer.draws.sel(curve=curve)
    worse, prior = (float(own[name].mean()) for name in ("worse", "worse_prior"))
    return (
        f"{verdict}; at {format_quantity(float(own['at']))} {answer.along} "
        f"{_spelled(then, fates)}; worse than at {format_quantity(float(own['largest']))}"
        f" {worse:.2f}, and {prior:.2f} without the task's own data"
    )


def _spelled(shares: dict[str, float], fates: dict[str, str]) -> str:
    """The likely shapes, the likeliest first."""
    return ", ".join(
        f"{fates.get(name, NAMES[name])} {shares[name]:.2f}"
        for name in sorted(shares, key=shares.__getitem__, reverse=True)
        if shares[name] >= NAMED
    )
