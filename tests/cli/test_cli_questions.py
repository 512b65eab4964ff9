"""forecast, allocate, summary and report on saved fits."""

import json

import numpy as np
import pytest
from examples import example_fit, law_fit

import bayes_scaling as bs

STATISTICS = ["mean", "median", "sd", "lower", "upper"]


def test_forecast_json_is_the_library_answer_in_full_precision(answer, pooled):
    given = answer("forecast", pooled, "--params", "70B", "--tokens", "1.4T", "--group", "dense")
    expected = bs.forecast(example_fit(groups=3), params=7e10, tokens=1.4e12, group="dense")
    row = expected.table().iloc[0]
    assert list(given[0]) == ["params", "tokens", "group", *STATISTICS, "prob", "counting"]
    assert given[0]["params"] == 7e10
    assert given[0]["tokens"] == 1.4e12
    assert all(given[0][name] == row[name] for name in STATISTICS)


def test_forecast_asks_every_group_by_default_and_a_new_one_on_request(answer, pooled):
    point = ("--params", "7B", "--tokens", "140B")
    assert [row["group"] for row in answer("forecast", pooled, *point)] == [
        "dense", "experts", "recurrent",
    ]  # fmt: skip
    asked = answer("forecast", pooled, *point, "--group", "experts", "--new-group")
    assert [row["group"] for row in asked] == ["experts", bs.NEW_GROUP]
    assert asked[1]["sd"] > asked[0]["sd"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--params", "1B,7B", "--tokens", "140B"], [1e9, 7e9]),
        (["--params", "1B", "--params", "7B", "--tokens", "20B,140B"], [1e9, 7e9]),
        (["--params", "1,000,000,000", "--tokens", "20B"], [1e9]),
    ],
)
def test_lists_of_values(answer, plain, given, expected):
    assert [row["params"] for row in answer("forecast", plain, *given)] == expected


def test_points_are_answered_in_their_order(answer, pooled, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "architecture,params,tokens\nrecurrent,7B,1T\ndense,70B,1.4T\n(new group),1B,20B\n"
        "recurrent,1e9,2e10\n"
    )
    rows = answer("forecast", pooled, "--at", points)
    assert [row["group"] for row in rows] == ["recurrent", "dense", bs.NEW_GROUP, "recurrent"]
    assert [row["params"] for row in rows] == [7e9, 7e10, 1e9, 1e9]


