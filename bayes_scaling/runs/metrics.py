"""`read_metrics`: tables of scores by scale -> checked `MetricCurves`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.harness import read_harness
from bayes_scaling.runs.metric_checks import MetricUnit, check_metrics, curve_keys
from bayes_scaling.runs.metric_columns import (
    SCALES,
    Checkpoints,
    match_metric_columns,
    scales_of,
)
from bayes_scaling.runs.metric_rows import kept_rows, shapeless
from bayes_scaling.runs.metric_units import as_fractions, check_unit
from bayes_scaling.runs.metric_values import numeric_metrics
from bayes_scaling.runs.metric_warnings import OF_SELECTION, left_out, weaknesses
from bayes_scaling.runs.problems import Origin, Problem, RunsError
from bayes_scaling.runs.readers import RawTable, read_table
from bayes_scaling.units import format_count, format_quantity

__all__ = ["MetricCurves", "read_metrics"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MetricCurves:
    """Scores of tasks by scale that have passed every check; made by `read_metrics`.

    Attributes
    ----------
    table
        n rows, RangeIndex, by curve and scale. `task`, `family`, `metric`, `curve` (its label),
        the scales that are known, `value` (a fraction, or a loss as it came), `bounded` (whether
        the metric has a ceiling, so that value is a fraction), `higher_is_better`, and where known
        `stderr`, `n_examples`, `chance` (as fractions), `n_shots`, `model`; then all others.
    name
        Short name.
    source
        Path or citation; "" for a data frame.
    origin
        Numbers of the n rows in that source.
    percent
        Metrics that were given in percent.
    renamed
        Original column -> canonical name.
    problems
        Warnings; they follow the curves into fits.
    excluded
        Rows that were left out, with a `reason`.
    checkpoints
        Which of each model's the table holds: "final" or "all".
    keep_constant
        Whether curves whose score never changes are in the table.
    """

    table: pd.DataFrame
    name: str
    source: str
    origin: Origin
    percent: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    excluded: pd.DataFrame = field(default_factory=pd.DataFrame)
    checkpoints: Checkpoints = "final"
    keep_constant: bool = False

    def __len__(self) -> int:
        return len(self.table)

    @property
    def curves(self) -> tuple[str, ...]:
        """Labels of the curves, in the order of the table."""
        return tuple(dict.fromkeys(self.table["curve"]))

    @property
    def scales(self) -> tuple[str, ...]:
        """Scales that every row has and curves may lie along: params, tokens, flops."""
        known = (c for c in scales_of(self.checkpoints) if c in self.table)
        return tuple(c for c in known if bool(self.table[c].notna().all()))

    def column(self, name: str) -> Floats:
        """A numeric column, shape (n,); nan throughout where it is not known."""
        if name not in self.table:
            return np.full(len(self), np.nan)
        return self.table[name].to_numpy(dtype=np.float64)

    def select(self, query: str) -> MetricCurves:
        """Rows for which a pandas expression holds, such as ``"params < 1e10"``.

        Curves that are left with less than two sizes or two different scores go out, too. What was
        left out before is selected alike, and warnings are of what is selected.

        Raises
        ------
        InputError
            The expression is not valid, or selects nothing.
        """
        try:
            holds = self.table.eval(query, engine="python", local_dict={}, global_dict={})
            mask = np.broadcast_to(np.asarray(holds, dtype=bool), len(self))
            before = _selected(self.excluded, query)
        except (ValueError, KeyError, TypeError, SyntaxError, NameError, AttributeError) as error:
            columns = ", ".join(map(str, self.table.columns))
            raise InputError(
                f"the condition {query!r} is not a valid expression: {error}; the columns are "
                f"{columns}"
            ) from error
        table, origin = self.table[mask].reset_index(drop=True), self.origin.take(mask)
        reasons = shapeless(table, self.scales[0], keep_constant=self.keep_constant)
        left = reasons == ""
        if not left.any():
            raise InputError(f"the condition {query!r} leaves no curve of the {len(self.curves)}")
        more = _excluded(table, reasons, origin)
        excluded = pd.concat([part for part in (before, more) if len(part)] or [before])
        table, origin = table[left].reset_index(drop=True), origin.take(left)
        others = [problem for problem in self.problems if problem.code not in OF_SELECTION]
        return replace(
            self,
            table=table,
            origin=origin,
            problems=(
                *left_out(origin, excluded), *others, *weaknesses(origin, table, self.scales[0])
            ),
            excluded=excluded.reset_index(drop=True),
        )  # fmt: skip

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of what is fitted, in row order."""
        digest = hashlib.sha256()
        for column in ("curve", "family", *SCALES, "value", "stderr", "n_examples", "chance"):
            if column in self.table:
                text = self.table[column].map(str).str.cat(sep="\0")
                digest.update(f"{column}\0{text}".encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        lines = [f"MetricCurves {self.name!r}", f"  scores       {len(self)}"]
        lines += [f"  curves       {len(self.curves)}: {', '.join(self.curves[:6])}"
                  + (", ..." if len(self.curves) > 6 else "")]  # fmt: skip
        for scale in self.scales:
            values = self.column(scale)
            low, high = format_quantity(values.min()), format_quantity(values.max())
            lines.append(f"  {scale:<13}{low} to {high}")
        if self.percent:
            lines.append(f"  in percent   {', '.join(self.percent)}")
        renamed = ", ".join(f"{old} -> {new}" for old, new in self.renamed.items())
        lines += [f"  renamed      {renamed}"] if renamed else []
        rows = format_count(len(self.excluded), "row")
        lines += [f"  left out     {rows}"] if len(self.excluded) else []
        lines += [f"  warning      {problem.message}" for problem in self.problems]
        return "\n".join(lines)


def read_metrics(
    source: str | Path | Sequence[str | Path] | pd.DataFrame,
    *,
    name: str | None = None,
    unit: MetricUnit = "auto",
    checkpoints: Checkpoints = "final",
    keep_constant: bool = False,
    **renames: str,
) -> MetricCurves:
    """Read scores of tasks by scale, and check all of them.

    Parameters
    ----------
    source
        A long table (CSV, TSV, Parquet, JSON Lines or data frame) with one row a score: `task`,
        `value`, and `params`, `tokens` or `flops`, or a `model` whose name says its size; result
        files of lm-evaluation-harness (JSON, one a model): one, several, or a folder of them.
        Optional: `family`, `metric`, `stderr`, `n_examples`, `chance`, `higher_is_better`,
        `n_shots`, `step`. Common spellings are understood; numbers may be written "70B".
    name
        What to call the curves; the file name without its ending if not given.
    unit
        Of the scores that have a ceiling: "percent", "fraction", or "auto" to look at each metric.
        Cells such as "40.5%" say it themselves.
    checkpoints
        "final" compares models, each by its last checkpoint. "all" keeps every one, for curves
        along compute (or tokens); fits then know that those of one model rise and fall together.
    keep_constant
        Keep curves whose score never changes: `emergence` can be asked about them, `fit_shapes`
        cannot.
    **renames
        Canonical name = column of the table, such as `value="my_score"`.

    Returns
    -------
    MetricCurves
        Curves with one scale and (without `keep_constant`) constant ones are left out, with a
        reason. Warnings are in `.problems`.

    Raises
    ------
    RunsError
        If the table cannot be used; carries every problem found, not just the first.
    InputError
        If a file cannot be read, or an argument is not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"task": "qa", "N": ["70M", "160M", "1B"], "acc": [25.0, 31.0, 48.0]})
    >>> read_metrics(table).table["value"].tolist()
    [0.25, 0.31, 0.48]
    """
    check_unit(unit)
    if checkpoints not in get_args(Checkpoints):
        raise InputError(unknown_name("checkpoints", checkpoints, get_args(Checkpoints)))
    raw = _raw(source)
    frame, renamed, problems = match_metric_columns(raw.frame, renames, raw.origin.label)
    _stop_at_errors(problems)
    checked, found = numeric_metrics(frame, raw.origin, renamed, unit)
    problems += [*raw.problems, *found]
    checked = replace(checked, frame=checked.frame.assign(curve=curve_keys(checked.frame)))
    problems += check_metrics(checked)
    # Ranges and units of the cells that can be read, although others cannot: all in one message.
    fractions, percent, found = as_fractions(checked, checked.frame["bounded"].to_numpy(), unit)
    problems += found
    _stop_at_errors(problems)
    reasons, found = kept_rows(
        replace(checked, frame=fractions), checkpoints, keep_constant=keep_constant
    )
    excluded = _excluded(fractions, reasons, checked.origin)
    problems += [*left_out(checked.origin, excluded), *found]
    _stop_at_errors(problems)
    scale = next(s for s in scales_of(checkpoints) if s in fractions)
    kept = fractions[reasons == ""].sort_values(["curve", scale], kind="stable")
    origin = replace(checked.origin, numbers=checked.origin.numbers[kept.index])
    table = kept.reset_index(drop=True)
    problems += weaknesses(origin, table, scale)
    return MetricCurves(
        table=table,
        name=raw.name if name is None else name,
        source=raw.source,
        origin=origin,
        percent=percent,
        renamed=renamed,
        problems=tuple(problems),
        excluded=excluded,
        checkpoints=checkpoints,
        keep_constant=keep_constant,
    )


def _raw(source: object) -> RawTable:
    """The rows of a table, or of result files."""
    if isinstance(source, pd.DataFrame):
        return replace(read_table(source), name="metrics")
    many = [source] if isinstance(source, str | Path) else source
    if not (isinstance(many, Sequence) and many and all(isinstance(p, str | Path) for p in many)):
        raise InputError(
            f"cannot read scores from {type(source).__name__}; expected a path, several paths of "
            "result files, or a data frame"
        )
    paths = [path for given in many for path in _files(Path(given))]
    if all(path.suffix.casefold() == ".json" for path in paths):
        return read_harness(paths)
    if len(paths) > 1:
        raise InputError("several files are read only if all are JSON results of a harness")
    return read_table(paths[0])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*.json"))
    if not found:
        raise InputError(f"the folder {str(path)!r} holds no JSON result files")
    return found


def _stop_at_errors(problems: Sequence[Problem]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise RunsError(sorted(problems, key=lambda problem: problem.severity != "error"))


def _excluded(
    frame: pd.DataFrame, reasons: npt.NDArray[np.object_], origin: Origin
) -> pd.DataFrame:
    out = reasons != ""
    excluded: pd.DataFrame = frame[out].assign(reason=reasons[out])
    excluded.insert(0, origin.word, origin.numbers[out], allow_duplicates=True)
    return excluded.reset_index(drop=True)


def _selected(excluded: pd.DataFrame, query: str) -> pd.DataFrame:
    """Rows that were left out and for which the expression, which the table allows, holds."""
    if excluded.empty:
        return excluded
    kept = excluded.eval(query, engine="python", local_dict={}, global_dict={})
    mask = np.broadcast_to(np.asarray(kept, dtype=bool), len(excluded))
    return excluded[mask].reset_index(drop=True)
