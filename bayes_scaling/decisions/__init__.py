"""Questions to a posterior: functions that take a `Fit` first and return draws with a table."""

from bayes_scaling.decisions.allocate import Allocation, allocate
from bayes_scaling.decisions.architectures import Architectures, choose_architecture
from bayes_scaling.decisions.forecast import Forecast, forecast
from bayes_scaling.decisions.next_runs import NextRuns, next_runs

__all__ = [
    "Allocation",
    "Architectures",
    "Forecast",
    "NextRuns",
    "allocate",
    "choose_architecture",
    "forecast",
    "next_runs",
]
