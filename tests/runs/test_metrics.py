"""Metric curves: what is read, what is left out, and what each bad table is told."""

import json

import numpy as np
import pandas as pd
import pytest
from score_examples import codes, table

from bayes_scaling.errors import InputError
from bayes_scaling.runs import RunsError, load_metrics, load_runs, read_metrics


def test_a_plain_table_has_no_warning():
    curves = read_metrics(table())
    assert curves.curves == ("qa", "sum")
    assert curves.scales == ("params",)
    assert not curves.problems
    assert curves.table["bounded"].all()
    assert curves.table["higher_is_better"].all()


def test_spellings_sizes_and_percent(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("Benchmark,model_size,Accuracy\nqa,70M,25\nqa,1B,31.5\nqa,7B,48\n")
    curves = read_metrics(path)
    assert curves.table["value"].tolist() == [0.25, 0.315, 0.48]
    assert curves.table["params"].tolist() == [7e7, 1e9, 7e9]
    assert curves.percent == ("accuracy",)
    assert curves.renamed == {
        "Benchmark": "task", "model_size": "params", "Accuracy": "value",
    }  # fmt: skip
    assert codes(curves) == {"unknown-sampling-error", "unknown-chance"}
    assert "in percent   accuracy" in repr(curves)


def test_percent_divides_errors_and_chance_as_well():
    given = table(value=table()["value"] * 100, chance=25.0, stderr=2.0)
    read = read_metrics(given).table
    assert np.allclose(read["value"], table()["value"])
    assert (read["chance"] == 0.25).all()
    assert (read["stderr"] == 0.02).all()


def test_a_small_percentage_needs_to_be_said():
    low = table(value=[0.3, 0.4, 0.5, 0.6, 0.1, 0.2, 0.2, 0.4], chance=0)
    assert np.allclose(read_metrics(low, unit="percent").table["value"].max(), 0.006)
    with pytest.raises(InputError, match="unknown unit 'points'; known: 'auto', 'percent'"):
        read_metrics(low, unit="points")


def test_cells_may_say_that_they_are_in_percent():
    signs = [f"{value:g}%" for value in table()["value"] * 100]
    for unit in ("auto", "fraction", "percent"):
        given = table(value=signs, chance="25 %", stderr=["1.5%", *[None] * 7])
        read = read_metrics(given, unit=unit).table
        assert np.allclose(read["value"], table()["value"]), unit
        assert (read["chance"] == 0.25).all(), unit
        assert read["stderr"].iloc[0] == pytest.approx(0.015), unit
    # A sign tells of its own cell only: others may be fractions, and small ones stay small.
    mixed = table(value=["0.3%", "40%", 0.45, "0.6", 0.55, 0.5, 0.44, 0.4], chance=0)
    assert read_metrics(mixed).table["value"].iloc[:4].tolist() == [0.003, 0.4, 0.45, 0.6]
    with pytest.raises(RunsError, match="column value: found 'half %'"):
        read_metrics(table(value=["half %", *signs[1:]]))


def test_losses_are_kept_as_they_are_and_better_when_lower():
    curves = read_metrics(table(metric="ppl", value=[165.0, 27, 7, 4, 18, 9, 6, 5]))
    assert not curves.table["bounded"].any()
    assert not curves.table["higher_is_better"].any()
    assert curves.table["value"].max() == 165


def test_compute_follows_from_size_and_tokens():
    curves = read_metrics(table(tokens=3e11))
    assert curves.scales == ("params", "tokens", "flops")
    assert np.allclose(curves.column("flops"), 6 * curves.column("params") * 3e11)


def test_what_tells_curves_apart():
    twice = pd.concat([table(n_shots=0), table(n_shots=5)], ignore_index=True)
    assert read_metrics(twice).curves == (
        "qa, 0-shot", "qa, 5-shot", "sum, 0-shot", "sum, 5-shot",
    )  # fmt: skip


def test_final_checkpoints_only():
    early = table(step=1000, value=0.1)
    curves = read_metrics(pd.concat([early, table(step=143000)], ignore_index=True))
    assert curves.table["step"].unique().tolist() == [143000]
    assert set(curves.excluded["reason"]) == {"an earlier checkpoint"}
    assert codes(curves) == {"left-out"}


def test_all_checkpoints_lie_along_compute():
    early = table(tokens=1e10, value=[0.1, 0.2, 0.3, 0.35, 0.1, 0.2, 0.3, 0.35])
    both = pd.concat([early, table(tokens=3e11)], ignore_index=True)
    curves = read_metrics(both, checkpoints="all")
    assert (len(curves), curves.scales) == (16, ("flops", "tokens"))
    assert curves.column("flops") == pytest.approx(
        6 * curves.column("params") * curves.column("tokens")
    )
    assert not len(curves.excluded)
    assert read_metrics(both).scales == ("params", "tokens", "flops")
    steps = pd.concat([table(step=1000), table(step=143000, value=0.4)], ignore_index=True)
    with pytest.raises(RunsError, match="expected a column tokens or flops to tell them"):
        read_metrics(steps, checkpoints="all")
    with pytest.raises(InputError, match="unknown checkpoints 'last'; known: 'final', 'all'"):
        read_metrics(both, checkpoints="last")


def test_one_model_has_a_curve_of_its_training():
    training = pd.DataFrame({"task": "qa", "params": 7e9, "tokens": [1e10, 1e11, 1e12],
                             "accuracy": [0.3, 0.4, 0.6]})  # fmt: skip
    assert len(read_metrics(training, checkpoints="all")) == 3
    with pytest.raises(RunsError, match="no curve is left"):
        read_metrics(training)


def test_small_percentages_may_be_right():
    # Exact match of models that are too small: nothing but the other curve says percent.
    small = [0.1, 0.3, 0.5, 0.9, 55, 50, 44, 40]
    for given in (table(value=small, chance=0), table(value=small, metric="em", chance=None)):
        curves = read_metrics(given)
        assert curves.table["value"].min() == pytest.approx(0.001)
        (said,) = (p for p in curves.problems if p.code == "mixed-units")
        assert said.severity == "warning"
        assert "rows 0, 1, 2, 3: found 0.1, 0.3, 0.5 and the like throughout 'qa'" in said.message
        assert "mixed-units" not in codes(read_metrics(given, unit="percent"))
    zeros = table(value=[0, 0, 0, 0.9, 55, 50, 44, 40], chance=0)
    assert "mixed-units" not in codes(read_metrics(zeros))


def test_a_single_score_that_makes_all_of_them_percentages_is_told():
    curves = read_metrics(table(value=[0.1, 0.2, 0.5, 4.0, 0.4, 0.3, 0.2, 0.1], chance=0))
    (said,) = (p for p in curves.problems if p.code == "mixed-units")
    assert said.severity == "warning"
    assert "row 3: found 4 in column value, the only score of 'acc' above 1: all are read as" in (
        said.message
    )


def test_several_scores_of_one_point_are_told():
    twice = pd.concat([table(), table(value=0.35).iloc[[1]]], ignore_index=True)
    (said,) = read_metrics(twice).problems
    assert said.code == "repeated-points"
    assert "rows 1, 8: several scores of one point, such as 0.4 and 0.35 of 'qa'" in said.message
    seeds = twice.assign(seed=[*range(9)])
    assert not read_metrics(seeds).problems


def test_compute_far_from_six_n_d_is_told():
    flops = 6 * table()["params"] * 3e11 * np.where(table().index == 2, 5, 1)
    (said,) = read_metrics(table(tokens=3e11, flops=flops)).problems
    assert said.code == "flops-contradict"
    assert "row 2, column flops" in said.message
    assert "check all three" in said.message
    assert "tolerance" not in said.message


def test_nothing_is_assumed_about_the_test_set_of_a_loss():
    losses = table(metric="loss", value=table()["value"] + 2).drop(columns=["n_examples", "chance"])
    assert not read_metrics(losses).problems


def test_copies_count_once():
    curves = read_metrics(pd.concat([table(), table().iloc[:2]], ignore_index=True))
    assert len(curves) == 8
    assert "rows 8, 9: every column repeats" in curves.problems[0].message


def test_curves_without_a_shape_are_left_out():
    given = table(value=[0.3, 0.4, 0.45, 0.6, 0.5, 0.5, 0.5, 0.5])
    single = given.iloc[:1].assign(task="alone")
    curves = read_metrics(pd.concat([given, single], ignore_index=True))
    assert curves.curves == ("qa",)
    reasons = set(curves.excluded["reason"])
    assert reasons == {"a score that never changes", "the only scale of its curve"}


def test_constant_curves_stay_where_they_are_asked_for():
    curves = read_metrics(table(value=[0.3, 0.4, 0.45, 0.6, 0, 0, 0, 0]), keep_constant=True)
    assert curves.curves == ("qa", "sum")
    assert not curves.problems
    assert curves.select("task == 'sum'").curves == ("sum",)
    assert read_metrics(table(value=0.0), keep_constant=True).curves == ("qa", "sum")


def test_two_scales_are_weak():
    curves = read_metrics(table().query("params < 1e9"))
    (problem,) = curves.problems
    assert problem.code == "few-scales"
    assert "'qa', 'sum'" in problem.message


def test_errors_of_another_unit_are_told():
    given = table(value=table()["value"] * 100, chance=25, stderr=0.01).drop(columns="n_examples")
    (said,) = read_metrics(given).problems
    assert (said.code, said.severity) == ("tiny-errors", "warning")
    assert "found 0.01 in column stderr for a score of 30, which takes 21M questions" in (
        said.message
    )
    assert not read_metrics(given.assign(stderr=1.0)).problems
    assert not read_metrics(given.assign(n_examples=500)).problems


@pytest.mark.parametrize("metric", ["exact_match", "em", "pass_rate", "pass@1"])
def test_guessing_gets_nothing_where_an_answer_is_produced(metric):
    assert not read_metrics(table(metric=metric).drop(columns="chance")).problems


def test_directions_are_yes_no_or_empty():
    cells = ["yes", "True", "1", None, " ", "no", "FALSE", 0]
    given = table(task=["up"] * 5 + ["down"] * 3, higher_is_better=cells)
    read = read_metrics(given, keep_constant=True).table.set_index("task")["higher_is_better"]
    assert read.groupby("task").all().to_dict() == {"up": True, "down": False}
    with pytest.raises(RunsError, match="found 'downwards'; expected true or false") as caught:
        read_metrics(table(higher_is_better=["downwards", *[None] * 7]))
    (said,) = (p for p in caught.value.problems if p.severity == "error")
    assert (said.code, said.rows) == ("non-boolean", (0,))


def test_directions_may_be_words_and_none_is_lost():
    words = ["higher", "up", "max", "Higher is better", "lower", "down", "min", "lower is better"]
    given = table(task=["up"] * 4 + ["down"] * 4, direction=words)
    read = read_metrics(given, keep_constant=True).table.set_index("task")["higher_is_better"]
    assert read.groupby("task").all().to_dict() == {"up": True, "down": False}
    with pytest.raises(RunsError, match=r"'lower_is_better' is not read\. Name it higher"):
        read_metrics(table(lower_is_better=True))


def test_wrong_arguments_name_what_is_known():
    with pytest.raises(InputError, match="unknown column 'score'; known: 'params'"):
        read_metrics(table(), score="value")
    with pytest.raises(RunsError, match="value='absent' was given"):
        read_metrics(table(), value="absent")
    with pytest.raises(InputError, match="cannot read scores from int"):
        read_metrics(3)


def test_select_drops_curves_that_lose_their_shape():
    curves = read_metrics(table(value=[0.3, 0.4, 0.45, 0.6, 0.5, 0.5, 0.5, 0.4]))
    assert curves.select("params < 5e9").curves == ("qa",)
    with pytest.raises(InputError, match="leaves no curve of the 2"):
        curves.select("params > 1e12")
    with pytest.raises(InputError, match="not a valid expression"):
        curves.select("parms > 1e12")


def test_warnings_after_a_selection_are_of_what_is_selected():
    known = table(task=["sums"] * 4 + ["more"] * 4, n_examples=500.0, chance=0.0)
    frame = pd.concat([table(task="qa").head(4).drop(columns=["n_examples", "chance"]), known])
    curves = read_metrics(frame.reset_index(drop=True))
    unknown = ["unknown-sampling-error", "unknown-chance"]
    assert [problem.code for problem in curves.problems] == unknown
    assert curves.select("task != 'qa'").problems == ()
    assert [problem.code for problem in curves.select("task != 'more'").problems] == unknown


def test_rows_are_told_as_the_table_has_them_although_curves_are_sorted():
    upside_down = table()[::-1].reset_index(drop=True)
    (few,) = read_metrics(upside_down).select("task == 'qa' and params >= 1e9").problems
    assert (few.code, few.rows) == ("few-scales", (5, 4))
    assert list(upside_down["params"][[5, 4]]) == [1e9, 7e9]


def test_a_selection_tells_what_it_leaves_out_by_the_lines_of_the_table():
    curves = read_metrics(table())
    sizes = sorted(curves.table["params"].unique())
    (few,) = curves.select(f"task == 'sum' and params >= {sizes[-2]}").problems
    assert (few.code, few.rows) == ("few-scales", (6, 7))
    lost = curves.select(f"task == 'sum' or params == {sizes[1]}")
    (out,) = lost.problems
    assert (out.code, out.rows) == ("left-out", (1,))
    assert "'qa': curves with one scale are left out" in out.message
    assert lost.excluded["reason"].tolist() == ["the only scale of its curve"]
    assert lost.select("task == 'sum'").problems == ()


def harness(size, value, **config):
    return {
        "results": {
            "arc": {"alias": "arc", "acc,none": value, "acc_stderr,none": 0.01,
                    "acc_norm,none": value + 0.1, "acc_norm_stderr,none": "N/A"},
            "gsm8k": {"exact_match,strict-match": value / 2, "exact_match,flexible-extract": 0.9},
        },
        "n-shot": {"arc": 25, "gsm8k": 5},
        "n-samples": {"arc": {"original": 1172, "effective": 1172}},
        "higher_is_better": {"arc": {"acc": True, "acc_norm": True}},
        "config": {"model_args": f"pretrained=EleutherAI/pythia-{size},dtype=float16", **config},
    }  # fmt: skip


def test_result_files_of_the_harness(tmp_path):
    for size, value in (("70m", 0.2), ("1.4b", 0.3), ("12b", 0.45)):
        (tmp_path / f"{size}.json").write_text(json.dumps(harness(size, value)))
    curves = read_metrics(tmp_path)
    assert curves.curves == (
        "arc, acc", "arc, acc_norm", "gsm8k, exact_match",
    )  # fmt: skip
    acc = curves.table[curves.table["metric"] == "acc"]
    assert acc["params"].tolist() == [7e7, 1.4e9, 1.2e10]
    assert (acc["family"] == "pythia").all()
    assert (acc["n_examples"] == 1172).all()
    assert curves.table.query("metric == 'exact_match'")["value"].tolist() == [0.1, 0.15, 0.225]
    assert "params-from-names" in codes(curves)
    (said,) = (p.message for p in curves.problems if p.code == "several-filters")
    assert "taken are gsm8k exact_match by 'strict-match'. For others" in said


def test_two_result_files_of_one_model_are_told(tmp_path):
    for i, (size, value) in enumerate((("70m", 0.2), ("70m", 0.25), ("1.4b", 0.3))):
        (tmp_path / f"{i}.json").write_text(json.dumps(harness(size, value)))
    (said,) = (p.message for p in read_metrics(tmp_path).problems if p.code == "repeated-points")
    assert "such as 0.2 and 0.25 of 'arc, acc'" in said


def test_sizes_that_the_harness_counted_are_exact(tmp_path):
    for i, size in enumerate(("70m", "1.4b")):
        counted = harness(size, 0.2 + 0.1 * i, model_num_parameters=70_426_624 * 20**i)
        (tmp_path / f"{size}.json").write_text(json.dumps(counted))
    curves = read_metrics([tmp_path / "70m.json", tmp_path / "1.4b.json"])
    assert curves.column("params").min() == 70_426_624
    assert "params-from-names" not in codes(curves)


def test_other_json_and_empty_folders_are_told(tmp_path):
    (tmp_path / "other.json").write_text('{"loss": 3}')
    with pytest.raises(InputError, match="no object 'results'"):
        read_metrics(tmp_path / "other.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no JSON result files"):
        read_metrics(tmp_path / "empty")


def test_the_embedded_table_is_that_of_its_source(shared_data):
    public = pd.read_csv(shared_data / "metrics" / "gpt3_table_H1.csv")
    curves = load_metrics("gpt3-benchmarks")
    ours = pd.concat([curves.table, curves.excluded])
    assert sorted(public["value"]) == pytest.approx(
        sorted(np.where(ours["bounded"], 100 * ours["value"], ours["value"]))
    )
    assert len(curves.curves) == 164
    assert np.allclose(sorted(public["flops"].unique()), sorted(ours["flops"].unique()))


def test_tasks_whose_names_differ_in_case_or_blanks_are_told():
    curves = read_metrics(table(task=["QA "] * 4 + ["qa"] * 4))
    assert codes(curves) == {"lookalike-tasks"}
    (problem,) = curves.problems
    assert "found 'QA ' and 'qa', 2 tasks with one name" in problem.message


def test_gpt3_is_in_percent_but_for_perplexity():
    curves = load_metrics("gpt3-benchmarks")
    assert "ppl" not in curves.percent
    assert "mixed-units" not in codes(curves)
    assert {"acc", "f1", "BLEU-mb"} <= set(curves.percent)
    assert curves.excluded["task"].unique().tolist() == ["WiC"]


def test_the_pythia_file_is_that_of_the_processed_table(shared_data, monkeypatch):
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(shared_data / "original"))
    curves = load_metrics("inverse-scaling-pythia")
    processed = read_metrics(shared_data / "metrics" / "inverse_scaling_pythia.csv")
    assert len(curves.curves) == len(processed.curves) == 12
    assert np.allclose(sorted(curves.column("value")), sorted(processed.column("value")))


def test_sets_of_runs_and_of_scores_are_told_apart():
    with pytest.raises(InputError, match="load_metrics"):
        load_runs("gpt3-benchmarks")
    with pytest.raises(InputError, match=r"holds runs, not scores of tasks.*gpt3-benchmarks"):
        load_metrics("pile-families")
