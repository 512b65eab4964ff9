"""backtest: what it passes on, prints and writes."""

import json

import pytest
from examples import example_backtest
from pages import Page

import bayes_scaling as bs

FAST = ["--engine", "quick", "--methods", "best-run", "--quiet"]


@pytest.fixture
def asked(monkeypatch):
    """Replace what samples; the dict holds what it was asked for."""
    given = {}

    def backtest(runs, **settings):
        given.update(settings, runs=runs, model=[card.name for card in settings["model"]])
        return example_backtest()

    monkeypatch.setattr("bayes_scaling.backtest", backtest)
    return given


def test_settings_reach_the_back_test(run, asked, table, tmp_path):
    run(
        "backtest", table, "--model", "chinchilla,coupled", "--model", "kaplan-nd",
        "--by", "architecture", "--cuts", "0.5, 0.8", "--along", "tokens",
        "--methods", "huber,cone", "--engine", "quick", "--jobs", 3, "--resume",
        tmp_path / "study", "--seed", 7, "--draws", 50, "--tune", 60, "--chains", 3, "--quiet",
    )  # fmt: skip
    expected = {
        "model": ["chinchilla", "coupled", "kaplan-nd"], "by": ["architecture"],
        "cuts": [0.5, 0.8], "holdout": None, "along": "tokens",
        "methods": ["huber", "cone"], "engine": "quick", "jobs": 3, "scheduler": None,
        "resume": tmp_path / "study", "seed": 7, "progress": False,
        "effort": bs.Effort(draws=50, tune=60, chains=3),
    }  # fmt: skip
    assert expected.items() <= asked.items()


def test_defaults(run, asked, table):
    run("backtest", table)
    assert asked["model"] == ["coupled-informed"]
    assert (asked["cuts"], asked["along"]) == (None, "flops")
    assert asked["methods"] == ["huber", "best-run", "cone"]
    assert asked["by"] is asked["holdout"] is asked["resume"] is asked["scheduler"] is None
    assert (asked["engine"], asked["jobs"]) == ("nuts", 1)
    run("backtest", table, "--by", "architecture", "--methods", "none")
    assert asked["model"] == ["coupled-informed"]
    assert asked["methods"] == []


@pytest.mark.parametrize(
    ("given", "along", "holdout"),
    [
        (["--max-flops", "1e20,1e21"], "flops", ["1e20", "1e21"]),
        (["--max-params", "400M", "--along", "params"], "params", ["400M"]),
        (["--max-tokens", "1B", "--max-tokens", "2B,3B"], "tokens", ["1B", "2B", "3B"]),
    ],
)
def test_limits_reach_the_back_test_with_what_they_cut_along(
    run, asked, table, given, along, holdout
):
    run("backtest", table, *given, "--quiet")
    assert (asked["along"], asked["holdout"], asked["cuts"]) == (along, holdout, None)


def test_sentences_come_before_tables(run, asked, table):
    text = " ".join(run("backtest", table).stdout.split())
    assert text.startswith("example: 60 runs, 2 groups by architecture; methods chinchilla,")
    assert text.index("predicts best") < text.index("in 50 %")
    assert "1 to 3x" in text


@pytest.mark.parametrize("width", [80, 120])
def test_names_of_methods_are_not_broken_inside_words(run, monkeypatch, table, width):
    made = example_backtest()
    renamed = {name: name.replace("chinchilla", "coupled-informed") for name in made.titles}
    titles = {renamed[name]: title for name, title in made.titles.items()}
    rows = made.table.assign(method=made.table["method"].map(renamed))
    long = bs.Backtest(**{**vars(made), "table": rows, "titles": titles})
    monkeypatch.setattr("bayes_scaling.backtest", lambda *_, **__: long)
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setattr("bayes_scaling.cli.output.text_width", lambda **_: min(width, 100))
    monkeypatch.setenv("COLUMNS", str(width))
    text = run("backtest", table).stdout
    words = set(text.split())
    assert {"coupled-", "informed", "informed,"} <= words or width > 80
    assert not {"couple", "coupl", "informe", "d", "d,", "facto", "beyon"} & words
    biases = [f"{100 * row:+.2f}" for row in long.by_distance()["bias"]]
    assert set(biases) <= words


def test_a_table_of_one_group_is_told_so(run, table):
    given = ["--cuts", "0.6", "--engine", "quick", "--methods", "none"]
    text = " ".join(run("backtest", table, *given).stdout.split())
    assert "All predictions are of one group of runs" in text


def test_json_and_page_of_a_real_back_test(answer, table, tmp_path):
    page = tmp_path / "page.html"
    given = answer("backtest", table, "--cuts", "0.6", *FAST, "-o", page)
    assert given["format"] == 1
    assert {"group", "cut", "method", "coverage90", "width90"} <= set(given["scores"][0])
    assert given["engine"] == "quick"
    text = Page(page.read_text(encoding="utf-8")).text
    assert "Posteriors are by the quick engine" in text


def test_fits_that_must_not_be_trusted_end_with_1(run, monkeypatch, table):
    made = example_backtest()
    doubtful = bs.Backtest(**{**vars(made), "counts": {**made.counts, "doubtful": 2}})
    monkeypatch.setattr("bayes_scaling.backtest", lambda *_, **__: doubtful)
    result = run("backtest", table, "--json", code=1)
    assert "2 fits of the back-test must not be trusted" in result.stderr
    assert json.loads(result.stdout)["trusted"] is False
    run("backtest", table, "--json", "--accept-problems")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--cuts", "0.5,many"], "--cuts must be shares"),
        (["--cuts", "0.99"], "none of 40 runs to predict"),
        (["--cuts", "0.05"], "6 are needed"),
        (["--max-flops", "1e30"], "to predict"),
        (["--max-params", "1T"], "cut 1e+12: it leaves none of 40 runs to predict"),
        (["--cuts", "0.5", "--max-flops", "1e20"], "not both"),
        (["--max-flops", "1e20", "--max-params", "1B"], "give one of them"),
        (["--max-params", "1B", "--along", "tokens"], "leave out --along"),
        (["--max-tokens", "many"], "holdout along tokens: "),
        (["--methods", "oracle"], "oracle"),
        (["--engine", "fast"], "fast"),
        (["--model", "chinchila"], "chinchila"),
        (["--jobs", "0"], "jobs must lie"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "different places"),
        (["--resume", "{folder}"], "holds other files"),
        (["--resume", "{folder}/no/where"], "cannot keep results"),
        (["-o", "{folder}/no/page.html"], "cannot write"),
        (["--draws", "0"], "draws"),
    ],
)
def test_wrong_uses_end_with_2_and_one_message(run, table, folder, arguments, match):
    before = sorted(path.name for path in folder.iterdir())
    given = [text.format(folder=folder) for text in arguments]
    result = run("backtest", table, *FAST, *given, code=2)
    assert match in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before
