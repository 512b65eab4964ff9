"""What `next_runs` and `choose_architecture` are worth: simulated sweeps, and public ones.

``sweeps``: twelve small runs of a simulated truth, then further runs by several strategies of equal
compute; how wide is the interval of a loss far beyond? ``drifting``: the same with a truth that
drifts away from its law. ``linear``: the estimator beside a linear
Gaussian model, whose answer is known. ``ranking``: seconds to rank candidates. ``xlstm``:
which of two architectures of a public sweep to scale.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_scaling as bs
from bayes_scaling.decisions.candidates import candidate_grid
from bayes_scaling.decisions.reweighting import Outcomes, Target, now, weigh, with_error
from bayes_scaling.inference.model import population_prior
from bayes_scaling.inference.pointwise import Noise, parameter_values
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import Reference, decades_beyond, log_mean, log_scale
from benchmarks.record import machine, markdown, save, say

__all__ = ["PARTS", "run"]

CARD = "coupled-informed"
START = (np.geomspace(1e18, 1e20, 4), (8.0, 25.0, 80.0))
"""Budgets, and tokens per parameter, of the runs that are there at the start."""

LOW_LOSS = 2.5
"""Nats: the unit of the card's priors for the simulated truths."""

SIGMA, NU = 0.0055, 5.0
"""Scatter of log loss: the medians of the card's priors."""

EACH = 1e21
"""FLOPs of a further run, at most."""

GOAL = {"params": np.sqrt(1e23 / 120), "tokens": 20 * np.sqrt(1e23 / 120)}
AFTER = (1, 3, 10)
DRAWS = 500
"""Of each of four chains."""

RATIOS = (5.0, 200.0)
PROB = 0.9
ASKED = (1e20, 1e22, 1e24)
CARDS = (CARD, "chinchilla-hierarchical")

Table = pd.DataFrame
Row = dict[str, Any]


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


class World:
    """A truth from the card's priors, with its drift beyond the first runs, and runs of it."""

    def __init__(self, seed: int, *, drift: bool) -> None:
        self.rng = np.random.default_rng([seed, 5])
        card = bs.load_card(CARD)
        self.card = card if drift else card.law_only()
        flops, ratio = (x.ravel() for x in np.meshgrid(*START, indexing="ij"))
        self.start = _at(flops, ratio)
        logs = {name: np.log(self.start[name].to_numpy()) for name in ("params", "tokens")}
        reference = Reference.of(logs, np.full(len(flops), LOW_LOSS))
        theta = self.rng.normal(*population_prior(self.card))
        value = parameter_values(self.card, theta)
        self.theta = value | self.card.get_law().natural(np, value, reference)
        within = self.card.within or 0.0
        self.edge = float(log_scale(logs).max()) - within * np.log(10) if drift else None

    def log_loss(self, points: Table) -> np.ndarray:
        """Log loss that the truth gives."""
        logs = {name: np.log(points[name].to_numpy()) for name in ("params", "tokens")}
        beyond = None if self.edge is None else decades_beyond(log_scale(logs), self.edge)
        return np.asarray(log_mean(np, self.card.get_law(), logs, self.theta, beyond))

    def done(self, points: Table) -> Table:
        """Runs as they turn out."""
        noise = SIGMA * self.rng.standard_t(NU, size=len(points))
        return points.assign(loss=np.exp(self.log_loss(points) + noise))


def _at(flops: np.ndarray, ratio: np.ndarray) -> Table:
    params = np.sqrt(flops / 6 / ratio)
    return pd.DataFrame({"params": params, "tokens": params * ratio})


def _fitted(world: World, table: Table, seed: int, draws: int = DRAWS) -> Fit:
    runs = bs.read_runs(table[["params", "tokens", "loss"]].reset_index(drop=True))
    return bs.fit(runs, model=world.card, engine="quick", draws=draws, seed=seed, progress=False)


def _chosen_next(world: World, start: Table, n: int, seed: int) -> list[Table]:
    """Tables after each of `n` runs, every one chosen from the fit to those before it."""
    goal = "loss@{params:.6g},{tokens:.6g}".format(**GOAL)
    table, tables = start, []
    for i in range(n):
        answer = bs.next_runs(_fitted(world, table, seed + i), goal=goal, budget=EACH, by="run")
        point = answer.ranking.head(1)[["params", "tokens"]]
        table = pd.concat([table, world.done(point)], ignore_index=True)
        tables.append(table)
    return tables


