"""Back-tests: which runs are fitted, what is predicted, how it is scored, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import TRUTH, example_backtest, example_runs

import bayes_scaling as bs
from bayes_scaling.comparison import many_fits, scoring
from bayes_scaling.comparison.backtest_result import POOLED
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.comparison.methods import METHODS, Answer, register_method
from bayes_scaling.comparison.scoring import KEPT_DRAWS, score_draws
from bayes_scaling.errors import InputError, StudyError
from bayes_scaling.inference import quick
from bayes_scaling.inference.huber import log_law

SCORES = [
    "group", "cut", "method", "n", "factor", "coverage50", "coverage80", "coverage90",
    "coverage95", "crps", "log_score", "bias", "width90",
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("few_starts")

FAST = {"model": "chinchilla", "engine": "quick", "methods": ("best-run",), "progress": False}


@pytest.fixture
def honest():
    """A method that knows the truth of the example's runs; gone again after the test."""

    @register_method("honest", "Knows the truth.")
    def predict(problem):
        truth = np.array([np.log(TRUTH[k]) for k in ("A", "B", "E")] + [0.348, 0.366])
        centre = log_law(truth, problem.held.log_params, problem.held.log_tokens)
        rng = np.random.default_rng(problem.seed)
        return Answer(draws=centre + 0.004 * rng.standard_t(6.0, size=(2000, len(centre))))

    yield "honest"
    del METHODS["honest"]


def test_the_cheaper_runs_are_fitted_and_all_others_predicted_by_every_method():
    made = example_backtest()
    runs, predictions = example_runs(2, n_sizes=6, n_ratios=5), made.predictions()
    for (cut, group, _), part in predictions.groupby(["cut", "group", "method"]):
        own = runs.table[runs.table["architecture"] == group]
        limit = np.sort(own["flops"])[round(cut * len(own)) - 1]
        expected = own.index[own["flops"] > limit * (1 + 1e-9)]
        assert sorted(part["row"]) == sorted(expected)
        assert part["factor"].to_numpy() == pytest.approx(part["flops"] / limit)
        assert part["loss"].to_numpy() == pytest.approx(own.loc[part["row"], "loss"])
    assert made.methods == ("chinchilla", "chinchilla, law only", "best-run")


def test_draws_of_every_prediction_are_kept_with_its_labels():
    made = example_backtest()
    table, draws = made.predictions(), made.draws
    assert draws["loss"].dims == ("sample", "prediction")
    assert draws["loss"].shape == (KEPT_DRAWS, len(table))
    assert np.all(np.isfinite(draws["loss"]))
    for name in ("group", "cut", "method", "row", "params", "tokens", "flops", "factor"):
        assert draws[name].to_numpy().tolist() == table[name].tolist()
    assert draws["seen"].to_numpy().tolist() == table["loss"].tolist()
    ours = draws.sel(prediction=(draws["method"] == "chinchilla") & (draws["cut"] == 0.7))
    rows = table[(table["method"] == "chinchilla") & (table["cut"] == 0.7)]
    assert ours["row"].to_numpy().tolist() == rows["row"].tolist()
    for share, bound in ((0.5, "median"), (0.05, "lower90"), (0.95, "upper90")):
        below = (ours["loss"].to_numpy() < rows[bound].to_numpy()).mean(axis=0)
        error = np.sqrt(share * (1 - share) / KEPT_DRAWS)
        assert np.abs(below - share).max() < 5 * error


def test_scores_are_of_all_draws_and_the_kept_ones_are_evenly_spaced(monkeypatch):
    rng = np.random.default_rng(2)
    draws, seen = np.sort(rng.normal(size=(1000, 3)), axis=0), np.zeros(3)
    made = score_draws(draws, seen)
    kept = np.array(made.pop("draws")).T
    assert kept == pytest.approx(draws[2::5], abs=1e-6)
    assert kept.shape == (KEPT_DRAWS, 3)
    monkeypatch.setattr("bayes_scaling.comparison.scoring.KEPT_DRAWS", 7)
    fewer = score_draws(draws, seen)
    assert np.shape(fewer.pop("draws")) == (3, 7)
    assert fewer == made
    monkeypatch.setattr("bayes_scaling.comparison.scoring.KEPT_DRAWS", 5000)
    every = np.array(score_draws(draws, seen)["draws"]).T
    assert every == pytest.approx(draws, abs=1e-6)


