"""``bayes-scaling next``: which runs to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_scaling.cli.forecast import read_points
from bayes_scaling.cli.options import (
    AcceptProblems,
    FitFile,
    Json,
    LawOnly,
    Page,
)
from bayes_scaling.cli.questions import open_fit, print_answer

if TYPE_CHECKING:
    from bayes_scaling import Fit, NextRuns

__all__ = ["next_runs"]

Goal = Annotated[
    str,
    typer.Option(
        "--goal",
        metavar="GOAL",
        help="What should become more certain: loss@N,D (such as loss@70B,1.4T), optimum@C, "
        "choice@C (between two groups), or law (Kaplan's or Chinchilla's).",
        show_default=False,
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="C",
        help="FLOPs for all runs together; needed without --candidates.",
        show_default=False,
    ),
]
Candidates = Annotated[
    Path | None,
    typer.Option(
        "--candidates",
        metavar="TABLE",
        help="Runs to choose from, instead of a grid up to the budget: columns params, tokens and, "
        "for a hierarchical fit, its grouping column.",
    ),
]
Runs = Annotated[
    int, typer.Option("--runs", metavar="K", help="Choose a batch of so many runs, one by one.")
]
By = Annotated[
    str,
    typer.Option("--by", metavar="WHAT", help="Rank by the gain per flop, or of the whole run."),
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="The group that the goal is about; twice for the two of a choice.",
    ),
]
RunGroup = Annotated[
    list[str] | None,
    typer.Option(
        "--run-group",
        metavar="NAME",
        help="A group that the runs may be of; repeat for more. By default those of the goal.",
    ),
]
MOST_SHOWN = 12


def next_runs(
    fit: FitFile,
    goal: Goal,
    budget: Budget = None,
    candidates: Candidates = None,
    runs: Runs = 1,
    by: By = "flop",
    group: Group = None,
    run_group: RunGroup = None,
    law_only: LawOnly = False,
    output: Page = None,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Rank the runs to do next by what they are expected to teach about a goal.

    sd after is the standard deviation of the goal that a run leaves in expectation; the gain is
    what it takes away, and mc_error (±) the Monte Carlo standard error of that.

    With --json: a list of {params, tokens, group, flops, sd_now, sd_after, gain_per_flop,
    mc_error}, the best first; with --runs the runs of the batch in order, each after those before.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_page

    if output is not None:
        check_page(output, fit, *([] if candidates is None else [candidates]))
    posterior = open_fit(fit, law_only=law_only)
    table = None if candidates is None else read_points(candidates)
    answer = bs.next_runs(
        posterior, table, goal=goal, budget=budget, runs=runs, by=by, group=group or None,
        run_group=run_group or None,
    )  # fmt: skip
    if output is not None:
        from bayes_scaling.report import write_next_runs

        write_next_runs(answer, posterior, output)
    print_answer(answer, _show, as_json=as_json)
    printing.print_written(output, as_json=as_json)
    _caveat(posterior, answer, as_json)
    printing.end_with_trust(posterior, accept_problems)


def _caveat(fit: Fit, answer: NextRuns, as_json: bool) -> None:
    import numpy as np

    from bayes_scaling.cli import output

    output.print_caveat(fit, np.array([answer.goal.decades_beyond]), as_json=as_json)


def _show(answer: NextRuns) -> None:
    """Print sentences, then the best candidates or the runs of the batch."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    for sentence in answer.verdicts():
        output.print_wrapped(sentence)
    table, decides = answer.table().head(MOST_SHOWN), answer.goal.decides
    rows = []
    for row in table.to_dict("records"):
        cells = [format_quantity(row[name]) for name in ("params", "tokens", "flops")]
        cells += [str(row["group"]), f"{row['sd_now']:.3g}"]
        cells += [f"{row['sd_after']:.3g} ± {row['mc_error']:.1g}", f"{row['gain_per_flop']:.2e}"]
        cells += [f"{row['saved']:.2g} ± {row['saved_error']:.1g}"] if decides else []
        rows.append(cells)
    heads = ["params", "tokens", "FLOPs", "group", "sd now", "sd after", "gain/FLOP"]
    heads += ["regret saved"] if decides else []
    more = len(answer.table()) - len(rows)
    caption = f"sd of the goal in {answer.goal.unit}; ±: Monte Carlo standard error of the gain"
    caption += f"; {more} more with --json" if more > 0 else ""
    output.print_table(heads, rows, left=("group",), caption=caption)
    output.print_counting(answer.counting)
