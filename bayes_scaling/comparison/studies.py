"""Studies of many tasks, such as hundreds of fits: one seam for one machine or many.

A task is plain data with a key; what it comes to is what JSON can say, so that it can be kept and
sent. `run_tasks` hands tasks to any executor in the manner of `concurrent.futures`, a few at a
time, and keeps every result at once. What a task comes to must depend on its data alone (its seed
is part of them): then results do not depend on where they were computed, or in which order.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bayes_scaling.comparison.executors import SERIAL, Place
from bayes_scaling.comparison.study_folder import StudyFolder
from bayes_scaling.comparison.watch import LOOK_SECONDS, WorkerWatch
from bayes_scaling.errors import BayesScalingError, StudyError
from bayes_scaling.inference.interrupts import heeded_interrupt
from bayes_scaling.inference.progress import announce, task_bar
from bayes_scaling.inference.threads import one_blas_thread

__all__ = ["RETRIES", "Task", "run_tasks", "seed_of"]

RETRIES = 2
"""Times that a task is done again after its worker was lost."""

LOST = (BrokenExecutor, CancelledError)
"""How executors say that a task was lost; Dask has an error of its own."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Data that can be pickled, under a key that no other task of the study has."""

    key: str
    data: Any


def seed_of(seed: int, key: str) -> int:
    """Seed of a task: the same wherever it runs, and another one for every key."""
    return int.from_bytes(sha256(f"{seed}/{key}".encode()).digest()[:4], "little")


def run_tasks(
    function: Callable[[Any], Any],
    tasks: Sequence[Task],
    *,
    study: Mapping[str, str],
    place: Place = SERIAL,
    resume: str | Path | None = None,
    compact: Callable[[Any], Any] | None = None,
    what: str = "tasks",
    progress: bool = False,
) -> dict[str, Any]:
    """Results of a function over the data of many tasks.

    Parameters
    ----------
    function : callable
        Of one argument; of a module, so that it can be pickled by its name.
    tasks : sequence of Task
    study : mapping of str to str
        What makes this study this one, by name; see `StudyFolder`.
    place : Place
        Where to run; see `bayes_scaling.comparison.executors.place_for`.
    resume : str or Path, optional
        Folder where finished tasks are kept. Those that it has already are not done again.
    compact : callable, optional
        Makes of a result what is held in memory of it and returned; by default it is held as it
        is, and a million numbers in lists take 32 MB.
    what : str
        Name of the tasks in the progress bar.
    progress : bool
        Show progress and the time left on standard error.

    Returns
    -------
    dict
        Results by key, in the order of the tasks.

    Raises
    ------
    InputError
        The folder cannot be used or written to.
    StudyError
        A task failed, or its worker was lost once more than `RETRIES` times; what had finished is
        in the folder.
    """
    keys = {task.key for task in tasks}
    if len(keys) < len(tasks):
        raise ValueError("tasks must have different keys")
    folder = None if resume is None else StudyFolder(resume, study)
    hold = compact or _as_it_is
    found = () if folder is None else folder.results()
    done = {key: hold(result) for key, result in found if key in keys}
    waiting = deque(task for task in tasks if task.key not in done)
    already = len(tasks) - len(waiting)
    try:
        with task_bar(what, already, len(tasks), show=progress) as advance:

            def keep(task: Task, result: Any) -> None:
                if folder is not None:
                    folder.keep(task.key, result)
                done[task.key] = hold(result)
                advance()

            _Run(function, place, waiting, keep, kept=folder is not None).to_the_end()
    except BaseException as error:
        # Ctrl-C is no Exception; errors say themselves that the folder keeps what had finished.
        if folder is not None and not isinstance(error, Exception):
            announce(
                f"{len(done)} of {len(tasks)} results are in {folder.path}; the same command goes "
                "on from there",
                show=progress,
            )
        raise
    return {task.key: done[task.key] for task in tasks}


def _as_it_is(result: Any) -> Any:
    return result


class _Run:
    """Tasks that wait and tasks that are running."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        place: Place,
        waiting: deque[Task],
        keep: Callable[[Task, Any], None],
        *,
        kept: bool,
    ) -> None:
        self.function, self.place, self.waiting, self.keep = function, place, waiting, keep
        self.running: dict[Future[Any], Task] = {}
        self.lost: Counter[str] = Counter()
        self.watch = WorkerWatch(place.workers)
        self.hint = (
            "; what had finished is kept, and the same command goes on from there" if kept else ""
        )

    def to_the_end(self) -> None:
        try:
            with heeded_interrupt() as heed:
                while self.waiting or self.running:
                    self._hand_over()
                    self._finish_all(self._ready(heed))
                    heed()
        except BaseException:
            for future in self.running:
                future.cancel()
            raise

    def _hand_over(self) -> None:
        while self.waiting and len(self.running) < self.place.at_once:
            task = self.waiting.popleft()
            try:
                future = self.place.executor.submit(one_thread, self.function, task.data)
            except (BrokenExecutor, RuntimeError) as error:
                raise StudyError(
                    f"the executor takes no more tasks ({error}){self.hint}"
                ) from error
            self.running[future] = task

    def _ready(self, heed: Callable[[], None]) -> set[Future[Any]]:
        """Tasks that came to an end, one at least."""
        while True:
            ready, _ = wait(self.running, LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if ready:
                return ready
            heed()
            self.watch.look()

    def _finish_all(self, ready: set[Future[Any]]) -> None:
        """Keep what is there, also beside a task that failed."""
        failures = []
        for future in ready:
            try:
                self._finish(self.running.pop(future), future)
            except StudyError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _finish(self, task: Task, future: Future[Any]) -> None:
        try:
            result = future.result()
        except BayesScalingError as error:
            raise StudyError(f"{task.key}: {error}{self.hint}") from error
        except Exception as error:
            if not _is_loss(error):
                raise StudyError(
                    f"{task.key} failed with {type(error).__name__}: {error}{self.hint}"
                ) from error
            self._try_again(task, error)
        else:
            self.keep(task, result)

    def _try_again(self, task: Task, error: BaseException) -> None:
        self.lost[task.key] += 1
        times = self.lost[task.key]
        if self.place.heals and times <= RETRIES:
            self.waiting.appendleft(task)
            return
        raise StudyError(
            f"{task.key}: the process that worked on it was lost"
            f"{f' {times} times' if times > 1 else ''} ({type(error).__name__}); it was killed, or "
            f"ran out of memory, or the scheduler is gone{self.hint}"
        ) from error


def _is_loss(error: BaseException) -> bool:
    return isinstance(error, LOST) or type(error).__name__ == "KilledWorker"


def one_thread(function: Callable[[Any], Any], data: Any) -> Any:
    """The function's result with one thread of linear algebra, here and in every worker.

    Sums then come out the same, bit for bit, wherever they are made.
    """
    with one_blas_thread():
        return function(data)