def test_draws_of_many_predictions_take_no_more_memory(monkeypatch):
    whole = bs.backtest(example_runs(), cuts=[0.6], **FAST)
    n = len(whole.table)
    monkeypatch.setattr("bayes_scaling.comparison.scoring.MOST_HELD", 50 * n)
    fewer = bs.backtest(example_runs(), cuts=[0.6], **FAST)
    assert fewer.draws["loss"].shape == (50, n)
    assert fewer.draws["loss"].to_numpy() == pytest.approx(whole.draws["loss"].to_numpy()[2::4])
    assert fewer.table.equals(whole.table)
    monkeypatch.setattr("bayes_scaling.comparison.scoring.MOST_HELD", n)
    assert scoring.held_draws(n) == scoring.FEWEST_HELD
    assert [scoring.held_draws(k) for k in (0, 1)] == [min(KEPT_DRAWS, max(20, n))] * 2


def test_a_method_of_few_draws_leaves_the_others_theirs(monkeypatch):
    monkeypatch.setattr("bayes_scaling.comparison.baselines.RESAMPLES", 50)
    made = bs.backtest(example_runs(), cuts=[0.6], **FAST)
    there = np.isfinite(made.draws["loss"]).sum("sample").to_numpy()
    few = made.table["method"] == "best-run"
    assert set(there[few]) == {50}
    assert set(there[~few]) == {KEPT_DRAWS}


def test_scores_have_a_row_a_group_cut_and_method_and_pooled_ones():
    made = example_backtest()
    scores = made.scores()
    assert [name for name in scores.columns if name in SCORES] == SCORES
    n_methods, n_cuts, n_groups = len(made.methods), len(made.cuts), len(made.groups)
    assert len(scores) == n_methods * (n_cuts * (n_groups + 1) + 1)
    pooled = scores[scores["group"] == POOLED]
    assert pooled["cut"].isna().sum() == n_methods
    whole = pooled[pooled["cut"].isna()].set_index("method")
    assert whole.loc["chinchilla", "n"] == (made.table["method"] == "chinchilla").sum()
    assert whole.loc["chinchilla", "crps"] < whole.loc["best-run", "crps"]
    assert (scores[[c for c in scores if c.startswith("coverage") and c.endswith("_se")]] > 0).all(
        axis=None
    )


def test_the_posterior_of_the_right_law_is_calibrated_near_its_runs():
    row = example_backtest().scores().set_index("method").loc["chinchilla, law only"].iloc[-1]
    assert 0.75 <= row["coverage90"] <= 1.0
    assert abs(row["bias"]) < 0.01
    assert row["width90"] < 0.05


def test_runs_beyond_the_cut_are_predicted_with_the_drift_from_there():
    table = example_backtest().predictions()
    width = table["upper90"] - table["lower90"]
    at = ["group", "cut", "row"]
    widths = table.assign(width=width).pivot_table(index=at, columns="method", values="width")
    factor = table.drop_duplicates(at).set_index(at)["factor"]
    ratio = (widths["chinchilla"] / widths["chinchilla, law only"])[factor > 10]
    assert len(ratio) > 3
    assert (ratio > 1.5).all()


def test_json_is_as_documented():
    value = json.loads(example_backtest().to_json())
    assert list(value["scores"][0])[:3] == SCORES[:3]
    assert set(SCORES) <= set(value["scores"][0])
    assert value["scores"][-1]["cut"] is None
    assert len(value["predictions"]) == len(example_backtest().table)
    assert {"group", "cut", "method", "loss", "median", "lower90", "upper90"} <= set(
        value["predictions"][0]
    )
    assert value["trusted"] is True
    assert value["counts"]["fits"] == 8
    assert value["left_out"] == []


def test_it_says_what_it_found_and_how():
    text = repr(example_backtest())
    assert "48 predictions (30 runs, 2 cuts) of example, up to 138 times the compute" in text
    assert "'chinchilla, law only' predicts best" in text
    assert "Posteriors are by the quick engine; no fit needed NUTS." in text
    made = example_backtest()
    cones = bs.Backtest(**{**vars(made), "counts": {**made.counts, "cone_from_constant": 4}})
    assert "The cone was calibrated on public sweeps" in repr(cones)


