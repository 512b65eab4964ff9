"""`compare` on fits that nothing was sampled for."""

import numpy as np
import xarray as xr
from examples import example_fit

from bayes_scaling.comparison import compare
from bayes_scaling.inference.posterior import Fit


def with_an_influential_run(fit: Fit) -> Fit:
    """The fit, with a first run that a few draws fit far better than all others do."""
    tree = fit.tree.copy()
    seen = tree["log_likelihood"].to_dataset().copy(deep=True)
    heavy = np.random.default_rng(1).exponential(3.0, size=seen["log_loss"].shape[:2])
    seen["log_loss"][..., 0] = -heavy
    tree["log_likelihood"] = xr.DataTree(seen)
    return Fit(tree)


def test_runs_that_cannot_be_left_out_are_told_and_not_warned_about():
    fits = {"one": example_fit(), "two": with_an_influential_run(example_fit())}
    comparison = compare(fits)
    assert comparison.loo.loc["two", "unreliable"] >= 1
    assert "Pareto k above 0.7" in comparison.verdicts()[0]
