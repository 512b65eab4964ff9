"""`Runs`: a checked table of training runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.budgets import bracketed, budget_index, least_so_far
from bayes_scaling.runs.cells import numeric_table
from bayes_scaling.runs.checks import check_table
from bayes_scaling.runs.columns import CANONICAL, NUMERIC
from bayes_scaling.runs.counting import Counting, ParamsCounting
from bayes_scaling.runs.flops import (
    PEARCE_SONG_OMEGA,
    non_embedding_params,
    total_params,
    training_flops,
)
from bayes_scaling.runs.problems import Origin, Problem, RunsError
from bayes_scaling.runs.shown import as_html, as_text

__all__ = ["DEFAULT_TOLERANCE", "Runs"]

Floats = npt.NDArray[np.float64]

DEFAULT_TOLERANCE = 2.0
"""Counting embeddings and attention moves compute by up to about 1.8 in published tables."""

_ABOUT_READING = frozenset(
    {"ambiguous-column", "loss-unit-name", "suspect-runs", "unfinished-runs"}
)
_QUERY_ERRORS = (
    AttributeError, KeyError, NameError, NotImplementedError, RecursionError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
"""What pandas raises where an expression cannot be parsed, or not be worked out on the columns."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Runs:
    """A table of training runs that has passed every check; made by `read_runs`.

    Attributes
    ----------
    table
        n rows, RangeIndex. `params`, `tokens`, `flops` and `loss` (nats per token) are float64,
        finite and positive; then the optional columns, then all others as they came.
    name
        Short name.
    source
        Path or citation; "" for a data frame.
    renamed
        Original column -> canonical name.
    ignored
        Columns that nothing in the package reads; they can be used as groups.
    problems
        Warnings; they follow the runs into fits and reports.
    excluded
        Rows that were left out, with a `reason`.
    origin
        Where each row came from, so that later messages can name it.
    tolerance
        Factor by which flops may differ from 6ND.
    selection
        Expressions that `select` was given.
    counting
        What N and C count.
    """

    table: pd.DataFrame
    name: str
    source: str
    renamed: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    excluded: pd.DataFrame = field(default_factory=pd.DataFrame)
    origin: Origin
    tolerance: float = DEFAULT_TOLERANCE
    selection: tuple[str, ...] = ()
    counting: Counting = field(default_factory=Counting)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def params(self) -> Floats:
        """Parameters N, shape (n,)."""
        return self.table["params"].to_numpy(dtype=np.float64)

    @property
    def tokens(self) -> Floats:
        """Tokens seen D, repeats counted, shape (n,)."""
        return self.table["tokens"].to_numpy(dtype=np.float64)

    @property
    def flops(self) -> Floats:
        """Training compute C in FLOPs, shape (n,)."""
        return self.table["flops"].to_numpy(dtype=np.float64)

    @property
    def loss(self) -> Floats:
        """Loss in nats per token, shape (n,)."""
        return self.table["loss"].to_numpy(dtype=np.float64)

    def numbers(self) -> dict[str, Floats]:
        """Every column that holds numbers, as float64, by name."""
        return {
            str(name): self.table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            for name in self.table.columns
            if pd.api.types.is_numeric_dtype(self.table[name].dtype)
        }

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical columns in row order; the same on every platform."""
        digest = hashlib.sha256()
        for column in CANONICAL:
            if column in self.table.columns:
                digest.update(f"{column}\0{len(self)}\0".encode())
                digest.update(_column_bytes(self.table[column], numeric=column in NUMERIC))
        return digest.hexdigest()

    def select(self, query: str) -> Runs:
        """Return the runs for which a pandas expression holds, checked again.

        Parameters
        ----------
        query
            Such as `"tokens / params > 1 and run_set.str.startswith('tokenparam')"`; a column
            with spaces goes in backticks.

        Returns
        -------
        Runs
            With the same name; warnings are those of the rows that are left.

        Raises
        ------
        InputError
            If the expression is not valid, or selects nothing; as `RunsError` if what is left
            cannot be fitted.
        """
        mask = self._mask(query)
        if not mask.any():
            raise InputError(f"the condition {query!r} leaves none of the {len(self)} runs")
        return self._only(mask, query)

    def _only(self, mask: npt.NDArray[np.bool_], reason: str) -> Runs:
        """The rows of a mask, checked again."""
        table = self.table[mask].reset_index(drop=True)
        shown = {canonical: original for original, canonical in self.renamed.items()}
        checked = numeric_table(
            table, self.origin.take(mask), loss_unit="nats", tolerance=self.tolerance, shown=shown
        )
        problems = check_table(checked)
        if any(problem.severity == "error" for problem in problems):
            raise RunsError(problems)
        kept = [problem for problem in self.problems if problem.code in _ABOUT_READING]
        return replace(
            self,
            table=checked.frame,
            origin=checked.origin,
            problems=(*kept, *problems),
            selection=(*self.selection, reason),
        )

    def _mask(self, query: str) -> npt.NDArray[np.bool_]:
        try:
            # Renamed columns answer to both names; those without a single value were dropped.
            renamed = self.renamed.items()
            old = {name: self.table[new] for name, new in renamed if new in self.table}
            known = self.table.assign(**{k: v for k, v in old.items() if k not in self.table})
            kept = known.eval(query, engine="python", local_dict={}, global_dict={})
        except _QUERY_ERRORS as error:
            columns = ", ".join(map(str, self.table.columns))
            raise InputError(
                f"the condition {query!r} is not a valid expression: {error}; the columns are "
                f"{columns}"
            ) from error
        if not (isinstance(kept, pd.Series) and pd.api.types.is_bool_dtype(kept.dtype)):
            raise InputError(
                f"the condition {query!r} gives {type(kept).__name__}, not true or false for each "
                "run; expected a comparison such as 'params > 1e9'"
            )
        return kept.fillna(value=False).to_numpy(dtype=bool)

    def near_best(
        self, share: float, by: Sequence[str] = (), *, bracketed_only: bool = False
    ) -> Runs:
        """Runs whose loss is near the least that their group reached with no more compute.

        Compute within 5 % is the same compute.

        Parameters
        ----------
        share
            How far above it the loss may be, as a share of it.
        by
            Columns that make the groups.
        bracketed_only
            Leave out budgets whose best size is the smallest or the largest that was tried.

        Returns
        -------
        Runs
            Checked again, as by `select`.

        Raises
        ------
        InputError
            No budget is bracketed.
        """
        labels = self.groups(by) if by else pd.Series(np.zeros(len(self)))
        group = pd.factorize(labels)[0].astype(np.int64)
        kept = self.loss <= (1 + share) * least_so_far(self.flops, self.loss, group)
        reason = f"loss within {share:.3g} of the least with no more compute"
        if bracketed_only:
            kept &= bracketed(self.params, self.loss, budget_index(self.flops, group))
            reason += ", at budgets whose best size has smaller and larger ones beside it"
        if not kept.any():
            raise InputError(
                f"no budget of {self.name} has a size with less loss than a smaller and a larger "
                "one: isoFLOP valleys need runs of several sizes at equal compute"
            )
        return self._only(kept, reason)

    def recent(
        self, scale: Floats, factor: float, by: Sequence[str] = (), *, fewest: int = 6
    ) -> Runs:
        """Runs within a factor of the largest scale of their group.

        Parameters
        ----------
        scale
            Compute, or what else the runs are followed along, shape (n,).
        factor
            How many times less than the largest it may be.
        by
            Columns that make the groups.
        fewest
            As many different scales are kept of a group where that leaves fewer.

        Returns
        -------
        Runs
            Checked again, as by `select`.
        """
        labels = self.groups(by) if by else pd.Series(np.zeros(len(self)))
        group = pd.factorize(labels)[0]
        kept = np.zeros(len(self), dtype=bool)
        for g in np.unique(group):
            own = scale[group == g]
            different = np.unique(own)
            least = min(different[-1] / factor, different[-min(fewest, len(different))])
            kept |= (group == g) & (scale >= least)
        return (
            self
            if kept.all()
            else self._only(kept, f"scale within a factor of {factor:g} of the largest")
        )

    def count_params(self, counting: ParamsCounting, *, omega: float | None = None) -> Runs:
        """Count N otherwise: with embeddings or without; compute becomes 6 N D in the new N.

        Parameters
        ----------
        counting
            "total" or "non-embedding".
        omega
            Of the relation N_total = N + omega N^(1/3) (Pearce and Song 2024), for tables that do
            not have the other count in a column `params_non_embedding`; by default that of
            Hoffmann et al.'s models, with a vocabulary of 32,000.

        Returns
        -------
        Runs
            The former `params` and `flops` are kept as `params_as_read` and `flops_as_read`.

        Raises
        ------
        InputError
            The runs do not say what their parameters count, or it cannot be converted.
        """
        if counting == self.counting.params:
            return self
        params = self._recounted(counting, PEARCE_SONG_OMEGA if omega is None else omega)
        table = self.table.assign(
            params_as_read=self.params,
            flops_as_read=self.flops,
            params=params,
            flops=training_flops(params, self.tokens),
        )
        return replace(self, table=table, counting=Counting(params=counting, flops="6ND"))

    def count_flops(self) -> Runs:
        """Count C as 6 N D in the runs' own N, whatever it counted before.

        Returns
        -------
        Runs
            The former `flops` are kept as `flops_as_read`.
        """
        if self.counting.flops == "6ND":
            return self
        flops = training_flops(self.params, self.tokens)
        table = self.table.assign(flops_as_read=self.flops, flops=flops)
        return replace(self, table=table, counting=replace(self.counting, flops="6ND"))

    def _recounted(self, counting: str, omega: float) -> Floats:
        way = (self.counting.params, counting)
        if counting == "non-embedding" and "params_non_embedding" in self.table:
            return self.table["params_non_embedding"].to_numpy(dtype=np.float64)
        if way == ("total", "non-embedding"):
            return non_embedding_params(self.params, omega=omega)
        if way == ("non-embedding", "total"):
            return total_params(self.params, omega=omega)
        raise InputError(
            f"params of {self.name} are counted {self.counting.params!r}, which cannot be "
            f"converted to {counting!r}: only 'total' and 'non-embedding' turn into one another. "
            "Say what the table counts with counting= (--counting), or add a column "
            "params_non_embedding"
        )

    def groups(self, by: str | Sequence[str]) -> pd.Series:
        """Label every run by one column or several.

        Parameters
        ----------
        by
            A column, by its own name or the canonical one, or several whose values are joined by
            "/".

        Returns
        -------
        Series
            n strings, named after the columns.

        Raises
        ------
        InputError
            If a column does not exist; as `RunsError` if one has empty cells.
        """
        given = [by] if isinstance(by, str) else list(by)
        columns = [c if c in self.table.columns else self.renamed.get(c, c) for c in given]
        unknown = [column for column in columns if column not in self.table.columns]
        if unknown or not columns:
            what = unknown[0] if len(unknown) == 1 else tuple(unknown)
            raise InputError(unknown_name("group column", what, self.table.columns))
        problems = [p for column in columns if (p := self._unlabelled(column)) is not None]
        if problems:
            raise RunsError(problems)
        labels = _as_labels(self.table[columns[0]])
        for column in columns[1:]:
            labels = labels + "/" + _as_labels(self.table[column])
        return labels.rename("/".join(columns))

    def _unlabelled(self, column: str) -> Problem | None:
        cells = self.table[column]
        empty = (cells.isna() | (_as_labels(cells).str.strip() == "")).to_numpy(dtype=bool)
        if not empty.any():
            return None
        rows, where = self.origin.named(np.flatnonzero(empty))
        return Problem(
            code="missing-group",
            severity="error",
            message=f"{self.origin.label}, {where}, column {column}: found an empty cell; expected "
            "the name of a group. Fill the cell, or leave the rows out with select() (--where).",
            column=column,
            rows=rows,
            n_rows=int(empty.sum()),
            found="an empty cell",
            expected="the name of a group",
        )

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def _as_labels(cells: pd.Series) -> pd.Series:
    """Cells as strings; 1024.0 becomes "1024", since empty cells turn integers into floats."""
    if pd.api.types.is_float_dtype(cells.dtype):
        return pd.Series([f"{cell:.12g}" for cell in cells], index=cells.index, dtype=object)
    return cells.astype(object).astype(str).astype(object)


def _column_bytes(cells: pd.Series, *, numeric: bool) -> bytes:
    if numeric:
        values = cells.to_numpy(dtype="<f8")
        return np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
    texts = _as_labels(cells).where(cells.notna(), "")
    return "".join(f"{len(text)}:{text}" for text in texts).encode()
