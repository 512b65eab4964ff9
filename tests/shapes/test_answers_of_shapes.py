"""Answers about shapes, on an invented posterior: probabilities, words, files, pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from shape_examples import SIZES, TRUTHS, example_shapes

import bayes_scaling as bs
from bayes_scaling.errors import FitFileError, InputError
from bayes_scaling.figures import plot_risk, plot_shapes
from bayes_scaling.report import render_shapes, write_shapes
from bayes_scaling.report import shapes as page_of_shapes
from bayes_scaling.shapes import SHAPES


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
