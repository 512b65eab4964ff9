"""Axes with readable ticks: sizes such as 1B, compute such as 1e20, losses in plain numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from bayes_scaling.figures.style import width_in_inches
from bayes_scaling.figures.words import LABELS, power_of_ten
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["loss_axis", "padded", "quantity_axis"]

Which = Literal["x", "y"]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Limits on a log axis with room at both ends; half a decade around a single value."""
    a, b = math.log10(low), math.log10(high)
    room = share * (b - a) if b - a > 1e-6 else 0.5
    return 10 ** (a - room), 10 ** (b + room)


def quantity_axis(
    ax: Axes, which: Which, name: str, limits: tuple[float, float] | None = None
) -> None:
    """Log axis of an input of a law or of tokens per parameter, labelled with its unit."""
    if limits is None:
        low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    else:
        low, high = limits
    if which == "x":
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.set_xlabel(LABELS[name])
    else:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
        ax.set_ylabel(LABELS[name])
    # Labels side by side take 0.7 inches each.
    most = float(np.clip(width_in_inches(ax) / 0.7, 2, 7)) if which == "x" else 7.0
    _log_ticks(ax.xaxis if which == "x" else ax.yaxis, low, high, name, most)


def _log_ticks(axis: Axis, low: float, high: float, name: str, most: float) -> None:
    decades = math.log10(high / low)
    every = max(1, math.ceil(decades / most))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    # Steps within a decade only where a decade is wide enough to label them.
    for subs in ((1,),) if every > 1 else ((1,), (1, 3), (1, 2, 5)):
        ticks = [s * 10.0**p for p in powers if p % every == 0 for s in subs]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if every > 1 or len(ticks) >= min(3, most):
            break
    else:
        ticks = _plain_ticks(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(LogLocator(subs=tuple(range(1, 10)), numticks=99))
    show = power_of_ten if name.startswith("flops") else _short
    axis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))
    axis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    return format_quantity(float(value), 3)


def loss_axis(ax: Axes, low: float, high: float, *, which: Which = "y") -> None:
    """Axis of the loss: logarithmic where it spans much, with plain numbers either way."""
    axis = ax.yaxis if which == "y" else ax.xaxis
    (ax.set_ylim if which == "y" else ax.set_xlim)(low, high)
    (ax.set_ylabel if which == "y" else ax.set_xlabel)(LABELS["loss"])
    if high / low > 1.5:
        (ax.set_yscale if which == "y" else ax.set_xscale)("log")
        axis.set_major_locator(FixedLocator(_plain_ticks(low, high)))
        axis.set_minor_locator(FixedLocator([]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))


def _plain_ticks(low: float, high: float) -> list[float]:
    """Round numbers that lie about evenly on a log axis."""
    steps = np.array([1, 1.2, 1.5, 1.8, 2, 2.2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9])
    powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    candidates = np.unique(np.outer(powers, steps).ravel())
    gap, ticks = math.log(high / low) / 8, list[float]()
    for tick in candidates[(candidates >= low) & (candidates <= high)]:
        if not ticks or math.log(tick / ticks[-1]) >= gap:
            ticks.append(float(np.round(tick, 12)))
    return ticks
