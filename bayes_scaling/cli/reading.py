"""The RUNS argument, and the options that say how the table is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.tables import find_runs, parse_renames
from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    from bayes_scaling import Runs

__all__ = [
    "CountFlops",
    "CountParams",
    "Counting",
    "CountingFlops",
    "KeepSuspect",
    "LossUnit",
    "Omega",
    "Reading",
    "Rename",
    "Table",
    "Where",
]  # fmt: skip

Table = Annotated[
    str,
    typer.Argument(
        metavar="RUNS",
        help="A table (CSV, TSV, Parquet, JSON Lines) or a data set (see `bayes-scaling data`).",
        show_default=False,
    ),
]
Where = Annotated[
    str | None,
    typer.Option("--where", metavar="EXPRESSION", help="Use only runs such as 'params > 1e8'."),
]
Rename = Annotated[
    list[str] | None,
    typer.Option(
        "--rename",
        metavar="CANONICAL=THEIRS",
        help="What the table calls a column, such as params=my_n; repeatable.",
    ),
]
LossUnit = Annotated[
    str,
    typer.Option("--loss-unit", metavar="UNIT", help="nats, bits or perplexity, each per token."),
]
KeepSuspect = Annotated[
    bool, typer.Option("--keep-suspect", help="Use the rows that a suspect column marks, too.")
]
Counting = Annotated[
    str,
    typer.Option(
        "--counting",
        metavar="WHAT",
        help="What params counts in the table: total, non-embedding, with-head or active.",
    ),
]
CountingFlops = Annotated[
    str,
    typer.Option(
        "--counting-flops",
        metavar="WHAT",
        help="What flops counts in the table, if not 6ND: 6ND-non-embedding, kaplan or hoffmann.",
    ),
]
CountParams = Annotated[
    str | None,
    typer.Option(
        "--count-params",
        metavar="WHAT",
        help="Convert params to total or non-embedding, and compute to 6ND in these; --where "
        "still sees the table's own.",
    ),
]
CountFlops = Annotated[
    bool,
    typer.Option("--count-flops", help="Convert compute to 6ND in the table's params."),
]
Omega = Annotated[
    float | None,
    typer.Option(
        "--omega",
        metavar="OMEGA",
        help="Of N_total = N + OMEGA N^(1/3), N without embeddings; by default 47491, for a "
        "vocabulary of 32,000. A column params_non_embedding goes before it.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a table of runs: the options of those names."""

    where: str | None = None
    rename: tuple[str, ...] = ()
    loss_unit: str = "nats"
    keep_suspect: bool = False
    counting: str = "as given"
    counting_flops: str = "as given"
    count_params: str | None = None
    count_flops: bool = False
    omega: float | None = None

    def read(self, source: str) -> Runs:
        """The runs of a file or of the catalogue.

        Raises
        ------
        InputError
            They cannot be had, read or converted.
        """
        settings = {
            "loss_unit": self.loss_unit,
            "keep_suspect": self.keep_suspect,
            "counting": self.counting,
            "counting_flops": self.counting_flops,
        }
        defaults = vars(Reading())
        given: dict[str, Any] = {k: v for k, v in settings.items() if v != defaults[k]}
        reserved = ("source", "name", "tolerance", *settings)
        runs = find_runs(source, **given, **parse_renames(self.rename, reserved))
        if self.where is not None:
            runs = runs.select(self.where)
        return self._counted(runs)

    def _counted(self, runs: Runs) -> Runs:
        if self.count_flops:
            runs = runs.count_flops()
        if self.count_params is None:
            if self.omega is not None:
                raise InputError("--omega says how to convert params: give --count-params, too")
            return runs
        known = ("total", "non-embedding")
        if self.count_params not in known:
            raise InputError(
                f"--count-params must be {' or '.join(known)}, not {self.count_params!r}"
            )
        return runs.count_params(self.count_params, omega=self.omega)  # type: ignore[arg-type]
