import numpy as np
import pandas as pd
import pytest

from bayes_scaling.errors import InputError
from bayes_scaling.runs import RunsError, check_groups, read_runs, training_flops


@pytest.fixture
def runs(table):
    table["family"] = ["a", "b"] * (len(table) // 2)
    table["depth"] = [12.0, 24.0] * (len(table) // 2)
    table["run_set"] = [f"set{i % 4}" for i in range(len(table))]
    return read_runs(table, name="sweep")


def test_repr_tells_what_matters(runs):
    text = repr(runs)
    for part in ("'sweep'", "16", "50M to 2B", "nats", "a, b (2)", "family -> architecture"):
        assert part in text
    assert "<table>" in runs._repr_html_()
    named = read_runs(runs.table, name="<b>")
    assert "<b>" not in named._repr_html_()


def test_select(runs):
    small = runs.select("params < 1e9 and run_set.str.startswith('set1')")
    assert 0 < len(small) < len(runs)
    assert small.name == "sweep"
    assert (small.table["params"] < 1e9).all()
    assert list(small.table.index) == list(range(len(small)))
    assert {p.code for p in small.problems} >= {"few-runs"}


def test_select_still_names_the_rows_of_the_file(runs):
    one = runs.select("index >= 4")
    assert one.origin.numbers[0] == 4


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("params > 1e99", "leaves none of the 16 runs"),
        ("parms > 1", "not a valid expression.*parms.*columns are params"),
        ("params >", "not a valid expression"),
        ("params + 1", "not true or false for each run"),
        ("params", "not true or false"),
        ("", "not a valid expression"),
        ("@pd.DataFrame", "not a valid expression"),
        ("run_set.nothing()", "not a valid expression"),
        ("loss == loss.max()", "found 1 run;"),
    ],
)
def test_select_refuses(query, says, runs):
    with pytest.raises(InputError, match=says):
        runs.select(query)


def test_what_was_left_out_is_still_told_after_select(table):
    runs = read_runs(table.assign(suspect=[True] + [False] * (len(table) - 1)))
    assert "suspect-runs" in {p.code for p in runs.select("params > 1e8").problems}


def test_groups(runs):
    assert runs.groups("architecture").tolist()[:2] == ["a", "b"]
    both = runs.groups(["architecture", "depth"])
    assert both.name == "architecture/depth"
    assert both.tolist()[:2] == ["a/12", "b/24"]


def test_groups_refuse(table):
    runs = read_runs(table.assign(kind=["a", None, " ", *["b"] * (len(table) - 3)]))
    with pytest.raises(InputError, match=r"'kin' \(did you mean 'kind'\?\); known: 'par"):
        runs.groups("kin")
    with pytest.raises(RunsError, match="rows 1, 2, column kind: found an empty cell") as caught:
        runs.groups("kind")
    assert caught.value.problems[0].code == "missing-group"


@pytest.mark.parametrize(
    ("labels", "code", "says"),
    [
        (["a", *["b"] * 15], "single-run-group", "row 0, column kind: found a single run in 'a'"),
        (["a"] * 16, "one-group", "found 1 group;.*nothing to pool"),
        (["Llama", "llama "] * 8, "lookalike-groups", "'Llama' and 'llama '.*one spelling"),
    ],
)
def test_check_groups(labels, code, says, table):
    problems = check_groups(read_runs(table.assign(kind=labels)), "kind")
    assert [(p.code, p.severity) for p in problems] == [(code, "warning")]
    assert pd.Series([problems[0].message]).str.contains(says, regex=True).all()


def test_check_groups_counts(table):
    many = pd.concat([table * (1 + i / 1e4) for i in range(26)], ignore_index=True)
    many["kind"] = [f"g{i // 2}" for i in range(len(many))]
    assert [p.code for p in check_groups(read_runs(many), "kind")] == ["many-groups"]
    assert check_groups(read_runs(table.assign(kind=["a", "b"] * 8)), "kind") == ()


def test_hash_is_stable_and_sees_what_it_should(table):
    runs = read_runs(table.head(2).round(3))
    same = read_runs(table.head(2).round(3).rename(columns={"params": "N"}), name="other")
    assert runs.hash == same.hash
    fixed = pd.DataFrame({"N": [1e8, 2e8], "D": [2e9, 5e9], "loss": [3.0, 2.5], "arch": ["a", "ß"]})
    golden = "5552346974d590e30f023441f07cb47601e1796b1a53f8695728cd6e43f23d85"
    assert read_runs(fixed).hash == golden
    assert read_runs(fixed.iloc[::-1]).hash != golden
    assert read_runs(fixed.assign(loss=[3.0, 2.5000001])).hash != golden
    assert read_runs(fixed.assign(arch=["aß", ""])).hash != golden
    assert read_runs(fixed.assign(note="x")).hash == golden


def test_training_flops():
    assert training_flops(1e9, 2e10) == 1.2e20


def test_runs_error_survives_pickling_as_workers_do():
    import pickle

    with pytest.raises(RunsError) as caught:
        read_runs(pd.DataFrame({"N": [1.0]}))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert again.problems == caught.value.problems


def test_renamed_columns_answer_to_both_names():
    frame = pd.DataFrame(
        {
            "N": np.geomspace(1e7, 1e9, 12),
            "D": np.geomspace(1e9, 3e10, 12)[::-1],
            "loss": np.linspace(4, 3, 12),
            "arch": ["a", "b"] * 6,
        }
    )
    runs = read_runs(frame)
    assert list(runs.groups("arch")) == list(runs.groups("architecture"))
    chosen = runs.select("arch == 'a' and N > 2e7")
    assert set(chosen.table["architecture"]) == {"a"}
    assert chosen.selection == ("arch == 'a' and N > 2e7",)


def test_a_column_of_run_names_is_no_grouping():
    n = 60
    frame = pd.DataFrame(
        {
            "params": np.geomspace(1e7, 1e9, n),
            "tokens": np.geomspace(1e9, 3e10, n)[::-1],
            "loss": np.linspace(4, 3, n),
            "label": [f"run {i}" for i in range(n)],
        }
    )
    (problem,) = [p for p in check_groups(read_runs(frame), "label") if p.code == "many-groups"]
    assert problem.severity == "error"


def test_select_on_a_table_that_has_an_empty_column_of_another_name():
    frame = pd.DataFrame(
        {
            "params": np.geomspace(1e8, 1e9, 8),
            "tokens": np.geomspace(2e10, 1e10, 8),
            "loss": np.linspace(3.0, 2.5, 8),
            "params_nonembed": np.nan,
        }
    )
    assert len(read_runs(frame).select("params > 2e8")) < 8
