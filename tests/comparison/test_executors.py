"""Where tasks are done: this process, others, a cluster that may have no worker."""

import os
import signal
import time
from concurrent.futures import Future
from pathlib import Path
from threading import Timer

import pytest
import threadpoolctl
from study_examples import STUDY, place_of, square, tasks_of

from bayes_scaling.comparison import studies, watch
from bayes_scaling.comparison.executors import SERIAL, local, place_for
from bayes_scaling.comparison.studies import Task, run_tasks
from bayes_scaling.errors import InputError, StudyError


class Cluster:
    """Like a Dask client whose tasks are done when its workers have been counted often enough."""

    def __init__(self, workers, counts):
        self.workers, self.counts, self.held = workers, counts, []

    def get_executor(self, pure):
        return self

    def submit(self, fn, function, data):
        future = Future()
        self.held.append((future, fn, function, data))
        return future

    def scheduler_info(self):
        self.counts -= 1
        if self.counts == 0:
            self.work()
        return {"workers": self.workers}

    def work(self):
        while self.held:
            future, fn, function, data = self.held.pop()
            future.set_result(fn(function, data))


def dies_once(task):
    """End the process by kill -9 the first time, after the others have begun."""
    path, x = task
    if x == 2 and not Path(path).exists():
        Path(path).touch()
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def always_dies(x):
    if x == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def threads_of_linear_algebra(_):
    import scipy.optimize  # noqa: F401 - loads SciPy's own BLAS, as a first fit does

    return [each["num_threads"] for each in threadpoolctl.threadpool_info()]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"jobs": 0}, "between 1 and"),
        ({"jobs": 2, "scheduler": "tcp://127.0.0.1:1"}, "different places"),
        ({"executor": "four"}, r"submit\(\)"),
    ],
)
def test_places_that_make_no_sense_are_refused(settings, match):
    with pytest.raises(InputError, match=match), place_for(**settings):
        pass


def test_dask_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with (
        pytest.raises(InputError, match=r"bayes-scaling\[dask\]"),
        place_for(scheduler="tcp://127.0.0.1:8786"),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1", "http://127.0.0.1:9"])
def test_a_scheduler_that_does_not_answer_is_named_soon(monkeypatch, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr("bayes_scaling.comparison.executors.REACH_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(InputError, match="cannot reach a Dask"), place_for(scheduler=address):
        pass
    assert time.monotonic() - start < 10


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(studies, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0.05)


def test_a_cluster_without_workers_is_told_once_and_waited_for(impatient, monkeypatch, capsys):
    cluster = Cluster(workers={}, counts=-1)
    announced, late = watch.announce, Timer(20, cluster.work)

    def announce_and_work(text, *, show):
        announced(text, show=show)
        # A worker comes a while after that was said.
        Timer(0.1, cluster.work).start()

    monkeypatch.setattr(watch, "announce", announce_and_work)
    late.start()
    results = run_tasks(square, tasks_of(range(3)), study=STUDY, place=place_of(cluster))
    late.cancel()
    assert [each["square"] for each in results.values()] == [0, 1, 4]
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("waiting for a worker") == 1
    assert "has had none for 0.05 s" in said


def test_a_cluster_whose_workers_take_their_time_is_not_spoken_of(impatient, capsys):
    cluster = Cluster(workers={"tcp://10.0.0.2:1": {}}, counts=20)
    assert len(run_tasks(square, tasks_of(range(3)), study=STUDY, place=place_of(cluster))) == 3
    assert cluster.counts == 0
    assert capsys.readouterr().err == ""


def test_this_process_is_the_default_place():
    with place_for() as place:
        assert place is SERIAL


def test_every_task_of_a_fresh_process_has_one_thread_of_linear_algebra(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with local(1) as place:
        results = run_tasks(threads_of_linear_algebra, tasks_of(range(2)), study=STUDY, place=place)
    for threads in results.values():
        assert len(threads) >= 1
        assert set(threads) == {1}


@pytest.mark.calibration
def test_a_process_that_is_killed_costs_its_own_task_only(tmp_path):
    tasks = [Task(key=f"task {x}", data=(str(tmp_path / "died"), x)) for x in range(8)]
    with local(2) as place:
        results = run_tasks(dies_once, tasks, study=STUDY, place=place)
    assert list(results.values()) == list(range(8))
    assert (tmp_path / "died").exists()


@pytest.mark.calibration
def test_a_task_that_kills_every_process_is_named():
    with pytest.raises(StudyError, match=r"task 2: .* lost 3 times"), local(2) as place:
        run_tasks(always_dies, tasks_of(range(5)), study=STUDY, place=place)
