"""Tables of the report, as rows of text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.decisions import Allocation, Forecast
from bayes_scaling.figures.draws import group_draws
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.summary import reported_names
from bayes_scaling.report.words import (
    flops,
    head,
    interval,
    number,
    percent,
    quantity,
    size,
    span,
    spread,
    told,
)

__all__ = ["Table", "findings", "forecast", "parameters", "plan", "published", "runs_by_group"]


PLANNED = ("params", "tokens", "tokens_per_param", "loss")
"""What the table of plans shows of an `Allocation`."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Heads and rows of text; ``name`` is read out for the scrolling region."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def runs_by_group(fit: Fit) -> Table:
    """How many runs each group has, and where they lie."""
    labels, names = fit.data["group"].astype(str).to_numpy(), told(fit)
    rows = []
    for group in fit.groups:
        own = labels == group
        ranges = [span(name, fit.columns[name][own]) for name in names]
        low, high = (number(each(fit.columns["loss"][own])) for each in (np.min, np.max))
        rows.append((group, str(own.sum()), *ranges, low if low == high else f"{low} to {high}"))
    return Table(
        name="Runs of each group",
        heads=("group", "runs", *map(head, names), "loss (nats per token)"),
        rows=tuple(rows),
    )


def findings(fit: Fit, prob: float) -> Table:
    """The main parameters of every group, in short."""
    names = reported_names(fit, scales=False)
    rows = []
    for group in fit.groups:
        draws = group_draws(fit, group)
        rows.append((group, *(spread(draws[name], prob) for name in names)))
    heads = ("group", *(f"{name}, median ({percent(prob)})" for name in names))
    return Table(name="Main parameters of each group", heads=heads, rows=tuple(rows))


def parameters(fit: Fit, prob: float) -> Table:
    """Posterior of every parameter of every group, with its quality."""
    summary = fit.summary(prob=prob)
    meanings = {p.name: p.meaning for p in fit.law.parameters} | {
        "a": "exponent of optimal size, N ~ C^a",
        "b": "exponent of optimal tokens, D ~ C^b",
        "sigma": "scatter of log loss around the law",
        "nu": "tails of the noise (small: heavy)",
    }
    rows = []
    for group, name in summary.index:
        row = summary.loc[(group, name)]
        values = [number(float(row[key])) for key in ("median", "lower", "upper", "sd")]
        quality = _quality(row)
        rows.append((str(group), str(name), meanings.get(str(name), ""), *values, *quality))
    heads = (
        "group", "parameter", "meaning", "median", f"lower ({percent(prob)})",
        f"upper ({percent(prob)})", "sd", "R-hat", "ESS bulk", "ESS tail",
    )  # fmt: skip
    return _without_group(fit, Table(name="Parameters", heads=heads, rows=tuple(rows)))


def published(fit: Fit) -> Table | None:
    """Constants that were published for the law."""
    if not fit.law.published:
        return None
    names, rows = reported_names(fit), []
    for each in fit.law.published:
        known = {name: np.asarray(value) for name, value in each.values.items()}
        values = {**known, **fit.exponents(known)}
        cells = [number(float(values[name])) if name in values else "" for name in names]
        rows.append((each.source, *cells, each.note))
    return Table(name="Published values", heads=("source", *names, "note"), rows=tuple(rows))


def plan(allocation: Allocation) -> Table:
    """Compute-optimal plan of each budget and group."""
    table, prob, plain = allocation.table(), allocation.prob, allocation.law_only
    alone = None if plain is None else plain.table().query("quantity == 'loss'").to_dict("records")
    rows: list[tuple[str, ...]] = []
    for _, part in table.groupby(["flops", "group"], sort=False):
        found = {row["quantity"]: row for row in part.to_dict("records")}
        first = found["params"]
        rows.append(
            (
                flops(first["flops"]),
                str(first["group"]),
                decades(first["decades_beyond"]),
                *(_interval(found[q], sizes=q in ("params", "tokens")) for q in PLANNED),
                *([] if alone is None else [_ends(alone[len(rows)])]),
            )
        )
    median = f"median ({percent(prob)})"
    heads = (
        "budget (FLOPs)", "group", "beyond the runs", f"parameters N, {median}",
        f"tokens D, {median}", f"tokens per parameter, {median}",
        f"loss (nats per token), {median}", *([] if alone is None else ["loss by the law alone"]),
    )  # fmt: skip
    return _one_group(Table(name="Compute-optimal plans", heads=heads, rows=tuple(rows)), 1)


def forecast(answer: Forecast) -> Table:
    """Forecast of each point: what is known of it, and the loss."""
    table, plain = answer.table(), answer.law_only
    alone = None if plain is None else plain.table().to_dict("records")
    names = [name for name in table.columns[: table.columns.get_loc("group")] if name != "flops"]
    names = [name for name in (*names, "flops") if np.isfinite(table[name]).all()]
    rows = tuple(
        (
            *(quantity(name, row[name]) for name in names),
            str(row["group"]),
            decades(row["decades_beyond"]),
            _interval(row),
            *([] if alone is None else [_ends(alone[i])]),
        )
        for i, row in enumerate(table.to_dict("records"))
    )
    heads = (
        *map(head, names), "group", "beyond the runs",
        f"loss (nats per token), median ({percent(answer.prob)})",
        *([] if alone is None else ["by the law alone"]),
    )  # fmt: skip
    return _one_group(Table(name="Forecasts", heads=heads, rows=rows), len(names))


def _interval(row: Mapping[Hashable, Any], *, sizes: bool = False) -> str:
    values = (row["median"], row["lower"], row["upper"])
    return "{} ({} to {})".format(*map(size, values)) if sizes else interval(*values)


def _ends(row: Mapping[Hashable, Any]) -> str:
    return f"{number(row['lower'])} to {number(row['upper'])}"


def decades(value: float) -> str:
    """How far beyond the runs, in words."""
    return f"{value:.1f} decades" if value > 0.05 else "within"


def _quality(row: pd.Series[Any]) -> tuple[str, str, str]:
    """R-hat (draws without chains have none) and effective sample sizes."""
    if np.isnan(row["ess_bulk"]):
        return "fixed by the law", "", ""
    rhat = "" if np.isnan(row["r_hat"]) else f"{row['r_hat']:.3f}"
    return rhat, f"{row['ess_bulk']:.0f}", f"{row['ess_tail']:.0f}"


def _without_group(fit: Fit, table: Table) -> Table:
    return table if len(fit.groups) > 1 else _drop(table, 0)


def _one_group(table: Table, column: int) -> Table:
    """The table without its group column if that always says the same."""
    return _drop(table, column) if {row[column] for row in table.rows} == {"all runs"} else table


def _drop(table: Table, column: int) -> Table:
    def without(row: tuple[str, ...]) -> tuple[str, ...]:
        return row[:column] + row[column + 1 :]

    return Table(name=table.name, heads=without(table.heads), rows=tuple(map(without, table.rows)))
