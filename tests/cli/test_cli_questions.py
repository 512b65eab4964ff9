"""forecast, allocate, summary and report on saved fits."""

import json

import pytest
from examples import example_fit

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
    assert "pessimistic" in words
    # In JSON mode standard output is only JSON.
    result = run(*far, "--json")
    json.loads(result.stdout)
    assert "the compute of the largest run" in " ".join(result.stderr.split())


def test_no_caveat_within_the_runs(run, plain):
    result = run("forecast", plain, "--params", "500M", "--tokens", "10B")
    assert "largest run" not in result.output


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
