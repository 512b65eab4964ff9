"""Further attempts: when they are made, and with what."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_scaling.inference import attempts
from bayes_scaling.inference.sample import Effort, Sampling

EFFORT = Effort(draws=200, tune=300)
POINTS = np.random.default_rng(3).standard_normal((4, 1000, 2))


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


def test_chains_start_anew_where_most_of_the_posterior_is():
    """Two modes, one of e^-4 of the mass: one chain sits in it, and one in 55 starts may."""
    rng = np.random.default_rng(2)
    centre, width = np.array([0.0, 0.0, 0.0, 9.0]), np.array([1.0, 1.0, 1.0, 0.1])
    points = centre[:, None, None] + width[:, None, None] * rng.standard_normal((4, 4000, 2))
    # Normalised, times the share of the mode: the small one is the denser by far.
    density = stats.norm.logpdf(points, centre[:, None, None], width[:, None, None]).sum(axis=2)
    density[3] -= 4.0
    dims = ("chain", "draw")
    found = xr.DataTree.from_dict({"sample_stats": xr.Dataset({"logp": (dims, density)})})
    starts = np.concatenate([attempts._starts(points, found, seed) for seed in range(50)])
    small = (starts[:, 0] > 5).mean()
    expected = np.exp(-4) / (3 + np.exp(-4))
    assert small == pytest.approx(expected, abs=4 * np.sqrt(expected / len(starts)))


def test_careful_chains_start_at_points_of_the_first_attempt(monkeypatch):
    asked = []

    def sample(model, effort, *, starts=None, **_):
        asked.append(starts)
        tree = MIXED if len(asked) > 1 else APART
        logp = xr.Dataset({"logp": (("chain", "draw"), np.zeros((4, 1000)))})
        given = xr.DataTree.from_dict(
            {"posterior": tree["posterior"].to_dataset(),
             "sample_stats": tree["sample_stats"].to_dataset().merge(logp)}
        )  # fmt: skip
        return Sampling(tree=given, seconds={"sample": 1.0}, points=POINTS)

    monkeypatch.setattr(attempts, "sample", sample)
    attempts.sample_with_care(None, EFFORT, seed=1)
    assert asked[0] is None
    assert set(map(tuple, asked[1])) <= set(map(tuple, POINTS.reshape(-1, 2)))
