"""Whether the answer is as good as it says: calibration and recovery."""

from bayes_scaling.comparison.calibration import Calibration, calibrate
from bayes_scaling.comparison.recovery import Recovery, recover

__all__ = ["Calibration", "Recovery", "calibrate", "recover"]
