"""What the commands on tables of scores have in common: options, and how tables are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bayes_scaling import MetricCurves

__all__ = ["Figure", "Unit", "Where", "one_scale", "read_curves"]

Where = Annotated[
    str | None,
    typer.Option("--where", metavar="EXPRESSION", help="Use only scores such as 'n_shots == 0'."),
]
Unit = Annotated[
    str, typer.Option("--unit", metavar="UNIT", help="Of scores: percent, fraction or auto.")
]
Figure = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Draw the curves there (png, pdf or svg)."),
]


def one_scale(**scales: str | None) -> dict[str, Any]:
    """The one scale that is asked about, if any."""
    from bayes_scaling.errors import InputError

    given = {name: value for name, value in scales.items() if value}
    if len(given) > 1:
        named = " or ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"give {named}, not both")
    return given


def read_curves(
    source: str, where: str | None, *, unit: str = "auto", **settings: Any
) -> MetricCurves:
    """Scores of a file, a folder of result files, or a data set, read with settings of the reader.

    What weakens every answer about them is said on standard error, before an answer takes time,
    and which columns were taken for what, and that scores were taken for percentages.

    Raises
    ------
    InputError
        There is no such file or set, or it cannot be used.
    """
    import bayes_scaling as bs
    from bayes_scaling.errors import InputError
    from bayes_scaling.runs import list_runs

    if unit != "auto":
        settings["unit"] = unit
    sets = [entry.name for entry in list_runs() if entry.holds == "metrics"]
    if source in sets:
        curves = bs.load_metrics(source, **settings)
    elif "." not in source and not Path(source).exists():
        raise InputError(
            f"{source!r} is neither a file nor a data set of scores; of those there are "
            f"{', '.join(sets)}"
        )
    else:
        curves = bs.read_metrics(source, **settings)
    if curves.renamed and source not in sets:
        taken = ", ".join(f"{old!r} as {new}" for old, new in curves.renamed.items())
        typer.echo(f"Note: columns are read by other names: {taken}.", err=True)
    if unit == "auto" and curves.percent and source not in sets:
        named = ", ".join(curves.percent)
        typer.echo(
            f"Note: scores of {named} are read as percent, since some are above 1.", err=True
        )
    if where is not None:
        curves = curves.select(where)
    for problem in curves.problems:
        typer.echo(f"warning: {problem.message}", err=True)
    return curves