def test_coverage_by_distance_counts_every_prediction_once():
    made = example_backtest()
    bins = made.by_distance()
    assert bins.groupby("method")["n"].sum().eq(len(made.table) // len(made.methods)).all()
    assert (bins["factor"] >= bins["at_least"]).all()
    assert (bins["factor"] < bins["below"]).all()


def test_the_same_seed_gives_the_same_answer_on_any_executor():
    runs = example_runs(n_sizes=5)
    serial = bs.backtest(runs, cuts=[0.5, 0.7], seed=3, **FAST)
    with ThreadPoolExecutor(2) as threads:
        threaded = bs.backtest(runs, cuts=[0.7, 0.5], seed=3, executor=threads, **FAST)
    pd.testing.assert_frame_equal(serial.table, threaded.table, check_exact=True)
    xr.testing.assert_identical(serial.draws, threaded.draws)
    other = bs.backtest(runs, cuts=[0.5, 0.7], seed=4, **FAST)
    assert not serial.table["median"].equals(other.table["median"])


def test_an_honest_method_is_covered_as_it_says(honest):
    runs = example_runs(n_sizes=12, n_ratios=12)
    made = bs.backtest(runs, cuts=[0.3], engine="quick", methods=(honest,), seed=1, progress=False)
    row = made.scores().set_index("method").loc[honest].iloc[0]
    for prob in (50, 80, 90, 95):
        assert row[f"coverage{prob}"] == pytest.approx(prob / 100, abs=0.11)
    assert abs(row["bias"]) < 4 * row["bias_se"]
    assert row["crps_mc"] < 0.1 * row["crps"]


def test_fits_that_are_handed_over_or_doubtful_are_counted_and_said(monkeypatch):
    sample = ManyFits.sample

    def handed_over(self, design, seed):
        self.handed_over += 1
        return sample(self, design, seed)[0], 2

    monkeypatch.setattr(ManyFits, "sample", handed_over)
    monkeypatch.setattr(many_fits, "sampled_well", lambda _: False)
    made = bs.backtest(example_runs(), cuts=[0.6], **FAST)
    assert made.counts["handed_over"] == made.counts["fits"] == made.counts["doubtful"] == 2
    assert "NUTS took its place in 2 of 2 fits" in repr(made)
    assert "In 2 of 2 fits the chains do not agree" in repr(made)
    assert not made.trusted


def test_a_bad_pareto_k_hands_each_fit_over_to_nuts_and_is_counted(monkeypatch):
    monkeypatch.setattr(quick, "PARETO_K_MAX", -1.0)
    monkeypatch.setattr("nutpie.compile_pymc_model", lambda _: None)
    monkeypatch.setattr(many_fits, "build_model", lambda card, _: card)
    monkeypatch.setattr(many_fits, "with_runs", lambda _, __, design: design)

    def in_the_place_of_nuts(card, effort, *, seed, compiled):
        with monkeypatch.context() as patched:
            patched.setattr(quick, "PARETO_K_MAX", 0.7)
            return quick.quick_sample(card, compiled, effort, seed=seed), 1

    monkeypatch.setattr(many_fits, "sample_with_care", in_the_place_of_nuts)
    # What other tests of this process have compiled is kept, but not for this effort.
    effort = bs.Effort(draws=301, tune=300)
    made = bs.backtest(example_runs(), cuts=[0.6], effort=effort, **FAST)
    assert made.counts["handed_over"] == made.counts["fits"] == 2
    assert made.counts["doubtful"] == 0
    assert "NUTS took its place in 2 of 2 fits" in repr(made)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("chinchilla-hierarchical", "law only here: it is for one group of runs. NUTS takes"),
        ("coupled-informed", "cannot fit coupled-informed and coupled-informed, law only here"),
        ("chinchilla", ""),
    ],
)
def test_that_nuts_has_to_fit_is_said_before_it_does(model, said, monkeypatch, capsys):
    before = []

    def sampled(*_):
        before.append(" ".join(capsys.readouterr().err.split()))
        raise InputError("sampled")

    monkeypatch.setattr(ManyFits, "sample", sampled)
    for progress in (True, False):
        settings = {**FAST, "model": model, "by": "architecture", "progress": progress}
        with pytest.raises(StudyError, match="sampled"):
            bs.backtest(example_runs(2), cuts=[0.6], **settings)
    assert said in before[0]
    assert ("minutes a fit" in before[0]) == bool(said)
    assert "minutes a fit" not in before[1]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"cuts": [0.99]}, "cut 0.99: it leaves none of 20 runs to predict"),
        ({"cuts": [0.1]}, "cut 0.1: it leaves 2 of 20 runs to fit; 6 are needed"),
        ({"cuts": []}, "not none"),
        ({"cuts": [0.5, 1.5]}, "between 0 and 1"),
        ({"cuts": [0.5, 0.5]}, "different shares"),
        ({"holdout": ["1e10"]}, r"cut 1e\+10: it leaves 0 of 20 runs to fit"),
        ({"holdout": ["1e30"]}, "none of 20 runs to predict"),
        ({"holdout": ["much"]}, "much"),
        ({"holdout": "1T", "along": "params"}, r"cut 1e\+12: .* none of 20 runs to predict"),
        ({"holdout": ["1B", "1000M"], "along": "tokens"}, "along tokens has the same limit twice"),
        ({"holdout": 0.3}, r"0\.3; shares of the runs are given as cuts="),
        ({"holdout": []}, "at least one value"),
        ({"holdout": "1e20", "cuts": [0.5]}, "give either cuts= .* not both"),
        ({"along": "loss"}, "variable to cut along"),
        ({"methods": ["oracle"]}, "unknown method 'oracle'"),
        ({"methods": ["cone", "cone"]}, "twice"),
        ({"engine": "fast"}, "engine"),
        ({"model": "chinchila"}, "chinchila"),
        ({"model": []}, "name a model card"),
        ({"model": ["chinchilla", "chinchilla"]}, "names two methods"),
        ({"model": ["chinchilla", "chinchilla-hierarchical"]}, "different runs or groups"),
        ({"by": "family"}, "family"),
        ({"jobs": -1}, "jobs must lie"),
    ],
)
def test_what_cannot_be_tested_is_refused_before_anything_is_sampled(settings, match, monkeypatch):
    def sampled(*_):
        raise AssertionError("sampled")

    monkeypatch.setattr(ManyFits, "sample", sampled)
    with pytest.raises(InputError, match=match):
        bs.backtest(example_runs(), **{**FAST, **settings})


