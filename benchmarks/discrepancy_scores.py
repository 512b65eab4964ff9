"""Scores of predictions beyond a cut, the drift that they choose, and their tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scoringrules import crps_ensemble

from bayes_scaling.comparison.scoring import cluster_error
from benchmarks.record import markdown

__all__ = [
    "FACTORS", "LAW_ONLY", "Key", "Score", "average_score", "best_drift", "differences", "frame",
    "judged_table", "score_of", "tried_rows",
]  # fmt: skip

FACTORS = (3.0, 10.0, 30.0, 100.0)
"""How far below the costliest run a cut lies."""

NOMINAL = 0.9
"""Share of runs that the 90 % intervals of a drift must hold, as the mean over cases."""

FURTHEST = 1.0
"""Log loss from the median beyond which no draw goes: where nu is below 1, draws have no mean."""

LAW_ONLY = "learned priors, law only"

Key = tuple[str, float]
"""Of a case: its sweep, and how far below the costliest run it is cut."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How predictions of `n` runs beyond a cut came out, in log loss.

    ``interval`` is the mean score of the 90 % intervals: width, and 20 times the distance of a
    miss.
    """

    n: int
    crps: float
    inside50: float
    inside90: float
    interval: float
    width: float
    bias: float


def score_of(y: np.ndarray, loss: np.ndarray) -> Score:
    """Score of draws of the log losses of runs, (sample, run), beside these, (run,)."""
    middle = np.median(y, axis=0)
    y = np.clip(y, middle - FURTHEST, middle + FURTHEST)
    low, lower, upper, high = np.quantile(y, [0.05, 0.25, 0.75, 0.95], axis=0)
    missed = np.maximum(low - loss, 0.0) + np.maximum(loss - high, 0.0)
    return Score(
        n=len(loss),
        crps=float(np.mean(crps_ensemble(loss, y.T))),
        inside50=float(np.mean((loss >= lower) & (loss <= upper))),
        inside90=float(np.mean((loss >= low) & (loss <= high))),
        interval=float(np.mean(high - low + 20 * missed)),
        width=float(np.median(high - low)),
        bias=float(np.mean(loss - middle)),
    )


def best_drift[D](tried: Mapping[D, Mapping[Key, Score]], without: str | None = None) -> D:
    """The lowest CRPS among drifts whose 90 % intervals hold nine in ten, or else the most.

    By CRPS alone they are too narrow: it hardly tells intervals that hold 85 % from those of 90 %.
    """
    common = set.intersection(*(set(each) for each in tried.values()))
    others = [key for key in common if key[0].split()[0] != without]

    def rank(drift: D) -> tuple[float, float]:
        scores = [tried[drift][key] for key in others]
        return max(0.0, NOMINAL - held(scores)), float(np.mean([each.crps for each in scores]))

    return min(tried, key=rank)


def held(scores: Collection[Score]) -> float:
    """Share of runs inside 90 % intervals, every case alike."""
    return float(np.mean([score.inside90 for score in scores]))


def average_score(scores: Mapping[Any, Score]) -> dict[str, float]:
    """Means over cases, and over their runs where they are pooled."""
    return {"cases": len(scores), **_row_of(list(scores.values()))}


def _row_of(scores: Sequence[Score]) -> dict[str, float]:
    weights = np.array([score.n for score in scores], dtype=float)

    def pooled(name: str) -> float:
        return float(np.average([getattr(score, name) for score in scores], weights=weights))

    return {
        "crps, mean": float(np.mean([score.crps for score in scores])),
        "crps, pooled": pooled("crps"),
        "inside 90 %": pooled("inside90"),
        "inside 50 %": pooled("inside50"),
        "width": float(np.median([score.width for score in scores])),
        "bias": pooled("bias"),
    }


def judged_table(judged: Mapping[str, Mapping[Any, Score]]) -> str:
    """Scores of every fit, over all cuts and by cut, as markdown."""
    rows = []
    for name, scores in judged.items():
        rows.append({"fit": name, "beyond": "all", **average_score(scores)})
        for factor in FACTORS:
            own = {key: score for key, score in scores.items() if key[1] == factor}
            rows.append({"fit": name, "beyond": f"{factor:g}x", **average_score(own)})
    return frame(pd.DataFrame(rows))


def differences(judged: Mapping[str, Mapping[Key, Score]]) -> list[dict[str, Any]]:
    """Mean CRPS of each fit less that of the law alone, on the same cases.

    Its standard error counts each source as one observation.
    """
    alone = judged[LAW_ONLY]
    rows = []
    for name, scores in judged.items():
        if scores is alone:
            continue
        keys = [key for key in alone if key in scores]
        away = np.array([scores[key].crps - alone[key].crps for key in keys])
        sources = pd.factorize(pd.Series([key[0].split()[0] for key in keys]))[0]
        rows.append(
            {"fit": name, "cases": len(keys), "crps, difference": float(away.mean()),
             "crps, its error": cluster_error(away, sources.astype(float)),
             "crps, lower in": float((away < 0).mean())}
        )  # fmt: skip
    return rows


def tried_rows(tried: Mapping[Any, Mapping[Any, Score]]) -> list[dict[str, Any]]:
    """A row for every kind of priors and drift."""
    return [
        {"priors": which, "within": d[0], "loss": d[1], "terms": d[2], **average_score(scores),
         "inside 90 %, mean": held(scores.values())}
        for (which, d), scores in tried.items()
    ]  # fmt: skip


def frame(table: pd.DataFrame) -> str:
    """A table as markdown, with scores and widths in percent."""
    shares = ("crps", "width", "bias")
    cells = [
        [
            f"{100 * value:.2f} %"
            if str(name).startswith(shares)
            else (f"{value:.3g}" if isinstance(value, float) else str(value))
            for name, value in row.items()
        ]
        for row in table.to_dict("records")
    ]
    return markdown([str(name) for name in table.columns], cells)
