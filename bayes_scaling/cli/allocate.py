"""``bayes-scaling allocate``: how to spend a training budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_scaling.cli.options import (
    AcceptProblems,
    Budgets,
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
    from bayes_scaling import Allocation

__all__ = ["allocate", "show_allocation"]


def allocate(
    fit: FitFile,
    flops: Budgets,
    group: Groups = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    law_only: LawOnly = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Find the compute-optimal size and tokens of budgets, with credible intervals.

    Beyond the runs they allow for the law being an approximation; --law-only takes it for the
    truth.

    With --json: a list of {flops, group, params, tokens, tokens_per_param, loss, a, b, counting},
    where each of the six quantities is {mean, median, sd, lower, upper, prob}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output

    posterior = open_fit(fit, law_only=law_only)
    budgets, groups = split_values(flops), groups_asked(group, new_group)
    answer = bs.allocate(posterior, flops=budgets, group=groups, prob=prob)
    print_answer(answer, show_allocation, as_json=as_json)
    output.print_caveat(posterior, answer.labels["decades_beyond"], as_json=as_json)
    output.print_prior_note(posterior, err=as_json)
    output.end_with_trust(posterior, accept_problems)


def show_allocation(answer: Allocation) -> None:
    """Print an allocation as a table: each cell a median with its interval below."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    cells = {
        (row["flops"], row["group"], row["quantity"]): output.stacked(
            row, "{:.3f}".format if row["quantity"] == "loss" else format_quantity
        )
        for row in answer.rows()
    }
    quantities = ("params", "tokens", "tokens_per_param", "loss")
    asked = dict.fromkeys((flops, group) for flops, group, _ in cells)
    rows = [
        [format_quantity(flops), str(group), *(cells[flops, group, name] for name in quantities)]
        for flops, group in asked
    ]
    heads = ["FLOPs", "group", "params", "tokens", "tokens/param", "loss"]
    name = output.interval_name(answer.prob)
    output.print_table(heads, rows, left=("group",), lines=True, caption=f"median, and {name}")
    output.print_counting(answer.counting)
