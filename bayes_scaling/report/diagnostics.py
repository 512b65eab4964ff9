"""Checks of a fit in words, each with its mark."""

from __future__ import annotations

from dataclasses import dataclass

from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["Line", "checks", "warnings_of_runs"]

OF_RUNS = "runs: "


@dataclass(frozen=True, kw_only=True)
class Line:
    """A check as the page shows it; ``kind`` is pass, warn or fail."""

    kind: str
    word: str
    name: str
    text: str


def checks(fit: Fit) -> list[Line]:
    """Every check of the posterior, the worst first."""
    order = ("fail", "warn", "pass")
    lines = [_line(check) for check in fit.checks if not check.name.startswith(OF_RUNS)]
    return sorted(lines, key=lambda line: order.index(line.kind))


def warnings_of_runs(fit: Fit) -> list[str]:
    """What was found about the table of runs when it was read."""
    return [check.text for check in fit.checks if check.name.startswith(OF_RUNS)]


def _line(check: CheckResult) -> Line:
    if check.passed:
        kind, word = "pass", "passed"
    elif check.passed is False and check.fatal:
        kind, word = "fail", "failed: do not use the posterior"
    elif check.passed is False:
        kind, word = "warn", "failed, but not fatal"
    else:
        kind, word = "warn", "to keep in mind"
    return Line(kind=kind, word=word, name=check.name, text=check.text)
