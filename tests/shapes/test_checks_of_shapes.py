"""Checks of a fit of shapes, on an invented posterior: what is told of scores and chains."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from shape_examples import SIZES, example_metrics, example_shapes

from bayes_scaling.runs import read_metrics
from bayes_scaling.shapes.checks import score_checks
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.turns import turn_check
from bayes_scaling.units import format_quantity


@pytest.fixture(scope="module")
def fit():
    return example_shapes()


@pytest.mark.parametrize("which", [0, 1, 4])
def test_a_score_far_from_the_trend_is_told(fit, which):
    assert all(check.passed for check in score_checks(fit))
    rows = fit.data
    own = rows[rows["curve"] == "rises"].sort_values("x")
    moved_row = int(own.index[which])
    scores = fit.tree["constant_data"].to_dataset()
    for away, passed in ((0.3, True), (-2.0, False)):  # at most 8, and 25 to 45 points
        z = scores["z"].to_numpy().copy()
        z[moved_row] += away
        moved = fit.tree.copy()
        moved["constant_data"] = xr.DataTree(scores.assign(z=("score", z)))
        last, earlier = score_checks(replace(fit, tree=moved))
        check, other = (last, earlier) if which == len(own) - 1 else (earlier, last)
        assert check.passed == passed
        assert not check.fatal
        size = format_quantity(own["x"].iloc[which])
        assert (f"'rises' at {size}: " in check.text) != passed
        assert other.passed


def scored(fit, curve, scores, examples):
    """The same posterior, with other scores of a curve, each out of so many questions."""
    data = fit.tree["constant_data"].to_dataset()
    own = np.flatnonzero(data["curve"].to_numpy() == curve)
    own = own[np.argsort(data["x"].to_numpy()[own])]
    scores = np.asarray(scores)
    new = {"value": scores, "z": fit.scales[curve].value(scores),
           "error": np.sqrt(1 / (examples * scores * (1 - scores)))}  # fmt: skip
    for name, cells in new.items():
        changed = data[name].to_numpy().copy()
        changed[own] = cells
        data = data.assign({name: ("score", changed)})
    tree = fit.tree.copy()
    tree["constant_data"] = xr.DataTree(data)
    return replace(fit, tree=tree)


@pytest.mark.parametrize(
    ("curve", "scores", "examples", "told"),
    [
        ("rises", [0.3, 0.4, 0.5, 0.44, 0.37], 800, "rise to 0.5 and fall to 0.37"),
        ("flat", [0.6, 0.5, 0.4, 0.5, 0.55], 800, "fall to 0.4 and rise to 0.55"),
        ("rises", [0.3, 0.4, 0.5, 0.44, 0.37], 60, None),  # two standard errors
        ("rises", [0.3, 0.4, 0.5, 0.48, 0.46], 10**5, None),  # four points
        ("turns", [0.6, 0.5, 0.4, 0.5, 0.6], 800, None),  # the trend does so, too
        ("turns", [0.3, 0.4, 0.5, 0.44, 0.37], 800, "rise to 0.5 and fall to 0.37"),
        ("rises", [0.3, 0.4, 0.5, 0.5, 0.6], 800, None),
    ],
)
def test_scores_that_turn_where_the_trend_does_not_are_told(fit, curve, scores, examples, told):
    turned = bent_inside(fit, "turns")
    check = turn_check(scored(turned, curve, scores, examples), [curve])
    assert check.passed == (told is None)
    assert not check.fatal
    if told is not None:
        assert f"{curve!r}: the scores {told}" in check.text
        assert "look at the figure" in check.text


def bent_inside(fit, curve):
    """The same fit, with the bend of a curve in the middle of its sizes."""
    posterior = fit.posterior.copy(deep=True)
    posterior["place"].loc[{"curve": curve}] = 0.0
    posterior["slope"].loc[{"curve": curve}] = 0.0
    tree = fit.tree.copy()
    tree["posterior"] = xr.DataTree(posterior)
    return replace(fit, tree=tree)


def test_where_no_sampling_error_is_known_a_turn_has_to_exceed_the_scatter(fit):
    scores = [0.3, 0.4, 0.5, 0.44, 0.37]
    assert not turn_check(scored(fit, "rises", scores, 800)).passed
    posterior = fit.posterior.copy(deep=True)
    posterior["scatter"].loc[{"curve": "rises"}] = 0.5  # 12 points, 17 of a difference
    tree = fit.tree.copy()
    tree["posterior"] = xr.DataTree(posterior)
    assert turn_check(scored(replace(fit, tree=tree), "rises", scores, 800)).passed


def test_many_turns_are_counted_and_the_largest_named(fit):
    for i, curve in enumerate(fit.curves):
        fit = scored(fit, curve, [0.3, 0.4, 0.5 + i / 50, 0.4, 0.3], 800)
    check = turn_check(fit, fit.curves)
    assert check.text.startswith("The scores of 5 curves turn within the sizes")
    assert "'turns': the scores rise to 0.58 and fall to 0.3; 'rises'" in check.text
    assert "'falls'" not in check.text
    # With two scores of a size their mean counts.
    rows = fit.tree["constant_data"].to_dataset()
    peak = int(np.flatnonzero((rows["curve"] == "turns") & (rows["x"] == SIZES[2]))[0])
    low = rows.isel(score=[peak]).assign(value=("score", [0.1]))
    fit.tree["constant_data"] = xr.DataTree(xr.concat([rows, low], dim="score"))
    assert "'turns'" not in turn_check(fit, ["turns"]).text


@pytest.mark.parametrize(
    ("miss", "examples", "told"),
    [(0.085, 800, True), (0.085, 200, False), (0.04, 10**5, False), (0.06, 10**5, True),
     (0.13, 200, True), (0.13, 40, False)],
)  # fmt: skip
def test_how_far_a_score_may_lie_goes_by_its_sampling_error(fit, miss, examples, told):
    scores = np.full(5, 0.5)
    scores[2] += miss
    moved = scored(fit, "flat", scores, examples)
    _, earlier = score_checks(moved, ["flat"])
    assert earlier.passed != told
    # Where it is not known, ten points are far.
    assert score_checks(moved)[1].passed == (miss < 0.1)


def test_a_fit_knows_which_sampling_errors_are_known(fit):
    assert {"last scores", "earlier scores", "turns"} <= {check.name for check in fit.checks}
    table = example_metrics().table.drop(columns=["curve", "bounded"])
    table.loc[table["task"] == "flat", "n_examples"] = None
    design = make_shape_design(read_metrics(table))
    assert dict(zip(design.curves, design.known.tolist(), strict=True)) == {
        curve: curve != "flat" for curve in fit.curves
    }
    table = table.assign(metric="loss", stderr=np.where(table["task"] == "flat", 0.01, np.nan))
    design = make_shape_design(read_metrics(table))
    assert [c for c, known in zip(design.curves, design.known, strict=True) if known] == ["flat"]


def test_chains_that_disagree_are_not_trusted(fit):
    from bayes_scaling.shapes.checks import convergence_checks

    assert fit.trusted
    posterior = fit.posterior.copy(deep=True)
    posterior["slope"].loc[{"chain": 0}] += 1.0
    _, checks = convergence_checks(posterior, fit.tree["sample_stats"].to_dataset())
    assert next(check.name for check in checks if check.passed is False) == "r-hat"
