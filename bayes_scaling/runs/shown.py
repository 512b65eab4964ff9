"""How a table of runs shows itself, in a terminal and in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bayes_scaling.units import format_count, format_quantity

if TYPE_CHECKING:
    from bayes_scaling.runs.table import Runs

__all__ = ["as_html", "as_text"]


def as_text(runs: Runs) -> str:
    """One line a fact."""
    lines = [f"Runs {runs.name!r}"]
    lines += [f"  {what:<13}{text}" for what, text in _facts(runs)]
    return "\n".join(lines)


def as_html(runs: Runs) -> str:
    """A table of facts."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(what)}</th>"
        f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
        for what, text in _facts(runs)
    )
    return f"<table><caption>Runs {html.escape(runs.name)}</caption>{rows}</table>"


def _facts(runs: Runs) -> list[tuple[str, str]]:
    facts = [("runs", str(len(runs)))]
    for symbol, values in (("N", runs.params), ("D", runs.tokens), ("C", runs.flops)):
        low, high = format_quantity(values.min()), format_quantity(values.max())
        facts.append((symbol, f"{low} to {high}"))
    facts.append(("loss", f"{runs.loss.min():.4g} to {runs.loss.max():.4g} nats"))
    for column in ("architecture", "dataset"):
        if column in runs.table.columns:
            names = [str(name) for name in runs.table[column].dropna().unique()]
            more = ", ..." if len(names) > 6 else ""
            facts.append((column, f"{', '.join(names[:6])}{more} ({len(names)})"))
    renamed = ", ".join(f"{old} -> {new}" for old, new in runs.renamed.items())
    n_out = len(runs.excluded)
    left_out = format_count(n_out, "row") if n_out else ""
    facts += [("renamed", renamed), ("not read", ", ".join(runs.ignored))]
    facts += [("left out", left_out)]
    facts += [("counting", str(runs.counting))]
    facts += [("warning", problem.message) for problem in runs.problems]
    return [(what, text) for what, text in facts if text]
