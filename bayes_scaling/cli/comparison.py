"""A comparison of laws for people: sentences first, then the tables behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import typer

from bayes_scaling.cli import output

if TYPE_CHECKING:
    from bayes_scaling import Comparison

__all__ = ["introduce", "show_comparison", "show_scores"]

NONE = "-"


def show_comparison(comparison: Comparison) -> None:
    """Print what was found, and the scores, plans and differences that it rests on."""
    introduce(comparison)
    for sentence in (*comparison.score_verdicts(), *comparison.plan_verdicts()):
        typer.echo()
        output.print_wrapped(sentence)
    show_scores(comparison)
    if comparison.plans:
        _show_plans(comparison)
        _show_pairs(comparison)


def introduce(comparison: Comparison) -> None:
    """Print what was compared on which runs, counted how, and which fits must not be used."""
    fit = comparison.first
    grouped = f", {len(fit.groups)} groups by {' and '.join(fit.by)}" if fit.by else ""
    typer.echo(f"{fit.name}: {fit.n_runs} runs{grouped}; laws {', '.join(comparison.fits)}")
    if fit.reading:
        output.print_wrapped(fit.reading)
    output.print_counting(fit.counting)
    doubtful = [name for name, each in comparison.fits.items() if not each.trusted]
    if doubtful:
        several = "its sampling" if len(doubtful) == 1 else "their sampling"
        output.print_wrapped(
            f"Do not use what is said of {' and '.join(doubtful)}: {several} failed (see the end)."
        )


def show_scores(comparison: Comparison) -> None:
    """Print scores, weights and exponents, one row a law."""
    held = bool(comparison.held_out)
    rows = [
        [
            str(row["law"]),
            f"{row['elpd_loo']:.1f}",
            f"{row['se']:.1f}",
            f"{row['difference']:.1f} +- {row['difference_se']:.1f}" if i else NONE,
            f"{row['weight']:.2f}",
            *([f"{row['elpd_extrapolation']:.1f}", _weight(row)] if held else []),
            _interval(row, "a"),
            _interval(row, "b"),
        ]
        for i, row in enumerate(_records(comparison))
    ]
    heads = [
        "law",
        "elpd",
        "se",
        "behind the best",
        "weight",
        *(["held out", "weight there"] if held else []),
        "a",
        "b",
    ]
    of = _of_group(comparison)
    caption = (
        "elpd: log predictive density of runs left out one at a time, nats in sum; "
        + ("held out: the same of the largest runs, by a fit without them; " if held else "")
        + f"weight: stacking, of these{' and of those held out' if held else ''}. "
        f"N_opt ~ C^a, D_opt ~ C^b{of}: median, and {output.interval_name(comparison.prob)}"
    )
    output.print_table(heads, rows, left=("law",), lines=True, caption=caption, width=output.WIDE)


def _of_group(comparison: Comparison) -> str:
    return f" of {comparison.group}" if comparison.first.by else ""


def _records(comparison: Comparison) -> list[dict[str, Any]]:
    table = comparison.table().rename_axis("law").reset_index()
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _weight(row: dict[str, Any]) -> str:
    weight = row["weight_extrapolation"]
    return NONE if math.isnan(weight) else f"{weight:.2f}"


def _interval(row: dict[str, Any], name: str) -> str:
    found = {key: row[f"{name}_{key}"] for key in ("median", "lower", "upper")}
    return NONE if math.isnan(found["median"]) else output.stacked(found, "{:.2f}".format)


def _show_plans(comparison: Comparison) -> None:
    """Compute-optimal plans of each law, budget by budget."""
    from bayes_scaling.units import format_quantity

    quantities = ("params", "tokens", "tokens_per_param", "loss")
    cells: dict[tuple[float, str], list[str]] = {}
    for name, plan in comparison.allocations().items():
        for row in plan.table().to_dict("records"):
            if row["quantity"] in quantities:
                write = "{:.3f}".format if row["quantity"] == "loss" else format_quantity
                cell = output.stacked(row, write)
                cells.setdefault((float(row["flops"]), name), []).append(cell)
    rows = [
        [format_quantity(flops), name, *cells[flops, name]]
        for flops in comparison.flops
        for name in comparison.allocations()
    ]
    heads = ["FLOPs", "law", "params", "tokens", "tokens/param", "loss"]
    interval = output.interval_name(comparison.prob)
    caption = f"compute-optimal plans{_of_group(comparison)}: median, and {interval}"
    output.print_table(heads, rows, left=("law",), lines=True, caption=caption)


def _show_pairs(comparison: Comparison) -> None:
    """How far the sizes of two laws lie apart, and what following the wrong one costs."""
    from bayes_scaling.units import format_quantity

    rows = [
        [
            format_quantity(plan["flops"]),
            f"{plan['other']} / {plan['one']}",
            f"{plan['ratio']['median']:.2f}",
            f"{plan['probability_differs']:.2f}",
            plan["verdict"],
            f"{plan['loss_if_one_holds']:.2g}",
            f"{plan['loss_if_other_holds']:.2g}",
        ]
        for plan in (plan.to_dict() for plan in comparison.plans)
    ]
    factor = f"{comparison.factor:g}"
    heads = [
        "FLOPs", "law 2 / law 1", "size ratio", f"P(beyond {factor})", "verdict",
        "2 where 1 holds", "1 where 2 holds",
    ]  # fmt: skip
    caption = (
        f"P: probability that the sizes differ by more than a factor of {factor}; last two "
        "columns: nats lost by following one law where the other holds"
    )
    output.print_table(heads, rows, left=("law 2 / law 1", "verdict"), caption=caption)
