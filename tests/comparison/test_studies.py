"""Studies of many tasks: any executor, results kept at once, nothing lost and nothing mixed."""

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Event, Timer

import pytest
from study_examples import STUDY, place_of, square, tasks_of

from bayes_scaling.comparison import studies
from bayes_scaling.comparison.executors import Place, place_for
from bayes_scaling.comparison.studies import RETRIES, Task, run_tasks, seed_of
from bayes_scaling.comparison.study_folder import StudyFolder
from bayes_scaling.errors import StudyError


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
