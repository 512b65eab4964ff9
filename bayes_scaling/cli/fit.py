"""``bayes-scaling fit``: from a table of runs to a posterior in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_scaling.cli.options import AcceptProblems, By, Json
from bayes_scaling.cli.reading import (
    CountFlops,
    Counting,
    CountingFlops,
    CountParams,
    KeepSuspect,
    LossUnit,
    Omega,
    Reading,
    Rename,
    Table,
    Where,
)
from bayes_scaling.cli.sampling import Chains, Draws, Quiet, Seed, Tune, check_ranges
from bayes_scaling.resources import DEFAULT_CARD

__all__ = ["fit"]

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FIT", help="File to write, such as fit.nc.")
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="CARD",
        help="Name or path of a model card.",
    ),
]
Variable = Annotated[
    str | None,
    typer.Option(
        "--x",
        metavar="VARIABLE",
        help="Variable of a law of one variable: params, tokens, flops, step, ... By default the "
        "card's own.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="nuts, or quick: seconds without a compiler, for one group of runs. It hands over to "
        "nuts where it does not serve.",
    ),
]
Sampler = Annotated[str, typer.Option("--sampler", metavar="NAME", help="nutpie, pymc or numpyro.")]
TargetAccept = Annotated[
    float, typer.Option("--target-accept", help="Higher is slower and more careful; below 1.")
]


def fit(
    runs: Table,
    output: Output,
    model: Model = DEFAULT_CARD,
    by: By = None,
    x: Variable = None,
    where: Where = None,
    rename: Rename = None,
    loss_unit: LossUnit = "nats",
    keep_suspect: KeepSuspect = False,
    counting: Counting = "as given",
    counting_flops: CountingFlops = "as given",
    count_params: CountParams = None,
    count_flops: CountFlops = False,
    omega: Omega = None,
    seed: Seed = 1,
    draws: Draws = 1000,
    tune: Tune = 1500,
    chains: Chains = 4,
    engine: Engine = "nuts",
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
    from bayes_scaling.cli.files import check_fit
    from bayes_scaling.cli.summary import describe_fit, show_fit

    # What can be refused is refused before the sampler is even imported.
    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    card = bs.load_card(model).on(x)
    check_fit(output, runs)
    reading = Reading(
        where=where,
        rename=tuple(rename or ()),
        loss_unit=loss_unit,
        keep_suspect=keep_suspect,
        counting=counting,
        counting_flops=counting_flops,
        count_params=count_params,
        count_flops=count_flops,
        omega=omega,
    )
    table = reading.read(runs)
    with interruptible():
        posterior = bs.fit(
            table,
            model=card,
            by=by or None,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            engine=engine,
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
