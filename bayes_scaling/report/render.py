"""`write_report` and `render_report`: a fit, its checks and its answers as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.decisions import allocate, forecast
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.report import card, diagnostics, facts, pictures, tables, words
from bayes_scaling.report.page import render_page, write_page

__all__ = ["render_report", "write_report"]

TEMPLATE = "template.html"
BUDGETS = (1.0, 10.0, 100.0)
"""Budgets that are answered unless others are asked for, times the largest compute of the runs."""


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
        Budgets to plan for; by default the largest compute of the runs, and 10 and 100 times that.
    points : DataFrame, optional
        Sizes and tokens to forecast, as `bayes_scaling.forecast` takes them.
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
        A question is not valid, or the file cannot be written.
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
    largest = float(fit.data["flops"].max())
    budgets = (
        np.array(BUDGETS) * largest if flops is None else quantities(flops, "flops", flops=True)
    )
    plan = allocate(fit, flops=budgets, group=group, prob=prob)
    asked = (
        None if points is None else forecast(fit, points, group=_beside(points, group), prob=prob)
    )
    shown = pictures.shown_groups(fit, group)
    return {
        "title": f"Scaling law of {fit.name}",
        "headline": words.headline(fit, prob),
        "findings": tables.findings(fit, prob),
        "verdict": words.verdict(fit),
        "asked": facts.question(fit, budgets, points, prob, group),
        "data": facts.data_facts(fit),
        "runs_by_group": tables.runs_by_group(fit),
        "warnings": diagnostics.warnings_of_runs(fit),
        "parameters": tables.parameters(fit, prob),
        "published": tables.published(fit),
        "grouped": len(fit.groups) > 1,
        "pooled": fit.pooled,
        "groups_text": words.groups(fit, prob),
        "plan": tables.plan(plan),
        "forecast": None if asked is None else tables.forecast(asked),
        "beyond": words.beyond(fit),
        "beyond_table": words.BEYOND if fit.law.name == "chinchilla" else None,
        "checks": diagnostics.checks(fit),
        "figures": pictures.draw_all(fit, plan, asked, prob, shown),
        "card": card.describe(fit),
        "versions": facts.versions(fit),
        "recipe": facts.recipe(fit),
        "prob": words.percent(prob),
    }


def _beside(points: pd.DataFrame, group: str | Sequence[str] | None) -> str | Sequence[str] | None:
    """Groups to cross the points with: none where the points name their own."""
    return None if "group" in points else group
