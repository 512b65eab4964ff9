"""What a table leaves open for the law and the groups that it is asked about."""

import numpy as np
import pandas as pd
from examples import law_fit

import bayes_scaling as bs
from bayes_scaling.inference.fitting import prepare


def codes(model, frame, **asked):
    return {p.code for p in prepare(bs.read_runs(frame), model, **asked).warnings}


def table(**columns):
    runs = law_fit("chinchilla", n_runs=24).data[["params", "tokens", "loss"]]
    return runs.assign(**columns)


def test_one_size_matters_to_a_law_of_size_only():
    curve = table(params=4e8)
    assert "one-size" in codes("chinchilla", curve)
    assert not codes("saturating", curve, x="tokens") & {"one-size", "not-in-the-law"}


def test_sizes_that_a_law_of_tokens_does_not_know_are_told():
    (said,) = (
        p
        for p in prepare(bs.read_runs(table()), "saturating", x="tokens").warnings
        if p.code == "not-in-the-law"
    )
    assert said.column == "params"
    assert "depends on tokens alone" in said.message
    assert "not-in-the-law" not in codes("saturating", table(), x="flops")


def test_architectures_that_are_fitted_as_one_are_told():
    two = table(architecture=np.tile(["dense", "sparse"], 12))
    assert "not-grouped" in codes("chinchilla", two)
    assert "not-grouped" not in codes("chinchilla-hierarchical", two, by="architecture")
    each = table(architecture=[f"run {i}" for i in range(24)])
    assert "not-grouped" not in codes("chinchilla", pd.DataFrame(each))
