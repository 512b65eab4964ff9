"""shapes: asked of a saved fit; wrong uses are told before anything is sampled."""

import json
import tomllib

import pytest
from shape_examples import example_metrics, example_shapes

from bayes_scaling.shapes import SHAPES


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return example_shapes().save(tmp_path_factory.mktemp("shapes") / "shapes.nc")


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    example_metrics().table.drop(columns=["curve", "bounded"]).to_csv(path, index=False)
    return path


def test_json(answer, saved):
    rows = answer("shapes", saved, "--at-params", "1T")
    assert [row["task"] for row in rows] == ["falls", "flat", "jumps", "rises", "turns"]
    assert list(rows[0]) == [
        "task", "curve", "family", "at", "probabilities", "p_worse_than_largest_seen",
        "p_measures_worse", "p_worse_than_largest_seen_prior_only", "value", "turning_point",
        "text",
    ]  # fmt: skip
    assert list(rows[0]["probabilities"]) == list(SHAPES)
    # Alike where a task has one curve.
    assert all(row["curve"] == row["task"] for row in rows)


def test_text_names_the_riskiest_first(run, saved):
    result = run("shapes", saved, "--at-params", "1T")
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[2][0] == "falls"
    assert "still inverse 1.00" in result.stdout
    assert "90 % interval" in result.stdout


def test_far_scales_come_with_a_note(run, saved):
    result = run("shapes", saved, "--at-params", "100T", "--json")
    assert "4.0 decades beyond" in " ".join(result.stderr.split())
    assert json.loads(result.stdout)


def test_a_figure_a_page_and_a_copy(run, saved, tmp_path):
    copy, page = tmp_path / "copy.nc", tmp_path / "page.html"
    asked = ("--at-params", "1T", "--figure", tmp_path / "s.png", "--report", page)
    told = run("shapes", saved, *asked, "-o", copy).stdout
    for name in ("copy.nc", "s.png", "page.html"):
        assert f"written to {tmp_path / name}" in told
    assert (tmp_path / "s.png").stat().st_size > 10_000
    assert "Probabilities at 1T params" in page.read_text(encoding="utf-8")
    assert run("shapes", copy, "--rope", "0.02").stdout


def test_sentences_are_of_the_riskiest_tasks_and_say_how_many_there_are(run, saved):
    told = run("shapes", saved, "--at-params", "1T").stdout
    assert sum(f"  {task}: " in told for task in ("falls", "flat", "jumps", "rises", "turns")) == 3
    assert "(and 2 more; --json has them all)" in told


@pytest.mark.parametrize("command", ["report", "forecast"])
def test_other_commands_say_where_a_fit_of_shapes_is_asked(run, saved, tmp_path, command):
    asked = ["-o", tmp_path / "page.html"] if command == "report" else ["--at", "1B,20B"]
    told = " ".join(run(command, saved, *asked, code=2).stderr.split())
    assert "is a fit of shapes of scores" in told
    assert "bayes-scaling shapes FILE --report page.html" in told


def no_sampling(*_, **__):
    raise AssertionError("the sampler was started")


WRONG = {
    "no such file": (["{folder}/absent.csv"], "no such file"),
    "no such set": (["gpt4"], "gpt3-benchmarks"),
    "inside the data": (["{saved}", "--at-params", "1B"], "does not lie beyond the data"),
    "too far": (
        ["{scores}", "--at-params", "1e18"],
        "or leave such curves out of the fit (--where, in Python `select`)",
    ),
    "another scale": (["{saved}", "--at-flops", "1e25"], "along params"),
    "two scales": (["{scores}", "--at-params", "1T", "--at-flops", "1e25"], "not both"),
    "three scales": (["{scores}", "--at-tokens", "1T", "--at-flops", "1e25"], "not both"),
    "unknown checkpoints": (["{scores}", "--checkpoints", "last"], "known: 'final', 'all'"),
    "three bends": (["{scores}", "--bends", "3"], "a trend has 1 or 2 bends, not 3"),
    "unknown card": (["{scores}", "--model", "chinchilla"], "unknown shape model"),
    "unknown unit": (["{scores}", "--unit", "points"], "unknown unit"),
    "unknown column": (["{scores}", "--by", "colour"], "'colour'"),
    "no tokens along": (["{scores}", "--where", "params > 1e20"], "leaves no curve"),
    "output in no folder": (["{scores}", "-o", "{folder}/no/s.nc"], "make the folder"),
    "a fit with the name of a page": (["{scores}", "-o", "{folder}/s.html"], "such as fit.nc"),
    "a page with the name of a fit": (["{scores}", "--report", "{folder}/s.nc"], "in .html"),
    "text for a fit": (["{folder}/text.nc"], "not a saved fit"),
    "fitting a fit": (
        ["{saved}", "--bends", "2", "--by", "family"],
        "--by and --bends: this is about how scores are fitted",
    ),
    "a figure of no format": (
        ["{scores}", "--figure", "{folder}/s.xyz"],
        "ends in .pdf, .png, .svg",
    ),
    "inside the data, before a fit": (
        ["{scores}", "--at-params", "5B"],
        "ask for a larger one, or leave such curves out of the fit (--where, in Python `select`)",
    ),
    "no number, before a fit": (["{scores}", "--at-params", "much"], "cannot read 'much'"),
    "threshold, before a fit": (["{scores}", "--rope", "2"], "rope must lie"),
    "probability, before a fit": (["{scores}", "--prob", "90"], "prob must lie"),
    "negative threshold": (["{saved}", "--rope", "-1"], "rope must lie"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_uses(run, saved, scores, tmp_path, monkeypatch, case):
    arguments, text = WRONG[case]
    (tmp_path / "text.nc").write_text("text")
    places = {"saved": saved, "scores": scores, "folder": tmp_path}
    monkeypatch.setattr("bayes_scaling.shapes.fitting.sample_with_care", no_sampling)
    result = run("shapes", *(a.format(**places) for a in arguments), code=2)
    assert text in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_every_problem_of_a_table_is_in_the_json(run, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("task,params,acc\nqa,-1,0.3\nqa,1B,high\n")
    result = run("shapes", path, "--json", code=2)
    assert {p["code"] for p in json.loads(result.stdout)["problems"]} >= {
        "non-numeric", "non-positive",
    }  # fmt: skip


def test_bad_units_and_losses_of_zero_are_told_before_a_fit(run, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("task,params,metric,value\nqa,70M,loss,3\nqa,1B,loss,0\nqa,7B,loss,2\n")
    told = " ".join(run("shapes", path, code=2).stderr.split())
    assert "bad.csv, line 3, column value: found 0; expected a positive number" in told
    rows = [f"{task},{n}B,acc,{factor * n / 10}" for task, factor in (("a", 1), ("b", 100))
            for n in (2, 4, 6)]  # fmt: skip
    path.write_text("task,params,metric,value\n" + "\n".join(rows))
    told = " ".join(run("shapes", path, code=2).stderr.split())
    assert "lines 2, 3, 4: found 0.2, 0.4, 0.6 and the like throughout 'a'" in told


def test_the_card_can_be_read_and_copied(run, answer):
    assert (
        "For scores instead of losses (`bayes-scaling shapes`): shapes"
        in run("models", "list").stdout
    )
    assert "Inverse Scaling Prize" in " ".join(run("models", "show", "shapes").stdout.split())
    toml = tomllib.loads(run("models", "show", "shapes", "--toml").stdout)
    assert toml["priors"] == answer("models", "show", "shapes")["priors"]
