"""The child of `benchmarks.fits`: makes fits in one place, and tells the clock as it goes on."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bayes_scaling.comparison.executors import SERIAL, Place, local, place_for
from bayes_scaling.comparison.studies import Task, run_tasks
from benchmarks.world import CHINCHILLA, simulate

__all__ = ["fit_table"]

WORKERS = 2


def fit_table(data: tuple[Any, ...]) -> list[float]:
    """One task: the process it ran in, the attempts that were needed, and CPU seconds."""
    import os

    from bayes_scaling.comparison.many_fits import kept

    card, base, design, effort, engine, seed = data
    start = time.process_time()
    _, attempts = kept(card, base, effort, engine).sample(design, seed)
    return [os.getpid(), attempts, time.process_time() - start]


def tell(place: str, points: Sequence[int], rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Make fits in a place; tell the clock at 0 and at each number of `points`."""
    tasks = _tasks(place, points[-1], rows, seed)
    workers = WORKERS if place.endswith(("-2", "-dask")) else 1
    with _place(place) as where:
        made = run_tasks(fit_table, tasks[:workers], study={}, place=where)
        if len({pid for pid, *_ in made.values()}) < workers:
            raise RuntimeError("some worker would compile on the clock")
        yield {"fits": 0}
        seconds, cpu_seconds, second_attempts, done = 0.0, 0.0, 0, 0
        for point in points:
            start = time.perf_counter()
            results = run_tasks(fit_table, tasks[done:point], study={}, place=where)
            seconds += time.perf_counter() - start
            second_attempts += sum(attempts > 1 for _, attempts, _ in results.values())
            cpu_seconds += sum(cpu for *_, cpu in results.values())
            done = point
            yield {
                "fits": point,
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "second_attempts": second_attempts,
            }


def _tasks(place: str, n: int, rows: int, seed: int) -> list[Task]:
    from bayes_scaling import Effort, load_card, read_runs
    from bayes_scaling.inference.design import make_design

    card, serial = load_card("chinchilla"), place in ("quick", "nuts")
    effort = Effort(draws=500, tune=1000, chains=4, cores=None if serial else 1)
    engine = "quick" if place == "quick" else "nuts"
    designs = []
    for i in range(n):
        table = simulate(np.random.default_rng([seed, i]), rows, CHINCHILLA)
        designs.append(make_design(read_runs(table), (), card))
    return [
        Task(key=f"fit {i + 1}", data=(card, designs[0], each, effort, engine, seed + i))
        for i, each in enumerate(designs)
    ]


@contextlib.contextmanager
def _place(name: str) -> Iterator[Place]:
    if name == "nuts-2":
        with local(WORKERS) as place:
            yield place
    elif name == "nuts-dask":
        from distributed import LocalCluster

        with (
            LocalCluster(
                n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            ) as cluster,
            place_for(scheduler=cluster.scheduler_address) as place,
        ):
            yield place
    else:
        yield SERIAL


if __name__ == "__main__":
    from benchmarks import fits_child  # a function of __main__ could not be found by workers

    for told in fits_child.tell(**json.loads(sys.argv[1])):
        print(json.dumps(told), flush=True)
