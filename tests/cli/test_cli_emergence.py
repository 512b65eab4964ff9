"""emergence: verdicts of a table of scores, pass rates, and wrong uses."""

import json

import numpy as np
import pandas as pd
import pytest
from emergence_examples import BROKEN, example_scores


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    example_scores(BROKEN, n=500, task="sums").to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def rates(tmp_path_factory):
    flops = np.geomspace(1e19, 1e22, 4)
    rows = [
        {"task": f"p{i}", "metric": "pass_rate", "flops": c, "n_examples": 50,
         "value": round(50 * np.exp(-(2 + i) * (c / 1e19) ** -0.2)) / 50}
        for i in range(3) for c in flops
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("rates") / "rates.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_text_and_figure(run, scores, tmp_path):
    result = run("emergence", scores, "--answer-tokens", "sums=3", "--figure", tmp_path / "e.png",
                 "-o", tmp_path / "e.html")  # fmt: skip
    assert "break 1.00: the error per token bends, near" in " ".join(result.stdout.split())
    assert "90 % intervals" in result.stdout
    assert (tmp_path / "e.png").stat().st_size > 10_000
    assert "1 break, 0 mirage" in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_json(answer, scores):
    (row,) = answer("emergence", scores, "--answer-tokens", "3", "--prior-break", "0.2")
    assert row["verdict"] == "break"
    assert row["answer_tokens"]["given"] == 3
    assert len(row["sizes"]) == 9


def test_notes_go_to_standard_error(run, scores, tmp_path):
    table = pd.read_csv(scores).drop(columns="n_examples")
    extra = table.assign(metric="f1")
    pd.concat([table, extra]).to_csv(tmp_path / "s.csv", index=False)
    result = run("emergence", tmp_path / "s.csv", "--n-examples", "500", "--json")
    told = " ".join(result.stderr.split())
    assert "500 questions are assumed" in told
    assert "'f1' does not follow from an error per token" in told
    assert json.loads(result.stdout)


def test_percentages_that_were_told_by_the_scores_are_noted(run, scores, tmp_path):
    table = pd.read_csv(scores)
    table.assign(value=100 * table["value"]).to_csv(tmp_path / "s.csv", index=False)
    note = "Note: scores of exact_match are read as percent"
    assert note in run("emergence", tmp_path / "s.csv", "-q").stderr
    assert "percent" not in run("emergence", tmp_path / "s.csv", "--unit", "percent", "-q").stderr
    assert "percent" not in run("emergence", scores, "-q").stderr


def test_columns_that_are_read_by_other_names_are_noted(run, scores, tmp_path):
    table = pd.read_csv(scores).rename(columns={"value": "Score", "params": "N"})
    table.to_csv(tmp_path / "s.csv", index=False)
    told = " ".join(run("emergence", tmp_path / "s.csv", "-q").stderr.split())
    assert "Note: columns are read by other names: 'N' as params, 'Score' as value." in told
    assert "other names" not in run("emergence", scores, "-q").stderr


def test_flat_at_zero_is_answered_and_not_called_left_out(run, tmp_path):
    rows = [f"sums,{n}B,exact_match,0,100,0" for n in (1, 3, 10, 30)]
    head = "task,params,metric,value,n_examples,chance\n"
    (tmp_path / "s.csv").write_text(head + "\n".join(rows))
    result = run("emergence", tmp_path / "s.csv", "--json")
    assert json.loads(result.stdout)[0]["verdict"] == "undecided"
    assert "left out" not in result.stderr
    told = " ".join(run("shapes", tmp_path / "s.csv", code=2).stderr.split())
    assert "curves whose score never changes are left out" in told
    assert "is a question for `emergence`" in told


def test_pass_rates(run, answer, rates, tmp_path):
    (found,) = answer("emergence", rates, "--at-flops", "1e24")
    assert found["metric"] == "-log(pass_rate)"
    assert found["scales"][-1]["flops"] == 1e24
    text = run("emergence", rates, "--figure", tmp_path / "r.png", "-o", tmp_path / "r.html").stdout
    assert "geometric mean" in text
    assert (tmp_path / "r.png").stat().st_size > 10_000
    assert "Pass rates" in (tmp_path / "r.html").read_text(encoding="utf-8")


WRONG = {
    "no such set": (["gpt4"], "gpt3-benchmarks"),
    "tokens in words": (["{scores}", "--answer-tokens", "three"], "takes a number such as 3"),
    "two numbers": (["{scores}", "--answer-tokens", "3", "--answer-tokens", "4"], "TASK=3 each"),
    "no such task": (["{scores}", "--answer-tokens", "x=3"], "unknown task in answer_tokens 'x'"),
    "nothing to ask": (["{scores}", "--at-flops", "1e25"], "there are none here"),
    "two scales": (["{rates}", "--at-flops", "1e25", "--at-params", "1T"], "not both"),
    "unknown scale": (["{rates}", "--at-params", "1T"], "unknown scale 'params'"),
    "unknown card": (["{scores}", "--model", "shapes"], "unknown emergence model"),
    "figure in no folder": (["{scores}", "--figure", "{folder}/no/s.png"], "make the folder"),
    "page in no folder": (["{scores}", "-o", "{folder}/no/s.html"], "make the folder"),
    "prior of one": (["{scores}", "--prior-break", "1"], "prior_break must lie"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_uses(run, scores, rates, tmp_path, case):
    arguments, text = WRONG[case]
    places = {"scores": scores, "rates": rates, "folder": tmp_path}
    result = run("emergence", *(a.format(**places) for a in arguments), code=2)
    assert text in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_scales_to_ask_about_are_refused_before_anything_is_computed(run, scores, monkeypatch):
    def computed(*_, **__):
        raise AssertionError("the answer was computed")

    monkeypatch.setattr("bayes_scaling.emergence", computed)
    told = run("emergence", scores, "--at-params", "1T", code=2).stderr
    assert "there are none here" in told


def test_the_card_can_be_read_and_copied(run, answer):
    assert "(`bayes-scaling emergence`): emergence" in run("models", "list").stdout
    text = " ".join(run("models", "show", "emergence").stdout.split())
    assert "so that a break is worth its name" in text
    assert answer("models", "show", "emergence")["prior_break"]["probability"] == 0.5
    assert run("models", "show", "emergence", "--toml").stdout.startswith("# Whether a sharp curve")
