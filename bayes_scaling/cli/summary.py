"""``bayes-scaling summary``: what a fit says, and whether it may be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from bayes_scaling.cli.options import AcceptProblems, FitFile, Json, Prob

if TYPE_CHECKING:
    import pandas as pd

    from bayes_scaling import Fit

__all__ = ["describe_fit", "show_fit", "summary"]

_STATISTICS = ["mean", "median", "sd", "lower", "upper", "prob"]
_MEANINGS = {
    "a": "optimal params grow as FLOPs^a",
    "b": "optimal tokens grow as FLOPs^b",
    "sigma": "scatter of log loss",
    "nu": "tails of the scatter (Student-t)",
}


def summary(
    fit: FitFile, prob: Prob = 0.9, as_json: Json = False, accept_problems: AcceptProblems = False
) -> None:
    """Show the posterior of a fit: parameters, diagnostics, warnings.

    With --json: what `fit --json` prints.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output

    posterior = bs.load_fit(fit)
    if as_json:
        output.print_json(describe_fit(posterior, prob))
    else:
        show_fit(posterior, prob)
    output.end_with_trust(posterior, accept_problems)


def describe_fit(fit: Fit, prob: float) -> dict[str, Any]:
    """A fit as JSON-compatible data; the schema of `fit --json` and `summary --json`."""
    from bayes_scaling.cli.output import FORMAT

    table = fit.summary(prob=prob)
    parameters: dict[str, dict[str, Any]] = {group: {} for group in fit.groups}
    rows = table[_STATISTICS].to_dict("records")
    for group, name, row in zip(*_keys(table), rows, strict=True):
        parameters[group][name] = row
    return {
        "format": FORMAT,
        "name": fit.name,
        "model": fit.card.name,
        "n_runs": fit.n_runs,
        "groups": list(fit.groups),
        "by": list(fit.by),
        "inputs": list(fit.inputs),
        "counting": fit.counting,
        "seed": fit.seed,
        "prob": prob,
        "diagnostics": fit.diagnostics,
        "seconds": fit.seconds,
        "parameters": parameters,
        "warnings": [check.text for check in fit.problems()],
    }


def show_fit(fit: Fit, prob: float) -> None:
    """Print a fit for people."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    statistics = fit.summary(prob=prob)
    data = fit.data
    grouped = f", {len(fit.groups)} groups by {' and '.join(fit.by)}" if fit.by else ""
    typer.echo(f"{fit.name}: {fit.n_runs} runs{grouped}; model {fit.card.name}")
    typer.echo(
        f"compute {format_quantity(data['flops'].min())} to {format_quantity(data['flops'].max())} "
        f"FLOPs, loss {data['loss'].min():.4g} to {data['loss'].max():.4g}"
    )
    if fit.reading:
        output.print_wrapped(fit.reading)
    output.print_counting(fit.counting)
    output.print_wrapped(_verdict(fit))
    for check in fit.problems():
        output.print_wrapped(check.text, indent="  - ")
    _show_parameters(fit, statistics, prob)


def _verdict(fit: Fit) -> str:
    from bayes_scaling.units import format_count

    figures = fit.diagnostics
    least = min(figures["min_ess_bulk"], figures["min_ess_tail"])
    quality = (
        f"Pareto k {figures['pareto_k']:.2f}, {least:.0f} effective draws."
        if figures["max_rhat"] is None
        else f"R-hat {figures['max_rhat']:.4f}, {least:.0f} effective draws at least, "
        f"{figures['divergences']} divergences."
    )
    return f"The posterior {'may be used' if fit.trusted else 'must NOT be used'}: {quality}" + (
        f" {format_count(len(fit.problems()), 'point')} to know:" if fit.problems() else ""
    )


def _show_parameters(fit: Fit, statistics: pd.DataFrame, prob: float) -> None:
    from bayes_scaling.cli import output
    from bayes_scaling.inference.summary import reported_names

    records = statistics.to_dict("records")
    table = dict(zip(zip(*_keys(statistics), strict=True), records, strict=True))
    interval = output.interval_name(prob)
    meanings = {p.name: p.meaning for p in fit.law.parameters} | _MEANINGS
    if len(fit.groups) == 1:
        [group] = fit.groups
        rows = [
            [name, *_cells(table[group, name]), meaning]
            for name, meaning in meanings.items()
            if (group, name) in table
        ]
        heads = ["parameter", "median", interval, "meaning"]
        output.print_table(heads, rows, left=("parameter", "meaning"))
        return
    names = reported_names(fit, scales=False)
    rows = [
        [group, *(output.stacked(table[group, name], _number) for name in names)]
        for group in fit.groups
    ]
    caption = f"median, and {interval}; " + "; ".join(f"{n}: {meanings[n]}" for n in names)
    output.print_table(["group", *names], rows, left=("group",), lines=True, caption=caption)


def _keys(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Groups and parameters of the rows of `Fit.summary`."""
    index = table.index
    return index.get_level_values("group").tolist(), index.get_level_values("parameter").tolist()


def _cells(row: Mapping[Any, Any]) -> tuple[str, str]:
    return _number(row["median"]), f"{_number(row['lower'])} to {_number(row['upper'])}"


def _number(value: float) -> str:
    return f"{value:.3f}" if 0.1 <= abs(value) < 10 else f"{value:.3g}"
