"""Questions to a posterior: functions that take a `Fit` first and return draws with a table."""

from bayes_scaling.decisions.allocate import Allocation, allocate
from bayes_scaling.decisions.forecast import Forecast, forecast

__all__ = ["Allocation", "Forecast", "allocate", "forecast"]
