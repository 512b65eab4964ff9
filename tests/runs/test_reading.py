import gzip
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_scaling.errors import InputError
from bayes_scaling.runs import Runs, RunsError, read_runs, register_reader

WRITERS = {
    "t.csv": lambda t, p: t.to_csv(p, index=False),
    "t.csv.gz": lambda t, p: t.to_csv(p, index=False),
    "t.tsv": lambda t, p: t.to_csv(p, index=False, sep="\t"),
    "semicolon.csv": lambda t, p: t.to_csv(p, index=False, sep=";"),
    "comma_decimal.csv": lambda t, p: t.to_csv(p, index=False, sep=";", decimal=","),
    "bom.csv": lambda t, p: t.to_csv(p, index=False, encoding="utf-8-sig"),
    "crlf.csv": lambda t, p: t.to_csv(p, index=False, lineterminator="\r\n"),
    "T.CSV": lambda t, p: t.to_csv(p, index=False),
    "t.parquet": lambda t, p: t.to_parquet(p),
    "t.jsonl": lambda t, p: t.to_json(p, orient="records", lines=True, double_precision=15),
    "t.ndjson.gz": lambda t, p: p.write_bytes(
        gzip.compress(t.to_json(orient="records", lines=True, double_precision=15).encode())
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_runs(name, table, tmp_path):
    table["family"] = "Llama, größer"
    WRITERS[name](table, tmp_path / name)
    runs = read_runs(tmp_path / name)
    assert runs.problems == ()
    assert runs.name == name.split(".", maxsplit=1)[0]
    assert runs.source == str(tmp_path / name)
    np.testing.assert_allclose(runs.loss, table["loss"], rtol=1e-14)
    np.testing.assert_allclose(runs.tokens, table["tokens"], rtol=1e-14)
    assert set(runs.table["architecture"]) == {"Llama, größer"}


def test_a_reader_can_be_added(table, tmp_path):
    from bayes_scaling.runs import readers
    from bayes_scaling.runs.problems import Origin

    @register_reader(".fixed")
    def fixed(content, name):
        return table, Origin(name, "row", np.arange(len(table)))

    (tmp_path / "a.fixed").write_bytes(b"x")
    try:
        assert len(read_runs(tmp_path / "a.fixed")) == len(table)
    finally:
        del readers._READERS[".fixed"]


@pytest.mark.parametrize(
    ("n", "d", "loss"),
    [
        ("N", "D", "L"), ("model_size", "train_tokens", "val_loss"),
        ("n_params", "n_tokens", "validation_loss"), ("Num Params", "NUM-TOKENS", "eval/loss"),
        ("parameters", "tokens_seen", "final_loss"), ("Model Size", "Training Tokens", "Loss"),
    ],
)  # fmt: skip
def test_common_spellings(n, d, loss, table):
    runs = read_runs(table.set_axis([n, d, loss], axis=1))
    assert runs.renamed == {n: "params", d: "tokens", loss: "loss"}
    assert runs.ignored == ()


def test_tokens_follow_from_flops_and_flops_from_tokens(table):
    flops = 6 * table["params"] * table["tokens"]
    by_flops = read_runs(table.assign(Training_FLOP=flops).drop(columns="tokens"))
    np.testing.assert_allclose(by_flops.tokens, table["tokens"])
    np.testing.assert_array_equal(read_runs(table).flops, flops)


def test_single_empty_cells_are_filled_from_the_other_column(table):
    table["flops"] = 6 * table["params"] * table["tokens"]
    holes = table.copy()
    holes.loc[[0, 3], "flops"] = np.nan
    holes.loc[[1, 2], "tokens"] = np.nan
    runs = read_runs(holes)
    np.testing.assert_allclose(runs.flops, table["flops"])
    np.testing.assert_allclose(runs.tokens, table["tokens"])


def test_exact_names_win_and_the_other_column_is_kept(table):
    runs = read_runs(table.assign(val_loss=1.0, N=5.0))
    np.testing.assert_array_equal(runs.loss, table["loss"])
    assert runs.ignored == ("val_loss", "N")


def test_a_rename_wins_over_everything_and_nothing_is_lost(table):
    runs = read_runs(table.assign(eval_c4=table["loss"] + 0.1), loss="eval_c4")
    np.testing.assert_allclose(runs.loss, table["loss"] + 0.1)
    assert runs.renamed == {"loss": "loss_original", "eval_c4": "loss"}
    np.testing.assert_array_equal(runs.table["loss_original"], table["loss"])


def test_an_ambiguous_optional_column_is_only_a_warning(table):
    runs = read_runs(table.assign(family="a", arch="b"))
    assert [(p.code, p.severity) for p in runs.problems] == [("ambiguous-column", "warning")]
    assert runs.ignored == ("family", "arch")
    assert set(read_runs(table.assign(family="a", arch="b"), architecture="arch").groups(
        "architecture")) == {"b"}  # fmt: skip


def test_empty_optional_columns_are_left_out(table):
    runs = read_runs(table.assign(step=np.nan, seed=None, flops=np.nan))
    assert list(runs.table.columns) == ["params", "tokens", "flops", "loss"]


@pytest.mark.parametrize(("config", "summary"), [("config.", "summary."), ("config/", "summary/")])
def test_a_tracker_export(config, summary, table, tmp_path):
    wide = pd.DataFrame(
        {
            "Name": [f"run-{i}" for i in range(len(table))],
            "State": "finished",
            f"{config}n_params": table["params"],
            f"{config}arch": "mamba",
            f"{summary}tokens_seen": table["tokens"],
            f"{summary}val_loss": table["loss"],
        }
    )
    wide.loc[[2, 5], "State"] = ["crashed", "running"]
    wide.loc[2, f"{summary}val_loss"] = np.nan
    wide.to_csv(tmp_path / "export.csv", index=False)
    runs = read_runs(tmp_path / "export.csv")
    assert len(runs) == len(table) - 2
    [problem] = runs.problems
    assert (problem.code, problem.rows) == ("unfinished-runs", (4, 7))
    assert "'crashed', 'running'" in problem.message
    assert list(runs.excluded["reason"]) == ["run not finished"] * 2
    assert list(runs.excluded["line"]) == [4, 7]
    assert set(runs.table["architecture"]) == {"mamba"}


def test_nested_json_lines_of_a_tracker(table, tmp_path):
    lines = [
        f'{{"state": "finished", "config": {{"n_params": {n}}}, '
        f'"summary": {{"tokens": {d}, "loss": {loss}}}}}'
        for n, d, loss in table.to_numpy()
    ]
    (tmp_path / "runs.jsonl").write_text("\n\n".join(lines))
    runs = read_runs(tmp_path / "runs.jsonl")
    np.testing.assert_allclose(runs.params, table["params"])
    assert runs.origin.numbers[1] == 3


def test_a_state_column_about_something_else_is_left_alone(table):
    assert len(read_runs(table.assign(state="Texas"))) == len(table)


@pytest.mark.parametrize("marks", [[True, False], ["yes", ""], [1, 0], ["likely slip", None]])
def test_suspect_rows(marks, table):
    marked = table.assign(suspect=marks[:1] + marks[1:] * (len(table) - 1))
    runs = read_runs(marked)
    assert len(runs) == len(table) - 1
    assert list(runs.excluded["reason"]) == ["marked suspect"]
    assert runs.excluded["row"].tolist() == [0]
    assert len(read_runs(marked, keep_suspect=True)) == len(table)


@pytest.mark.parametrize(
    ("unit", "given", "slope"),
    [
        ("bits", lambda nats: nats / math.log(2), lambda nats: math.log(2)),
        ("perplexity", np.exp, lambda nats: np.exp(-nats)),
    ],
)
def test_loss_units_convert_the_standard_error_too(unit, given, slope, table):
    other = table.assign(loss=given(table["loss"]), loss_se=0.01)
    runs = read_runs(other, loss_unit=unit)
    np.testing.assert_allclose(runs.loss, table["loss"])
    np.testing.assert_allclose(runs.table["loss_se"], 0.01 * slope(table["loss"]))
    if unit == "perplexity":
        # The delta method agrees with moving the loss by one standard error.
        moved = np.log(other["loss"] + 0.01) - np.log(other["loss"])
        np.testing.assert_allclose(runs.table["loss_se"], moved, rtol=2e-3)


def test_the_column_of_the_unit_is_preferred(table):
    both = table.rename(columns={"loss": "val_loss"})
    both["val_ppl"] = np.exp(both["val_loss"])
    np.testing.assert_array_equal(read_runs(both).loss, table["loss"])
    np.testing.assert_allclose(read_runs(both, loss_unit="perplexity").loss, table["loss"])


def test_blank_lines_do_not_move_line_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("\n\nN,D,loss\n7e7,2e9,3\n\n\n1e8,oops,2.9\n")
    with pytest.raises(InputError, match="line 7, column D: found 'oops'"):
        read_runs(tmp_path / "a.csv")


def test_a_spreadsheet_leaves_empty_columns_behind(tmp_path):
    (tmp_path / "a.csv").write_text("N,D,loss,,\n7e7,2e9,3,,\n1e8,4e9,2.9,,\n2e8,9e9,2.7,,\n")
    assert read_runs(tmp_path / "a.csv").ignored == ()


def test_a_named_index_is_a_column_and_the_frame_is_not_changed(table):
    before = table.copy()
    indexed = table.assign(run=[f"r{i}" for i in range(len(table))]).set_index("run")
    assert list(read_runs(indexed).table["run"])[:2] == ["r0", "r1"]
    read_runs(table)
    pd.testing.assert_frame_equal(table, before)


def test_the_public_sweep_names_the_rows_that_are_dropped_elsewhere(shared_data):
    runs = read_runs(shared_data / "loss" / "chinchilla_epoch.csv")
    [problem] = runs.problems
    assert problem.code == "ratio-outliers"
    dropped = runs.table.index[runs.table["outlier_epoch"]] + 2
    assert sorted(problem.rows) == sorted(dropped)


@pytest.mark.parametrize(
    ("name", "n"), [("gadre_overtraining", 104), ("datablations", 308), ("xlstm_scaling", 541)]
)
def test_other_public_sweeps_can_be_read(name, n, shared_data):
    assert len(read_runs(shared_data / "loss" / f"{name}.csv")) == n


CELLS = st.one_of(
    st.floats(), st.integers(), st.text(max_size=8), st.none(), st.booleans(),
    st.floats(1e6, 1e12), st.sampled_from(["70B", "1.4T", "3e9", "inf", "nan", "1,000,000"]),
)  # fmt: skip
COLUMNS = st.sampled_from(
    ["N", "params", "D", "tokens", "C", "flops", "loss", "val_ppl", "loss_se", "seed", "state",
     "suspect", "run", "family", "step", "anything", ""]
)  # fmt: skip


@st.composite
def tables(draw):
    names = draw(st.lists(COLUMNS, max_size=6)) + draw(
        st.sampled_from([[], ["N", "D", "loss"], ["params", "C", "loss"]])
    )
    n = draw(st.integers(0, 7))
    sound = st.lists(st.floats(0.1, 11) | st.floats(1e6, 1e12), min_size=n, max_size=n)
    anything = st.lists(CELLS, min_size=n, max_size=n)
    columns = [pd.Series(draw(sound | anything), dtype=object) for _ in names]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = names
    return frame


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from(["nats", "bits", "perplexity"]), st.booleans())
def test_any_table_is_either_sound_or_refused(frame, unit, keep):
    try:
        runs = read_runs(frame, loss_unit=unit, keep_suspect=keep)
    except InputError as error:
        assert str(error)
        return
    assert_sound(runs, len(frame))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.floats(1e5, 1e14)] * 2, st.floats(0.1, 11)), max_size=8))
