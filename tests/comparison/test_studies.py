"""Studies of many tasks: any executor, results kept at once, nothing lost and nothing mixed."""

import errno
import json
import os
import signal
import time
import tracemalloc
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest
import threadpoolctl

from bayes_scaling.comparison import studies, watch
from bayes_scaling.comparison.executors import SERIAL, Place, local, place_for
from bayes_scaling.comparison.scoring import KEPT_DRAWS, compact, score_draws
from bayes_scaling.comparison.studies import RETRIES, Task, run_tasks, seed_of
from bayes_scaling.comparison.study_folder import StudyFolder
from bayes_scaling.errors import InputError, StudyError

STUDY = {"runs": "a", "seed": "1"}
RUNS = 20


def square(x):
    return {"square": x * x, "nothing": float("inf")}


def fails_at_three(x):
    if x == 3:
        raise ZeroDivisionError("three is too much")
    return x


def interrupted_at_three(x):
    if x == 3:
        raise KeyboardInterrupt
    return x


class PressesOnTheWayOut:
    """Ctrl-C while Python frees an object, where it drops what is raised."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def interrupted_while_freeing(x):
    if x == 3:
        PressesOnTheWayOut()
    return x


def noted(task):
    """Leave a line in a file for each time that the task is done."""
    path, x = task
    with Path(path).open("a") as file:
        file.write(f"{x}\n")
    return x


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


def scored(seed):
    """Predictions of some runs, as a back-test gives them."""
    draws = np.random.default_rng(seed).normal(size=(300, RUNS))
    return score_draws(draws, np.zeros(RUNS))


def threads_of_linear_algebra(_):
    import scipy.optimize  # noqa: F401 - loads SciPy's own BLAS, as a first fit does

    return [each["num_threads"] for each in threadpoolctl.threadpool_info()]


def tasks_of(values):
    return [Task(key=f"task {i}", data=value) for i, value in enumerate(values)]


class Unlucky:
    """An executor whose first submissions of a value are lost."""

    def __init__(self, value, times):
        self.value, self.times = value, times

    def submit(self, fn, function, data):
        future = Future()
        if data == self.value and self.times > 0:
            self.times -= 1
            future.set_exception(BrokenProcessPool("a process died"))
        else:
            future.set_result(fn(function, data))
        return future


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


def healing(executor, at_once=2):
    return Place(executor=executor, at_once=at_once, heals=True)


def test_results_come_in_the_order_of_the_tasks_wherever_they_are_made():
    tasks = tasks_of(range(100))
    serial = run_tasks(square, tasks, study=STUDY)
    assert list(serial) == [task.key for task in tasks]
    assert serial["task 7"]["square"] == 49
    with ThreadPoolExecutor(3) as threads, place_for(executor=threads) as place:
        assert run_tasks(square, tasks, study=STUDY, place=place) == serial


def test_seeds_differ_between_tasks_and_studies_and_never_change():
    assert seed_of(1, "a") == seed_of(1, "a") == 2006457791
    assert len({seed_of(s, key) for s in range(20) for key in "abc"}) == 60


def test_keys_must_differ():
    with pytest.raises(ValueError, match="different keys"):
        run_tasks(square, [Task(key="a", data=1), Task(key="a", data=2)], study=STUDY)


def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path, capsys):
    folder, log = tmp_path / "study", tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        run_tasks(
            interrupted_at_three, tasks_of(range(6)), study=STUDY, resume=folder, progress=True
        )
    assert f"3 of 6 results are in {folder}" in capsys.readouterr().err.replace("\n", "")
    assert set(dict(StudyFolder(folder, STUDY).results())) == {"task 0", "task 1", "task 2"}
    tasks = [Task(key=f"task {x}", data=(str(log), x)) for x in range(6)]
    assert list(run_tasks(noted, tasks, study=STUDY, resume=folder).values()) == list(range(6))
    assert log.read_text().split() == ["3", "4", "5"]
    run_tasks(noted, tasks, study=STUDY, resume=folder)
    assert log.read_text().split() == ["3", "4", "5"]


@pytest.fixture
def listening():
    """Ctrl-C as Python has it: a shell that runs pytest in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tasks", [6, 4], ids=["before the end", "in the last task"])
def test_an_interrupt_that_python_drops_still_ends_the_study(listening, tmp_path, tasks):
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        run_tasks(interrupted_while_freeing, tasks_of(range(tasks)), study=STUDY, resume=folder)
    assert len(dict(StudyFolder(folder, STUDY).results())) == 4
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_was_dropped_does_not_wait_for_the_task_to_end(monkeypatch):
    monkeypatch.setattr(studies, "LOOK_SECONDS", 0.05)
    pressed, ended = [], Event()

    def second_only(number, frame):
        pressed.append(number)
        if len(pressed) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, second_only)
    late = Timer(30, ended.set)
    late.start()
    Timer(0.2, lambda: signal.raise_signal(signal.SIGINT)).start()
    try:
        with ThreadPoolExecutor(1) as executor, place_for(executor=executor) as place:
            with pytest.raises(KeyboardInterrupt):
                run_tasks(ended.wait, tasks_of([60]), study=STUDY, place=place)
            assert not ended.is_set()
            ended.set()
    finally:
        late.cancel()
        signal.signal(signal.SIGINT, before)
    assert len(pressed) == 2


