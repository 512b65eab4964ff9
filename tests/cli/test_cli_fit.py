"""fit: what it passes on, what it prints, and what an interruption leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from examples import example_fit, example_runs, untrusted

import bayes_scaling as bs

COMMAND = [sys.executable, "-c", "from bayes_scaling.cli import main; main()"]


@pytest.fixture
def asked(monkeypatch):
    """Replace the sampler; the dict holds what it was asked for."""
    given = {}

    def fake(runs, **settings):
        given.update(settings, runs=runs)
        return given.get("returns") or example_fit(groups=2)

    monkeypatch.setattr("bayes_scaling.fit", fake)
    return given


def test_settings_reach_the_sampler(run, asked, table, tmp_path):
    run(
        "fit", table, "-o", tmp_path / "fit.nc", "--by", "architecture", "--seed", 7, "--draws", 50,
        "--tune", 60, "--chains", 3, "--target-accept", 0.99, "--sampler", "pymc", "--quiet",
    )  # fmt: skip
    assert asked["model"].name == "coupled-informed"
    assert asked["by"] == ["architecture"]
    expected = {"seed": 7, "draws": 50, "tune": 60, "chains": 3, "target_accept": 0.99}
    assert expected.items() <= asked.items()
    assert asked["sampler"] == "pymc"
    assert not asked["progress"]


def test_defaults(run, asked, table, tmp_path):
    run("fit", table, "-o", tmp_path / "fit.nc")
    assert asked["model"].name == "coupled-informed"
    assert asked["by"] is None
    run("fit", "pile-families", "--by", "architecture", "-o", tmp_path / "fit.nc")
    assert asked["runs"].name == "pile-families"
    run("fit", table, "--by", "architecture", "--by", "dataset", "-o", tmp_path / "fit.nc")
    assert asked["by"] == ["architecture", "dataset"]


def test_reading_options(run, asked, tmp_path):
    frame = example_runs().table[["params", "tokens", "loss"]]
    frame = frame.assign(loss=frame["loss"] / 0.6931471805599453)
    odd = frame.rename(columns={"params": "my_n", "loss": "y"})
    odd.to_csv(tmp_path / "odd.csv", index=False)
    run(
        "fit", tmp_path / "odd.csv", "--rename", "params=my_n", "--rename", "loss=y",
        "--loss-unit", "bits", "--where", "params > 1e8", "-o", tmp_path / "fit.nc",
    )  # fmt: skip
    assert asked["runs"].params.min() > 1e8
    assert asked["runs"].loss == pytest.approx(example_runs().select("params > 1e8").loss)


def test_counting_is_said_and_converted(run, asked, table, tmp_path):
    out = ("-o", tmp_path / "fit.nc")
    run("fit", table, *out, "--counting", "total")
    total = asked["runs"]
    assert str(total.counting) == "N total, C 6ND"
    run(
        "fit", table, *out, "--counting", "total", "--count-params", "non-embedding",
        "--omega", "50000", "--where", f"params >= {total.params.min()}",
    )  # fmt: skip
    assert len(asked["runs"]) == len(total)
    assert str(asked["runs"].counting) == "N non-embedding, C 6ND"
    expected = total.count_params("non-embedding", omega=50_000)
    assert asked["runs"].params == pytest.approx(expected.params)


def test_what_compute_counts_is_said_and_converted(run, asked, table, tmp_path):
    frame = pd.read_csv(table)
    other = tmp_path / "other.csv"
    frame.assign(flops=7 * frame["params"] * frame["tokens"]).to_csv(other, index=False)
    said = ("fit", other, "-o", tmp_path / "fit.nc", "--counting-flops", "hoffmann")
    run(*said)
    assert str(asked["runs"].counting) == "N as given, C hoffmann"
    run(*said, "--count-flops")
    assert str(asked["runs"].counting) == "N as given, C 6ND"
    assert asked["runs"].flops == pytest.approx(6 * frame["params"] * frame["tokens"])


def test_counting_of_a_known_set_keeps_its_source(run, asked, tmp_path):
    run("fit", "pile-families", "-o", tmp_path / "fit.nc", "--counting", "total")
    assert asked["runs"].source == bs.load_runs("pile-families").source
    assert asked["runs"].counting.params == "total"


def test_variable_of_a_law_of_one(run, asked, table, tmp_path):
    run("fit", table, "-o", tmp_path / "fit.nc", "--model", "saturating", "--x", "tokens")
    assert asked["model"].x == "tokens"


def test_suspect_rows_on_request(run, asked, tmp_path):
    run("fit", "pile-families", "-o", tmp_path / "fit.nc")
    n_runs = len(asked["runs"])
    run("fit", "pile-families", "--keep-suspect", "-o", tmp_path / "fit.nc")
    assert len(asked["runs"]) > n_runs


def test_json_schema(answer, asked, table, tmp_path):
    given = answer("fit", table, "-o", tmp_path / "fit.nc")
    assert given["format"] == 1
    assert given["n_runs"] == 40
    assert given["groups"] == ["dense", "experts"]
    assert given["diagnostics"]["trusted"] is True
    wanted = {"max_rhat", "min_ess_bulk", "min_ess_tail", "divergences"}
    assert wanted <= set(given["diagnostics"])
    assert set(given["seconds"]) == {"import", "compile", "sample", "total"}
    assert {"mean", "sd", "lower", "upper"} <= set(given["parameters"]["dense"]["E"])
    assert {"E", "A", "B", "alpha", "beta", "a", "b"} <= set(given["parameters"]["experts"])
    assert all(isinstance(text, str) for text in given["warnings"])
    assert bs.load_fit(tmp_path / "fit.nc").n_runs == 40


def test_untrusted_fit_is_written_and_says_so(run, asked, table, tmp_path):
    asked["returns"] = untrusted(example_fit())
    result = run("fit", table, "-o", tmp_path / "fit.nc", code=1)
    assert "must not be trusted" in result.stderr
    assert "was written all the same" in result.stderr
    assert bs.load_fit(tmp_path / "fit.nc").trusted is False
    run("fit", table, "-o", tmp_path / "fit.nc", "--accept-problems", code=0)


def test_interruption_leaves_nothing(run, monkeypatch, table, tmp_path):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayes_scaling.fit", interrupted)
    old = tmp_path / "fit.nc"
    old.write_bytes(b"as it was")
    result = run("fit", table, "-o", old, code=130)
    assert result.stderr.strip() == "interrupted; nothing half-done was written"
    assert old.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [old]


STUBBORN = """
import sys, time
import bayes_scaling as bs

