"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AcceptProblems",
    "Budgets",
    "By",
    "FitFile",
    "Groups",
    "Json",
    "LawOnly",
    "NewGroup",
    "Page",
    "Prob",
    "examples",
    "groups_asked",
    "split_values",
]

FitFile = Annotated[
    Path, typer.Argument(metavar="FIT", help="A fit, such as fit.nc.", show_default=False)
]
Budgets = Annotated[
    list[str],
    typer.Option(
        "--flops",
        metavar="C",
        help="Training compute, such as 5.76e23 or '3000 PF-days'; repeat it or use commas.",
        show_default=False,
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
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="A group to ask about; repeat for more. All that have runs by default.",
    ),
]
NewGroup = Annotated[
    bool,
    typer.Option("--new-group", help="Ask about a group without runs (hierarchical fits)."),
]
Page = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="HTML", help="Also write it as one HTML page."),
]
Prob = Annotated[float, typer.Option("--prob", help="Probability of the credible intervals.")]
LawOnly = Annotated[
    bool,
    typer.Option(
        "--law-only", help="Take the law for the truth, however far beyond the runs: narrower."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, numbers in full precision.")]
AcceptProblems = Annotated[
    bool,
    typer.Option("--accept-problems", help="Exit with 0 even if the fit must not be trusted."),
]


def examples(*lines: str) -> str:
    r"""Examples as the epilog of a help page; the \b keeps its lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def groups_asked(groups: list[str] | None, new_group: bool) -> list[str] | None:
    """Groups of a question, None for all that have runs."""
    if not new_group:
        return groups or None
    from bayes_scaling import NEW_GROUP

    return [*(groups or []), NEW_GROUP]


def split_values(values: list[str] | None) -> list[str] | None:
    """Values given by repeating an option or as a list with commas; "1,000,000" is one value."""
    if not values:
        return None
    return [part for value in values for part in _parts(value)]


def _parts(value: str) -> list[str]:
    from bayes_scaling.errors import InputError
    from bayes_scaling.units import parse_flops

    try:
        parse_flops(value)
    except InputError:
        return value.split(",")
    return [value]
