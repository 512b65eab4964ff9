"""Tables that are wrong in one way each: what the message must say about them."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from bayes_scaling.errors import InputError
from bayes_scaling.runs import RunsError, read_runs

LOSSES = ["3.1", "2.9", "2.7", "2.6", "2.45", "2.3", "2.2"]


def csv(header="N,D,loss", line=None, cells=None, rows=7):
    """A sound file, with the cells of one line replaced."""
    lines = [header]
    for i in range(rows):
        row = {"N": f"{70 * 2**i}M", "D": f"{2 + i * i * 5}B", "loss": LOSSES[i]}
        if i + 2 == line:
            row |= cells
        lines.append(",".join(str(row.get(name, "x")) for name in ("N", "D", "loss")))
    return "\n".join(lines) + "\n"


@dataclass
class Broken:
    text: str
    code: str
    says: tuple[str, ...]
    severity: str = "error"
    rows: tuple[int, ...] | None = None
    options: dict | None = None


def runs(lines, header="N,D,loss"):
    return header + "\n" + "\n".join(lines) + "\n"


BROKEN = {
    "word for tokens": Broken(
        csv(line=5, cells={"D": "twelve"}), "non-numeric",
        ("line 5", "column D", "'twelve'", "3.2e9, 70B or 1.4T"), rows=(5,)),
    "word for loss": Broken(
        csv(line=3, cells={"loss": "diverged"}), "non-numeric",
        ("line 3", "column loss", "'diverged'", "2.31"), rows=(3,)),
    "odd suffix": Broken(
        csv(line=4, cells={"N": "1B5"}), "non-numeric", ("line 4", "column N", "'1B5'"), rows=(4,)),
    "zero params": Broken(
        csv(line=2, cells={"N": "0"}), "non-positive", ("line 2", "column N", "positive"),
        rows=(2,)),
    "negative tokens": Broken(
        csv(line=8, cells={"D": "-3B"}), "non-positive", ("line 8", "column D", "'-3B'"),
        rows=(8,)),
    "negative loss": Broken(
        csv(line=2, cells={"loss": "-2.2"}), "non-positive", ("line 2", "column loss", "-2.2"),
        rows=(2,)),
    "empty loss": Broken(
        csv(line=6, cells={"loss": ""}), "missing-value",
        ("line 6", "column loss", "an empty cell"), rows=(6,)),
    "nan params": Broken(
        csv(line=6, cells={"N": "nan"}), "missing-value",
        ("line 6", "column N", "an empty cell"), rows=(6,)),
    "empty tokens, no flops": Broken(
        csv(line=6, cells={"D": ""}), "missing-value", ("line 6", "column D"), rows=(6,)),
    "infinite loss": Broken(
        csv(line=7, cells={"loss": "inf"}), "infinite", ("line 7", "column loss", "inf", "finite"),
        rows=(7,)),
    "tokens and flops both empty": Broken(
        runs(["7e7,2e9,,3", "1e8,,6e18,2.9", "2e8,,,2.8"], "N,D,C,loss"), "missing-value",
        ("line 4", "column D"), rows=(4,)),
    "negative standard error": Broken(
        runs(["7e7,2e9,3,.01", "1e8,4e9,2.9,-.01"], "N,D,loss,loss_se"), "non-positive",
        ("line 3", "column loss_se", "zero or more"), rows=(3,)),
    "no loss": Broken(
        csv("N,D,metric"), "missing-column", ("'loss'", "'metric'", "'N'", "val_loss")),
    "no params, one close": Broken(
        csv("n_parms,D,loss"), "missing-column", ("'params'", "closest is 'n_parms'")),
    "no tokens and no flops": Broken(
        csv("N,X,loss"), "missing-column", ("'tokens' or 'flops'", "'X'")),
    "duplicate column": Broken(
        csv("N,N,loss"), "duplicate-column", ("2 columns are named 'N'", "each name once")),
    "ambiguous loss": Broken(
        runs(["7e7,2e9,3,3.1", "1e8,4e9,2.9,3"], "N,D,train_loss,val_loss"), "ambiguous-column",
        ("'train_loss'", "'val_loss'", "loss='train_loss'")),
    "rename to nothing": Broken(
        csv(), "unknown-column", ("loss='val_los'", "no such column"),
        options={"loss": "val_los"}),
    "header only": Broken("N,D,loss\n", "no-rows", ("no runs", "one row a run")),
    "one run": Broken(csv(rows=1), "few-runs", ("found 1 run;", "nothing can be fitted")),
    "three runs": Broken(csv(rows=3), "few-runs", ("found 3 runs;", "6 or more"), "warning"),
    "perplexity": Broken(
        runs(["7e7,2e9,22", "1e8,4e9,18", "2e8,9e9,15"]), "loss-unit",
        ("median loss is 18", "perplexity", "loss_unit='perplexity'")),
    "perplexity by name": Broken(
        csv("N,D,val_ppl"), "loss-unit-name", ("'val_ppl'", "loss_unit='perplexity'"), "warning"),
    "bits per byte by name": Broken(
        csv("N,D,bpb"), "loss-unit-name", ("'bpb'", "bits_per_byte_to_nats"), "warning"),
    "tiny loss": Broken(
        csv(line=3, cells={"loss": "0.01"}), "loss-low", ("line 3", "0.05"), "warning", (3,)),
    "huge loss": Broken(
        csv(line=3, cells={"loss": "14"}), "loss-high", ("line 3", "12"), "warning", (3,)),
    "params in millions": Broken(
        runs(["70,2e9,3", "160,4e9,2.9", "410,9e9,2.8"]), "params-unit",
        ("column N", "160", "millions", "70M", "1e6")),
    "tokens in billions": Broken(
        runs(["7e7,2,3", "2e8,4,2.9", "4e8,9,2.8"]), "tokens-unit",
        ("column D", "billions", "300B", "1e9")),
    "flops in PF-days": Broken(
        runs(["7e7,2e9,0.0097,3", "2e8,4e9,.0556,2.9", "4e8,9e9,.25,2.8"], "N,D,C,loss"),
        "flops-unit", ("column C", "PF-days", "6ND is 840Q".replace("840Q", "8.4e17"))),
    "one contradiction": Broken(
        runs(["7e7,2e9,8.4e17,3", "2e8,4e9,4.8e18,2.9", "4e8,9e9,9e19,2.8"], "N,D,C,loss"),
        "flops-contradict", ("line 4", "column C", "9e19", "2.16e19", "factor 2"), "warning", (4,)),
    "copied run": Broken(
        csv() + "70M,2B,3.1\n", "duplicated-runs", ("line 9", "repeats an earlier row"), "warning",
        (9,)),
    "recounted run": Broken(
        runs(["7e7,2e9,3,a", "2e8,4e9,2.9,a", "7e7,2e9,3,b"], "N,D,loss,count"),
        "duplicated-values", ("line 4", "other columns differ"), "warning", (4,)),
    "one design point": Broken(
        runs(["7e7,2e9,3", "7e7,2e9,3.01"]), "one-design-point", ("one N (70M)", "one D (2B)")),
    "one size": Broken(
        runs(["7e7,2e9,3", "7e7,4e9,2.9"]), "one-size", ("one N (70M)", "alpha and A"), "warning"),
    "one token count": Broken(
        runs(["7e7,2e9,3", "9e7,2e9,2.9"]), "one-token-count", ("one D (2B)", "beta and B"),
        "warning"),
    "proportional": Broken(
        runs(["7e7,1.4e9,3", "9e7,1.8e9,2.9", "2e8,4e9,2.7"]), "proportional",
        ("D = 20 N", "cannot be told apart"), "warning"),
    "ratio far out": Broken(
        csv(line=4, cells={"D": "3M"}), "ratio-outliers", ("line 4", "D/N of"), "warning", (4,)),
    "ratio far out, no spread": Broken(
        runs(["7e7,1.4e9,3", "9e7,1.8e9,2.9", "2e8,4e9,2.7", "3e8,6e7,4"]), "ratio-outliers",
        ("line 5",), "warning", (5,)),
    "narrow compute": Broken(
        runs(["7e7,2e9,3", "9e7,3e9,2.9"]), "narrow-compute", ("within a factor of 1.93",),
        "warning"),
    "tokens beyond numbers": Broken(
        runs(["1e200,1e200,3", "1e9,1e10,2.5"]), "out-of-range", ("line 2",), rows=(2,)),
    "suspect": Broken(
        runs(["7e7,2e9,3,no", "2e8,4e9,2.9,yes", "4e8,9e9,2.8,"], "N,D,loss,suspect"),
        "suspect-runs", ("line 3", "keep_suspect=True"), "warning", (3,)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_named(name, tmp_path):
    broken = BROKEN[name]
    path = tmp_path / "sweep.csv"
    path.write_text(broken.text)
    if broken.severity == "error":
        with pytest.raises(RunsError) as caught:
            read_runs(path, **(broken.options or {}))
        problems = caught.value.problems
        assert any(problem.message in str(caught.value) for problem in problems)
    else:
        problems = read_runs(path, **(broken.options or {})).problems
    [problem] = [p for p in problems if p.code == broken.code]
    assert problem.severity == broken.severity
    for words in ("sweep.csv", *broken.says):
        assert words in problem.message
    if broken.rows is not None:
        assert problem.rows == broken.rows
        assert problem.n_rows == len(broken.rows)


def test_a_sound_table_has_no_problem(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(csv())
    assert read_runs(path).problems == ()


FILES = {
    "empty.csv": (b"", "empty.csv is empty"),
    "blank.csv": (b" \n\n", "blank.csv is empty"),
    "binary.csv": (b"N,D\0\x01,loss\n", "binary file"),
    "latin.csv": ("N,D,loss,société\n".encode("latin-1"), r"byte 13 \(line 1\) is 0xe9.*UTF-8"),
    "utf16.csv": ("N,D,loss\n".encode("utf-16"), "UTF-16.*UTF-8"),
    "spaces.csv": (b"N D loss\n1e9 1e10 2.5\n", "only one column found.*separated by comma"),
    "long.csv": (b"N,D,loss\n1e9,1e10,2.5\n1e9,1e10,2.5,9\n", "do not fit the header of 3 columns"),
    "all_long.csv": (b"N,D,loss\n1,000,000,2e7,2.5\n", "do not fit the header of 3 columns"),
    "open_quote.csv": (b'N,D,loss\n1e9,"1e10,2.5\n', "do not fit the header"),
    "runs.xlsx": (b"PK", "unknown file ending '.xlsx'; expected one of .csv"),
    "runs": (b"N,D", "unknown file ending 'none'"),
    "bad.csv.gz": (b"N,D,loss\n", "not a whole gzip file"),
    "bad.parquet": (b"PAR1 not really", "not a readable Parquet file"),
    "bad.jsonl": (b'{"N": 1}\n{"N": \n', "line 2: not JSON"),
    "list.jsonl": (b"[1, 2]\n", "line 1: found.*one JSON object a line"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_a_table(name, tmp_path):
    content, says = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_runs(tmp_path / name)


def test_no_file_a_directory_and_no_path(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*absent\.csv"):
        read_runs(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        read_runs(tmp_path / "folder.csv")
    with pytest.raises(InputError, match="from int; expected a path or a data frame"):
        read_runs(3)


def test_all_problems_at_once_for_people_and_programs(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(
        "N,D,loss,loss_se\n70,2e9,3,.1\n160,x,2.9,-1\n410,,inf,.1\n1e3,-2e9,2.6,.1\n1e3,5,,q\n"
    )
    with pytest.raises(RunsError) as caught:
        read_runs(path)
    found = {(p.code, p.column) for p in caught.value.problems if p.severity == "error"}
    assert found == {
        ("params-unit", "N"), ("non-numeric", "D"), ("missing-value", "D"), ("infinite", "loss"),
        ("non-positive", "D"), ("missing-value", "loss"), ("non-positive", "loss_se"),
        ("non-numeric", "loss_se"),
    }  # fmt: skip
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    listed = json.loads(caught.value.to_json())["problems"]
    assert [p["message"] for p in listed] == [p.message for p in caught.value.problems]
    assert {"code", "severity", "column", "rows", "n_rows", "found", "expected"} <= set(listed[0])


def test_a_missing_column_does_not_hide_bad_cells(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("N,loss\n1e8,2.9\nlarge,2.8\n")
    with pytest.raises(RunsError) as caught:
        read_runs(path)
    assert {p.code for p in caught.value.problems} >= {"missing-column", "non-numeric"}


def test_five_rows_are_named_and_all_are_counted(table):
    table["loss"] = -1.0
    with pytest.raises(RunsError) as caught:
        read_runs(table)
    [problem] = [p for p in caught.value.problems if p.code == "non-positive"]
    assert (problem.rows, problem.n_rows) == ((0, 1, 2, 3, 4), len(table))
    assert "rows 0, 1, 2, 3, 4 and 11 more" in problem.message


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"loss_unit": "bels"}, "unknown loss_unit 'bels'; known: nats, bits, perplexity"),
        ({"tolerance": 1.0}, "tolerance is 1.0; expected a factor above 1"),
        ({"parms": "N", "los": "x"}, "unknown column 'parms'.*unknown column 'los'"),
    ],
)
def test_bad_arguments(options, says, table):
    with pytest.raises(InputError, match=says):
        read_runs(table, **options)


def test_unhashable_and_odd_cells_are_only_unreadable(table):
    odd = table.astype({"loss": object})
    odd.loc[3, "loss"] = [1, 2]
    odd["note"] = [{"a": 1}] * len(odd)
    with pytest.raises(RunsError, match=r"row 3, column loss: found \[1, 2\]"):
        read_runs(odd)
    repeated = table.assign(note=[[1]] * len(table))
    repeated = pd.concat([repeated, repeated.head(1)])
    assert [p.code for p in read_runs(repeated).problems] == ["duplicated-runs"]


def test_the_tolerance_is_the_one_that_is_given(table):
    table["flops"] = 6 * table["params"] * table["tokens"] * 2.5
    assert {p.code for p in read_runs(table).problems} == {"flops-contradict"}
    assert read_runs(table, tolerance=3).problems == ()
    assert np.all(read_runs(table).flops == table["flops"])
