"""The broken laws in the coordinates in which they are sampled."""

import numpy as np
import pytest

from bayes_scaling.laws import Reference, get_law


@pytest.mark.parametrize("name", ["broken", "broken-twice"])
def test_the_mean_exponent_is_that_of_the_middle_of_the_runs(name):
    law = get_law(name)
    log_x = np.linspace(40.0, 48.0, 9)
    reference = Reference.of({law.x: log_x}, np.full(9, 3.0))
    theta = {"E": 0.5, "T": 0.4, "c": 0.2, "c1": 0.3, "u1": 0.4, "w1": 0.3,
             "c2": -0.5, "u2": 0.9, "w2": 0.2}  # fmt: skip
    theta = {p.name: np.array(theta[p.name]) for p in law.sampled}
    natural = law.natural(np, theta, reference)
    middle, spread = reference.log_inputs[law.x], reference.spread[law.x]
    ends = np.array([middle - spread, middle, middle + spread])
    reducible = law.mean(np, {law.x: ends}, natural) - natural["E"]
    slope = np.log(reducible[2] / reducible[0]) / (2 * spread)
    assert slope == pytest.approx(-0.2)
    assert reducible[1] == pytest.approx(float(natural["T"]))
