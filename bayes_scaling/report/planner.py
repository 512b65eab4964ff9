"""The interactive planner: a budget, its risk and its costs, moved by the reader of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.decisions.risk import MEAN, Risk
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB, NEW_GROUP, Fit
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.report import words
from bayes_scaling.report.page import render_page, write_page
from bayes_scaling.report.planner_laws import FORMS, edge_of, page_draws, page_form
from bayes_scaling.report.planner_widgets import FOLDER, Question, build

__all__ = [
    "N_DRAWS",
    "planner_section",
    "render_planner",
    "thinned",
    "why_no_planner",
    "write_planner",
]

N_DRAWS = 400
"""Draws that a page holds: quantiles of 5 and 95 % then have a Monte Carlo error of about a
twentieth of the interval's width."""

BELOW, ABOVE = 1.0, 5.0
"""Decades that the slider of the budget reaches below and above the largest compute of the runs."""

TEMPLATE = "planner_page.html"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MODEL = re.compile(r'"id":"(p\d+)"')
_ITEMS = "const render_items"


def write_planner(
    fit: Fit,
    path: str | Path,
    *,
    flops: Any = None,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
) -> Path:
    """Write the interactive planner of a fit to one HTML file that needs no network.

    In it a reader moves budget, inference tokens, risk and hardware; size, tokens, loss, days and
    money follow, computed in the page from draws of the posterior.

    Parameters
    ----------
    fit : Fit
    path : str or Path
        Where to write it; the folder must exist.
    flops : number or text such as "5.76e23", optional
        Budget that it starts with; by default ten times the largest compute of the runs.
    group : str or sequence of str, optional
        Groups to choose from; by default all, and a new one where the fit has a population.
    prob : float
        Probability of the intervals.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The page cannot compute the law, a group is unknown, the budget is no positive number, or
        the file cannot be written.
    """
    return write_page(render_planner(fit, flops=flops, group=group, prob=prob), path)


def render_planner(
    fit: Fit,
    *,
    flops: Any = None,
    group: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
) -> str:
    """The page of `write_planner` as HTML."""
    reason = why_no_planner(fit)
    if reason:
        raise InputError(reason)
    context = {
        "title": f"Planner: scaling law of {fit.name}",
        "verdict": words.verdict(fit, listed="in the report"),
        "planner": planner_section(fit, flops=flops, group=group, prob=prob),
    }
    return render_page(TEMPLATE, context)


def why_no_planner(fit: Fit) -> str | None:
    """Why a fit has no planner, in a sentence; None where it has one."""
    if page_form(fit.law) is not None:
        return None
    return (
        f"The interactive planner cannot compute the law {fit.law.name!r}; it knows "
        f"{', '.join(FORMS)}."
    )


def planner_section(
    fit: Fit,
    *,
    flops: Any,
    group: str | Sequence[str] | None,
    prob: float,
    costs: Costs | None = None,
    risk: Risk = MEAN,
) -> dict[str, Any]:
    """What the macro of the planner shows; its controls stand at `costs` and `risk` at first."""
    check_prob(prob)
    names = _groups(fit, group)
    costs = costs or Costs()
    question = replace(_question(fit, names, flops, prob), costs=costs, risk=risk)
    script, roots = _embedded(build(question))
    return {
        "roots": roots,
        "script": script,
        "library": _library(),
        "mathematics": (FOLDER / "planner.js").read_text(encoding="utf-8"),
        "prob": words.percent(prob),
        "draws": min(N_DRAWS, fit.n_draws),
        "all_draws": fit.n_draws,
        "drifts": fit.drifts,
        "counting": words.counting(fit),
        "planned": fit.law.planned,
        "largest": words.flops(float(fit.columns["flops"].max())),
        "law": fit.law.title,
        "leaves_out": _left_out(costs),
        "hardware": _hardware(costs),
    }


def _hardware(costs: Costs) -> str:
    """Where the controls of the hardware stand at first, and what to make of it."""
    made = costs.hardware
    if None in (made.utilisation, made.devices, made.price):
        return "where the controls happen to stand unless the plan states them: set your own"
    return "those of the plan"


def _left_out(costs: Costs) -> list[str]:
    """What was stated of the costs that the page has no control for."""
    stated = {
        "the active share of parameters": costs.training.active < 1,
        "how compute counts embeddings": costs.training.embeddings != "as fitted",
        "the limit of different tokens": costs.limits.unique_tokens is not None,
        "the memory of the devices": costs.hardware.bytes_per_param is not None,
    }
    return [what for what, is_stated in stated.items() if is_stated]


def thinned(fit: Fit) -> NDArray[np.int64]:
    """Which draws the page holds: `N_DRAWS` evenly over all of them."""
    return np.linspace(0, fit.n_draws - 1, min(N_DRAWS, fit.n_draws)).round().astype(np.int64)


def _groups(fit: Fit, group: str | Sequence[str] | None) -> tuple[str, ...]:
    names = fit.select_groups(group)
    return (*names, NEW_GROUP) if group is None and fit.pooled else names


def _question(fit: Fit, names: tuple[str, ...], flops: Any, prob: float) -> Question:
    largest = float(fit.columns["flops"].max())
    budgets = np.log10([10 * largest] if flops is None else quantities(flops, "flops", flops=True))
    chosen, reach = thinned(fit), np.log10(largest)
    draws = [page_draws(fit, name, chosen) for name in names]
    return Question(
        names=names,
        draws=[{key: value.astype(np.float32) for key, value in each.items()} for each in draws],
        edges=[edge_of(fit, name) for name in names],
        log_budget=float(budgets[0]),
        span=(min(reach - BELOW, budgets.min()), max(reach + ABOVE, budgets.max())),
        runs={"flops": largest}
        | {name: float(fit.columns[name].min()) for name in ("params", "tokens")},
        prob=prob,
    )


def _library() -> str:
    """Bokeh's own code, without which nothing is drawn."""
    from bokeh.resources import Resources

    return "\n".join(
        Resources(mode="inline", components=["bokeh", "bokeh-widgets"], log_level="error").js_raw
    )


def _embedded(models: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Script and places of models; the same models give the same text.

    Bokeh counts models over the whole process and draws ids of places at random: both are numbered
    anew, by their own marks only, since a group may be named like one.
    """
    from bokeh.embed import components

    script, roots = components(models, wrap_script=False)
    document, items = script.split(_ITEMS)
    ids = dict.fromkeys(_MODEL.findall(document))
    new = {f'"{old}"': f'"p{i}"' for i, old in enumerate(ids)}
    new |= {old: f"bokeh-{i}" for i, old in enumerate(dict.fromkeys(_UUID.findall(items)))}
    document = _MODEL.sub(lambda match: f'"id":{new[f'"{match[1]}"']}', document)
    script = _replaced(document, {key: new[key] for key in new if key[0] != '"'})
    script += _ITEMS + _replaced(items, new)
    return script, {name: _replaced(div, new) for name, div in roots.items()}


def _replaced(text: str, new: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, new)), lambda match: new[match[0]], text)
