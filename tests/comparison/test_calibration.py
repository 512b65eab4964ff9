"""Do intervals hold the truth as often as they say? Long checks, behind the marker.

    uv run pytest -m calibration

takes most of an hour on two cores and leaves its figures and tables in ``out/calibration``.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayes_scaling.comparison import calibrate, recover
from bayes_scaling.comparison.calibration import Calibration
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.invented import invented_design

FIGURES = Path(__file__).resolve().parents[2] / "out" / "calibration"
SIZES = {"chinchilla": (30,), "chinchilla-hierarchical": (6, 12, 20, 30)}
SIMULATIONS = {"chinchilla": 300, "chinchilla-hierarchical": 150}


def design_for(card: str) -> Design:
    return invented_design(load_card(card), SIZES[card], np.random.default_rng(0))


def fake(pit: np.ndarray) -> Calibration:
    return Calibration(pit=xr.Dataset({"nu": ("simulation", pit)}), divergences=0)


def test_uniform_ranks_pass_and_overconfident_ones_do_not():
    rng = np.random.default_rng(0)
    honest = fake(rng.uniform(size=500))
    # A posterior half as wide as it should be puts the truth in its tails.
    from scipy.stats import norm

    overconfident = fake(norm.cdf(2 * rng.standard_normal(500)))
    assert honest.p_values()["nu"] > 0.01
    assert overconfident.p_values()["nu"] < 1e-6
    assert honest.coverage(0.9)["nu"] == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 500))
    assert overconfident.coverage(0.9)["nu"] < 0.7


@pytest.mark.calibration
@pytest.mark.parametrize("card", SIZES)
def test_simulation_based_calibration(card):
    result = calibrate(card, design_for(card), simulations=SIMULATIONS[card], seed=11)
    FIGURES.mkdir(parents=True, exist_ok=True)
    result.plot().savefig(FIGURES / f"sbc_{card}.png", dpi=100, bbox_inches="tight")
    p_values = result.p_values()
    worst = min(p_values, key=p_values.get)
    # One in a thousand over all quantities together (Bonferroni).
    assert p_values[worst] > 0.001 / len(p_values), worst


@pytest.mark.calibration
@pytest.mark.parametrize("spoiled", [0.0, 0.1])
def test_recovery_of_truths_wilder_than_the_priors(spoiled):
    result = recover("chinchilla-hierarchical", tables=50, spoiled=spoiled, seed=1)
    FIGURES.mkdir(parents=True, exist_ok=True)
    coverage = result.coverage()
    coverage.to_csv(FIGURES / f"recovery_spoiled_{spoiled:g}.csv")
    low, high = (0.84, 0.95)
    # sigma is left out of the second set: 10 % of spoiled runs are noise that no sigma describes.
    judged = coverage if spoiled == 0 else coverage.drop("sigma")
    inside = judged["coverage"].between(low, high)
    assert inside.all(), judged[~inside]
