"""Width and coverage of 90 % intervals far beyond the runs, on tables whose law is known."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.contestants import CONTESTANTS, Answer
from benchmarks.record import machine, markdown, number, save, say
from benchmarks.world import QUESTION, Noise, Question, simulate, true_loss, write

__all__ = ["METHODS", "Score", "run"]

METHODS = ("ours", "huber-quick", "wild")
SPOILED = 0.1

Method = Callable[[pd.DataFrame, Question, int], Answer]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One interval beside the truth."""

    scenario: str
    method: str
    replication: int
    lower: float
    median: float
    upper: float
    truth: float
    seconds: float

    @property
    def width(self) -> float:
        """Of the interval, in nats."""
        return self.upper - self.lower

    @property
    def covers(self) -> bool:
        """Whether the truth lies inside."""
        return self.lower <= self.truth <= self.upper

    @property
    def interval_score(self) -> float:
        """Width, plus a fine for a miss (Gneiting and Raftery 2007); lower is better."""
        miss = max(self.lower - self.truth, self.truth - self.upper, 0.0)
        return self.width + 2 / (1 - QUESTION.prob) * miss


def run(
    replications: int, rows: int, noise: Noise, methods: Sequence[str], seed: int, folder: Path
) -> str:
    """Simulate, fit, write ``accuracy.json`` and return the table as markdown."""
    facts = machine()
    scenarios = {
        "clean": noise,
        f"{SPOILED:.0%} spoiled": Noise(sigma=noise.sigma, nu=noise.nu, spoiled=SPOILED),
    }
    fits = {name: _method(name) for name in methods if _installed(name)}
    scores: list[Score] = []
    for s, (scenario, scatter) in enumerate(scenarios.items()):
        for i in range(replications):
            table = simulate(np.random.default_rng([seed, s, i]), rows, scatter)
            scores += [_score(scenario, name, fits[name], table, i, seed) for name in fits]
            last = ", ".join(f"{x.method} {x.width:.3f}" for x in scores[-len(fits) :])
            say(f"{scenario} {i + 1}/{replications}: widths {last}")
    content = {
        "machine": facts,
        "rows": rows,
        "scenarios": {name: asdict(value) for name, value in scenarios.items()},
        "question": asdict(QUESTION),
        "scores": [asdict(score) for score in scores],
    }
    save("accuracy", content, folder)
    return report(scores)


def _installed(name: str) -> bool:
    found = importlib.util.find_spec(CONTESTANTS[name].needs) is not None
    if not found:
        say(f"left out: {name} needs the package {CONTESTANTS[name].needs} (group bench)")
    return found


def _method(name: str) -> Method:
    if name == "ours":
        from benchmarks.contestants.shared import Shared

        return Shared().interval
    contestant = CONTESTANTS[name]
    module = importlib.import_module(f"benchmarks.contestants.{contestant.module}")

    def interval(table: pd.DataFrame, question: Question, seed: int) -> Answer:
        with tempfile.TemporaryDirectory() as scratch:
            path = write(table, Path(scratch) / "runs.csv")
            answer: Answer = module.interval(path, question, seed, **contestant.settings)
        return answer

    return interval


def _score(
    scenario: str, name: str, method: Method, table: pd.DataFrame, replication: int, seed: int
) -> Score:
    start = time.perf_counter()
    answer = method(table, QUESTION, seed + 1000 * replication)
    return Score(
        scenario=scenario,
        method=name,
        replication=replication,
        lower=float(answer.lower),
        median=float(answer.median),
        upper=float(answer.upper),
        truth=float(true_loss(QUESTION.params, QUESTION.tokens)),
        seconds=time.perf_counter() - start,
    )


def report(scores: Sequence[Score]) -> str:
    """Markdown table of widths and coverages."""
    columns = (
        "runs, method",
        "mean width, nats",
        "times ours",
        "coverage",
        "standard error",
        "interval score",
        "bias of the median",
        "s a table",
    )
    keys = list(dict.fromkeys((score.scenario, score.method) for score in scores))
    return markdown(columns, [_row(scores, *key) for key in keys])


def _row(scores: Sequence[Score], scenario: str, method: str) -> list[str]:
    def of(name: str) -> list[Score]:
        return [x for x in scores if (x.scenario, x.method) == (scenario, name)]

    mine, ours = of(method), of("ours")
    width = np.mean([x.width for x in mine])
    coverage = np.mean([x.covers for x in mine])
    return [
        f"{scenario}, {CONTESTANTS[method].label}",
        number(width),
        number(width / np.mean([x.width for x in ours])) if ours else "-",
        f"{coverage:.2f}",
        f"{np.sqrt(coverage * (1 - coverage) / len(mine)):.2f}",
        number(np.mean([x.interval_score for x in mine])),
        f"{np.mean([x.median - x.truth for x in mine]):+.4f}",
        number(np.median([x.seconds for x in mine])),
    ]
