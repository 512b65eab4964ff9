"""``bayes-scaling forecast``: the loss that runs will reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    import pandas as pd

    from bayes_scaling import Forecast

__all__ = ["forecast", "read_points", "show_forecast"]

Params = Annotated[
    list[str] | None,
    typer.Option(
        "--params", metavar="N", help="Model size, such as 70B; repeat it or use commas for more."
    ),
]
Tokens = Annotated[
    list[str] | None,
    typer.Option(
        "--tokens",
        metavar="D",
        help="Training tokens, such as 1.4T; one for all sizes, or one each.",
    ),
]
Points = Annotated[
    Path | None,
    typer.Option(
        "--at",
        metavar="POINTS",
        help="Instead: a table (CSV, TSV, Parquet, JSON Lines) with columns params, tokens and, "
        "for a hierarchical fit, its grouping column. Answers come in its order.",
    ),
]
Noise = Annotated[
    bool,
    typer.Option("--with-noise", help="Interval of what one run measures, not of the law's mean."),
]


def forecast(
    fit: FitFile,
    params: Params = None,
    tokens: Tokens = None,
    group: Groups = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    at: Points = None,
    with_noise: Noise = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Forecast the loss of runs, with credible intervals.

    With --json: a list of {params, tokens, group, mean, median, sd, lower, upper, prob}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output
    from bayes_scaling.inference.storage import QUESTION_GROUPS

    posterior = bs.load_fit(fit, groups=QUESTION_GROUPS)
    answer = bs.forecast(
        posterior,
        None if at is None else read_points(at),
        params=split_values(params),
        tokens=split_values(tokens),
        group=groups_asked(group, new_group),
        prob=prob,
        observation_noise=with_noise,
    )
    if as_json:
        output.print_json_text(answer.to_json())
    else:
        show_forecast(answer)
    output.print_caveat(posterior, answer.draws["decades_beyond"].to_numpy(), as_json=as_json)
    output.end_with_trust(posterior, accept_problems)


def read_points(path: Path) -> pd.DataFrame:
    """The table of a POINTS file; common spellings of params and tokens are understood."""
    from bayes_scaling.runs.columns import match_columns
    from bayes_scaling.runs.readers import read_table

    frame = read_table(path).frame
    names = [str(name) for name in frame.columns]
    found = match_columns(names, {}, loss_unit="nats", label=path.name).columns
    wanted = {names[found[name]]: name for name in ("params", "tokens") if name in found}
    return frame.rename(columns=wanted)


def show_forecast(answer: Forecast) -> None:
    """Print a forecast as a table."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    what = "loss of one run" if answer.observation_noise else "loss"
    rows = [
        [
            *(format_quantity(row[name]) for name in ("params", "tokens", "flops")),
            str(row["group"]),
            f"{row['median']:.3f}",
            f"{row['lower']:.3f} to {row['upper']:.3f}",
        ]
        for row in answer.table().to_dict("records")
    ]
    heads = ["params", "tokens", "FLOPs", "group", what, output.interval_name(answer.prob)]
    output.print_table(heads, rows, left=("group",))
