"""`plot_calibration`: whether ranks of truths among posterior draws are uniform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.calibration_result import Calibration, threshold
from bayes_scaling.errors import InputError
from bayes_scaling.figures.style import BAND, COLOURS, MUTED, new_grid, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calibration"]

COLUMNS = 4
PANEL = (2.6, 1.9)
ROOM = 1.25
"""Height of a panel over that of the band."""


@styled
def plot_calibration(
    calibration: Calibration,
    *,
    quantities: int | None = None,
    ax: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Ranks of truths, as a departure from uniform, one panel a quantity.

    The line is the share of truths below each share of the draws, less that share. Where a line
    leaves its band, the Kolmogorov-Smirnov test of that quantity raises an alarm, and the line is
    red. An arch: truths lie below the posterior. A dip: above it. Up, then down: intervals are too
    narrow; down, then up: too wide.

    Parameters
    ----------
    calibration : Calibration
        Of a card that pools, the population is shown and not its groups.
    quantities : int, optional
        How many are looked at together, with those of other cards; by default the card's own.
    ax : sequence of Axes, optional
        One for each quantity shown; new ones otherwise.

    Returns
    -------
    array of Axes
        One a quantity.
    """
    from scipy.stats import kstwo

    shown = _shown(calibration)
    axes = new_grid(len(shown), COLUMNS, PANEL) if ax is None else list(ax)
    if len(axes) != len(shown):
        raise InputError(f"{len(shown)} quantities need as many axes, not {len(axes)}")
    n = calibration.simulations
    half = float(kstwo.isf(threshold(quantities or len(calibration.quantities)), n))
    for panel, (name, values) in zip(axes, shown.items(), strict=True):
        x = np.concatenate([[0.0], np.repeat(np.sort(values), 2), [1.0]])
        departure = np.repeat(np.arange(n + 1), 2) / n - x
        alarm = np.abs(departure).max() > half
        panel.axhspan(-half, half, color=MUTED, alpha=0.18, linewidth=0)
        panel.axhline(0, color=MUTED, linewidth=0.8)
        panel.plot(x, departure, color=COLOURS[1] if alarm else BAND, linewidth=1.3)
        panel.set_xlim(0, 1)
        reach = ROOM * max(half, float(np.abs(departure).max()))
        panel.set_ylim(-reach, reach)
        panel.set_title(name)
    for panel in axes[-COLUMNS:]:
        panel.set_xlabel("share of draws below the truth")
    for panel in axes[::COLUMNS]:
        panel.set_ylabel("departure")
    return np.array(axes, dtype=object)


def _shown(calibration: Calibration) -> dict[str, NDArray[np.float64]]:
    pooled = "mu" in calibration.pit
    return {
        name: values
        for name, values in calibration.scalars().items()
        if not (pooled and name.startswith("theta["))
    }
