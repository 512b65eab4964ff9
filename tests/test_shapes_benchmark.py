"""What the benchmark of shapes reports of stored results, and that its README says the same."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import __main__ as command
from benchmarks import shapes
from benchmarks.record import RESULTS
from benchmarks.shapes_backtest import differences
from benchmarks.shapes_simulated import recovery

README = Path(__file__).resolve().parent.parent / "benchmarks" / "README.md"


def forecasts(copies: int = 1) -> pd.DataFrame:
    """Scores of 40 tasks at two sizes, each `copies` times, of which climatology knows nothing."""
    rng = np.random.default_rng(2)
    tasks = [f"task {i}" for i in range(40)]
    rows = pd.DataFrame({"table": "t", "curve": tasks, "task": tasks, "params": 1e9})
    rows = rows.assign(change=np.where(rng.random(40) < 0.7, 0.1, -0.1))
    said = np.where((rows["change"] > 0) == (rng.random(40) < 0.9), 0.8, 0.2)
    rows = rows.assign(**{"ours, trend better": said, "climatology better": 0.5})
    return pd.concat([rows, rows.assign(params=2e9)] * copies, ignore_index=True)


def shapes_drawn(seed):
    """Shares of the shapes of 300 tasks, and 2000 posterior draws of them."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(6, 0.2), 300)
    drawn = rng.random((2000, 300, 1)) > shares.cumsum(axis=1)
    return rng, shares, drawn.sum(axis=2).clip(max=5)


def z_of(bins):
    return [(own["true"] - own["expected"]) / np.sqrt(own["variance"]) for own in bins.values()]


def test_probabilities_come_true_as_often_as_they_say():
    rng, shares, codes = shapes_drawn(3)
    truth = np.array([rng.choice(6, p=own) for own in shares])
    bins = recovery(truth, codes, np.zeros((300, 2)))["bins"]
    assert sum(own["n"] for own in bins.values()) == 6 * 300
    assert sum(own["true"] for own in bins.values()) == 300
    assert sum(own["expected"] for own in bins.values()) == pytest.approx(300)
    assert np.abs(z_of(bins)).max() < 4


def test_probabilities_that_are_too_sure_are_found_out():
    rng, shares, codes = shapes_drawn(4)
    timid = shares**0.5 / (shares**0.5).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(6, p=own) for own in timid])
    assert z_of(recovery(truth, codes, np.zeros((300, 2)))["bins"])[-1] < -4


def test_the_trend_is_compared_score_by_score():
    table = forecasts()
    found = differences(table, seed=1)
    assert list(found) == ["all hidden scores", "largest hidden size", "t: all", "t: largest"]
    rose = (table["change"] > 0).to_numpy()
    said = table["ours, trend better"].to_numpy()
    whole, top = found["all hidden scores"], found["largest hidden size"]
    assert (whole["n"], top["n"]) == (80, 40)
    assert whole["brier"] == pytest.approx(np.mean((said - rose) ** 2) - 0.25)
    assert whole["trend_brier"] == pytest.approx(np.mean((said - rose) ** 2))
    assert whole["climatology_log"] == pytest.approx(np.log(2))
    log = -np.log(np.where(rose, said, 1 - said))
    assert whole["log"] == pytest.approx(log.mean() - np.log(2))
    # Both sizes of a task are alike here, so that 40 scores are as many as there are.
    assert whole["log_se"] == pytest.approx(log.std() / np.sqrt(40), rel=0.1)
    assert top["log_se"] == pytest.approx(whole["log_se"], rel=0.1)


def test_more_scores_of_the_same_tasks_are_no_more_certain():
    once, often = (differences(forecasts(n), seed=1)["t: all"] for n in (1, 10))
    assert often["n"] == 10 * once["n"]
    assert often["brier_se"] == pytest.approx(once["brier_se"])


def test_a_score_that_stays_is_half_a_rise():
    table = forecasts().assign(change=0.0, **{"ours, trend better": 0.5})
    assert differences(table, seed=1)["t: all"]["brier"] == 0.0


def test_differences_of_the_stored_forecasts_are_those_of_the_stored_scores():
    content = json.loads((RESULTS / "shapes-backtest.json").read_text("utf-8"))
    found = differences(pd.DataFrame(content["forecasts"]), content["seed"])
    assert list(found) == list(content["scores"])
    for name, own in content["scores"].items():
        for score in ("brier", "log"):
            expected = own["ours, trend"][score] - own["climatology"][score]
            assert found[name][score] == pytest.approx(expected, abs=1e-4)


def test_tables_of_stored_results_need_no_fit_and_are_those_of_the_readme(capsys):
    assert command.main(["shapes", "--stored", "--only", "backtest", "simulated"]) == 0
    shown, kept = capsys.readouterr().out, README.read_text("utf-8")
    for head in (
        "| hidden scores | scores | Brier, log: trend | climatology |",
        "| tasks | n | most likely shape is true",
        "| shape | true | expected (sd) | z |",
        "| shape: true, expected, z |",
    ):
        (table,) = [part for part in shown.split("\n\n") if part.startswith(head)]
        assert table.strip() in kept
    assert "not there" not in shown


def test_every_part_has_a_report_of_its_file(tmp_path):
    told = shapes.report(list(shapes.PARTS), RESULTS)
    assert told.count("| --- |") >= len(shapes.PARTS)
    assert shapes.report(["sbc"], tmp_path) == "sbc\n\nnot there"
    with pytest.raises(SystemExit):
        command.main(["shapes"])
