"""200 fits on a Dask cluster whose worker is killed and whose driver is interrupted. Long."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from examples import example_runs

import bayes_scaling as bs

CUTS = tuple(np.round(np.linspace(0.4, 0.88, 25), 2).tolist())
GROUPS = 8
SETTINGS = {
    "model": "chinchilla", "by": "architecture", "cuts": CUTS, "methods": (), "engine": "quick",
    "seed": 5,
}  # fmt: skip

DRIVER = """
import signal
import bayes_scaling as bs
# A shell that runs pytest in the background has it, and its children, ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
bs.backtest(
    bs.read_runs({table!r}), scheduler={scheduler!r}, resume={folder!r}, progress=False,
    **{settings!r},
)
"""


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address=None,
        ) as made,
        distributed.Client(made, set_as_default=False) as client,
    ):  # fmt: skip
        yield made.scheduler_address, client


def wait_for(folder, n):
    """Wait until so many results are there."""
    end = time.monotonic() + 300
    while len(list(folder.glob("task-*.json"))) < n:
        assert time.monotonic() < end, "no results"
        time.sleep(0.02)


@pytest.mark.calibration
@pytest.mark.filterwarnings("default")
def test_a_study_survives_a_killed_worker_and_an_interrupted_driver(cluster, tmp_path):
    address, client = cluster
    folder, path = tmp_path / "study", tmp_path / "runs.csv"
    table = example_runs(GROUPS, n_sizes=6, n_ratios=5).table
    table[["params", "tokens", "loss", "architecture"]].to_csv(path, index=False)
    driver = DRIVER.format(
        table=str(path), scheduler=address, folder=str(folder), settings=SETTINGS
    )
    first = subprocess.Popen([sys.executable, "-c", driver], stderr=subprocess.PIPE)
    wait_for(folder, 20)
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    wait_for(folder, 70)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert first.returncode != 0
    done = len(list(folder.glob("task-*.json")))
    assert 70 <= done < GROUPS * len(CUTS)
    # What an interrupted driver leaves behind are whole results only.
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]

    runs = bs.read_runs(path)
    resumed = bs.backtest(runs, scheduler=address, resume=folder, progress=False, **SETTINGS)
    serial = bs.backtest(runs, progress=False, **SETTINGS)
    # Each by the law with its drift, and by the law alone.
    assert resumed.counts["fits"] == 2 * GROUPS * len(CUTS)
    pd.testing.assert_frame_equal(resumed.table, serial.table, check_exact=True)
