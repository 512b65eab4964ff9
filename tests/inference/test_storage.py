"""Reading some groups of a saved fit: the same arrays, and the same tree where one is asked for."""

import numpy as np
import pytest
import xarray as xr
from examples import example_fit, law_fit

import bayes_scaling as bs
from bayes_scaling.errors import FitFileError
from bayes_scaling.inference.arrays import NamedArray, SavedGroups, arrays_of
from bayes_scaling.inference.storage import QUESTION_GROUPS


@pytest.fixture(params=["plain", "grouped", "drifting"])
def saved(request, tmp_path):
    made = {
        "plain": example_fit,
        "grouped": lambda: example_fit(groups=3),
        "drifting": lambda: law_fit("coupled-informed", 2, n_draws=50),
    }[request.param]()
    return made.save(tmp_path / "fit.nc")


def test_some_groups_are_as_in_the_whole(saved):
    whole, some = bs.load_fit(saved), bs.load_fit(saved, groups=QUESTION_GROUPS)
    assert isinstance(some.tree, SavedGroups)
    assert some.tree.attrs == whole.tree.attrs
    for name in QUESTION_GROUPS:
        xr.testing.assert_identical(some.tree[name].to_dataset(), whole.tree[name].to_dataset())
        read = arrays_of(some.tree, name)
        for other in (whole.tree, some.tree.tree):
            expected = arrays_of(other, name)
            assert {k: v.dims for k, v in read.items()} == {k: v.dims for k, v in expected.items()}
    assert some.columns.keys() == whole.columns.keys()
    assert (some.groups, some.n_runs, some.n_draws) == (whole.groups, whole.n_runs, whole.n_draws)
    for group in whole.groups:
        mine, theirs = some.parameters(group), whole.parameters(group)
        assert all(np.array_equal(mine[key], theirs[key]) for key in theirs)


def test_samples_are_those_of_stacked_chains(saved):
    posterior = bs.load_fit(saved).posterior
    stacked = posterior.stack(sample=("chain", "draw"), create_index=False)
    for name, each in arrays_of(bs.load_fit(saved).tree, "posterior").items():
        if {"chain", "draw"} <= set(each.dims):
            expected = stacked[name].transpose("sample", ...)
            np.testing.assert_array_equal(each.samples(), expected)


def test_a_place_of_a_dim_wherever_the_dim_is():
    values = np.arange(24).reshape(2, 3, 4)
    chosen = NamedArray(("group", "chain", "draw"), values).select("group", 1)
    assert chosen.dims == ("chain", "draw")
    np.testing.assert_array_equal(chosen.samples(), values[1].ravel())
    last = NamedArray(("draw", "chain", "p"), values).samples()
    np.testing.assert_array_equal(last, values.transpose(1, 0, 2).reshape(6, 4))


def test_damaged_and_foreign_files_are_refused_without_reading_all(saved, tmp_path):
    cut = tmp_path / "cut.nc"
    cut.write_bytes(saved.read_bytes()[:20000])
    foreign = tmp_path / "foreign.nc"
    xr.Dataset({"x": ("t", [1.0, 2.0])}).to_netcdf(foreign, engine="netcdf4")
    text = tmp_path / "text.nc"
    text.write_text("params,tokens,loss\n1,2,3\n")
    for path in (cut, foreign, text):
        with pytest.raises(FitFileError, match=path.name):
            bs.load_fit(path, groups=QUESTION_GROUPS)
