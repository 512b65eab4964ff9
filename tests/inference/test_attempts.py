"""Further attempts: when they are made, and with what."""

import numpy as np
import pytest
import xarray as xr
from scipy import signal, stats

from bayes_scaling.inference import attempts
from bayes_scaling.inference.diagnostics.convergence import sampled_well, times_as_long
from bayes_scaling.inference.sample import Effort, Sampling, _thinned

EFFORT = Effort(draws=200, tune=300)
POINTS = np.random.default_rng(3).standard_normal((4, 1000, 2))


def tree(apart: float, diverging: int = 0, draws: int = 1000) -> xr.DataTree:
    """Chains whose means lie so many standard deviations apart."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((4, draws)) + apart * np.arange(4)[:, None]
    return tree_of(values, diverging)


def tree_of(values: np.ndarray, diverging: int = 0) -> xr.DataTree:
    bad = np.zeros(values.shape, dtype=bool)
    bad[0, :diverging] = True
    dims = ("chain", "draw")
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"theta": (dims, values)}),
            "sample_stats": xr.Dataset({"diverging": (dims, bad)}),
        }
    )


MIXED, NEARLY, APART, DIVERGED = tree(0.0), tree(0.15), tree(1.0), tree(0.0, diverging=3)
NEEDED = 3
"""Times as long as `NEARLY` must be: its R-hat is 1.018, and half of that again is for scatter."""


FIRST, LONGER, CAREFUL, BOTH = "first", "longer", "careful", "both"


@pytest.mark.parametrize(
    ("found", "made"),
    [
        ([MIXED], [FIRST]),
        ([APART, MIXED], [FIRST, CAREFUL]),
        ([DIVERGED, MIXED], [FIRST, CAREFUL]),
        ([APART, APART], [FIRST, CAREFUL]),
        ([NEARLY, MIXED], [FIRST, LONGER]),
        ([NEARLY, NEARLY, MIXED], [FIRST, LONGER, CAREFUL]),
        ([NEARLY, DIVERGED, APART], [FIRST, LONGER, CAREFUL]),
        ([APART, NEARLY, MIXED], [FIRST, CAREFUL, BOTH]),
        ([NEARLY, APART, NEARLY, NEARLY], [FIRST, LONGER, CAREFUL, BOTH]),
    ],
)
def test_chains_go_on_where_that_helps_and_take_care_where_it_does_not(monkeypatch, found, made):
    asked = []

    def sample(model, effort, **_):
        asked.append(effort)
        return Sampling(tree=found[len(asked) - 1], seconds={"sample": 1.0}, compiled="graph")

    monkeypatch.setattr(attempts, "sample", sample)
    sampling, count = attempts.sample_with_care(None, EFFORT, seed=1)
    assert count == len(asked) == len(found)
    assert sampling.tree is found[-1]
    assert sampling.seconds == {"sample": count}
    first = {"draws": 200, "length": 200, "tune": 300, "target_accept": 0.95}
    careful = {"tune": attempts.CAREFUL_TUNE, "target_accept": attempts.CAREFUL_ACCEPT}
    expected = {
        FIRST: first,
        LONGER: first | {"length": 200 * NEEDED},
        CAREFUL: first | careful | {"length": 800},
        BOTH: first | careful | {"length": 800 * NEEDED},
    }
    for effort, kind in zip(asked, made, strict=True):
        assert {name: getattr(effort, name) for name in first} == expected[kind]


def test_chains_go_on_as_long_as_r_hat_and_effective_draws_need():
    rng = np.random.default_rng(5)
    steps = stats.norm.rvs(size=(4, 40_000), random_state=rng)
    # Draws of an autoregression with 0.98 are worth 1 - 0.98 over 1 + 0.98 of independent ones.
    values = signal.lfilter([1.0], [1.0, -0.98], steps, axis=1)
    times = times_as_long(part := tree_of(values[:, :4000]))
    assert not sampled_well(part)
    assert 2 <= times <= 10
    assert sampled_well(tree_of(values[:, : 4000 * times]))
    assert times_as_long(tree(0.0)) == 1 < times_as_long(NEARLY) == NEEDED


def test_chains_do_not_go_on_beyond_what_memory_holds(monkeypatch):
    assert attempts._longer(NEARLY, 1, most=16) == NEEDED
    assert attempts._longer(NEARLY, 4, most=12) == 12
    assert attempts._longer(APART, 4, most=12) == attempts._longer(DIVERGED, 4, most=12) == 4
    monkeypatch.setattr(attempts, "MOST_BYTES", 2.5 * NEARLY["posterior"].to_dataset().nbytes)
    assert attempts._longer(NEARLY, 1, most=16) == 2


def test_longer_chains_keep_as_many_draws_and_every_divergence():
    whole = tree(0.0, diverging=3, draws=2000)
    values = whole["posterior"]["theta"].to_numpy()
    kept = _thinned(whole, 4)
    assert dict(kept["posterior"].sizes) == {"chain": 4, "draw": 500}
    assert np.array_equal(kept["posterior"]["theta"], values[:, ::4])
    assert int(kept["sample_stats"]["diverging"].sum()) == 1
    whole["sample_stats"]["diverging"][:] = False
    whole["sample_stats"]["diverging"][2, [7, 9]] = True
    assert np.argwhere(_thinned(whole, 4)["sample_stats"]["diverging"].to_numpy()).tolist() == [
        [2, 1], [2, 2],
    ]  # fmt: skip
    assert _thinned(whole, 1) is whole


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
    first = Sampling(tree=found, seconds={}, points=points)
    starts = np.concatenate([attempts._starts(first, seed) for seed in range(50)])
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
