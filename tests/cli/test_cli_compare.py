"""compare and kaplan-or-chinchilla: what they pass on, print and write."""

import json

import pytest
from examples import example_fit, example_study, law_fit, shifted, untrusted

import bayes_scaling as bs

LAW = [
    "name", "model", "elpd_loo", "se", "weight", "elpd_extrapolation", "weight_extrapolation", "a",
    "b", "unreliable",
    "trusted",
]  # fmt: skip
PAIR = [
    "one", "other", "flops", "ratio", "factor", "probability_differs", "verdict",
    "loss_if_one_holds", "loss_if_other_holds", "text",
]  # fmt: skip
STATISTICS = ["mean", "median", "sd", "lower", "upper", "prob"]


@pytest.fixture
def asked(monkeypatch):
    """Replace what samples; the dict holds what it was asked for."""
    given = {}

    def compare_models(runs, models, **settings):
        given.update(settings, runs=runs, models=[model.name for model in models])
        return bs.compare({"one": example_fit(), "other": shifted(example_fit(), A=1.2)})

    def study(runs, **settings):
        given.update(settings, runs=runs)
        return example_study()

    monkeypatch.setattr("bayes_scaling.compare_models", compare_models)
    monkeypatch.setattr("bayes_scaling.kaplan_or_chinchilla", study)
    return given


def test_saved_fits_as_json(answer, plain, other):
    given = answer("compare", plain, other, "--flops", "1e22,1e23", "--prob", "0.8")
    assert given["format"] == 1
    assert sorted(law["name"] for law in given["laws"]) == ["other", "plain"]
    assert [list(law) for law in given["laws"]] == [LAW, LAW]
    assert list(given["laws"][0]["a"]) == STATISTICS
    assert given["laws"][0]["a"]["prob"] == 0.8
    assert given["laws"][0]["model"] == "chinchilla"
    assert given["laws"][0]["elpd_extrapolation"] is None
    assert given["held_out"] is None
    assert [list(pair) for pair in given["pairwise"]] == [PAIR, PAIR]
    assert [pair["flops"] for pair in given["pairwise"]] == [1e22, 1e23]
    assert list(given["pairwise"][0]["ratio"]) == STATISTICS
    assert sum(law["weight"] for law in given["laws"]) == pytest.approx(1.0)
    expected = bs.compare({n: bs.load_fit(p) for n, p in (("plain", plain), ("other", other))})
    assert given["laws"][0]["elpd_loo"] == expected.loo["elpd_loo"].iloc[0]


def test_sentences_come_before_tables(run, plain, other):
    text = " ".join(run("compare", plain, other, "--flops", "1e22").stdout.split())
    assert text.startswith("example: 20 runs; laws plain, other")
    assert text.index("predicts a run that is left out best") < text.index("behind the best")
    assert "The sizes that plain and other call for" in text
    assert "90 % interval" in text
    assert "P(beyond 1.25)" in text


def test_fits_of_one_name_go_by_their_paths(answer, tmp_path):
    for i, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        shifted(example_fit(), A=1 + i / 5).save(tmp_path / folder / "fit.nc")
    paths = [str(tmp_path / folder / "fit.nc") for folder in ("a", "b")]
    assert sorted(law["name"] for law in answer("compare", *paths)["laws"]) == paths


def test_laws_that_do_not_allocate_have_scores_only(answer, run, tmp_path):
    curve = law_fit("learning-curve")
    paths = [curve.save(tmp_path / "one.nc"), shifted(curve, E=1.01).save(tmp_path / "two.nc")]
    page = tmp_path / "page.html"
    given = answer("compare", *paths, "-o", page)
    assert given["laws"][0]["a"] is None
    assert given["pairwise"] == []
    assert "no plans to compare" in " ".join(page.read_text(encoding="utf-8").split())
    assert "P(beyond" not in run("compare", *paths).stdout


