"""What `next_runs` and `choose_architecture` are worth: simulated sweeps, and public ones.

``sweeps``: twelve small runs of a simulated truth, then further runs by several strategies of equal
compute; how wide is the interval of a loss far beyond? ``drifting``: the same with a truth that
drifts away from its law. ``spending``: runs at 20 tokens per parameter are there, and a budget for
more of any size; how well is the optimal size far beyond known after it? ``sizes``: the same with
one costly run at a time. ``linear``: the estimator beside a linear Gaussian model, whose answer is
known. ``ranking``: seconds to rank candidates. ``xlstm``: which of two architectures of a public
sweep to scale.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_scaling as bs
from bayes_scaling.decisions.reweighting import Outcomes, Target, now, weigh, with_error
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.inference.posterior import Fit
from benchmarks.design_sweeps import CARD, EACH, PROB, Row, World, fitted, sizes, spending, sweeps
from benchmarks.record import machine, markdown, save, say

__all__ = ["PARTS", "run"]

ASKED = (1e20, 1e22, 1e24)
CARDS = (CARD, "chinchilla-hierarchical")


def run(parts: list[str], data: Path, fits: Path | None, seeds: int, seed: int, out: Path) -> str:
    """Run some of the parts, write ``design-PART.json`` for each and return the tables."""
    return "\n\n".join(_part(name, data, fits, seeds, seed, out) for name in parts)


def _part(name: str, data: Path, fits: Path | None, seeds: int, seed: int, out: Path) -> str:
    facts, start = machine(), time.perf_counter()
    rows, shown = PARTS[name](data, fits, seeds, seed)
    content = {"machine": facts, "seconds": time.perf_counter() - start, "rows": rows}
    save(f"design-{name}", content, out)
    cells = [[_cell(value) for value in row.values()] for row in shown]
    return f"{name}:\n\n" + markdown(list(shown[0]), cells)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# -- simulated sweeps ----------------------------------------------------------------------------


def _sweeps(_data: Path, _fits: Path | None, seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    return sweeps(seeds, seed, drift=False)


def _drifting(
    _data: Path, _fits: Path | None, seeds: int, seed: int
) -> tuple[list[Row], list[Row]]:
    return sweeps(seeds, seed, drift=True)


def _spending(
    _data: Path, _fits: Path | None, seeds: int, seed: int
) -> tuple[list[Row], list[Row]]:
    return spending(seeds, seed)


def _sizes(_data: Path, _fits: Path | None, seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    return sizes(seeds, seed)


# -- the estimator beside a known answer ---------------------------------------------------------

ROOT = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.3, -0.2, 0.5]])
CONTRAST = np.array([1.0, 2.0, -1.0])
SEEN = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, -1.0, 0.5]])
CASES = ((3.0,), (1.0,), (0.3,), (1.0, 1.0), (0.3, 0.3), (0.5, 0.5, 0.5))
"""Standard deviations of the noise of one, two and three runs."""


def _linear(_data: Path, _fits: Path | None, seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    rows = []
    for sigmas in CASES:
        z = []
        for i in range(10 * seeds):
            gain, error, truth, ess = _linear_case(sigmas, seed + i)
            z.append((gain - truth) / error)
        rows.append(
            {
                "noise of the runs": ", ".join(f"{s:g}" for s in sigmas),
                "share of the sd gained, exactly": truth,
                "last estimate": f"{gain:.4f} +- {error:.4f}",
                "mean error over its stated error": float(np.mean(z)),
                "sd of that": float(np.std(z)),
                "effective draws": ess,
            }
        )
    return rows, rows


def _linear_case(
    sigmas: tuple[float, ...], seed: int, n: int = 4000
) -> tuple[float, float, float, float]:
    """Gain as a share of the standard deviation, its stated error, the exact gain, and ESS."""
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal((n, 3)) @ ROOT.T
    goal, prior = theta @ CONTRAST, np.linalg.inv(ROOT @ ROOT.T)
    outcomes, precision = Outcomes.none_yet(goal), prior.copy()
    for x, sigma in zip(SEEN, sigmas, strict=False):
        one = np.ones((1, 1))
        noise = Noise(centre=0 * one, scale=sigma * one, nu=1e6 * one, skew=one)
        outcomes = outcomes.after(theta @ x, noise, rng)
        precision = precision + np.outer(x, x) / sigma**2
    before, after = (np.sqrt(CONTRAST @ np.linalg.solve(p, CONTRAST)) for p in (prior, precision))
    target = Target(values=goal[:, None])
    found = weigh(outcomes, target)
    gain, error = with_error(now(target).left - found.left)
    scale = np.std(goal, ddof=1) / before
    return gain * scale, error * scale, float(1 - after / before), found.ess


# -- speed, and a public sweep -------------------------------------------------------------------


def _ranking(_data: Path, _fits: Path | None, seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    del seeds
    world = World(seed, drift=True)
    found = fitted(world, world.done(world.start), seed, draws=1000)
    rows = []
    for goal in ("loss@70B,1.4T", "optimum@1e23", "law"):
        start, busy = time.perf_counter(), time.process_time()
        answer = bs.next_runs(found, goal=goal, budget=EACH)
        rows.append(
            {
                "goal": goal,
                "candidates": len(answer.ranking),
                "draws": found.n_draws,
                "seconds": time.perf_counter() - start,
                "of CPU": time.process_time() - busy,
            }
        )
    return rows, rows


def _xlstm(data: Path, fits: Path | None, _seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Transformer or xLSTM, by the token/param runs of Beck et al. 2025."""
    rows = []
    for card in CARDS:
        found = _xlstm_fit(data, card, fits, seed)
        with_drift = bs.choose_architecture(found, flops=list(ASKED), prob=PROB)
        for kind, answer in (("with drift", with_drift), ("law only", with_drift.law_only)):
            if answer is None:
                continue
            for text in answer.verdicts():
                say(f"{card}, {kind}: {text}")
            crossing = answer.crossings().iloc[0]
            for row in answer.table().to_dict("records"):
                rows += [
                    {
                        "card": card,
                        "answer": kind,
                        "FLOPs": row["flops"],
                        "group": row["group"],
                        "p best": row["p_best"],
                        "expected regret": row["expected_regret"],
                        "gain": row["gain_median"],
                        "gain 90 %": f"{row['gain_lower']:.3g} to {row['gain_upper']:.3g}",
                        "never cross": float(crossing["p_never"]),
                        "trusted": found.trusted,
                    }
                ]
    return rows, rows


def _xlstm_fit(data: Path, card: str, fits: Path | None, seed: int) -> Fit:
    path = None if fits is None else fits / f"xlstm-{card}.nc"
    if path is not None and path.exists():
        return bs.load_fit(path)
    table = pd.read_csv(data / "xlstm_scaling.csv")
    table = table[table["selected"] & table["run_set"].str.startswith("tokenparam")]
    frame = table[["params", "tokens", "loss"]].assign(architecture=table["group"])
    runs = bs.read_runs(frame.reset_index(drop=True), name="xlstm token/param")
    found = bs.fit(runs, model=card, by="architecture", seed=seed, progress=False)
    if path is not None:
        found.save(path)
    return found


PARTS: dict[str, Callable[[Path, Path | None, int, int], tuple[list[Row], list[Row]]]] = {
    "sweeps": _sweeps,
    "drifting": _drifting,
    "spending": _spending,
    "sizes": _sizes,
    "linear": _linear,
    "ranking": _ranking,
    "xlstm": _xlstm,
}
