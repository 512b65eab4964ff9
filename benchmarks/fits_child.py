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
from bayes_scaling.comparison.many_fits import kept
from bayes_scaling.comparison.scoring import compact, score_draws
from bayes_scaling.comparison.studies import Task, run_tasks
from bayes_scaling.inference.pointwise import noise_of_runs
from benchmarks.world import CHINCHILLA, simulate

__all__ = ["fit_table"]

WORKERS = 2
PREDICTED = 60
"""Runs of each table that are predicted and scored, as those beyond the cut of a back-test."""


def fit_table(data: tuple[Any, ...]) -> dict[str, Any]:
    """One task: what a back-test keeps of it, and the process, the attempts and CPU seconds."""
    import os

    card, base, design, effort, engine, seed = data
    start = time.process_time()
    sampling, attempts = kept(card, base, effort, engine).sample(design, seed)
    posterior = sampling.tree["posterior"].to_dataset()
    predicted = design.take(np.arange(len(design.log_loss)) < PREDICTED)
    noise = noise_of_runs(
        card, predicted, posterior.stack(sample=("chain", "draw"), create_index=False)
    )
    scores = score_draws(noise.draw(np.random.default_rng(seed)), predicted.log_loss)
    cpu_seconds = time.process_time() - start
    return {**scores, "pid": os.getpid(), "attempts": attempts, "cpu_seconds": cpu_seconds}


def tell(place: str, points: Sequence[int], rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Make fits in a place; tell the clock at 0 and at each number of `points`.

    All results are held to the end, as a back-test does.
    """
    tasks = _tasks(place, points[-1], rows, seed)
    workers = WORKERS if place.endswith(("-2", "-dask")) else 1
    with _place(place) as where:

        def make(some: Sequence[Task]) -> dict[str, Any]:
            return run_tasks(fit_table, some, study={}, place=where, compact=compact)

        if len({each["pid"] for each in make(tasks[:workers]).values()}) < workers:
            raise RuntimeError("some worker would compile on the clock")
        yield {"fits": 0}
        seconds, held = 0.0, dict[str, Any]()
        for point in points:
            start = time.perf_counter()
            held |= make(tasks[len(held) : point])
            seconds += time.perf_counter() - start
            yield {
                "fits": point,
                "seconds": seconds,
                "cpu_seconds": sum(each["cpu_seconds"] for each in held.values()),
                "second_attempts": sum(each["attempts"] > 1 for each in held.values()),
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
