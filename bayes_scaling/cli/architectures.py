"""``bayes-scaling architectures``: which group to scale, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bayes_scaling.cli.options import (
    AcceptProblems,
    Budgets,
    FitFile,
    Groups,
    Json,
    LawOnly,
    NewGroup,
    Page,
    Prob,
    groups_asked,
    split_values,
)
from bayes_scaling.cli.questions import open_fit, print_answer

if TYPE_CHECKING:
    from bayes_scaling import Architectures

__all__ = ["architectures"]


def architectures(
    fit: FitFile,
    flops: Budgets,
    group: Groups = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    law_only: LawOnly = False,
    output: Page = None,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Choose which group of a hierarchical fit to scale, and say how sure that is.

    Each group is taken at its own compute-optimal plan. The gain is how many times less compute a
    group needs than the best of the others for what that reaches with the budget.

    With --json: {groups: [{group, flops, p_best, expected_regret, compute_gain: {mean, median, sd,
    lower, upper, prob, against, outside}}], crossings: [{a, b, flops, p_never, a_first}]}, where
    flops of a crossing is {mean, ..., prob}, or null where the two never cross.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_page

    if output is not None:
        check_page(output, fit)
    posterior = open_fit(fit, law_only=law_only)
    budgets, groups = split_values(flops), groups_asked(group, new_group)
    answer = bs.choose_architecture(posterior, flops=budgets, group=groups, prob=prob)
    if output is not None:
        from bayes_scaling.report import write_architectures

        write_architectures(answer, posterior, output)
    print_answer(answer, _show, as_json=as_json)
    printing.print_written(output, as_json=as_json)
    decades = answer.draws["decades_beyond"].to_numpy()
    printing.print_caveat(posterior, decades, as_json=as_json)
    printing.end_with_trust(posterior, accept_problems)


def _show(answer: Architectures) -> None:
    """Print sentences, then the table of groups with and without the drift."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    for sentence in answer.verdicts():
        output.print_wrapped(sentence)
        typer.echo()
    plain = None if answer.law_only is None else answer.law_only.table()
    rows = []
    for row in answer.table().to_dict("records"):
        cells = [
            format_quantity(row["flops"]),
            str(row["group"]),
            f"{row['p_best']:.3f}",
            f"{row['expected_regret']:.2g}",
            output.stacked(row, "{:.3f}".format),
            output.stacked({k: row[f"gain_{k}"] for k in ("median", "lower", "upper")},
                           "{:.3g}".format),
        ]  # fmt: skip
        if plain is not None:
            same = (plain["flops"] == row["flops"]) & (plain["group"] == row["group"])
            cells.append(f"{plain.loc[same, 'p_best'].iloc[0]:.3f}")
        rows.append(cells)
    heads = ["FLOPs", "group", "P(best)", "regret", "loss", "gain"]
    heads += [] if plain is None else ["P(best), law only"]
    caption = (
        f"regret: expected nats lost by choosing it; gain: compute-equivalent, over the best of "
        f"the others; median, and {output.interval_name(answer.prob)}"
    )
    output.print_table(heads, rows, left=("group",), lines=True, caption=caption, width=output.WIDE)
    output.print_counting(answer.counting)
