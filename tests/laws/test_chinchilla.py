import csv

import numpy as np
import pytest

from bayes_scaling.errors import InputError
from bayes_scaling.laws import get_law

LAW = get_law("chinchilla")
PUBLISHED = {fit.key: dict(fit.values) for fit in LAW.published}


def test_hand_computed_loss():
    rounded = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
    for name, value in PUBLISHED["Hoffmann et al. 2022"].items():
        assert value == pytest.approx(rounded[name], rel=0.02)
    loss = LAW.loss(70e9, 1.4e12, **rounded)
    expected = 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28
    np.testing.assert_allclose(loss, expected)
    np.testing.assert_allclose(loss, 1.937, atol=1e-3)


def test_optimal_exponent_of_the_published_fits():
    hoffmann, besiroglu = (
        LAW.exponents({k: np.asarray(v) for k, v in PUBLISHED[key].items()})[0]
        for key in ("Hoffmann et al. 2022", "Besiroglu et al. 2024")
    )
    np.testing.assert_allclose(hoffmann, 0.4565, atol=1e-4)
    np.testing.assert_allclose(besiroglu, 0.5126, atol=1e-4)


def test_constants_are_the_published_ones(shared_data):
    keys = {
        "hoffmann2022_tex": "Hoffmann et al. 2022",
        "besiroglu2024": "Besiroglu et al. 2024",
    }
    with (shared_data / "loss" / "published_fits.csv").open() as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    for key, ours in keys.items():
        for name, value in PUBLISHED[ours].items():
            assert float(rows[key][name]) == pytest.approx(value, rel=1e-12)


def test_unknown_law_lists_the_known():
    with pytest.raises(InputError, match=r"known: .*'chinchilla'"):
        get_law("chinchila")
