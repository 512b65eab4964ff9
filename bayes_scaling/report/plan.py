"""`write_plan`: a plan as one page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from bayes_scaling import figures
from bayes_scaling.decisions.plan_result import PLAN, Plan
from bayes_scaling.decisions.plan_words import sentences
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.summary import summarise
from bayes_scaling.report import words
from bayes_scaling.report.drawing import FULL, HALF, Picture, picture
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.planner import planner_section, why_no_planner
from bayes_scaling.report.tables import Table
from bayes_scaling.units import format_quantity

__all__ = ["render_plan", "write_plan"]

TEMPLATE = "plan.html"
MOST_VALLEYS = 6


def write_plan(plan: Plan, path: str | Path, *, fit: Fit) -> Path:
    """Write a plan to one HTML file; a file that is there is replaced only when done.

    Parameters
    ----------
    plan : Plan
    path : str or Path
        Where to write it; the folder must exist.
    fit : Fit
        What was asked; the page says whether it may be trusted.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return write_page(render_plan(plan, fit=fit), path)


def render_plan(plan: Plan, *, fit: Fit) -> str:
    """A plan as HTML; see `write_plan`."""
    points = [*plan.warnings, *(c.text for c in fit.problems() if not c.fatal)]
    context = {
        "title": f"What to train next: a plan from {fit.name}",
        "verdict": words.verdict(fit, listed="below", points=points),
        "objective": f"{plan.objective[0].upper()}{plan.objective[1:]}.",
        "headline": list(sentences(plan)),
        "warnings": points,
        "choices": _choices(plan) if plan.budgets else None,
        "figures": _pictures(plan),
        "planner": _planner(plan, fit),
        "beyond": words.beyond(fit if plan.drifts else fit.law_only()),
        "asked": _asked(plan, fit),
    }
    return render_page(TEMPLATE, context)


def _planner(plan: Plan, fit: Fit) -> dict[str, Any] | None:
    """Where a reader asks for other budgets; it starts from what the plan was asked."""
    if why_no_planner(fit) or not plan.budgets:
        return None
    asked = fit if plan.drifts else fit.law_only()
    return planner_section(
        asked,
        flops=plan.budgets[0].spend,
        group=plan.group,
        prob=plan.prob,
        costs=plan.costs,
        risk=plan.risk,
    )


def _choices(plan: Plan) -> Table:
    """The plan of each budget beside its alternatives."""
    prob, rows = plan.prob, list[tuple[str, ...]]()
    alone = {each.spend: each.law_only for each in plan.budgets}
    for row in plan.table().to_dict("records"):
        told = [_number(row, what) for what in _SHOWN]
        size = [words.size(row[key]) for key in ("params", "tokens")]
        rows.append((words.flops(row["flops"]), str(row["choice"]), *size, *told))
        plain = alone[row["flops"]] if row["choice"] == PLAN else None
        if plain is not None:
            found = summarise(plain["loss"].to_numpy(), prob)
            loss = words.interval(*(float(found[key]) for key in ("median", "lower", "upper")))
            size = [words.size(float(plain[key])) for key in ("params", "tokens")]
            rows.append((words.flops(row["flops"]), "(by the law alone)", *size, loss, "", ""))
    median, expected = (f"{centre} ({words.percent(prob)})" for centre in ("median", "expected"))
    heads = (
        "budget (FLOPs)", "choice", "parameters N", "tokens D", f"loss (nats), {median}",
        f"regret (nats), {expected}", f"deadweight compute (%), {expected}",
    )  # fmt: skip
    return Table(name="The plan and its alternatives", heads=heads, rows=tuple(rows))


_SHOWN = {"loss": ("median", 1.0, 3), "regret": ("mean", 1.0, 4), "deadweight": ("mean", 100.0, 1)}
"""What a choice is told of: where its middle is, its unit and its digits. The loss is told as in
sentences; of regrets the mean is what a plan minimises."""


def _number(row: Mapping[Hashable, Any], what: str) -> str:
    """Middle and interval of a quantity."""
    centre, scale, digits = _SHOWN[what]
    middle, low, high = (scale * row[f"{what}_{key}"] for key in (centre, "lower", "upper"))
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _pictures(plan: Plan) -> list[Picture]:
    drawn = []
    if plan.target is not None:
        drawn.append(
            picture(
                lambda ax: figures.plot_target(plan, ax=ax),
                FULL,
                "Probability of reaching the target loss against the budget",
                "How probable it is that a budget's plan reaches the target.",
            )
        )
    if len(plan.budgets) > 1:
        drawn += [_path(plan, "params", "model size"), _path(plan, "tokens", "training tokens")]
    valleys = range(min(len(plan.budgets), MOST_VALLEYS))
    return drawn + [_valley(plan, i, wide=not drawn) for i in valleys]


def _path(plan: Plan, quantity: Any, what: str) -> Picture:
    return picture(
        lambda ax: figures.plot_plan_path(plan, quantity, ax=ax),
        HALF,
        f"Planned {what} against the budget, with the flat valley and the interval of the optimum",
        f"Planned {what} against the budget.",
    )


def _valley(plan: Plan, i: int, *, wide: bool) -> Picture:
    spend = words.flops(plan.budgets[i].spend)
    return picture(
        lambda ax: figures.plot_valley(plan, i, ax=ax),
        FULL if wide else HALF,
        f"Expected regret of model sizes for {spend} FLOPs, with the flat valley, the plan and "
        "alternatives near it",
        f"What other sizes are expected to lose at {spend} FLOPs.",
    )


def _asked(plan: Plan, fit: Fit) -> list[tuple[str, str]]:
    """What was asked, and what it was assumed to cost."""
    costs = plan.costs
    facts = [
        ("runs", f"{fit.name}, {fit.n_runs} runs"),
        ("model card", f"{fit.card.name}: {fit.card.title}"),
        ("group", plan.group),
        ("counting", words.counting(fit)),
        ("minimised", plan.risk.words),
        ("inference", f"{format_quantity(costs.inference.tokens)} tokens over the model's life"),
    ]
    for table in (costs.hardware, costs.limits):
        stated = table.model_dump(exclude_none=True)
        facts += [(key.replace("_", " "), _told(value)) for key, value in stated.items()]
    return [*facts, ("intervals", f"equal-tailed {words.percent(plan.prob)} credible intervals")]


def _told(value: Any) -> str:
    return format_quantity(float(value)) if isinstance(value, int | float) else str(value)
