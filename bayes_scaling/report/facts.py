"""Facts of the report: what was asked, what the runs are, what made the fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from bayes_scaling.decisions import Forecast
from bayes_scaling.inference.card import list_cards
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.report.answers import Answers
from bayes_scaling.report.words import counting, flops, head, number, percent, quantity, span, told
from bayes_scaling.runs import list_runs

__all__ = ["data_facts", "question", "recipe", "versions"]

Facts = list[tuple[str, str]]


def question(fit: Fit, answers: Answers, prob: float, group: str | Sequence[str] | None) -> Facts:
    """What was fitted and asked."""
    law, asked = fit.law, [group] if isinstance(group, str) else group
    facts = [
        ("law", law.title),
        ("formula", f"loss = {law.formula}" if "==" not in law.formula else law.formula),
        ("source of the law", law.source),
        ("model card", f"{fit.card.name}: {fit.card.title}"),
        ("groups", _groups(fit)),
    ]
    if answers.plan is not None:
        budgets = dict.fromkeys(answers.plan.draws["flops"].to_numpy().tolist())
        facts.append(("budgets planned for", ", ".join(f"{flops(c)} FLOPs" for c in budgets)))
    if answers.forecast is not None:
        facts.append(("points forecast", _points(answers.forecast)))
    if asked is not None:
        facts.append(("asked about the groups", ", ".join(asked)))
    return [*facts, ("intervals", f"equal-tailed {percent(prob)} credible intervals")]


def _points(forecast: Forecast) -> str:
    if forecast.asked != (forecast.along,):
        return f"{forecast.draws.sizes['point']}, listed under the forecasts"
    values = dict.fromkeys(forecast.draws["x"].to_numpy().tolist())
    listed = ", ".join(quantity(forecast.along, value) for value in values)
    return f"{head(forecast.along)}: {listed}"


def _groups(fit: Fit) -> str:
    if not fit.by:
        return "all runs are one group"
    how = "partially pooled" if fit.pooled else "each by itself"
    return f"{len(fit.groups)} by {' and '.join(fit.by)}, {how}"


def data_facts(fit: Fit) -> Facts:
    """Where the runs come from and what they span."""
    data = fit.data
    ratio = data["tokens"] / data["params"]
    source = _file_name(str(fit.tree.attrs["runs_source"]))
    facts = [("table", fit.name)]
    if source and source != fit.name:
        facts.append(("source", source))
    if fit.reading:
        facts.append(("reading", fit.reading))
    return [
        *facts,
        ("runs", str(fit.n_runs)),
        *((head(name), span(name, fit.columns[name])) for name in told(fit)),
        ("tokens per parameter", f"{number(ratio.min(), 3)} to {number(ratio.max(), 3)}"),
        ("loss", f"{number(data['loss'].min())} to {number(data['loss'].max())} nats per token"),
        ("what N and C count", counting(fit)),
    ]


def _file_name(source: str) -> str:
    """A citation as it is; of a path only the file's name, since a report is passed on."""
    for kind in (PurePosixPath, PureWindowsPath):
        path: PurePath = kind(source)
        if path.is_absolute():
            return path.name
    return source


def versions(fit: Fit) -> Facts:
    """What made the fit."""
    sizes = fit.tree["posterior"].sizes
    return [
        ("SHA-256 of the runs", str(fit.tree.attrs["runs_hash"])),
        ("seed", str(fit.seed)),
        ("sampler", str(fit.tree.attrs["sampler"])),
        ("draws", f"{sizes['chain']} chains of {sizes['draw']}"),
        ("attempts", str(fit.sampler_figures.get("attempt", 1))),
        ("seconds in all", f"{fit.seconds.get('total', float('nan')):.1f}"),
        *((name, version) for name, version in fit.versions.items()),
    ]


def recipe(fit: Fit) -> str:
    """Python that makes the fit and this report again."""
    sizes = fit.tree["posterior"].sizes
    columns = fit.by[0] if len(fit.by) == 1 else list(fit.by)
    by = f" by={columns!r}," if fit.by else ""
    sampler = str(fit.tree.attrs["sampler"])
    way = "engine='quick'" if sampler == "quick" else f"sampler={sampler!r}"
    x = f" x={fit.card.x!r}," if fit.card.x else ""
    shipped = fit.card.name in {card.name for card in list_cards()}
    model = fit.card.name if shipped else f"{fit.card.name}.toml"
    return (
        "import bayes_scaling as bs\n\n"
        f"runs = {_reading(fit)}\n"
        f"fit = bs.fit(runs, model={model!r},{by}{x} seed={fit.seed},\n"
        f"             draws={sizes['draw']}, chains={sizes['chain']}, {way})\n"
        f"bs.report.write_report(fit, 'report.html', prob={DEFAULT_PROB})\n"
    )


def _reading(fit: Fit) -> str:
    """Python that reads the runs again; of a path only the file's name."""
    source = _file_name(str(fit.tree.attrs["runs_source"])) or "runs.csv"
    catalogued = fit.name in {entry.name for entry in list_runs()}
    read = f"bs.load_runs({fit.name!r})" if catalogued else f"bs.read_runs({source!r})"
    selection = json.loads(fit.tree.attrs["runs_selection"])
    return read + "".join(f".select({query!r})" for query in selection)
