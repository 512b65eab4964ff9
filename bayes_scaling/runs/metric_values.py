"""Cells of scores -> numbers, and what tables leave unsaid: sizes in names, metric, direction."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError
from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.flops import training_flops
from bayes_scaling.runs.metric_checks import MetricUnit, is_loss, is_lower_better
from bayes_scaling.runs.metric_columns import METRIC_NUMERIC, SCALES
from bayes_scaling.runs.problems import Origin, Problem, Severity
from bayes_scaling.units import parse_flops_column, parse_quantities, parse_quantity

__all__ = ["numeric_metrics"]

_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?[kmbt])(?![a-z0-9])", re.IGNORECASE)
"""A size in a model's name, such as the 1.4b of pythia-1.4b-deduped."""

_STEP = re.compile(r"step[-_]?(\d+)", re.IGNORECASE)
_YES_OR_NO = {"1": True, "1.0": True, "true": True, "yes": True}
_YES_OR_NO |= {"0": False, "0.0": False, "false": False, "no": False}
_YES_OR_NO |= {"higher": True, "higher is better": True, "up": True, "max": True}
_YES_OR_NO |= {"lower": False, "lower is better": False, "down": False, "min": False}


def numeric_metrics(
    raw: pd.DataFrame, origin: Origin, renamed: Mapping[str, str], unit: MetricUnit = "auto"
) -> tuple[CheckedTable, list[Problem]]:
    """Read the numbers, and fill in what the table does not say.

    Parameters
    ----------
    raw
        n rows with canonical column names and cells of any kind.
    origin
        Their row numbers.
    renamed
        Original column -> canonical name.
    unit
        Of scores; cells such as "40.5%" are fractions unless this says that all are in percent.

    Returns
    -------
    table
        n rows with float64 numbers, `family`, `metric`, `higher_is_better` (bool) and `bounded`.
    problems
        What was filled in, as warnings; what cannot be, as errors.
    """
    needed = ("task", "value")
    raw = raw.drop(columns=[c for c in raw.columns if c not in needed and raw[c].isna().all()])
    problems: list[Problem] = []
    raw = _from_names(raw, origin, problems)
    columns, unreadable, missing = {}, {}, {}
    for name in raw.columns:
        columns[name] = raw[name]
        if name in METRIC_NUMERIC:
            parse = parse_flops_column if name == "flops" else parse_quantities
            cells = _steps(raw[name]) if name == "step" else raw[name]
            if name in ("value", "stderr", "chance"):
                cells = _without_signs(cells, in_percent=unit == "percent")
            values, unreadable[name] = parse(cells)
            missing[name] = np.isnan(values) & ~unreadable[name]
            columns[name] = pd.Series(values, index=raw.index)
    if "higher_is_better" in raw:
        unreadable["higher_is_better"] = _no_direction(raw["higher_is_better"])
    frame = _completed(pd.DataFrame(columns, index=raw.index), origin, problems)
    table = CheckedTable(
        frame=frame,
        raw=raw,
        origin=origin,
        tolerance=2.0,
        shown={new: old for old, new in renamed.items()},
        unreadable=unreadable,
        missing=missing,
    )
    return table, problems


def _steps(cells: pd.Series) -> pd.Series:
    """Steps out of names of revisions such as step143000."""
    texts = cells.astype(str).str.extract(_STEP.pattern, flags=re.IGNORECASE)[0]
    return texts.where(texts.notna(), cells)


def _without_signs(cells: pd.Series, *, in_percent: bool) -> pd.Series:
    """Numbers out of cells such as 40.5 %: a hundredth of these, unless all are in percent."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells
    texts = cells.astype(str).str.extract(r"^(.*\d.*)%\s*$")[0]
    numbers = pd.to_numeric(texts, errors="coerce")
    return cells.astype(object).where(numbers.isna(), numbers / (1 if in_percent else 100))


def _from_names(raw: pd.DataFrame, origin: Origin, problems: list[Problem]) -> pd.DataFrame:
    """Sizes and families that only the names of the models tell."""
    if "model" not in raw or any(scale in raw for scale in SCALES):
        return raw
    names = raw["model"].astype(str)
    sizes = names.map(_size_named)
    unknown = sizes.isna().to_numpy(dtype=bool)
    if unknown.any():
        rows, where = origin.named(np.flatnonzero(unknown))
        found = ", ".join(map(repr, names[unknown].unique()[:3]))
        message = (
            f"{origin.label}, {where}: no column says the size of the models, and the names "
            f"{found} do not tell it; expected a column params, or names such as pythia-1.4b."
        )
        problems.append(_problem("missing-scale", message, "error", rows=rows))
    else:
        problems.append(
            _problem(
                "params-from-names",
                f"{origin.label}: sizes are read from the names of the models, such as "
                f"{names.iloc[0]!r}: they are nominal. Add a column params to be exact.",
            )
        )
    raw = raw.assign(params=sizes)
    if "family" not in raw:
        raw = raw.assign(family=names.map(_family_named))
    return raw


def _size_named(name: str) -> float:
    found = _SIZE.findall(name.rsplit("/", 1)[-1])
    try:
        return parse_quantity(found[-1]) if found else float("nan")
    except InputError:
        return float("nan")


def _family_named(name: str) -> str:
    return _SIZE.sub("", name.rsplit("/", 1)[-1]).strip("-_ ") or name


def _completed(frame: pd.DataFrame, origin: Origin, problems: list[Problem]) -> pd.DataFrame:
    """With a family, a metric, its direction, and whether it has a ceiling."""
    if "family" not in frame:
        frame = frame.assign(family="all")
    if "metric" not in frame:
        frame = frame.assign(metric="accuracy")
        problems.append(
            _problem(
                "metric-assumed",
                f"{origin.label}: no column says which metric the scores are; they are taken for "
                "accuracies, of which 0 and 1 are the limits. Add a column metric ('accuracy', "
                "'f1', 'loss', 'ppl', ...) if they are not.",
            )
        )
    if {"params", "tokens"} <= set(frame) and "flops" not in frame:
        flops = training_flops(frame["params"].to_numpy(), frame["tokens"].to_numpy())
        frame = frame.assign(flops=flops)
    metric = frame["metric"].astype(str)
    losses = metric.map(is_loss).to_numpy(dtype=bool)
    better = ~metric.map(is_lower_better).to_numpy(dtype=bool)
    if "higher_is_better" in frame:
        said = _said(frame["higher_is_better"])
        better = np.where(said.isna(), better, said.fillna(value=False)).astype(bool)
    return frame.assign(metric=metric, higher_is_better=better, bounded=~losses)


def _said(cells: pd.Series) -> pd.Series:
    """True, False, or None where a cell says neither."""
    return cells.map(lambda cell: _YES_OR_NO.get(str(cell).strip().casefold()))


def _no_direction(cells: pd.Series) -> np.ndarray:
    """Cells that are there and say neither yes nor no; empty ones go by the metric."""
    written = cells.notna() & (cells.astype(str).str.strip() != "")
    return np.asarray((written & _said(cells).isna()).to_numpy(dtype=bool))


def _problem(
    code: str, message: str, severity: Severity = "warning", rows: tuple[int, ...] = ()
) -> Problem:
    return Problem(code=code, severity=severity, message=message, rows=rows, n_rows=len(rows))
