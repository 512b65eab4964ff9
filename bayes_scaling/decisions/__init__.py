"""Questions to a posterior: functions that take a `Fit` first and return draws with a table."""

from bayes_scaling.decisions.allocate import Allocation, allocate
from bayes_scaling.decisions.architectures import Architectures, choose_architecture
from bayes_scaling.decisions.cost_files import load_costs
from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.forecast import Forecast, forecast
from bayes_scaling.decisions.hardware import list_hardware
from bayes_scaling.decisions.matching import TokensToMatch, tokens_to_match
from bayes_scaling.decisions.next_runs import NextRuns, next_runs
from bayes_scaling.decisions.plan import plan
from bayes_scaling.decisions.plan_result import Plan

__all__ = [
    "Allocation",
    "Architectures",
    "Costs",
    "Forecast",
    "NextRuns",
    "Plan",
    "TokensToMatch",
    "allocate",
    "choose_architecture",
    "forecast",
    "list_hardware",
    "load_costs",
    "next_runs",
    "plan",
    "tokens_to_match",
]
