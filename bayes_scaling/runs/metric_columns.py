"""Which column of a table of scores is which: the canonical names and how the field spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.columns import normalise
from bayes_scaling.runs.problems import Problem

__all__ = [
    "CURVE", "DERIVED", "METRIC_COLUMNS", "METRIC_NUMERIC", "SCALES", "Checkpoints",
    "match_metric_columns", "scales_of", "unknown_scale",
]  # fmt: skip

DERIVED = ("curve", "bounded")
"""Columns of checked tables that the reader makes, and no table has."""

Checkpoints = Literal["final", "all"]
SCALES = ("params", "tokens", "flops")
METRIC_NUMERIC = (
    *SCALES, "value", "stderr", "n_examples", "chance", "step", "n_shots",
)  # fmt: skip
METRIC_COLUMNS = (*METRIC_NUMERIC, "task", "family", "metric", "model", "higher_is_better")
CURVE = ("task", "family", "metric", "n_shots")
"""Rows that agree in these are points of one curve."""


def scales_of(checkpoints: Checkpoints) -> tuple[str, ...]:
    """Scales that curves may lie along; the first one known is where they do by default.

    Checkpoints of a model have one size, so that curves of them do not lie along sizes.
    """
    return SCALES if checkpoints == "final" else ("flops", "tokens")


def unknown_scale(along: object, known: Sequence[str]) -> str:
    """Message for a scale that the table does not have: what it would take."""
    needed = {
        "params": "a column params", "tokens": "a column tokens",
        "flops": "a column flops, or params and tokens",
    }  # fmt: skip
    said = unknown_name("scale", along, known)
    if along not in needed:
        return said
    return f"{said}. Curves along {along} need {needed[str(along)]}, with a number in every row"


# Compared without case, spaces and punctuation, as for tables of runs.
_SPELLINGS: Mapping[str, str] = {
    "params": "n nparams numparams parameters nparameters modelsize size modelnumparameters",
    "tokens": "d ntokens numtokens traintokens trainingtokens tokensseen",
    "flops": "c flop compute trainflops trainingflops trainingcompute",
    "value": "score result metricvalue accuracy acc accnorm exactmatch em f1 bleu brier",
    "stderr": "valuestderr scorestderr standarderror se sem accuracyse accuracystderr accstderr",
    "n_examples": "nexamples numexamples nsamples numsamples testsize nquestions",
    "chance": "chancelevel randombaseline randomchance baseline",
    "step": "steps globalstep checkpoint revision modelrevision",
    "n_shots": "nshot shots numfewshot fewshot numshots",
    "task": "taskname benchmark dataset eval evaluation",
    "family": "modelfamily architecture series suite",
    "metric": "metricname",
    "model": "modelname modelid",
    "higher_is_better": "higherbetter direction better",
}
_LOWER_IS_BETTER = ("lowerisbetter", "lowerbetter")
"""Directions that are told the other way round, and would be lost."""

_METRIC_NAMED = ("accuracy", "acc", "accnorm", "exactmatch", "em", "f1", "bleu", "brier")
"""Names of a column of scores that say which metric it is."""


def match_metric_columns(
    frame: pd.DataFrame, renames: Mapping[str, str], label: str
) -> tuple[pd.DataFrame, dict[str, str], list[Problem]]:
    """Put a table under canonical names.

    Parameters
    ----------
    frame
        n rows as they were read.
    renames
        Canonical name -> the user's column; goes before every spelling.
    label
        What messages call the table.

    Returns
    -------
    frame
        n rows; a metric that only the name of the scores' column tells is written out.
    renamed
        Original -> canonical name of every column that changed.
    problems
        Missing, duplicated and ambiguous columns, one each.

    Raises
    ------
    InputError
        If `renames` gives a column to a name that is not canonical.
    """
    unknown = [name for name in renames if name not in METRIC_COLUMNS]
    if unknown:
        raise InputError(unknown_name("column", unknown[0], METRIC_COLUMNS))
    names = [str(column) for column in frame.columns]
    problems = [
        _problem("duplicate-column", f"{label}: columns named {name!r} are there more than once; "
                 "expected each name once. Rename or delete all but one.", name)
        for name in dict.fromkeys(name for name in names if names.count(name) > 1)
    ]  # fmt: skip
    found: dict[str, str] = {}
    for canonical in METRIC_COLUMNS:
        candidates = _candidates(canonical, names, renames, found.values())
        if len(candidates) > 1:
            problems.append(_ambiguous(canonical, candidates, label))
        elif candidates and candidates[0] in names:
            found[canonical] = candidates[0]
        elif candidates:
            problems.append(_problem("unknown-column", f"{label}: {canonical}={candidates[0]!r} "
                                     f"was given, but there is no such column; found "
                                     f"{', '.join(map(repr, names))}.", candidates[0]))  # fmt: skip
    problems += [
        _problem("unknown-direction", f"{label}: the column {name!r} is not read. Name it "
                 "higher_is_better, with false where it says true, or drop it: the metric then "
                 "says which way is better.", name)
        for name in names if re.sub("_", "", normalise(name)) in _LOWER_IS_BETTER
    ]  # fmt: skip
    problems += _missing(found, names, label, problems)
    if any(problem.code == "duplicate-column" for problem in problems):
        return frame, {}, problems
    renamed = {old: new for new, old in found.items() if old != new}
    known = frame.rename(columns=renamed)
    said = normalise(found.get("value", ""))
    if "metric" not in known and said in _METRIC_NAMED:
        known = known.assign(metric=found["value"].casefold())
    return known, renamed, problems


def _candidates(
    canonical: str, names: Sequence[str], renames: Mapping[str, str], taken: object
) -> list[str]:
    """The user's choice, else the column of that name, else all that are spelled alike."""
    if canonical in renames:
        return [renames[canonical]]
    free = [n for n in names if n not in renames.values() and n not in set(taken)]  # type: ignore[call-overload]
    if canonical in free:
        return [canonical]
    alike = (canonical.replace("_", ""), *_SPELLINGS[canonical].split())
    return list(dict.fromkeys(n for n in free if re.sub("_", "", normalise(n)) in alike))


def _missing(
    found: Mapping[str, str], names: Sequence[str], label: str, problems: Sequence[Problem]
) -> list[Problem]:
    reported = {problem.column for problem in problems}
    missing = [name for name in ("task", "value") if name not in found and name not in reported]
    lacking = [(repr(name), name) for name in missing]
    if not {*SCALES, "model"} & set(found):
        lacking.append(("a scale ('params', 'tokens' or 'flops')", "params"))
    listed = ", ".join(map(repr, names[:20]))
    return [
        _problem("missing-column", f"{label}: no column for {what}; found {listed}. Common "
                 "spellings such as benchmark, score, model_size are understood; for any other "
                 "rename the column, or in Python pass "
                 f"{argument}='your column'.", what)
        for what, argument in lacking
    ]  # fmt: skip


def _ambiguous(canonical: str, candidates: Sequence[str], label: str) -> Problem:
    listed = ", ".join(map(repr, candidates))
    return _problem(
        "ambiguous-column",
        f"{label}: {listed} could each be {canonical!r}. Say which one, as in "
        f"{canonical}={candidates[0]!r}; for several metrics use one row a score, with the columns "
        "metric and value.",
        canonical,
    )


def _problem(code: str, message: str, column: str) -> Problem:
    return Problem(code=code, severity="error", message=message, column=column)
