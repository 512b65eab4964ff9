"""Law against law, back-tests and calibration: is the answer as good as it says?"""

from bayes_scaling.comparison.calibration import Calibration, calibrate
from bayes_scaling.comparison.recovery import Recovery, recover

__all__ = ["Calibration", "Recovery", "calibrate", "recover"]
