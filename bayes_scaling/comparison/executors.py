"""Where the tasks of a study run: in this process, in processes of this machine, or with Dask."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from bayes_scaling.errors import InputError

__all__ = ["SERIAL", "Place", "cores_of_one", "local", "place_for"]

REACH_SECONDS = 10.0
"""How long a scheduler may take to answer, and to have a worker."""

MANY = 64
"""Tasks handed over at once to an executor that does not say how many it runs side by side."""

MOST_JOBS = 256


@dataclass(frozen=True, kw_only=True)
class Place:
    """An executor, how many tasks to hand it at once, and whether it replaces lost workers.

    `workers` counts them, where a cluster can lose all of them and gain others.
    """

    executor: Executor
    at_once: int
    heals: bool
    workers: Callable[[], int] | None = None


class _InProcess(Executor):
    """Runs a task when it is handed over."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The result, already there."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future hands it over
            future.set_exception(error)
        return future


SERIAL = Place(executor=_InProcess(), at_once=1, heals=False)


class _Processes(Executor):
    """Processes that live as long as the study, each with a pool of its own.

    In one common pool a process that dies takes the tasks of all others with it, and nobody knows
    which task it was; here it costs the one that it was working on. A process that died is
    replaced with the next task.
    """

    def __init__(self, jobs: int) -> None:
        self._pools = [_new_pool() for _ in range(jobs)]
        self._running: list[Future[Any] | None] = [None] * jobs

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a task to a process that is idle; there must be one."""
        i = next(i for i, task in enumerate(self._running) if task is None or task.done())
        try:
            future = self._pools[i].submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._pools[i].shutdown(wait=False)
            self._pools[i] = _new_pool()
            future = self._pools[i].submit(fn, *args, **kwargs)
        self._running[i] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; those that still work are stopped if `cancel_futures`."""
        if cancel_futures:
            for pool in self._pools:
                # There is no public way before Python 3.14, and waiting for a fit takes minutes.
                for process in list((pool._processes or {}).values()):
                    process.terminate()
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def _new_pool() -> ProcessPoolExecutor:
    # Threads of nutpie and of linear algebra do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_leave_interrupts_to_the_driver)


def _leave_interrupts_to_the_driver() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def cores_of_one(jobs: int) -> int:
    """Cores that each of so many processes may use."""
    return max(1, (os.cpu_count() or 1) // jobs)


@contextlib.contextmanager
def place_for(jobs: int = 1, executor: Any = None, scheduler: str | None = None) -> Iterator[Place]:
    """Where to run a study; what was opened for it is closed again, what was given stays open.

    Parameters
    ----------
    jobs : int
        Processes of this machine; 1 is this process.
    executor : concurrent.futures.Executor or distributed.Client, optional
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    InputError
        More than one of them is given, or the scheduler cannot be reached.
    """
    if (jobs != 1) + (executor is not None) + (scheduler is not None) > 1:
        raise InputError(
            "give jobs, an executor or a scheduler: they are different places to run in"
        )
    if not 1 <= jobs <= MOST_JOBS:
        raise InputError(f"jobs must lie between 1 and {MOST_JOBS}, not {jobs}")
    if scheduler is not None:
        with _dask(scheduler) as client:
            yield _given(client)
    elif executor is not None:
        yield _given(executor)
    elif jobs == 1:
        yield SERIAL
    else:
        with local(jobs) as place:
            yield place


@contextlib.contextmanager
def local(jobs: int) -> Iterator[Place]:
    """Processes of this machine, stopped at once if the block is left by an error."""
    processes = _Processes(jobs)
    try:
        yield Place(executor=processes, at_once=jobs, heals=True)
    except BaseException:
        processes.shutdown(wait=False, cancel_futures=True)
        raise
    processes.shutdown()


def _given(executor: Any) -> Place:
    """An executor that the caller opened; a Dask client has one."""
    if hasattr(executor, "get_executor"):
        # Dask gives the task of a worker that died to another one.
        return Place(
            executor=executor.get_executor(pure=False),
            at_once=MANY,
            heals=False,
            workers=lambda: len(executor.scheduler_info()["workers"]),
        )
    if not hasattr(executor, "submit"):
        raise InputError(
            "executor must have submit(), as those of concurrent.futures and clients of Dask "
            f"have; this is a {type(executor).__name__}"
        )
    return Place(executor=executor, at_once=MANY, heals=False)


@contextlib.contextmanager
def _dask(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            f"a scheduler needs packages that are not installed ({error}); install "
            "bayes-scaling[dask], or use jobs= (--jobs)"
        ) from error
    try:
        client = Client(address, timeout=REACH_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot reach a Dask scheduler at {address!r} within {REACH_SECONDS:.0f} s; start "
            "one with `dask scheduler`, and give the address that it prints, such as "
            f"tcp://127.0.0.1:8786 ({type(error).__name__})"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=REACH_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"the Dask scheduler at {address!r} has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            ) from error
        yield client