def test_a_group_that_is_too_small_at_a_cut_is_left_out_and_said():
    table = example_runs(2).table
    few = pd.concat([table[table["architecture"] == "dense"], table.iloc[20:30]])
    runs = bs.read_runs(few.reset_index(drop=True), name="few")
    made = bs.backtest(runs, by="architecture", cuts=[0.5, 0.8], **FAST)
    assert made.groups == ("dense", "experts")
    assert made.left_out == ("cut 0.5 of experts: it leaves 5 of 10 runs to fit; 6 are needed",)
    assert "Left out: cut 0.5 of experts" in repr(made)
    assert json.loads(made.to_json())["left_out"] == list(made.left_out)


@pytest.mark.parametrize("along", ["flops", "params", "tokens"])
def test_runs_up_to_a_limit_are_fitted_and_those_beyond_predicted(along):
    runs = example_runs()
    values = getattr(runs, along)
    # A limit is inclusive, and nothing has to lie at it.
    at, between = np.unique(values)[len(np.unique(values)) // 2], 1.01 * np.median(values)
    limits = [f"{between:.17g}", float(at)]
    made = bs.backtest(runs, holdout=limits, along=along, **FAST)
    assert made.cuts == tuple(sorted([float(between), float(at)]))
    for cut, part in made.predictions().groupby("cut"):
        assert set(part["row"]) == set(np.flatnonzero(values > cut * (1 + 1e-9)))
        largest = values[values <= cut * (1 + 1e-9)].max()
        assert part["factor"].to_numpy() == pytest.approx(part[along] / largest)


def test_one_limit_needs_no_list():
    made = bs.backtest(example_runs(), holdout="400M", along="params", **FAST)
    assert made.cuts == (4e8,)
    assert made.predictions()["params"].min() > 4e8


@pytest.mark.parametrize("methods", [(), ("best-run",), ("cone",)])
def test_a_table_of_one_group_is_told_that_it_says_little(methods):
    settings = {**FAST, "cuts": [0.6], "methods": methods}
    made = bs.backtest(example_runs(), **settings)
    (said,) = (text for text in made.verdicts() if "one group of runs" in text)
    assert "by= (--by)" in said
    assert said in json.loads(made.to_json())["verdicts"]
    assert any("public sweeps" in text for text in made.notes()) == ("cone" in methods)
    assert not any("one group of runs" in text for text in example_backtest().notes())


@pytest.mark.parametrize(("telling", "judged"), [(1.0, "promise"), (0.0, "too uncertain")])
def test_coverage_is_judged_where_its_error_allows(monkeypatch, telling, judged):
    made = example_backtest()
    monkeypatch.setattr("bayes_scaling.comparison.backtest_result.TELLING", telling)
    rows = made.scores().query("group == '(all groups)' and cut.isna()")
    for said, (_, row) in zip(made.verdicts()[1:], rows.iterrows(), strict=False):
        away = row["coverage90"] - 0.9
        if abs(away) > max(2 * row["coverage90_se"], 0.02):
            judged = "too seldom" if away < 0 else "more often than it says"
        assert f"standard error) of the runs, {judged}" in said.replace("in keeping with its ", "")


def test_priors_that_were_learned_from_the_runs_are_told():
    runs = bs.load_runs("pile-families").select("architecture == 'RWKV-4'")
    settings = {**FAST, "model": ["coupled-informed", "chinchilla"], "cuts": [0.6], "methods": ()}
    made = bs.backtest(runs, **settings)
    assert made.learned_from_runs == ("coupled-informed", "coupled-informed, law only")
    (said,) = (text for text in made.notes() if "learned from" in text)
    assert "coupled-informed and coupled-informed, law only were learned from pile-families" in said
    value = json.loads(made.to_json())
    assert value["learned_from_runs"] == list(made.learned_from_runs)
    assert said in value["verdicts"]
    # A table of one's own may have any name.
    own = bs.read_runs(runs.table, name="pile-families")
    assert bs.backtest(own, **settings).learned_from_runs == ()


def test_one_group_that_is_left_of_several_is_told_without_a_hint():
    runs = example_runs(2)
    few = bs.read_runs(runs.table.iloc[:28].reset_index(drop=True))
    made = bs.backtest(few, by="architecture", cuts=[0.6], **FAST)
    assert len(made.groups) == 1
    (said,) = (text for text in made.notes() if "one group of runs" in text)
    assert "--by" not in said


def test_a_study_is_kept_and_another_one_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    settings = {**FAST, "cuts": [0.6], "resume": folder}
    first = bs.backtest(example_runs(), **settings)
    monkeypatch.setattr(ManyFits, "sample", None)
    again = bs.backtest(example_runs(), **settings)
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    xr.testing.assert_identical(first.draws, again.draws)
    for change, what in (
        ({"seed": 2}, "seed"),
        ({"cuts": [0.7]}, "cuts"),
        ({"model": "coupled"}, "model cards"),
        ({"methods": ()}, "methods"),
        ({"effort": bs.Effort(draws=50, tune=50)}, "settings of the sampler"),
    ):
        with pytest.raises(InputError, match=f"differ in .*{what}"):
            bs.backtest(example_runs(), **{**settings, **change})
    with pytest.raises(InputError, match="differ in runs"):
        bs.backtest(example_runs(seed=2), **settings)
    # Results of format 1 had no draws, and those of 2 some quick fits that are refused now.
    manifest = folder / "study.json"
    for old in (1, 2):
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": old}))
        with pytest.raises(InputError, match=rf"another version .*\(format {old}, this one has"):
            bs.backtest(example_runs(), **settings)


def test_predictions_that_are_not_numbers_stop_the_study():
    @register_method("lost", "Knows nothing.")
    def lost(problem):
        return Answer(draws=np.full((10, len(problem.held)), np.nan))

    try:
        with pytest.raises(StudyError, match=r"lost at cut 0.6 of all runs: .*not finite"):
            bs.backtest(example_runs(), cuts=[0.6], **{**FAST, "methods": ["lost"]})
    finally:
        del METHODS["lost"]