def test_results_come_back_from_disk_as_they_were(tmp_path):
    tasks = tasks_of([0.1, 1e300, -2.5e-17])
    fresh = run_tasks(square, tasks, study=STUDY, resume=tmp_path / "study")
    assert run_tasks(square, tasks, study=STUDY, resume=tmp_path / "study") == fresh


def test_what_is_held_of_results_is_compact_and_files_are_as_they_were(tmp_path):
    tasks = tasks_of(range(4))
    plain, made = tmp_path / "plain", tmp_path / "made"
    run_tasks(square, tasks, study=STUDY, resume=plain)
    held = run_tasks(square, tasks, study=STUDY, resume=made, compact=tuple)
    assert set(held.values()) == {("square", "nothing")}
    assert run_tasks(square, tasks, study=STUDY, resume=made, compact=tuple) == held
    for path in plain.iterdir():
        assert (made / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kept", [False, True])
def test_memory_grows_by_eight_bytes_a_number(kept, tmp_path):
    folder = tmp_path / "study" if kept else None

    def run(n):
        return run_tasks(scored, tasks_of(range(n)), study=STUDY, resume=folder, compact=compact)

    def peak(n):
        tracemalloc.start()
        run(n)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    # With a folder, results are read from it when they are measured.
    numbers = sum(np.size(value) for value in run(40)["task 0"].values())
    assert numbers > RUNS * KEPT_DRAWS
    assert (peak(40) - peak(10)) / 30 < 1.2 * 8 * numbers


def test_a_task_that_fails_is_named_and_the_others_are_kept(tmp_path):
    with pytest.raises(StudyError, match=r"task 3 failed with ZeroDivisionError: three.*goes on"):
        run_tasks(fails_at_three, tasks_of(range(6)), study=STUDY, resume=tmp_path / "study")
    assert len(list(StudyFolder(tmp_path / "study", STUDY).results())) == 3


@pytest.mark.parametrize("times", [1, RETRIES])
def test_a_lost_worker_costs_its_own_task_only(times, tmp_path):
    log = tmp_path / "log"
    tasks = [Task(key=f"task {x}", data=(str(log), x)) for x in range(5)]
    place = healing(Unlucky((str(log), 2), times))
    assert list(run_tasks(noted, tasks, study=STUDY, place=place).values()) == list(range(5))
    assert sorted(log.read_text().split()) == [str(x) for x in range(5)]


def test_a_task_that_always_loses_its_worker_is_named(tmp_path):
    place = healing(Unlucky(2, RETRIES + 1))
    with pytest.raises(StudyError, match=r"task 2: .* lost 3 times .*BrokenProcessPool"):
        run_tasks(square, tasks_of(range(5)), study=STUDY, place=place, resume=tmp_path / "study")
    assert "task 1" in dict(StudyFolder(tmp_path / "study", STUDY).results())


def test_an_executor_that_broke_says_so():
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(StudyError, match="takes no more tasks"):
        run_tasks(square, tasks_of([1]), study=STUDY, place=place_of(threads))


def place_of(executor):
    with place_for(executor=executor) as place:
        return place


def test_folders_of_other_studies_and_versions_are_refused_and_left_alone(tmp_path):
    folder = tmp_path / "study"
    run_tasks(square, tasks_of([1, 2]), study=STUDY, resume=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refused(match, study=STUDY):
        with pytest.raises(InputError, match=match):
            run_tasks(square, tasks_of([1, 2, 3]), study=study, resume=folder)

    refused("differ in runs, seed", {"runs": "b", "seed": "2"})
    refused("differ in cards", {**STUDY, "cards": "c"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    manifest = folder / "study.json"
    for key, value in (("version", "0.0.1"), ("format", 99)):
        manifest.write_text(json.dumps({**json.loads(before["study.json"]), key: value}))
        refused(f"another version of bayes-scaling \\({key} {value}")
    manifest.write_text("{}")
    refused("not made by bayes-scaling")
    manifest.write_text("half a fi")
    refused("damaged")


def test_folders_that_are_no_studies_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("Chapter 1")
    for folder, match in (
        (tmp_path, "holds other files"),
        (tmp_path / "no" / "where", "cannot keep results"),
        (tmp_path / "thesis.tex", "cannot keep results"),
    ):
        with pytest.raises(InputError, match=match):
            run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_damaged_result_is_named(tmp_path):
    folder = tmp_path / "study"
    run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)
    (path,) = folder.glob("task-*.json")
    for text in ('{"key": "ta', "[]"):
        path.write_text(text)
        with pytest.raises(InputError, match=f"{path.name}.*delete it"):
            run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    write, written = Path.write_text, []

    def full(self, text, **settings):
        written.append(self)
        if len(written) > 3:  # the manifest and two results
            write(self, text[:5], **settings)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, text, **settings)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="No space left"):
        run_tasks(square, tasks_of(range(5)), study=STUDY, resume=folder)
    monkeypatch.undo()
    assert len(list(folder.iterdir())) == 3
    assert len(run_tasks(square, tasks_of(range(5)), study=STUDY, resume=folder)) == 5


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
