"""Sentences of the report, and numbers as people write them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.figures.draws import group_draws
from bayes_scaling.figures.marks import quantiles
from bayes_scaling.inference.posterior import NEW_GROUP, Fit

__all__ = [
    "BEYOND", "beyond", "flops", "groups", "headline", "interval", "number", "percent",
    "size", "spread", "verdict",
]  # fmt: skip

BEYOND: Final = (
    ("up to 0.5", "-0.6 %", "1.4 %"),
    ("0.5 to 1", "-1.4 %", "2.4 %"),
    ("1 to 1.5", "-2.0 %", "3.5 %"),
    ("1.5 to 2", "-3.2 %", "6.1 %"),
    ("2 to 4", "-7.6 %", "11.6 %"),
)
"""Decades of compute beyond the runs; mean and root mean square error of the predicted loss."""

Array = NDArray[np.float64]


def number(value: float, digits: int = 4) -> str:
    """Four significant digits, unless asked for others."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.{digits}g}"


def size(value: float) -> str:
    """Parameters or tokens, such as 70B."""
    from bayes_scaling.units import format_quantity

    return format_quantity(float(value), 3)


def flops(value: float) -> str:
    """Compute, such as 5.76e23."""
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def percent(prob: float) -> str:
    """Probability, such as "90 %"."""
    return f"{100 * prob:.4g} %"


def interval(median: float, lower: float, upper: float) -> str:
    """Median and interval, to two digits of the interval's width."""
    if lower > 0 and upper > 10 * lower:
        return f"{number(median, 3)} ({number(lower, 3)} to {number(upper, 3)})"
    width = upper - lower
    digits = 1 - math.floor(math.log10(width)) if width > 0 else 3
    if not 0 <= digits <= 6 or max(abs(lower), abs(upper)) >= 1e5:
        return f"{number(median)} ({number(lower)} to {number(upper)})"
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


def spread(draws: Array, prob: float) -> str:
    """Median and interval of draws, in words."""
    lower, upper = quantiles(draws, prob)
    return interval(float(np.median(draws)), float(lower), float(upper))


def headline(fit: Fit, prob: float) -> list[str]:
    """What the runs say, in a sentence or two."""
    if len(fit.groups) == 1:
        return [_finding(fit, fit.groups[0], prob)]
    medians = {name: float(np.median(group_draws(fit, name)["a"])) for name in fit.groups}
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    sentences = [
        f"Over {len(fit.groups)} groups by {' and '.join(fit.by)} the compute-optimal model size "
        f"grows as compute to a power a between {medians[low]:.2f} ({low}) and "
        f"{medians[high]:.2f} ({high}); the intervals of each group are in the table."
    ]
    return [*sentences, _finding(fit, NEW_GROUP, prob)] if fit.pooled else sentences


def _finding(fit: Fit, name: str, prob: float) -> str:
    draws = group_draws(fit, name)
    parts = [
        f"{parameter.meaning} {parameter.name} = {spread(draws[parameter.name], prob)}"
        for parameter in fit.law.parameters
        if parameter.name in ("E", "alpha", "beta", "gamma")
    ]
    a = draws["a"]
    bigger, longer = np.median(10**a), np.median(10 ** (1 - a))
    subject = "A new group, not among the runs: " if name == NEW_GROUP else ""
    text = (
        f"{subject}{', '.join(parts)}. The compute-optimal model size grows as compute to the "
        f"power a = {spread(a, prob)}, so ten times the compute calls for about "
        f"{bigger:.2g} times the parameters and {longer:.2g} times the tokens."
    )
    return text[0].upper() + text[1:] if not subject else text


def verdict(fit: Fit) -> dict[str, str]:
    """Whether the posterior may be used, and what to read first."""
    fatal = [c for c in fit.checks if c.fatal and c.passed is False]
    others = len(fit.problems()) - len(fatal)
    if fatal:
        return {
            "kind": "fail",
            "text": "Do not use this posterior. " + " ".join(check.text for check in fatal),
        }
    points = "no point" if not others else "one point" if others == 1 else f"{others} points"
    return {
        "kind": "warn" if others else "pass",
        "text": f"The posterior may be used: the sampler's chains agree. There {_is(others)} "
        f"{points} to keep in mind" + (", listed under diagnostics and data." if others else "."),
    }


def _is(n: int) -> str:
    return "are" if n > 1 else "is"


def groups(fit: Fit, prob: float) -> str:
    """What the comparison of groups shows."""
    if not fit.pooled:
        return (
            "The card pools over nothing: every group was fitted by itself, and a group without "
            "runs cannot be asked about."
        )
    columns = " and ".join(fit.by)
    return (
        f"The groups ({columns}) share a population: those with few runs lean on the others. "
        "Filled marks are the posterior; hollow marks are an approximation of what each group's "
        "own runs say without the others, so the way from hollow to filled is what pooling did. "
        f"Thin lines hold {percent(prob)}, thick ones 50 %."
    )


def beyond(fit: Fit) -> list[str]:
    """What the intervals leave out, in plain words."""
    general = (
        "These intervals assume that the law's form holds. They cover what the runs leave open "
        "about its parameters; they do not cover a law that bends at scales nobody has seen, a "
        "changed recipe, other data, or another way to count parameters and compute."
    )
    if fit.law.name != "chinchilla":
        return [general]
    return [
        general,
        "How far off this law has been: it was fitted to the smaller runs of 22 public sweeps and "
        "asked about the larger ones. It is pessimistic beyond the data: the larger runs did "
        "better than it predicted, the more so the farther away. Read the forecasts below as "
        "somewhat too high, and the intervals as too narrow.",
    ]
