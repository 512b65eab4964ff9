"""``bayes-scaling fit``: from a table of runs to a posterior in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.options import AcceptProblems, Json
from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    from bayes_scaling import Runs

__all__ = ["default_model", "fit"]

RANGES = {"seed": (0, 2**32 - 1), "draws": (4, 100_000), "tune": (1, 100_000), "chains": (2, 64)}

Table = Annotated[
    str,
    typer.Argument(
        metavar="RUNS",
        help="A table (CSV, TSV, Parquet, JSON Lines) or a data set (see `bayes-scaling data`).",
        show_default=False,
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FIT", help="File to write, such as fit.nc.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="CARD",
        help="Name or path of a model card. By default chinchilla, or chinchilla-hierarchical "
        "with --by.",
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Column that makes the groups; twice for two crossed ones. By default what the card "
        "pools over.",
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
Seed = Annotated[int, typer.Option("--seed", help="The same seed, the same draws.")]
Draws = Annotated[int, typer.Option("--draws", help="Draws kept of a chain.")]
Tune = Annotated[int, typer.Option("--tune", help="Draws of a chain to adapt with.")]
Chains = Annotated[int, typer.Option("--chains", help="Number of chains.")]
Sampler = Annotated[str, typer.Option("--sampler", metavar="NAME", help="nutpie, pymc or numpyro.")]
TargetAccept = Annotated[
    float, typer.Option("--target-accept", help="Higher is slower and more careful; below 1.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no table; warnings still.")
]


def fit(
    runs: Table,
    output: Output,
    model: Model = None,
    by: By = None,
    where: Where = None,
    rename: Rename = None,
    loss_unit: LossUnit = "nats",
    keep_suspect: KeepSuspect = False,
    seed: Seed = 1,
    draws: Draws = 1000,
    tune: Tune = 1500,
    chains: Chains = 4,
    sampler: Sampler = "nutpie",
    target_accept: TargetAccept = 0.95,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Sample the posterior of a scaling law given runs, and write it to a file.

    With --json: {format, n_runs, groups, diagnostics, seconds, parameters, warnings, ...}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.errors import interruptible
    from bayes_scaling.cli.files import check_writable
    from bayes_scaling.cli.summary import describe_fit, show_fit

    # What can be refused is refused before the sampler is even imported.
    _check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    card = bs.load_card(model or default_model(by))
    check_writable(output, runs)
    table = _read(runs, where, rename, loss_unit=loss_unit, keep_suspect=keep_suspect)
    with interruptible():
        posterior = bs.fit(
            table,
            model=card,
            by=by or None,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            sampler=sampler,
            target_accept=target_accept,
            progress=not quiet,
        )
    posterior.save(output)
    if as_json:
        printing.print_json(describe_fit(posterior, 0.9))
    elif quiet:
        for check in posterior.problems():
            typer.echo(f"warning: {check.text}", err=True)
    else:
        show_fit(posterior, 0.9)
        typer.echo(f"written to {output}")
    if not posterior.trusted:
        typer.echo(f"{output} was written all the same.", err=True)
    printing.end_with_trust(posterior, accept_problems)


def default_model(by: list[str] | None) -> str:
    """Card to use if none is named."""
    return "chinchilla-hierarchical" if by else "chinchilla"


def _check_ranges(**given: int) -> None:
    for name, value in given.items():
        least, most = RANGES[name]
        if not least <= value <= most:
            raise InputError(f"--{name} must lie between {least} and {most}, not {value}")


def _read(
    source: str,
    where: str | None,
    rename: list[str] | None,
    *,
    loss_unit: str,
    keep_suspect: bool,
) -> Runs:
    from bayes_scaling.cli.tables import find_runs, parse_renames

    settings = {"loss_unit": loss_unit, "keep_suspect": keep_suspect}
    given: dict[str, Any] = {
        name: value
        for name, value in settings.items()
        if value != {"loss_unit": "nats", "keep_suspect": False}[name]
    }
    reserved = ("source", "name", "tolerance", *settings)
    runs = find_runs(source, **given, **parse_renames(rename or (), reserved))
    return runs if where is None else runs.select(where)
