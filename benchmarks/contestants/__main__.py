"""Run one contestant in this process: ``python -m benchmarks.contestants NAME JOB``.

Prints a line ``READY {...}`` as soon as the interval is there, then ``DONE {...}`` with what is
computed for the report only.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

from benchmarks.contestants import CONTESTANTS, Answer
from benchmarks.world import Question

PARAMETERS = ("E", "A", "B", "alpha", "beta")


def main(name: str, job: dict[str, Any]) -> None:
    """Answer the question of `job`, and say so."""
    contestant = CONTESTANTS[name]
    module = importlib.import_module(f"benchmarks.contestants.{contestant.module}")
    answer: Answer = module.interval(
        Path(job["table"]),
        Question(**job["question"]),
        job["seed"],
        **{**contestant.settings, **job["settings"]},
    )
    told: dict[str, Any] = {
        key: float(getattr(answer, key)) for key in ("lower", "median", "upper")
    }
    told |= {"seconds": answer.seconds, "own_peak_mib": _own_peak()}
    print("READY", json.dumps(told), flush=True)
    print("DONE", json.dumps(_effective(answer)), flush=True)


def _own_peak() -> float:
    """Largest resident set of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _effective(answer: Answer) -> dict[str, float]:
    """Bulk effective sample size of the worst natural parameter."""
    if answer.draws is None:
        return {}
    import arviz as az

    draws = answer.draws()[list(PARAMETERS)]
    bulk = az.ess(draws, method="bulk")
    worst = min(float(bulk[name].min()) for name in PARAMETERS)
    return {"min_bulk_ess": worst, "draws": draws.sizes["chain"] * draws.sizes["draw"]}


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
