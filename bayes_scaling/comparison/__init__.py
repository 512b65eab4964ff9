"""Law against law, and whether intervals keep their promise."""

from bayes_scaling.comparison.average import AveragedFit, average_fits
from bayes_scaling.comparison.backtest import backtest
from bayes_scaling.comparison.backtest_result import Backtest
from bayes_scaling.comparison.calibration import calibrate, calibrate_models
from bayes_scaling.comparison.calibration_result import Calibration
from bayes_scaling.comparison.compare import compare, compare_models
from bayes_scaling.comparison.extrapolation import HeldOut
from bayes_scaling.comparison.kaplan_or_chinchilla import kaplan_or_chinchilla
from bayes_scaling.comparison.kaplan_or_chinchilla_result import KaplanOrChinchilla
from bayes_scaling.comparison.methods import Answer, register_method
from bayes_scaling.comparison.plans import PlanDifference
from bayes_scaling.comparison.recovery import Recovery, recover
from bayes_scaling.comparison.result import Comparison

__all__ = [
    "Answer",
    "AveragedFit",
    "Backtest",
    "Calibration",
    "Comparison",
    "HeldOut",
    "KaplanOrChinchilla",
    "PlanDifference",
    "Recovery",
    "average_fits",
    "backtest",
    "calibrate",
    "calibrate_models",
    "compare",
    "compare_models",
    "kaplan_or_chinchilla",
    "recover",
    "register_method",
]