def fit(runs, **settings):
    # Samplers catch KeyboardInterrupt and hand over the draws made so far.
    print("sampling", file=sys.stderr, flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
    raise SystemExit("the sampler went on")

bs.fit = fit
from bayes_scaling.cli import main
sys.argv = ["bayes-scaling", "fit", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_a_sampler_that_would_go_on(table, tmp_path):
    arguments = [str(table), "-o", str(tmp_path / "fit.nc")]
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, *arguments], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr.readline().strip() == "sampling"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert errors.strip() == "interrupted; nothing half-done was written"
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_whole_way_in_processes_of_its_own(tmp_path):
    """The one test here that compiles and samples."""
    runs = example_runs(n_sizes=5, n_ratios=6)
    runs.table[["params", "tokens", "loss"]].to_csv(tmp_path / "runs.csv", index=False)

    def command(*arguments):
        done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    settings = ("--draws", "500", "--seed", "3", "--quiet", "--json")
    fitted = json.loads(command("fit", "runs.csv", "-o", "fit.nc", *settings))
    assert fitted["n_runs"] == 30
    assert fitted["diagnostics"]["trusted"]
    assert fitted["seconds"]["total"] >= fitted["seconds"]["sample"] > 0
    interval = fitted["parameters"]["all runs"]["E"]
    assert abs(interval["mean"] - 1.8) < 4 * interval["sd"]
    point = ("--params", "7B", "--tokens", "140B", "--json")
    [forecast] = json.loads(command("forecast", "fit.nc", *point))
    truth = 1.8 + 480.0 * 7e9**-0.348 + 2080.0 * 1.4e11**-0.366
    assert abs(forecast["mean"] - truth) < 4 * forecast["sd"]
    assert "90 % interval" in command("allocate", "fit.nc", "--flops", "1e22")
