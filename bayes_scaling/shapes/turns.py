"""Whether scores turn within the sizes and the trend does not: a shape that is told too mildly."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.units import format_count

if TYPE_CHECKING:
    from bayes_scaling.shapes.posterior import ShapeFit
    from bayes_scaling.shapes.scale import MetricScale

__all__ = ["turn_check"]

LEAST = 0.05
"""Points of the metric (of losses: a share) that scores rise and fall at least, to have turned."""

ERRORS = 3.0
"""Standard errors of the difference by which they do, where the sampling error is known."""

MILD = 0.01
"""A trend that turns by less than this does not turn."""

TREND_POINTS = 81
NAMED = 3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Turn:
    """Scores that rise and fall within the sizes, or fall and rise."""

    curve: str
    up: bool
    turning: float
    last: float
    height: float

    def __str__(self) -> str:
        first, then = ("rise", "fall") if self.up else ("fall", "rise")
        scores = f"{first} to {self.turning:.3g} and {then} to {self.last:.3g}"
        return f"{self.curve!r}: the scores {scores}"


def turn_check(fit: ShapeFit, known: Collection[str] = ()) -> CheckResult:
    """Whether the trend of every curve turns where its scores do.

    Scores turn that peak or bottom inside the sizes, further from those of the smallest and of the
    largest size than sampling errors explain, or, where these are not known, than the scatter does.

    Parameters
    ----------
    fit : ShapeFit
    known : collection of str
        Curves whose sampling errors are known.
    """
    turns = [
        turn
        for curve in fit.curves
        if (turn := _scores_turn(fit, curve, known=curve in known)) is not None
        and not _trend_turns(fit, curve, up=turn.up)
    ]
    worst = sorted(turns, key=lambda turn: turn.height, reverse=True)[:NAMED]
    named = "; ".join(map(str, worst)) + ("; ..." if len(turns) > NAMED else "")
    text = (
        f"The scores of {format_count(len(turns), 'curve')} turn within the sizes, the trend does "
        f"not ({named}). For the model this is scatter, and the shape is told too mildly: look at "
        "the figure."
    )
    well = "Where scores clearly turn within the sizes, so does the trend."
    return CheckResult(name="turns", passed=not turns, fatal=False, text=text if turns else well)


def _scores_turn(fit: ShapeFit, curve: str, *, known: bool) -> _Turn | None:
    """The clearest turn of the scores within the sizes, if there is one."""
    rows = fit.data[fit.data["curve"] == curve]
    scale = fit.scales[curve]
    # Points of the metric that a unit of the latent scale is worth at each score.
    worth = scale.worth(rows["value"].to_numpy())
    variance = rows["error"].to_numpy() ** 2
    if not known:
        variance = variance + float(np.median(fit.draws("scatter", curve))) ** 2
    by_size = pd.DataFrame(
        {"x": rows["x"].to_numpy(), "level": _level(scale, rows["value"].to_numpy()),
         "score": rows["value"].to_numpy(), "variance": variance * worth**2}
    ).groupby("x", sort=True)  # fmt: skip
    level, score = (by_size[name].mean().to_numpy() for name in ("level", "score"))
    error = (by_size["variance"].mean() / by_size.size()).to_numpy()
    found = []
    for sign in (1.0, -1.0):
        at = int(np.argmax(sign * level))
        ends = np.array([0, len(level) - 1])
        heights = sign * (level[at] - level[ends])
        wanted = (ERRORS if known else 1.0) * np.sqrt(error[at] + error[ends])
        if (heights > np.maximum(wanted, LEAST)).all():
            turn = _Turn(curve, sign > 0, float(score[at]), float(score[-1]), float(heights.min()))
            found.append(turn)
    return max(found, key=lambda turn: turn.height, default=None)


def _trend_turns(fit: ShapeFit, curve: str, *, up: bool) -> bool:
    """Whether the median of the trend does so within the sizes, by more than hardly."""
    _, seen = fit.seen(curve)
    scale = fit.scales[curve]
    x = np.linspace(seen.min(), seen.max(), TREND_POINTS)
    trend = _level(scale, scale.score(np.median(fit.trend(curve).at(x), axis=0)))
    trend = trend if up else -trend
    return bool(trend.max() - max(trend[0], trend[-1]) > MILD)


def _level(scale: MetricScale, score: Array) -> Array:
    """Scores in points of the metric; losses as logarithms, whose differences are shares."""
    return score if scale.bounded else np.log(score)
