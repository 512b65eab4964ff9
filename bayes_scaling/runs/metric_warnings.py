"""Warnings about scores: which were left out, and what weakens every answer about the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_scaling.runs.metric_checks import (
    FEWEST_SCALES,
    is_exact_match,
    is_pass_rate,
    row_problem,
)
from bayes_scaling.runs.metric_rows import CONSTANT, COPY, EARLIER, SINGLE
from bayes_scaling.runs.problems import Origin, Problem
from bayes_scaling.units import format_count

__all__ = ["OF_SELECTION", "left_out", "weaknesses"]

OF_SELECTION = ("left-out", "few-scales", "unknown-sampling-error", "unknown-chance")
"""Codes of these warnings, which others take the place of when scores are selected."""

_SENTENCES = {
    EARLIER: "earlier checkpoints are left out: those of one model rise and fall together, and "
    "only final ones can be compared between sizes; checkpoints='all' keeps them, along compute.",
    COPY: "every column repeats an earlier row; the copies are left out, "
    "since a score counted twice makes intervals too narrow.",
    SINGLE: "curves with one scale are left out: they have no shape.",
    CONSTANT: "curves whose score never changes are left out: they say "
    "neither how the task scales nor how it scatters (was it evaluated?).",
}


def left_out(origin: Origin, excluded: pd.DataFrame) -> list[Problem]:
    """A warning for each reason for which rows are left out.

    Parameters
    ----------
    origin
        Of the table.
    excluded
        n rows with `curve` and `reason`; the first column has their numbers.
    """
    if excluded.empty:
        return []
    origin = replace(origin, numbers=excluded.iloc[:, 0].to_numpy())
    return [
        row_problem(
            origin, "left-out", (excluded["reason"] == reason).to_numpy(dtype=bool),
            f"{_curves_named(part) if reason in (SINGLE, CONSTANT) else ''}{sentence}",
        )
        for reason, sentence in _SENTENCES.items()
        if len(part := excluded[excluded["reason"] == reason])
    ]  # fmt: skip


def _curves_named(part: pd.DataFrame) -> str:
    names = list(dict.fromkeys(part["curve"]))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(map(repr, names[:3]))}{more}: "


def weaknesses(origin: Origin, kept: pd.DataFrame, scale: str) -> list[Problem]:
    """What weakens answers about scores: few sizes, and what is not known of them.

    Parameters
    ----------
    origin
        Of the rows of `kept`.
    kept
        n rows that are fitted.
    scale
        Column that curves lie along.
    """
    problems = []
    few = (kept.groupby("curve")[scale].transform("nunique") < FEWEST_SCALES).to_numpy(dtype=bool)
    if few.any():
        names = list(dict.fromkeys(kept["curve"][few]))
        problems.append(
            row_problem(
                origin, "few-scales", few,
                f"found two scales only of {format_count(len(names), 'curve')} "
                f"({', '.join(map(repr, names[:3]))}): whether such a curve turns is what other "
                "tasks and the card say.",
            )
        )  # fmt: skip
    problems += _unknown_noise(origin.label, kept)
    problems += _unknown_chance(origin.label, kept)
    return problems


def _unknown_noise(label: str, kept: pd.DataFrame) -> list[Problem]:
    # Of losses nothing is assumed: their scatter is learned from the curve.
    kept = kept[kept["bounded"]]
    known = np.zeros(len(kept), dtype=bool)
    for column in ("stderr", "n_examples"):
        if column in kept:
            known |= kept[column].notna().to_numpy(dtype=bool)
    if known.all():
        return []
    return [
        Problem(
            code="unknown-sampling-error",
            severity="warning",
            message=f"{label}: {int((~known).sum())} of {len(kept)} scores have "
            "neither stderr nor n_examples; a test set of a usual size (2000) is assumed.",
        )
    ]


def _unknown_chance(label: str, kept: pd.DataFrame) -> list[Problem]:
    # Guessing gets nothing where a whole answer has to be produced.
    produced = kept["metric"].map(lambda m: is_exact_match(m) or is_pass_rate(m)).astype(bool)
    bounded = kept[kept["bounded"] & ~produced]
    if "chance" in bounded:
        bounded = bounded[bounded["chance"].isna()]
    names = list(dict.fromkeys(bounded["curve"]))
    if not names:
        return []
    return [
        Problem(
            code="unknown-chance",
            severity="warning",
            message=f"{label}: the chance level of "
            f"{format_count(len(names), 'curve')} is unknown "
            f"({', '.join(map(repr, names[:3]))}{', ...' if len(names) > 3 else ''}): a score that "
            "stays at chance cannot be told from one that stays elsewhere. Add a column chance.",
        )
    ]