def test_sound_numbers_are_kept(rows):
    frame = pd.DataFrame(rows, columns=["N", "D", "loss"], dtype=float)
    try:
        runs = read_runs(frame)
    except InputError:
        return
    assert_sound(runs, len(frame))
    np.testing.assert_array_equal(runs.loss, frame["loss"])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text('ND,los;\n\t"1e9.', max_size=60).map(str.encode))
def test_any_bytes_are_either_runs_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(b"N,D,loss\n" + content)
    try:
        runs = read_runs(path)
    except InputError:
        return
    assert_sound(runs, len(content))


def assert_sound(runs: Runs, at_most: int) -> None:
    assert 2 <= len(runs) <= at_most
    for values in (runs.params, runs.tokens, runs.flops, runs.loss):
        assert values.dtype == np.float64
        assert values.shape == (len(runs),)
        assert np.all(np.isfinite(values) & (values > 0))
    assert all(problem.severity == "warning" for problem in runs.problems)
    assert len(runs.origin.numbers) == len(runs)
    assert repr(runs)
    assert len(runs.hash) == 64


def test_a_vanishing_perplexity_is_refused_and_not_a_warning_of_numpy():
    frame = pd.DataFrame(
        {"N": [1e8] * 7, "D": [1e9] * 7, "ppl": [5e-324] * 7, "loss_se": [1e6] * 7}
    )
    with pytest.raises(RunsError):
        read_runs(frame, loss_unit="perplexity")
