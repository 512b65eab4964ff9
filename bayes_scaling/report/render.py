"""`write_report` and `render_report`: a fit, its checks and its answers as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.report import card, diagnostics, facts, headline, pictures, tables, words
from bayes_scaling.report.answers import answer
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.planner import planner_section, why_no_planner

__all__ = ["render_report", "write_report"]

TEMPLATE = "template.html"


def write_report(
    fit: Fit,
    path: str | Path,
    *,
    flops: Any = None,
    points: pd.DataFrame | None = None,
    prob: float = DEFAULT_PROB,
    group: str | Sequence[str] | None = None,
) -> Path:
    """Write a report of a fit to one HTML file; a file that is there is replaced only when done.

    Parameters
    ----------
    fit : Fit
    path : str or Path
        Where to write it; the folder must exist.
    flops : number, text such as "5.76e23", or a sequence of them, optional
        Budgets to plan for, or to forecast by a law of compute alone; by default the largest
        compute of the runs, and 10 and 100 times that.
    points : DataFrame, optional
        Points to forecast, as `bayes_scaling.forecast` takes them. Laws that do not allocate
        compute forecast 1, 10 and 100 times the largest run unless others are asked for.
    prob : float
        Probability of the intervals.
    group : str or sequence of str, optional
        Groups to forecast and plan for; by default all, figures showing the six with most runs.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        A question is not valid, the law does not say how to split the budgets that are given, or
        the file cannot be written.
    """
    page = render_report(fit, flops=flops, points=points, prob=prob, group=group)
    return write_page(page, path)


def render_report(
    fit: Fit,
    *,
    flops: Any = None,
    points: pd.DataFrame | None = None,
    prob: float = DEFAULT_PROB,
    group: str | Sequence[str] | None = None,
) -> str:
    """Report of a fit as HTML; see `write_report`."""
    context = _context(fit, flops, points, check_prob(prob), group)
    return render_page(TEMPLATE, context)


def _context(
    fit: Fit,
    flops: Any,
    points: pd.DataFrame | None,
    prob: float,
    group: str | Sequence[str] | None,
) -> dict[str, Any]:
    """Everything that the template shows, as text, tables and pictures."""
    answers = answer(fit, flops, points, prob, group)
    shown = pictures.shown_groups(fit, group)
    return {
        "title": f"Scaling law of {fit.name}",
        "headline": headline.headline(fit, prob),
        "findings": tables.findings(fit, prob),
        "verdict": words.verdict(fit),
        "counting": words.counting(fit),
        "asked": facts.question(fit, answers, prob, group),
        "data": facts.data_facts(fit),
        "runs_by_group": tables.runs_by_group(fit),
        "warnings": diagnostics.warnings_of_runs(fit),
        "parameters": tables.parameters(fit, prob),
        "published": tables.published(fit),
        "grouped": len(fit.groups) > 1,
        "pooled": fit.pooled,
        "groups_text": words.groups(fit, prob),
        "plan": None if answers.plan is None else tables.plan(answers.plan),
        "planned": fit.law.planned,
        "planner": _planner(fit, flops, prob, group),
        "no_planner": why_no_planner(fit) if fit.law.allocates else None,
        "decisions": "Forecast" if answers.plan is None else "Forecast and allocation",
        "forecast": None if answers.forecast is None else tables.forecast(answers.forecast),
        "beyond": words.beyond(fit),
        "checks": diagnostics.checks(fit),
        "figures": pictures.draw_all(fit, answers, prob, shown),
        "card": card.describe(fit),
        "versions": facts.versions(fit),
        "recipe": facts.recipe(fit),
        "prob": words.percent(prob),
    }


def _planner(
    fit: Fit, flops: Any, prob: float, group: str | Sequence[str] | None
) -> dict[str, Any] | None:
    if why_no_planner(fit):
        return None
    return planner_section(fit, flops=flops, group=group, prob=prob)
