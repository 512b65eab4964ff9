"""What the report answers: plans of budgets, and forecasts of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.decisions import Allocation, Forecast, allocate, forecast
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import Fit

__all__ = ["STEPS", "Answers", "answer"]

STEPS = (1.0, 10.0, 100.0)
"""What is answered unless something else is asked, times the largest compute of the runs, or the
largest value of the variable of a law of one variable."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Plans and forecasts; None where nothing was asked that the law can answer."""

    plan: Allocation | None
    forecast: Forecast | None


def answer(
    fit: Fit,
    flops: Any,
    points: pd.DataFrame | None,
    prob: float,
    group: str | Sequence[str] | None,
) -> Answers:
    """Answers to what was asked, or to what most would ask.

    Raises
    ------
    InputError
        A question is not valid, or budgets are given and the law says nothing about them.
    """
    if fit.law.allocates:
        budgets = _steps(fit, "flops") if flops is None else flops
        plan = allocate(fit, flops=budgets, group=group, prob=prob)
        return Answers(plan=plan, forecast=_forecast(fit, points, prob, group))
    if flops is not None and fit.inputs == ("flops",):
        if points is not None:
            raise InputError(
                "a law of compute alone forecasts the loss of budgets: give them either with flops "
                "(--flops) or as points (--at), not both"
            )
        points = pd.DataFrame({"flops": quantities(flops, "flops", flops=True)})
    elif flops is not None:
        raise InputError(
            f"the law {fit.law.name!r} in {' and '.join(fit.inputs)} does not say how to split "
            "budgets between size and data: leave flops (--flops) out, and ask for points (--at)"
        )
    elif points is None:
        points = _default_points(fit)
    return Answers(plan=None, forecast=_forecast(fit, points, prob, group))


def _forecast(
    fit: Fit, points: pd.DataFrame | None, prob: float, group: str | Sequence[str] | None
) -> Forecast | None:
    if points is None:
        return None
    own = "group" in points or (bool(fit.by) and set(fit.by) <= set(points.columns))
    return forecast(fit, points, group=None if own else group, prob=prob)


def _default_points(fit: Fit) -> pd.DataFrame:
    """The largest run, and what 10 and 100 times its compute would train at its proportions."""
    if len(fit.inputs) == 1:
        return pd.DataFrame({fit.inputs[0]: _steps(fit, fit.inputs[0])})
    largest = int(np.argmax(fit.columns["flops"]))
    root = np.sqrt(STEPS)
    return pd.DataFrame({key: fit.columns[key][largest] * root for key in ("params", "tokens")})


def _steps(fit: Fit, name: str) -> list[float]:
    return [step * float(fit.columns[name].max()) for step in STEPS]
