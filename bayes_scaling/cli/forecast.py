"""``bayes-scaling forecast``: the loss that runs will reach."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.options import (
    AcceptProblems,
    FitFile,
    Groups,
    Json,
    LawOnly,
    NewGroup,
    Prob,
    groups_asked,
    split_values,
)
from bayes_scaling.cli.questions import open_fit, print_answer

if TYPE_CHECKING:
    import pandas as pd

    from bayes_scaling import Forecast

__all__ = ["Points", "forecast", "read_points", "show_forecast"]

Values = list[str] | None

Params = Annotated[
    Values,
    typer.Option(
        "--params", metavar="N", help="Model size, such as 70B; repeat it or use commas for more."
    ),
]
Tokens = Annotated[
    Values,
    typer.Option(
        "--tokens",
        metavar="D",
        help="Training tokens, such as 1.4T; one for all sizes, or one each.",
    ),
]
Flops = Annotated[
    Values,
    typer.Option("--flops", metavar="C", help="Training compute, in place of one of the two."),
]
UniqueTokens = Annotated[
    Values,
    typer.Option(
        "--unique-tokens", metavar="U", help="Different tokens, for a law of repeated data."
    ),
]
Step = Annotated[
    Values, typer.Option("--step", metavar="S", help="Parameter updates, for a law of steps.")
]
BatchTokens = Annotated[
    Values, typer.Option("--batch-tokens", metavar="B", help="Tokens of a batch, for such a law.")
]
AspectRatio = Annotated[
    Values,
    typer.Option("--aspect-ratio", metavar="R", help="Width over depth, for a law of shape."),
]
Width = Annotated[Values, typer.Option("--width", metavar="W", help="Or d_model, with --depth.")]
Depth = Annotated[Values, typer.Option("--depth", metavar="L", help="Or layers, with --width.")]
Pretrained = Annotated[
    Values,
    typer.Option(
        "--pretrained",
        metavar="YES|NO",
        help="Whether it starts from a pre-trained model, for a law of transfer.",
    ),
]
FlopsMin = Annotated[
    Values,
    typer.Option("--flops-min", metavar="C", help="Minimum compute, for a law in flops_min."),
]
Points = Annotated[
    Path | None,
    typer.Option(
        "--at",
        metavar="POINTS",
        help="Instead: a table (CSV, TSV, Parquet, JSON Lines) with columns params, tokens (or "
        "what else the law depends on, named as above) and, for a hierarchical fit, its grouping "
        "column. Answers come in its order.",
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
    flops: Flops = None,
    unique_tokens: UniqueTokens = None,
    step: Step = None,
    batch_tokens: BatchTokens = None,
    aspect_ratio: AspectRatio = None,
    width: Width = None,
    depth: Depth = None,
    pretrained: Pretrained = None,
    flops_min: FlopsMin = None,
    at: Points = None,
    group: Groups = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    with_noise: Noise = False,
    law_only: LawOnly = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Forecast the loss of runs, with credible intervals.

    Beyond the runs they allow for the law being an approximation; the last column shows what they
    would be if it were the truth.

    With --json: a list of {params, tokens, ..., group, mean, median, sd, lower, upper, prob,
    counting}, where ... is what else the question gave.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output

    given = {
        "params": params, "tokens": tokens, "flops": flops, "unique_tokens": unique_tokens,
        "step": step, "batch_tokens": batch_tokens, "aspect_ratio": aspect_ratio, "width": width,
        "depth": depth, "pretrained": pretrained, "flops_min": flops_min,
    }  # fmt: skip
    posterior = open_fit(fit, law_only=law_only)
    answer = bs.forecast(
        posterior,
        None if at is None else read_points(at),
        group=groups_asked(group, new_group),
        prob=prob,
        observation_noise=with_noise,
        **{name: split_values(values) for name, values in given.items()},
    )
    print_answer(answer, show_forecast, as_json=as_json)
    x, *more = posterior.inputs
    unused = [name for name in answer.asked if name != x] if not more and x in answer.asked else []
    if unused:
        typer.echo(f"Note: the law depends on {x} alone, not on {', '.join(unused)}.", err=True)
    decades = answer.labels["decades_beyond"]
    output.print_caveat(posterior, decades, as_json=as_json, along=answer.along)
    output.end_with_trust(posterior, accept_problems)


def read_points(path: Path) -> pd.DataFrame:
    """The table of a POINTS file; common spellings of the inputs of laws are understood."""
    from bayes_scaling.decisions.forecast import COLUMNS
    from bayes_scaling.runs.columns import match_columns
    from bayes_scaling.runs.readers import read_table

    frame = read_table(path).frame
    names = [str(name) for name in frame.columns]
    found = match_columns(names, {}, loss_unit="nats", label=path.name).columns
    wanted = {names[found[name]]: name for name in COLUMNS if name in found}
    return frame.rename(columns=wanted)


def show_forecast(answer: Forecast) -> None:
    """Print a forecast as a table."""
    from bayes_scaling.cli import output

    what = "loss of one run" if answer.observation_noise else "loss"
    table = answer.rows()
    plain = None if answer.law_only is None else answer.law_only.rows()
    sizes = [
        name
        for name in ("params", "tokens", "flops")
        if any(row[name] == row[name] for row in table)
    ]
    inputs = list(dict.fromkeys([*sizes, *answer.asked]))
    intervals = [
        [f"{row['lower']:.3f} to {row['upper']:.3f}" for row in each]
        for each in (table, plain)
        if each is not None
    ]
    rows = [
        [
            *(_cell(name, row) for name in inputs),
            str(row["group"]),
            f"{row['median']:.3f}",
            *ends,
        ]
        for row, *ends in zip(table, *intervals, strict=True)
    ]
    named = ["FLOPs" if name == "flops" else name.replace("_", " ") for name in inputs]
    heads = [*named, "group", what, output.interval_name(answer.prob)]
    heads += [] if plain is None else ["law only"]
    output.print_table(heads, rows, left=("group",))
    output.print_counting(answer.counting)


def _cell(name: str, row: Mapping[Any, Any]) -> str:
    from bayes_scaling.units import format_quantity

    if name == "pretrained":
        return "yes" if row[name] else "no"
    return format_quantity(row[name])
