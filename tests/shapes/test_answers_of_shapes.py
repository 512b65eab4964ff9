"""Answers about shapes, on an invented posterior: probabilities, words, files, pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from shape_examples import SIZES, TRUTHS, example_metrics, example_shapes

import bayes_scaling as bs
from bayes_scaling.errors import FitFileError, InputError
from bayes_scaling.figures import plot_risk, plot_shapes
from bayes_scaling.report import render_shapes, write_shapes
from bayes_scaling.report import shapes as page_of_shapes
from bayes_scaling.runs import read_metrics
from bayes_scaling.shapes import SHAPES
from bayes_scaling.shapes.checks import score_checks
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.turns import turn_check
from bayes_scaling.units import format_quantity


@pytest.fixture(scope="module")
def fit():
    return example_shapes()


@pytest.fixture(scope="module")
def answer(fit):
    return fit.probabilities(at="1T")


EXPECTED = {"falls": "inverse", "flat": "flat", "jumps": "delayed", "rises": "improving",
            "turns": "u_shaped"}  # fmt: skip


def test_every_task_has_the_shape_of_its_truth(answer):
    sure = bs.shape_probabilities(example_shapes(spread=0.001), at="1T").shares()
    assert sure.idxmax(axis=1).to_dict() == EXPECTED
    shares = answer.shares()
    assert list(shares.columns) == list(SHAPES)
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares.loc["turns", "u_shaped"] > 0.95


def test_what_was_seen_and_what_is_known_without_it(answer):
    seen, prior = answer.shares("shape_seen"), answer.shares("shape_prior")
    assert seen.loc["turns", "inverse"] == 1
    assert (seen["delayed"] == 0).all()
    # Without scores of their own, tasks of one population with the same sizes are alike.
    assert prior.std().max() < 4 * np.sqrt(0.25 / 1600)


def test_worse_than_at_the_largest_size_seen(answer):
    table = answer.table().set_index("curve")
    worse = table["p_worse_than_largest_seen"]
    assert worse["falls"] == 1
    assert worse["rises"] == worse["turns"] == 0
    assert worse["flat"] == pytest.approx(0.5, abs=0.1)
    alone = table["p_worse_than_largest_seen_prior_only"]
    assert alone.between(0.2, 0.5).all()


def test_a_turn_that_may_yet_come(fit):
    soon = bs.shape_probabilities(fit, at="12B", curve="turns").shares().loc["turns"]
    assert soon["inverse"] > 0.95


def test_turning_points(answer):
    table = answer.table().set_index("curve")
    assert table.loc["turns", "p_turns"] > 0.95
    middle = np.log10(SIZES).mean()
    # Where the slope is zero: the logistic of the distance from the bend is half.
    slope, change = TRUTHS["turns"]["slope"], TRUTHS["turns"]["change"]
    place = middle + TRUTHS["turns"]["place"]
    turn = place + 0.15 * np.log(-slope / (change + slope))
    assert table.loc["turns", "turn_median"] == pytest.approx(10**turn, rel=0.4)
    assert np.isnan(table.loc["falls", "turn_median"])


def test_intervals_hold_the_trend_and_grow_with_prob(answer):
    narrow, wide = answer.table(prob=0.5), answer.table(prob=0.9)
    assert (wide["upper"] - wide["lower"] > narrow["upper"] - narrow["lower"]).all()
    assert wide["lower"].ge(0).all()
    assert wide["upper"].le(1).all()
    x = np.log10(1e12) - np.log10(SIZES).mean()
    odds = TRUTHS["rises"]["slope"] * x
    row = wide.set_index("curve").loc["rises"]
    assert row["lower"] < 1 / (1 + np.exp(-odds)) < row["upper"]


def test_a_larger_threshold_makes_more_of_it_flat(fit, answer):
    lax = fit.probabilities(at="1T", rope=0.5)
    assert lax.shares()["flat"].sum() > answer.shares()["flat"].sum()
    assert lax.shares().loc["flat", "flat"] == 1


def test_a_few_draws_that_turn_are_no_turning_point(answer):
    turns = answer.draws["turn"].transpose("sample", "curve").to_numpy()
    curve = int(np.flatnonzero(answer.draws["curve"].to_numpy() == "falls")[0])
    for share, told in ((0.04, False), (0.06, True)):
        some = turns.copy()
        some[:, curve] = np.nan
        some[: int(share * len(some)), curve] = 3e10
        draws = answer.draws.assign(turn=(("sample", "curve"), some))
        row = replace(answer, draws=draws).table().set_index("curve").loc["falls"]
        assert row["p_turns"] == pytest.approx(share, abs=1e-3)
        assert np.isfinite(row["turn_median"]) == told


def test_words(answer):
    text = dict(zip(answer.draws["curve"].to_numpy(), answer.sentences(), strict=True))
    assert text["falls"].startswith("inverse in the data (1.00); at 1T params still inverse 1.00")
    assert "turned" in text["turns"]
    assert "worse than at 10B 1.00" in text["falls"]
    assert "without the task's own data" in text["falls"]


def test_no_shape_is_a_verdict_that_holds_less_than_half(answer):
    seen = answer.draws["shape_seen"].transpose("sample", "curve").copy()
    curve = int(np.flatnonzero(answer.draws["curve"].to_numpy() == "falls")[0])
    n = len(seen)
    for share, told in ((0.45, "undecided in the data (inverse 0.45, "), (0.55, "inverse in the")):
        shapes = np.resize([SHAPES.index("flat"), SHAPES.index("improving")], n)
        shapes[: round(share * n)] = SHAPES.index("inverse")
        seen[:, curve] = shapes
        changed = replace(answer, draws=answer.draws.assign(shape_seen=seen))
        text = changed.sentences()[curve]
        assert text.startswith(told)
        assert ("still inverse" in text) == (share > 0.5)


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


KEYS = {"task", "curve", "family", "at", "probabilities", "p_worse_than_largest_seen",
        "p_measures_worse", "p_worse_than_largest_seen_prior_only", "value",
        "turning_point", "text"}  # fmt: skip


def test_the_json_has_tasks_and_the_labels_of_their_curves(fit):
    answer = fit.probabilities(at="1T")
    tasks = np.array(["sums", "sums", "jumps", "rises", "turns"])
    told = json.loads(
        replace(answer, draws=answer.draws.assign_coords(task=("curve", tasks))).to_json()
    )
    assert [row["task"] for row in told] == tasks.tolist()
    assert [row["curve"] for row in told] == list(fit.curves)


@pytest.mark.parametrize(("asked", "given"), [("300B", 300_000_000_000.0), (None, 1e11)])
def test_the_scale_comes_back_as_it_was_asked_for(fit, asked, given):
    answer = fit.probabilities() if asked is None else fit.probabilities(at_params=asked)
    rows = json.loads(answer.to_json())
    assert {row["at"]["params"] for row in rows} == {given}
    assert fit.data["x"].max() == 1e10


def test_json_has_the_stated_keys(answer):
    rows = json.loads(answer.to_json())
    assert len(rows) == 5
    assert all(set(row) == KEYS for row in rows)
    assert set(rows[0]["probabilities"]) == set(SHAPES)
    assert rows[0]["at"] == {"params": pytest.approx(1e12)}
    falls = next(row for row in rows if row["task"] == "falls")
    assert falls["turning_point"]["median"] is None
    assert set(falls["value"]) == {"mean", "median", "sd", "lower", "upper", "prob"}


def test_the_same_question_has_the_same_answer(fit, answer):
    again = fit.probabilities(at_params=1e12)
    assert again.draws.equals(answer.draws)


def test_ten_times_the_largest_size_by_default(fit):
    assert fit.probabilities().draws["at"].to_numpy() == pytest.approx(10 * SIZES.max())


WRONG = {
    "inside the data": ({"at": "5B"}, "does not lie beyond the data, whose largest scale is 10B"),
    "without its unit": ({"at": 100}, r"did you forget a unit, as in 100B\?"),
    "at the edge": ({"at": SIZES.max()}, "does not lie beyond the data"),
    "absurdly far": ({"at": "1e18"}, "8.0 decades beyond .* at most 6 are allowed, up to 1e16"),
    "beyond all": ({"at": "1e41"}, "must lie between 1 and 1e"),
    "another scale": ({"at_flops": "1e25"}, "the fit is along params, .* give at_params"),
    "two scales": ({"at": "1T", "at_params": "2T"}, "give one scale, not at and at_params"),
    "several": ({"at": ["1T", "2T"]}, "one scale at a time"),
    "negative threshold": ({"at": "1T", "rope": -0.1}, "rope must lie between 0 and 1"),
    "threshold in percent": ({"at": "1T", "rope": 1}, "such as 0.01, not 1"),
    "unknown curve": ({"at": "1T", "curve": "fall"}, r"'fall' \(did you mean 'falls'\?\)"),
    "prob": ({"at": "1T", "prob": 90}, "between 0 and 1"),
    "letters": ({"at": "large"}, "'large'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_questions(fit, case):
    question, text = WRONG[case]
    with pytest.raises(InputError, match=text):
        bs.shape_probabilities(fit, **question)


def test_a_fit_comes_back_from_its_file(fit, answer, tmp_path):
    loaded = bs.load_shapes(fit.save(tmp_path / "shapes.nc"))
    assert loaded.probabilities(at="1T").draws.equals(answer.draws)
    assert loaded.card == fit.card
    assert repr(loaded) == repr(fit)
    assert [check.text for check in loaded.checks] == [check.text for check in fit.checks]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.nc").write_text("no")
    for name, text in (("text.nc", "not a saved fit"), ("absent.nc", "does not exist")):
        with pytest.raises(FitFileError, match=text):
            bs.load_shapes(tmp_path / name)
    xr.DataTree.from_dict({"a": xr.Dataset({"b": 1})}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(FitFileError, match="not a fit of shapes"):
        bs.load_shapes(tmp_path / "other.nc")


def test_chains_that_disagree_are_not_trusted(fit):
    from bayes_scaling.shapes.checks import convergence_checks

    assert fit.trusted
    posterior = fit.posterior.copy(deep=True)
    posterior["slope"].loc[{"chain": 0}] += 1.0
    _, checks = convergence_checks(posterior, fit.tree["sample_stats"].to_dataset())
    assert next(check.name for check in checks if check.passed is False) == "r-hat"


def test_a_new_model_does_not_inherit_from_checkpoints_of_others(fit):
    """Its own distance from the trend, and that of a checkpoint; the training of one goes on."""
    rng = np.random.default_rng(1)
    curve, x = "rises", 1.5
    trend = fit.trend(curve).at(np.array([x]))[:, 0]
    posterior = fit.posterior.assign(between_models=2.0 + 0 * fit.posterior["nu"])
    tree = xr.DataTree.from_dict(
        {"posterior": posterior, "constant_data": fit.tree["constant_data"]}
    )
    tree.attrs = {**fit.tree.attrs, "goes_on": "[]"}
    new = bs.ShapeFit(tree).measured(curve, x, trend, rng) - trend
    nu, scatter = fit.draws("nu"), fit.draws("scatter", curve)
    variance = (1 + 2.0**2) * np.mean(scatter**2 * nu / (nu - 2))
    # Student-t of 6 degrees of freedom has a kurtosis of 6.
    assert new.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / len(new)))
    assert new.var() == pytest.approx(variance, rel=4 * np.sqrt(5 / len(new)))
    near = fit.trend(curve).last + 1e-6
    same = fit.measured(curve, near, fit.trend(curve).at(np.array([near]))[:, 0], rng)
    last = fit.data[fit.data["curve"] == curve]["value"].iloc[-1]
    assert fit.scales[curve].score(same) == pytest.approx(last, abs=0.01)


def test_several_models_of_the_largest_size_leave_their_mean_distance(fit):
    """What a model just beyond scores: their mean, and half of the variance of each anew."""
    rng = np.random.default_rng(1)
    curve = "rises"
    data = fit.tree["constant_data"].to_dataset()
    (last,) = np.flatnonzero((data["curve"] == curve) & (data["x"] == SIZES[-1]))
    two = xr.concat([data, data.isel(score=[last])], dim="score")
    z = two["z"].to_numpy().copy()
    z[last], z[-1] = z[last] + 0.3, z[-1] - 0.1
    two = two.assign(z=("score", z), value=("score", fit.scales[curve].score(z)))
    tree = xr.DataTree.from_dict({"posterior": fit.posterior, "constant_data": two})
    tree.attrs = fit.tree.attrs
    repeated = bs.ShapeFit(tree)
    trend = repeated.trend(curve)
    x = np.array([trend.last + 1e-9])
    new = repeated.measured(curve, x[0], trend.at(x)[:, 0], rng)
    nu, scatter = fit.draws("nu"), fit.draws("scatter", curve)
    spread = np.sqrt(np.mean(scatter**2 / 2 * nu / (nu - 2)))
    error = 4 * spread / np.sqrt(len(new))
    assert new.mean() == pytest.approx((z[last] + z[-1]) / 2, abs=error)
    # The trend itself cancels; Student-t of 6 degrees of freedom has a kurtosis of 6.
    assert new.var() == pytest.approx(spread**2, rel=4 * np.sqrt(5 / len(new)))
    answer = repeated.probabilities(at="1T", curve=curve)
    both = fit.scales[curve].score(z[[last, -1]])
    assert float(answer.draws["measured_last"].item()) == pytest.approx(both.mean())


def test_small_multiples(fit, answer):
    axes = plot_shapes(fit, answer, curves=["falls", "turns"])
    assert [ax.get_title() for ax in axes] == ["falls", "turns"]
    (bar,) = axes[1].child_axes
    heights = [patch.get_height() for patch in bar.patches]
    assert heights == pytest.approx(answer.shares().loc["turns"].tolist())
    assert axes[0].get_xlim()[1] > 1e12
    assert len(axes[0].lines[1].get_xdata()) == len(SIZES)
    (legend,) = axes[0].figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[len(SHAPES) :] == [
        "score", "trend, 90 and 50 % intervals", "a measured score, 90 %", "beyond the scores",
    ]  # fmt: skip
    with pytest.raises(InputError, match="unknown curve 'turn'"):
        plot_shapes(fit, answer, curves=["turn"])


def test_the_riskiest_task_is_on_top(answer):
    ax = plot_risk(answer)
    names = [label.get_text() for label in ax.get_yticklabels()]
    heights = dict(zip(names, ax.get_yticks(), strict=True))
    assert max(heights, key=heights.get) == "falls"
    with_data = ax.lines[1].get_xdata()
    assert sorted(with_data) == pytest.approx(
        sorted(answer.draws["worse"].mean("sample").to_numpy())
    )


def test_the_page_holds_every_task_and_what_weakens_the_answer(fit, answer, tmp_path):
    page = write_shapes(answer, fit, tmp_path / "page.html").read_text(encoding="utf-8")
    probabilities = page.split("</thead>")[1]
    risk = answer.table().set_index("curve")["p_worse_than_largest_seen"]
    ranked = list(risk.sort_values(ascending=False, kind="stable").index)
    assert sorted(fit.curves, key=lambda name: probabilities.index(f">{name}<")) == ranked
    assert page.count("data:image/") == 2
    assert "<script" not in page
    assert all(check.text.split("`")[0][:30] in page for check in fit.problems())


def test_a_page_of_many_tasks_draws_the_riskiest(fit, monkeypatch, tmp_path):
    monkeypatch.setattr(page_of_shapes, "MOST_DRAWN", 3)
    monkeypatch.setattr(page_of_shapes, "A_PICTURE", 2)
    page = render_shapes(fit.probabilities(at="1T"), fit)
    assert page.count("data:image/") == 3
    assert all(f">{name}<" in page for name in fit.curves)