def test_points_without_groups_ask_about_those_named(answer, pooled, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("params,tokens\n70B,1.4T\n7B,1T\n")
    rows = answer("forecast", pooled, "--at", points, "--group", "dense")
    assert [(row["group"], row["params"]) for row in rows] == [("dense", 7e10), ("dense", 7e9)]


def test_other_inputs_by_option_and_by_table(answer, run, steps, tmp_path):
    asked = ("--params", "1B", "--step", "40,000", "--batch-tokens", "500k")
    [row] = answer("forecast", steps, *asked)
    fit = bs.load_fit(steps)
    expected = bs.forecast(fit, params="1B", step=4e4, batch_tokens=5e5)
    assert row["mean"] == expected.table()["mean"][0]
    assert (row["step"], row["batch_tokens"]) == (4e4, 5e5)
    points = tmp_path / "points.csv"
    points.write_text("model_size,iterations,batch_tokens,colour\n1B,40000,500k,red\n")
    [same] = answer("forecast", steps, "--at", points)
    assert same == row
    text = run("forecast", steps, *asked).stdout
    assert "batch tokens" in text
    assert "40K" in text or "40k" in text or "40,000" in text


def test_words_and_lists_of_other_inputs(answer, run, tmp_path):
    path = law_fit("transfer").save(tmp_path / "transfer.nc")
    asked = ("--params", "1B", "--tokens", "20B", "--pretrained", "yes,no")
    rows = answer("forecast", path, *asked)
    assert [row["pretrained"] for row in rows] == [1.0, 0.0]
    assert rows[0]["mean"] < rows[1]["mean"]
    assert "yes" in run("forecast", path, *asked).stdout


def test_a_law_of_one_variable_shows_it_and_how_far_it_is(run, curve):
    result = run("forecast", curve, "--tokens", "100T")
    words = " ".join(result.stdout.split())
    assert "params" not in words
    assert "the training tokens of the largest run" in words


def test_what_is_counted_is_shown_in_every_answer(run, answer, steps, plain):
    point = ("--params", "1B", "--tokens", "20B", "--step", "40k")
    assert "Counting: N total" in run("forecast", steps, *point).stdout
    assert "Counting: N total" in run("allocate", steps, "--flops", "1e21").stdout
    assert "Counting: N total" in run("summary", steps).stdout
    assert answer("summary", steps)["counting"].startswith("N total")
    unsaid = run("forecast", plain, "--params", "1B", "--tokens", "1B").stdout
    assert "Counting: N as given, C 6ND." in unsaid


def test_noise_and_probability_widen_intervals(answer, plain):
    def width(*options):
        row = answer("forecast", plain, "--params", "1B", "--tokens", "20B", *options)[0]
        return row["upper"] - row["lower"]

    assert width("--with-noise") > width() > width("--prob", "0.5")


def test_allocate_json(answer, pooled):
    rows = answer("allocate", pooled, "--flops", "1e21,5.76e23", "--group", "dense", "--new-group")
    assert [(row["flops"], row["group"]) for row in rows] == [
        (1e21, "dense"), (1e21, bs.NEW_GROUP), (5.76e23, "dense"), (5.76e23, bs.NEW_GROUP),
    ]  # fmt: skip
    assert set(rows[0]) == {
        "flops", "group", "params", "tokens", "tokens_per_param", "loss", "a", "b", "counting"
    }  # fmt: skip
    for name in ("params", "tokens", "tokens_per_param", "loss"):
        assert set(rows[0][name]) >= set(STATISTICS)
    assert 6 * rows[0]["params"]["median"] * rows[0]["tokens"]["median"] == pytest.approx(
        1e21, rel=0.01
    )


def test_pf_days(answer, plain):
    assert answer("allocate", plain, "--flops", "2 PF-days")[0]["flops"] == 1.728e20


def test_tables_for_people(run, pooled):
    text = run("forecast", pooled, "--params", "70B", "--tokens", "1.4T").stdout
    assert "90 % interval" in text
    assert "1.4T" in text
    assert "recurrent" in text
    text = run("allocate", pooled, "--flops", "5.76e23", "--prob", "0.5").stdout
    assert "50 % interval" in text
    assert "5.76e23" in text


def test_caveat_says_how_far_beyond_the_runs(run, plain):
    far = ("forecast", plain, "--params", "70B", "--tokens", "1.4T")
    words = " ".join(run(*far).stdout.split())
    assert "times" in words
    assert "the compute of the largest run" in words
    assert "allow for the law being left behind" in words
    assert "what lies further is untested" in words
    near = run("forecast", plain, "--params", "10B", "--tokens", "400B").stdout
    assert "the compute of the largest run" in " ".join(near.split())
    assert "untested" not in near
    alone = " ".join(run(*far, "--law-only").stdout.split())
    assert "assume that the law keeps its form" in alone
    # In JSON mode standard output is only JSON.
    result = run(*far, "--json")
    json.loads(result.stdout)
    assert "the compute of the largest run" in " ".join(result.stderr.split())


def test_law_only_is_the_narrower_answer_that_is_shown_beside_the_other(run, answer, plain):
    far = ("forecast", plain, "--params", "70B", "--tokens", "1.4T")
    both, alone = answer(*far)[0], answer(*far, "--law-only")[0]
    assert both["upper"] - both["lower"] > 1.2 * (alone["upper"] - alone["lower"])
    text = run(*far).stdout
    assert "law only" in text
    assert f"{alone['lower']:.3f} to {alone['upper']:.3f}" in text
    assert "law only" not in run(*far, "--law-only").stdout
    budget = ("allocate", plain, "--flops", "5.76e23")
    wide, narrow = (
        np.log(each["params"]["upper"] / each["params"]["lower"])
        for each in (answer(*budget)[0], answer(*budget, "--law-only")[0])
    )
    assert wide > narrow


def test_no_caveat_within_the_runs(run, plain):
    result = run("forecast", plain, "--params", "500M", "--tokens", "10B")
    assert "largest run" not in result.output


def test_summary_of_a_law_that_does_not_allocate(run, curve):
    text = run("summary", curve).stdout
    assert "may be used" in text
    assert "optimal" not in text


@pytest.mark.parametrize("which", ["plain", "pooled"])
def test_summary(request, run, answer, which):
    path = request.getfixturevalue(which)
    text = run("summary", path).stdout
    assert "may be used" in text
    assert "irreducible loss" in text
    given = answer("summary", path)
    fit = bs.load_fit(path)
    assert given["groups"] == list(fit.groups)
    assert given["n_runs"] == fit.n_runs
    expected = fit.summary().loc[(fit.groups[-1], "E")]
    assert given["parameters"][fit.groups[-1]]["E"]["mean"] == expected["mean"]


def test_report_is_written(answer, plain, tmp_path):
    path = tmp_path / "report.html"
    assert answer("report", plain, "-o", path) == {"format": 1, "path": str(path)}
    assert "<html" in path.read_text(encoding="utf-8")


QUESTIONS = [
    ["forecast", "--params", "70B", "--tokens", "1.4T"],
    ["allocate", "--flops", "5.76e23"],
    ["summary"],
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0])
def test_untrusted_fits_answer_with_a_warning_and_exit_code_1(run, distrusted, question):
    command = [question[0], distrusted, *question[1:]]
    result = run(*command, "--json", code=1)
    json.loads(result.stdout)
    assert "must not be trusted" in result.stderr
    assert "do NOT agree" in result.stderr
    accepted = run(*command, "--json", "--accept-problems", code=0)
    assert accepted.stdout == result.stdout


def test_group_names_are_not_markup(run, tmp_path):
    fit = example_fit(groups=2)
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset().assign_coords(group=["[bold]a", "b [red]"])
    tree["posterior"] = type(tree)(posterior)
    constant = tree["constant_data"].to_dataset()
    tree["constant_data"] = type(tree)(constant)
    path = bs.Fit(tree).save(tmp_path / "odd.nc")
    text = run("forecast", path, "--params", "1B", "--tokens", "20B").stdout
    assert "[bold]a" in text
    assert "b [red]" in text
