"""Metric curves as tasks whose metrics follow from one error per token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.metric_checks import curve_keys, is_pass_rate
from bayes_scaling.runs.metric_columns import unknown_scale
from bayes_scaling.runs.metric_rows import CONSTANT
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.emergent.links import METRICS, Kind, kind_of
from bayes_scaling.shapes.scale import ASSUMED_EXAMPLES, implied_examples

__all__ = ["FEWEST_SIZES", "Observed", "TokenTask", "make_token_tasks", "with_constant"]

Array = NDArray[np.float64]

FEWEST_SIZES = 3
"""Below, a bend cannot be told from scatter at all."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Scores of one metric of a task.

    Attributes
    ----------
    name : str
        As the table has it.
    kind : {"answer", "choice", "token", "brier"}
    better_high : bool
        Whether the table's scores are better when higher.
    right : array of shape (size,)
        Scores as shares of what is right; nan where there is none.
    n : array of shape (size,)
        Questions, or what standard errors imply.
    chance : float
        What chance gets, in the same orientation; 0 where unknown.
    """

    name: str
    kind: Kind
    better_high: bool
    right: Array
    n: Array
    chance: float


@dataclass(frozen=True, kw_only=True)
class TokenTask:
    """A task: its scales, and the metrics that share its error per token.

    Attributes
    ----------
    label, task, family : str
    along : str
        The scale: "params", "tokens" or "flops".
    scale : array of shape (size,)
        Ascending; twice where two models have the same.
    metrics : tuple of Observed
    answer_tokens : float or None
        L; None where nobody said.
    notes : tuple of str
        What weakens the answer.
    """

    label: str
    task: str
    family: str
    along: str
    scale: Array
    metrics: tuple[Observed, ...]
    answer_tokens: float | None
    notes: tuple[str, ...] = ()

    @property
    def t(self) -> Array:
        """log(scale / smallest scale)."""
        return np.asarray(np.log(self.scale / self.scale[0]))

    @property
    def main(self) -> Observed:
        """The metric that needs the whole answer right, where there is one."""
        return self.metrics[0]


def make_token_tasks(
    metrics: MetricCurves,
    *,
    along: str | None = None,
    answer_tokens: float | Mapping[str, float] | None = None,
    n_examples: float | None = None,
) -> tuple[list[TokenTask], list[str]]:
    """Tasks of a table, and which curves were left aside and why.

    Parameters
    ----------
    metrics : MetricCurves
        Curves whose score never changes are taken up again: flat at zero is an answer here.
    along : str, optional
        The scale; by default the first that every row has, of params, tokens, flops.
    answer_tokens : float or mapping, optional
        Tokens of an answer, of all tasks or by task; else the column ``answer_tokens``.
    n_examples : float, optional
        Questions of scores that state neither their number nor a standard error; 2000 otherwise.

    Raises
    ------
    InputError
        No curve is of a metric that follows from an error per token, or has enough sizes; a task
        or a scale does not exist; a number of tokens or of questions makes no sense.
    """
    along = _along(metrics, along)
    if n_examples is not None and not (np.isfinite(n_examples) and n_examples >= 1):
        raise InputError(f"n_examples must be a number of questions, 1 or more, not {n_examples}")
    table = with_constant(metrics)
    labels = curve_keys(table.drop(columns="metric"))
    _check_tokens(answer_tokens, table)
    tasks, aside = [], list[str]()
    for label, rows in table.groupby(labels.to_numpy(), sort=False):
        kinds = _kinds(rows, str(label), aside)
        if not kinds:
            continue
        if rows[along].nunique() < FEWEST_SIZES:
            aside.append(f"{label}: {rows[along].nunique()} scales, fewer than {FEWEST_SIZES}")
            continue
        tasks.append(_task(str(label), rows, kinds, along, answer_tokens, n_examples))
    if not tasks:
        reasons = "; ".join(aside[:4]) + ("; ..." if len(aside) > 4 else "")
        raise InputError(f"no curve can be asked about emergence: {reasons}")
    return tasks, aside


def _along(metrics: MetricCurves, along: str | None) -> str:
    if along is None:
        return metrics.scales[0]
    if along not in metrics.scales:
        raise InputError(unknown_scale(along, metrics.scales))
    return along


def with_constant(metrics: MetricCurves) -> pd.DataFrame:
    """The table, with the curves that shapes has to leave out: flat at zero, or elsewhere."""
    left_out = metrics.excluded
    if left_out.empty:
        return metrics.table
    constant = left_out[left_out["reason"] == CONSTANT]
    columns = [c for c in metrics.table.columns if c in constant]
    return pd.concat([metrics.table, constant[columns]], ignore_index=True)


def _check_tokens(given: float | Mapping[str, float] | None, table: pd.DataFrame) -> None:
    known = list(dict.fromkeys(map(str, table["task"])))
    if isinstance(given, Mapping):
        for name, value in given.items():
            if name not in known:
                raise InputError(unknown_name("task in answer_tokens", name, known))
            _positive_tokens(value)
    elif given is not None:
        _positive_tokens(given)


def _positive_tokens(value: float) -> float:
    if not (np.isfinite(value) and 1 <= value <= 1e5):
        raise InputError(f"an answer has 1 token or more (at most 1e5), not {value:g}")
    return float(value)


def _kinds(rows: pd.DataFrame, label: str, aside: list[str]) -> dict[Kind, str]:
    """The first metric of each kind; others are the same answers, or do not follow."""
    found: dict[Kind, str] = {}
    for metric, own in rows.groupby("metric", sort=False):
        chance = _only(own, "chance")
        kind = kind_of(str(metric), chance) if bool(own["bounded"].all()) else None
        if is_pass_rate(str(metric)):
            aside.append(f"{label}: pass rates are asked about together (fit_pass_rates)")
        elif kind is None:
            needed = kind_of(str(metric), 0.5) is not None
            aside.append(
                f"{label}: of {metric!r} the chance level has to be known (a column chance; 0 "
                "where a whole answer is produced)" if needed else
                f"{label}: {metric!r} does not follow from an error per token (understood are "
                f"{'; '.join(METRICS)})"
            )  # fmt: skip
        elif kind in found:
            aside.append(f"{label}: {metric!r} scores the same answers as {found[kind]!r}")
        else:
            found[kind] = str(metric)
    return found


def _only(rows: pd.DataFrame, column: str) -> float:
    if column not in rows or rows[column].isna().all():
        return float("nan")
    return float(rows[column].dropna().iloc[0])


def _task(
    label: str,
    rows: pd.DataFrame,
    kinds: Mapping[Kind, str],
    along: str,
    answer_tokens: float | Mapping[str, float] | None,
    n_examples: float | None,
) -> TokenTask:
    rows = rows[rows["metric"].isin(list(kinds.values()))]
    # Two models of one size are two sizes, each with its own scatter.
    nth = rows.groupby(["metric", along]).cumcount()
    places = pd.MultiIndex.from_arrays([rows[along], nth])
    sizes = places.unique().sort_values()
    order: list[Kind] = [kind for kind in ("answer", "choice", "brier", "token") if kind in kinds]
    notes: list[str] = []
    observed = tuple(
        _observed(rows[mask], kind, sizes.get_indexer(places[mask]), len(sizes), n_examples, notes)
        for kind in order
        for mask in [(rows["metric"] == kinds[kind]).to_numpy()]
    )
    task = str(rows["task"].iloc[0])
    different = rows[along].nunique()
    if different < 5:
        notes.append(
            f"{different} sizes say little about breaks: the answer leans on the card's priors"
        )
    return TokenTask(
        label=label,
        task=task,
        family=str(rows["family"].iloc[0]),
        along=along,
        scale=sizes.get_level_values(0).to_numpy(dtype=float),
        metrics=observed,
        answer_tokens=_tokens(rows, task, answer_tokens),
        notes=tuple(notes),
    )


def _tokens(
    rows: pd.DataFrame, task: str, given: float | Mapping[str, float] | None
) -> float | None:
    if isinstance(given, Mapping):
        given = given.get(task)
    if given is None and "answer_tokens" in rows:
        said = pd.to_numeric(rows["answer_tokens"], errors="coerce").dropna()
        if said.empty and rows["answer_tokens"].notna().any():
            raise InputError(f"{task}: answer_tokens holds no number; expected tokens of an answer")
        given = float(said.median()) if len(said) else None
    return None if given is None else _positive_tokens(given)


def _observed(
    rows: pd.DataFrame,
    kind: Kind,
    places: NDArray[np.int64],
    n_sizes: int,
    n_examples: float | None,
    notes: list[str],
) -> Observed:
    value, stderr, n = (
        rows[c].to_numpy(dtype=float) if c in rows else np.full(len(rows), np.nan)
        for c in ("value", "stderr", "n_examples")
    )
    better = bool(rows["higher_is_better"].iloc[0])
    known = implied_examples(value, stderr, n)
    if np.isnan(known).any():
        assumed = ASSUMED_EXAMPLES if n_examples is None else n_examples
        notes.append(f"{rows['metric'].iloc[0]}: {assumed:g} questions are assumed")
        known = np.where(np.isnan(known), assumed, known)
    level = _only(rows, "chance")
    level = (0.0 if np.isnan(level) else level) if better or np.isnan(level) else 1 - level
    right, questions = np.full(n_sizes, np.nan), np.full(n_sizes, 1.0)
    right[places], questions[places] = (value if better else 1 - value), known
    return Observed(
        name=str(rows["metric"].iloc[0]), kind=kind, better_high=better, right=right, n=questions,
        chance=level,
    )  # fmt: skip