def _random(world: World, start: Table, n: int, seed: int) -> Table:
    """Candidates of the same grid at random, until n times the compute of the largest is spent."""
    rng, left = np.random.default_rng([seed, 7]), n * EACH
    grid = candidate_grid(_fitted(world, start, seed), EACH, ["all"])
    rows = []
    while len(allowed := np.flatnonzero(grid["flops"] <= left * 1.0001)):
        rows.append(int(rng.choice(allowed)))
        left -= grid["flops"].iloc[rows[-1]]
    return world.done(grid.iloc[rows][["params", "tokens"]])


def _random_ratio(world: World, _: Table, n: int, seed: int) -> Table:
    """As many runs of all the compute each, tokens per parameter at random."""
    rng = np.random.default_rng([seed, 8])
    return world.done(_at(np.full(n, EACH), np.exp(rng.uniform(*np.log(RATIOS), size=n))))


def _isoflop(world: World, _: Table, n: int, seed: int) -> Table:
    """As many runs of all the compute each, tokens per parameter evenly over what is usual."""
    del seed
    edges = np.linspace(*np.log(RATIOS), n + 1)
    return world.done(_at(np.full(n, EACH), np.exp((edges[1:] + edges[:-1]) / 2)))


OTHERS: dict[str, Callable[[World, Table, int, int], Table]] = {
    "random candidates": _random,
    "random sizes": _random_ratio,
    "isoFLOP grid": _isoflop,
}


def _sweeps(_data: Path, _fits: Path | None, seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Truths and fits that keep to the law."""
    return _many_sweeps(seeds, seed, drift=False)


def _drifting(
    _data: Path, _fits: Path | None, seeds: int, seed: int
) -> tuple[list[Row], list[Row]]:
    """Truths and fits that drift away from it beyond the runs."""
    return _many_sweeps(seeds, seed, drift=True)


def _many_sweeps(seeds: int, seed: int, *, drift: bool) -> tuple[list[Row], list[Row]]:
    rows: list[Row] = []
    for i in range(seeds):
        rows += _sweep(seed + i, drift)
        shown = _summary(pd.DataFrame(rows))
        say(f"sweep {i + 1} of {seeds}: " + ", ".join(r["times that of next"] for r in shown))
    return rows, shown


def _sweep(seed: int, drift: bool) -> list[Row]:
    world = World(seed, drift=drift)
    start = world.done(world.start)
    chosen = _chosen_next(world, start, max(AFTER), seed)
    rows = [_width(world, start, start, "start", 0, seed)]
    for n in AFTER:
        rows.append(_width(world, chosen[n - 1], start, "next", n, seed))
        for name, strategy in OTHERS.items():
            more = strategy(world, start, n, seed)
            table = pd.concat([start, more], ignore_index=True)
            rows.append(_width(world, table, start, name, n, seed))
    return rows


def _width(world: World, table: Table, start: Table, name: str, n: int, seed: int) -> Row:
    """Width of the interval at the goal, and whether it holds the truth."""
    found = _fitted(world, table, seed)
    row = bs.forecast(found, prob=PROB, **GOAL).table().iloc[0]
    truth = float(np.exp(world.log_loss(pd.DataFrame([GOAL]))[0]))
    more = table.iloc[len(start) :]
    return {
        "seed": seed,
        "strategy": name,
        "after": n,
        "runs": len(more),
        "flops": float((6 * more["params"] * more["tokens"]).sum()),
        "width": float(row["upper"] - row["lower"]),
        "inside": bool(row["lower"] <= truth <= row["upper"]),
        "sampler": str(found.tree.attrs["sampler"]),
    }


def _summary(rows: Table) -> list[Row]:
    """Widths beside those of `next`, as geometric means over seeds with standard errors."""
    wide = rows.pivot_table(index="seed", columns=["after", "strategy"], values="width")
    shown = []
    for (n, name), part in rows.groupby(["after", "strategy"], sort=False):
        ratio = np.log(wide[(n, name)] / wide[(n, "next")]) if n else np.zeros(len(wide))
        mean, error = float(np.mean(ratio)), float(np.std(ratio, ddof=1) / np.sqrt(len(ratio)))
        shown.append(
            {
                "after": int(n),
                "strategy": name,
                "runs": float(part["runs"].mean()),
                "FLOPs": float(part["flops"].mean()),
                "median width (nats)": float(part["width"].median()),
                "times that of next": f"{np.exp(mean):.2f} +- {np.exp(mean) * error:.2f}",
                "inside 90 %": f"{part['inside'].sum()} of {len(part)}",
            }
        )
    return shown


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
    found = _fitted(world, world.done(world.start), seed, draws=1000)
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
    "linear": _linear,
    "ranking": _ranking,
    "xlstm": _xlstm,
}
