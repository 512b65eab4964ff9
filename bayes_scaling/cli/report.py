"""``bayes-scaling report``: a fit as one HTML page to send around."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_scaling.cli.forecast import Points, read_points
from bayes_scaling.cli.options import (
    AcceptProblems,
    FitFile,
    Groups,
    Json,
    NewGroup,
    Prob,
    groups_asked,
    split_values,
)

__all__ = ["report"]

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="HTML", help="File to write, such as report.html.")
]
Flops = Annotated[
    list[str] | None,
    typer.Option("--flops", metavar="C", help="Budgets to plan for; repeat it or use commas."),
]


def report(
    fit: FitFile,
    output: Output,
    flops: Flops = None,
    at: Points = None,
    group: Groups = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Write a self-contained HTML report of a fit.

    With --json: {format, path}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_page

    posterior = bs.load_fit(fit)
    check_page(output, fit)
    from bayes_scaling.report import write_report

    path = write_report(
        posterior,
        output,
        flops=split_values(flops),
        points=None if at is None else read_points(at),
        prob=prob,
        group=groups_asked(group, new_group),
    )
    if as_json:
        printing.print_json({"format": 1, "path": str(path)})
    else:
        typer.echo(f"written to {path}")
    printing.end_with_trust(posterior, accept_problems)
