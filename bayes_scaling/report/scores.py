"""Tables of the page of a comparison, as rows of text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_scaling.comparison import Comparison, KaplanOrChinchilla
from bayes_scaling.report.tables import Table, decades
from bayes_scaling.report.tables import plan as plan_of
from bayes_scaling.report.words import flops, interval, number, percent

__all__ = ["analyses", "held_out", "laws", "pairs", "plans", "posterior", "scores"]

NONE = "-"


def scores(comparison: Comparison) -> Table:
    """Scores, weight and exponents, one row a law."""
    table = comparison.table()
    rows = []
    for i, name in enumerate(table.index):
        row = table.loc[name]
        behind = f"{row['difference']:.1f} ± {row['difference_se']:.1f}"
        rows.append(
            (
                str(name),
                f"{row['elpd_loo']:.1f} ± {row['se']:.1f}",
                behind if i else NONE,
                f"{row['weight']:.2f}",
                *(
                    [f"{row['elpd_extrapolation']:.1f}", f"{row['weight_extrapolation']:.2f}"]
                    if comparison.held_out
                    else []
                ),
                *(_exponent(row, exponent) for exponent in "ab"),
                str(int(row["unreliable"])),
            )
        )
    median = f"median ({percent(comparison.prob)})"
    heads = (
        "law", "elpd, leaving out one run", "behind the best", "stacking weight",
        *(["elpd of the largest runs", "weight there"] if comparison.held_out else []),
        f"a, {median}", f"b, {median}", "unreliable runs",
    )  # fmt: skip
    return Table(name="Scores of the laws", heads=heads, rows=tuple(rows))


def _exponent(row: Any, name: str) -> str:
    values = [float(row[f"{name}_{key}"]) for key in ("median", "lower", "upper")]
    return NONE if math.isnan(values[0]) else interval(*values)


def held_out(comparison: Comparison) -> Table | None:
    """How the runs that were held out came out, one row a law, the best first."""
    if not comparison.held_out:
        return None
    ordered = sorted(comparison.held_out.items(), key=lambda item: -item[1].total)
    rows = tuple(
        (
            name,
            f"{held.total:.1f}",
            f"{100 * held.error.mean():+.2f} %",
            f"{100 * math.sqrt(np.mean(held.error**2)):.2f} %",
        )
        for name, held in ordered
    )
    heads = ("law", "elpd, nats in sum", "mean error of the loss", "root mean square error")
    return Table(name="Prediction of the runs held out", heads=heads, rows=rows)


def plans(comparison: Comparison) -> Table:
    """Compute-optimal plan of each law at each budget."""
    tables = {name: plan_of(found) for name, found in comparison.allocations().items()}
    heads = next(iter(tables.values())).heads
    rows = [
        (table.rows[i][0], name, *table.rows[i][1:])
        for i in range(len(comparison.flops))
        for name, table in tables.items()
    ]
    return Table(
        name="Compute-optimal plans", heads=(heads[0], "law", *heads[1:]), rows=tuple(rows)
    )


def pairs(comparison: Comparison) -> Table:
    """How far the sizes of two laws lie apart, and what following the wrong one costs."""
    rows = []
    for plan in comparison.plans:
        ratio = plan.to_dict(prob=comparison.prob)["ratio"]
        rows.append(
            (
                flops(plan.flops),
                plan.one,
                plan.other,
                interval(ratio["median"], ratio["lower"], ratio["upper"]),
                f"{plan.probability:.2f}",
                plan.verdict,
                number(float(plan.loss_if_one_holds.mean()), 2),
                number(float(plan.loss_if_other_holds.mean()), 2),
            )
        )
    heads = (
        "budget (FLOPs)", "law 1", "law 2",
        f"size by 2 over size by 1, median ({percent(comparison.prob)})",
        f"probability of a factor beyond {comparison.factor:g}", "verdict",
        "nats lost by following 2 where 1 holds", "by following 1 where 2 holds",
    )  # fmt: skip
    return Table(name="Differences between plans", heads=heads, rows=tuple(rows))


def laws(comparison: Comparison) -> Table:
    """What each law is, and whether its posterior may be used."""
    rows = []
    for name, fit in comparison.fits.items():
        figures = fit.diagnostics
        rows.append(
            (
                name,
                fit.card.name,
                f"loss = {fit.law.formula}",
                "yes" if fit.trusted else "no",
                _agreement(figures),
                f"{min(figures['min_ess_bulk'], figures['min_ess_tail']):.0f}",
                str(figures["divergences"]),
            )
        )
    heads = (
        "law", "model card", "formula", "may be used", "largest R-hat, or Pareto k",
        "effective draws at least", "divergences",
    )  # fmt: skip
    return Table(name="Laws and their posteriors", heads=heads, rows=tuple(rows))


def _agreement(figures: Mapping[str, Any]) -> str:
    """Of chains; the quick engine has none, and Pareto k instead."""
    if figures["max_rhat"] is None:
        return f"Pareto k {figures['pareto_k']:.2f}"
    return f"{figures['max_rhat']:.4f}"


def posterior(study: KaplanOrChinchilla) -> Table:
    """Posterior of the coupled law, where it tells Kaplan's corner from Chinchilla's."""
    rows = tuple(
        (str(name), interval(row["median"], row["lower"], row["upper"]))
        for name, row in study.posterior().iterrows()
    )
    heads = ("quantity", f"median ({percent(study.prob)})")
    return Table(name="Posterior of the coupled law", heads=heads, rows=rows)


def analyses(study: KaplanOrChinchilla) -> Table:
    """The exponent a by each way to analyse the runs."""
    rows = tuple(
        (
            row["analysis"],
            row["what"],
            interval(row["median"], row["lower"], row["upper"]),
            f"{row['shift']:+.2f}" if i else NONE,
            row["verdict"] or NONE,
        )
        for i, row in enumerate(study.table().to_dict("records"))
    )
    heads = ("analysis", "what it is", f"a, median ({percent(study.prob)})", "shift", "verdict")
    return Table(name="The exponent by each analysis", heads=heads, rows=rows)


def beyond(comparison: Comparison) -> str:
    """How far beyond the runs the budgets lie, in words."""
    largest = float(comparison.first.columns["flops"].max())
    return decades(math.log10(max(comparison.flops) / largest))