def test_a_comparison_is_written_and_said(run, plain, other, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    assert f"written to {page}" in run("compare", plain, other, "-o", page).stdout
    assert "compared</title>" in page.read_text(encoding="utf-8")
    assert run("compare", plain, other, "-o", page, "--quiet").stdout == f"written to {page}\n"


def test_a_law_that_must_not_be_trusted_is_named(run, plain, tmp_path):
    path = untrusted(example_fit()).save(tmp_path / "doubtful.nc")
    result = run("compare", plain, path, "--json", code=1)
    assert "doubtful must not be trusted" in result.stderr
    trusted = {law["name"]: law["trusted"] for law in json.loads(result.stdout)["laws"]}
    assert trusted == {"plain": True, "doubtful": False}
    assert run("compare", plain, path, "--json", "--accept-problems").stdout == result.stdout
    said = " ".join(run("compare", plain, path, code=1).stdout.split())
    assert "Do not use what is said of doubtful: its sampling failed" in said
    assert said.index("Do not use") < said.index("elpd")


def test_settings_reach_the_comparison(run, asked, table):
    run(
        "compare", table, "--models", "chinchilla,coupled", "--models", "kaplan-nd",
        "--by", "architecture", "--hold-out", 0.3, "--flops", "1e22,1e23", "--group", "dense",
        "--factor", 2, "--prob", 0.8, "--seed", 7, "--draws", 50, "--tune", 60, "--chains", 3,
        "--counting", "total", "--engine", "quick", "--quiet",
    )  # fmt: skip
    assert asked["models"] == ["chinchilla", "coupled", "kaplan-nd"]
    expected = {
        "by": ["architecture"], "hold_out": 0.3, "flops": ["1e22", "1e23"], "group": "dense",
        "factor": 2.0, "prob": 0.8, "seed": 7, "engine": "quick", "progress": False,
        "effort": bs.Effort(draws=50, tune=60, chains=3),
    }  # fmt: skip
    assert expected.items() <= asked.items()
    assert asked["runs"].counting.params == "total"


def test_defaults_of_a_comparison(run, asked, table):
    run("compare", table)
    assert asked["models"] == ["chinchilla", "kaplan-nd", "coupled"]
    assert (asked["hold_out"], asked["engine"]) == (0.2, "nuts")
    assert asked["by"] is asked["flops"] is asked["group"] is None
    run("compare", "pile-families", "--no-hold-out")
    assert asked["hold_out"] is None
    assert asked["runs"].name == "pile-families"


def test_the_study_as_json(answer, asked, table):
    given = answer(
        "kaplan-or-chinchilla", table, "--counting", "total", "--omega", 5e4, "--seed", 3,
        "--draws", 50,
    )  # fmt: skip
    assert list(given) == [
        "format", "corners", "corners_before", "posterior", "analyses", "untested", "notes",
        "comparison", "verdicts",
    ]  # fmt: skip
    assert sum(given["corners"].values()) >= 1.0
    assert list(given["posterior"]["gamma"]) == STATISTICS
    assert {"analysis", "what", "shift", "verdict", *STATISTICS} == set(given["analyses"][0])
    assert given["comparison"]["counting"] == "N total, C 6ND"
    assert asked["runs"].counting.params == "total"
    assert asked["omega"] == 5e4
    assert asked["seed"] == 3
    assert asked["effort"].draws == 50


def test_the_study_in_sentences(run, asked, table, tmp_path):
    page = tmp_path / "study.html"
    result = run("kaplan-or-chinchilla", table, "-o", page)
    text = " ".join(result.stdout.split())
    assert "Counting: N total, C 6ND." in text
    assert "the compute-optimal size grows as c^a" in text.casefold()
    assert "irreducible loss: explains some of the gap" in text
    assert "small scale: does not explain it" in text
    assert "Warm-up cannot be tested" in text
    assert "Kaplan or Chinchilla?" in page.read_text(encoding="utf-8")


def test_cards_are_fitted_and_compared(answer, table, tmp_path):
    """The one test here that compiles and samples."""
    page = tmp_path / "page.html"
    given = answer(
        "compare", table, "--models", "chinchilla,chinchilla-tied", "--hold-out", 0.25,
        "--draws", 200, "--tune", 400, "--chains", 2, "--seed", 2, "--accept-problems", "-o", page,
    )  # fmt: skip
    assert sorted(law["name"] for law in given["laws"]) == ["chinchilla", "chinchilla-tied"]
    assert all(isinstance(law["elpd_extrapolation"], float) for law in given["laws"])
    assert given["held_out"]["n_runs"] == 10
    assert given["seconds"]["hold_out"] > 0
    assert len(given["pairwise"]) == 3
    assert "Prediction of the largest runs" in page.read_text(encoding="utf-8")

    quick = answer(
        "compare", table, "--models", "chinchilla,chinchilla-tied", "--hold-out", 0.25,
        "--engine", "quick", "--accept-problems", "-o", page,
    )  # fmt: skip
    assert quick["seconds"]["compile"] == 0
    assert ">Pareto k " in page.read_text(encoding="utf-8")
    for law, other in zip(*(sorted(g["laws"], key=str) for g in (given, quick)), strict=True):
        assert law["name"] == other["name"]
        # Monte Carlo errors of the scores, of 400 draws, are a quarter of this.
        assert law["elpd_loo"] == pytest.approx(other["elpd_loo"], abs=1.0)
        assert law["elpd_extrapolation"] == pytest.approx(other["elpd_extrapolation"], abs=1.0)
