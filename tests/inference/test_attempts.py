"""Further attempts: when they are made, and with what."""

import numpy as np
import pytest
import xarray as xr

from bayes_scaling.inference import attempts
from bayes_scaling.inference.sample import Effort, Sampling

EFFORT = Effort(draws=200, tune=300)


def tree(apart: float, diverging: int = 0, draws: int = 1000) -> xr.DataTree:
    """Chains whose means lie so many standard deviations apart."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((4, draws)) + apart * np.arange(4)[:, None]
    bad = np.zeros((4, draws), dtype=bool)
    bad[0, :diverging] = True
    dims = ("chain", "draw")
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"theta": (dims, values)}),
            "sample_stats": xr.Dataset({"diverging": (dims, bad)}),
        }
    )


MIXED, NEARLY, APART, DIVERGED = tree(0.0), tree(0.15), tree(1.0), tree(0.0, diverging=3)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ([MIXED], [1]),
        ([APART, MIXED], [1, 2]),
        ([DIVERGED, MIXED], [1, 2]),
        ([APART, APART], [1, 2]),
        ([APART, DIVERGED], [1, 2]),
        ([NEARLY, NEARLY, MIXED], [1, 2, 4]),
        ([NEARLY, NEARLY, NEARLY], [1, 2, 4]),
    ],
)
def test_attempts_end_where_more_draws_would_not_help(monkeypatch, found, kept):
    asked = []

    def sample(model, effort, **_):
        asked.append(effort)
        return Sampling(tree=found[len(asked) - 1], seconds={"sample": 1.0}, compiled="graph")

    monkeypatch.setattr(attempts, "sample", sample)
    sampling, count = attempts.sample_with_care(None, EFFORT, seed=1)
    assert count == len(asked) == len(found)
    assert sampling.tree is found[-1]
    assert sampling.seconds == {"sample": count}
    assert [effort.draws / EFFORT.draws for effort in asked] == kept
    assert [attempts.draws_multiple(i + 1) for i in range(count)] == kept
    assert all(effort.target_accept == attempts.CAREFUL_ACCEPT for effort in asked[1:])
