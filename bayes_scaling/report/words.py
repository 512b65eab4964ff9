"""Sentences of the report, and numbers as people write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.figures.marks import quantiles
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import INPUTS
from bayes_scaling.runs.counting import AS_GIVEN
from bayes_scaling.shapes.posterior import ShapeFit

__all__ = [
    "beyond", "counting", "flops", "groups", "head", "interval", "number", "percent",
    "quantity", "size", "span", "spread", "told", "verdict",
]  # fmt: skip

_HEADS: Final = {
    "params": "parameters N",
    "tokens": "tokens D",
    "flops": "FLOPs C",
    "flops_min": "minimum FLOPs C_min",
    "step": "steps S",
    "batch_tokens": "batch B (tokens)",
    "unique_tokens": "different tokens U",
    "aspect_ratio": "width over depth",
    "pretrained": "pre-trained",
}
"""Inputs of laws, as tables head them."""

Array = NDArray[np.float64]


def number(value: float, digits: int = 4) -> str:
    """Four significant digits, unless asked for others; whole numbers keep all of theirs."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def size(value: float) -> str:
    """Parameters or tokens, such as 70B."""
    from bayes_scaling.units import format_quantity

    return format_quantity(float(value), 3)


def flops(value: float) -> str:
    """Compute, such as 5.76e23."""
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def head(name: str) -> str:
    """An input of a law, or another column, as tables head it."""
    return _HEADS.get(name, name)


def told(fit: Fit) -> tuple[str, ...]:
    """Columns that describe the runs: size, tokens, compute, and the law's other inputs."""
    return tuple(dict.fromkeys(("params", "tokens", "flops", *fit.inputs)))


def quantity(name: str, value: float) -> str:
    """An input of a law, as people write it."""
    if name == "pretrained":
        return "yes" if value else "no"
    if name == "aspect_ratio":
        return number(value, 3)
    return flops(value) if name.startswith("flops") else size(value)


def span(name: str, values: Array) -> str:
    """Least to most of an input of a law."""
    if name == "pretrained":
        return f"{int(values.sum())} of {len(values)} runs"
    low, high = quantity(name, float(values.min())), quantity(name, float(values.max()))
    return low if low == high else f"{low} to {high}"


def counting(fit: Fit) -> str:
    """What N and C count, and what that means where the table did not say."""
    if AS_GIVEN not in fit.counting:
        return fit.counting
    return f"{fit.counting} (as given: the table doesn't say what it counts)"


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
    # Adding zero takes the sign from a negative zero.
    shown = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (median, lower, upper))
    return "{} ({} to {})".format(*shown)


def spread(draws: Array, prob: float) -> str:
    """Median and interval of draws, in words."""
    lower, upper = quantiles(draws, prob)
    return interval(float(np.median(draws)), float(lower), float(upper))


def verdict(
    fit: Fit | ShapeFit,
    listed: str = "under diagnostics and data",
    points: Sequence[str] | None = None,
) -> dict[str, str]:
    """Whether the posterior may be used, and what to read first: of the fit, or these points."""
    fatal = [c for c in fit.checks if c.fatal and c.passed is False]
    others = len(fit.problems()) - len(fatal) if points is None else len(points)
    if fatal:
        return {
            "kind": "fail",
            "text": "Do not use this posterior. " + " ".join(check.text for check in fatal),
        }
    many = "no point" if not others else "one point" if others == 1 else f"{others} points"
    where = f", listed {listed}." if others else "."
    return {
        "kind": "warn" if others else "pass",
        "text": "The posterior may be used: its draws pass every check of sampling. There "
        f"{_is(others)} {many} to keep in mind{where}",
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
    one = len(fit.inputs) == 1
    counted = INPUTS[fit.inputs[0]].short if one else "parameters and compute"
    rest = (
        "a law that bends at scales nobody has seen, a changed recipe, other data, or another way "
        f"to count {counted}."
    )
    if not fit.drifts:
        return [
            "These intervals assume that the law's form holds, which no law has done far beyond "
            "its runs: read them as too narrow there. They cover what the runs leave open about "
            f"its parameters, and not {rest}"
        ]
    return [
        "The law is an approximation, and the loss drifts away from it beyond the runs. The "
        "intervals allow for that, by as much as the larger runs of public sweeps departed from "
        "laws fitted to runs up to 100 times smaller; further out this is untested. The "
        "tables show beside them what the law alone would "
        f"say. They do not cover {rest}",
        fit.card.discrepancy.reason if fit.card.discrepancy else "",
    ]
