"""Simulated sweeps: what is known after runs that `next_runs` chose, beside other choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import bayes_scaling as bs
from bayes_scaling.decisions.candidates import candidate_grid
from bayes_scaling.inference.model import population_prior
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import Reference, decades_beyond, log_mean, log_scale
from benchmarks.record import say
from benchmarks.world import TRUTH, true_loss

__all__ = ["CARD", "EACH", "PROB", "Row", "World", "fitted", "sizes", "spending", "sweeps"]

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

Table = pd.DataFrame
Row = dict[str, Any]


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


def fitted(world: World | Lab, table: Table, seed: int, draws: int = DRAWS) -> Fit:
    """The card of a simulated truth, fitted to runs of it by the quick engine."""
    runs = bs.read_runs(table[["params", "tokens", "loss"]].reset_index(drop=True))
    return bs.fit(runs, model=world.card, engine="quick", draws=draws, seed=seed, progress=False)


def _chosen_next(world: World | Lab, start: Table, n: int, seed: int, goal: str) -> list[Table]:
    """Tables after each of `n` runs, every one chosen from the fit to those before it."""
    table, tables = start, []
    for i in range(n):
        answer = bs.next_runs(fitted(world, table, seed + i), goal=goal, budget=EACH, by="run")
        point = answer.ranking.head(1)[["params", "tokens"]]
        table = pd.concat([table, world.done(point)], ignore_index=True)
        tables.append(table)
    return tables


def _random(world: World | Lab, start: Table, n: int, seed: int) -> Table:
    """Candidates of the same grid at random, until n times the compute of the largest is spent."""
    rng, left = np.random.default_rng([seed, 7]), n * EACH
    grid = candidate_grid(fitted(world, start, seed), EACH, ["all"])
    rows = []
    while len(allowed := np.flatnonzero(grid["flops"] <= left * 1.0001)):
        rows.append(int(rng.choice(allowed)))
        left -= grid["flops"].iloc[rows[-1]]
    return world.done(grid.iloc[rows][["params", "tokens"]])


def _random_ratio(world: World | Lab, _: Table, n: int, seed: int) -> Table:
    """As many runs of all the compute each, tokens per parameter at random."""
    rng = np.random.default_rng([seed, 8])
    return world.done(_at(np.full(n, EACH), np.exp(rng.uniform(*np.log(RATIOS), size=n))))


def _isoflop(world: World | Lab, _: Table, n: int, seed: int) -> Table:
    """As many runs of all the compute each, tokens per parameter evenly over what is usual."""
    del seed
    edges = np.linspace(*np.log(RATIOS), n + 1)
    return world.done(_at(np.full(n, EACH), np.exp((edges[1:] + edges[:-1]) / 2)))


OTHERS: dict[str, Callable[[World | Lab, Table, int, int], Table]] = {
    "random candidates": _random,
    "random sizes": _random_ratio,
    "isoFLOP grid": _isoflop,
}


def sweeps(seeds: int, seed: int, *, drift: bool) -> tuple[list[Row], list[Row]]:
    """Truths and fits that keep to the law, or drift away from it beyond the runs."""
    rows: list[Row] = []
    for i in range(seeds):
        rows += _sweep(seed + i, drift)
        shown = _summary(pd.DataFrame(rows))
        say(f"sweep {i + 1} of {seeds}: " + ", ".join(r["times that of next"] for r in shown))
    return rows, shown


def _sweep(seed: int, drift: bool) -> list[Row]:
    world = World(seed, drift=drift)
    start = world.done(world.start)
    goal = "loss@{params:.6g},{tokens:.6g}".format(**GOAL)
    chosen = _chosen_next(world, start, max(AFTER), seed, goal)
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
    found = fitted(world, table, seed)
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
                "after": n,
                "strategy": name,
                "runs": float(part["runs"].mean()),
                "FLOPs": float(part["flops"].mean()),
                "median width": float(part["width"].median()),
                "times that of next": f"{np.exp(mean):.2f} +- {np.exp(mean) * error:.2f}",
                "inside 90 %": f"{part['inside'].sum()} of {len(part)}",
            }
        )
    return shown


# -- a budget for as many runs as it holds ---------------------------------------------------------

LINE = (np.geomspace(1e18, 1e20, 8), 20.0, 0.1)
"""Budgets of the runs that are there, their tokens per parameter, and how these scatter (log)."""

SPREAD = {"E": 0.05, "A": 0.15, "B": 0.15, "alpha": 0.05, "beta": 0.05}
"""Of the logarithms of the truths around `TRUTH`."""

SPENT = (1e20, 3e20, 1e21)
"""FLOPs after which the strategies are compared."""

ROUND = 5
"""Runs chosen before the next fit."""

PROFILE = 5
"""Runs of an isoFLOP profile."""

BEYOND = 1e23
"""FLOPs at which the optimal size is asked for."""


class Lab:
    """A truth like Chinchilla's, and runs near the usual 20 tokens per parameter."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 5])
        self.card = bs.load_card("chinchilla").law_only()
        flops, ratio, scatter = LINE
        ratios = ratio * np.exp(scatter * self.rng.standard_normal(len(flops)))
        self.start = _at(flops, ratios)
        draw = self.rng.standard_normal
        self.law = {name: TRUTH[name] * np.exp(SPREAD[name] * draw()) for name in TRUTH}
        self.optimum = self.card.get_law().optimum(np.array(BEYOND), self.law)[0]

    def done(self, points: Table) -> Table:
        """Runs as they turn out."""
        noise = SIGMA * self.rng.standard_t(NU, size=len(points))
        loss = true_loss(points["params"].to_numpy(), points["tokens"].to_numpy(), self.law)
        return points.assign(loss=loss * np.exp(noise))


def _spend_next(lab: Lab, start: Table, seed: int) -> list[Table]:
    """Tables after each of the budgets, `ROUND` runs chosen at a time, by what a FLOP teaches."""
    table, tables, spent = start, [], 0.0
    grid = _grid(lab, start, seed)
    for mark in SPENT:
        while (left := mark - spent) >= grid["flops"].min():
            found = fitted(lab, table, seed + len(table))
            answer = bs.next_runs(
                found, grid, goal=f"optimum@{BEYOND:g}", budget=left, runs=ROUND, by="flop"
            )
            table = pd.concat([table, lab.done(answer.batch[["params", "tokens"]])])
            spent += float(answer.batch["flops"].sum())
        tables.append(table)
    return tables


def _spend_random(lab: Lab, start: Table, seed: int) -> list[Table]:
    """The same grid at random."""
    rng, grid = np.random.default_rng([seed, 7]), _grid(lab, start, seed)
    table, tables, spent = start, [], 0.0
    for mark in SPENT:
        while len(allowed := np.flatnonzero(grid["flops"] <= (mark - spent) * 1.0001)):
            row = grid.take([int(rng.choice(allowed))])
            table = pd.concat([table, lab.done(row[["params", "tokens"]])])
            spent += float(row["flops"].iloc[0])
        tables.append(table)
    return tables


def _spend_profile(lab: Lab, start: Table, _seed: int) -> list[Table]:
    """One isoFLOP profile that takes all of a budget."""
    ratios = np.geomspace(*RATIOS, PROFILE)
    flops = [np.full(PROFILE, budget / PROFILE) for budget in SPENT]
    return [pd.concat([start, lab.done(_at(each, ratios))]) for each in flops]


def _grid(lab: Lab, start: Table, seed: int) -> Table:
    grid = candidate_grid(fitted(lab, start, seed), max(SPENT), ["all"])
    return grid[["params", "tokens", "flops"]]


SPENDERS: dict[str, Callable[[Lab, Table, int], list[Table]]] = {
    "next": _spend_next,
    "random candidates": _spend_random,
    "isoFLOP profile": _spend_profile,
}


def spending(seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Width of log N_opt far beyond after equal compute."""
    rows: list[Row] = []
    for i in range(seed, seed + seeds):
        lab = Lab(i)
        start = lab.done(lab.start)
        rows.append(_known(lab, start, start, "start", 0.0, i))
        for name, spend in SPENDERS.items():
            tables = zip(SPENT, spend(lab, start, i), strict=True)
            rows += [_known(lab, table, start, name, budget, i) for budget, table in tables]
        shown = _summary(pd.DataFrame(rows))
        say(f"sweep {i}: " + ", ".join(r["times that of next"] for r in shown))
    return rows, shown


def sizes(seeds: int, seed: int) -> tuple[list[Row], list[Row]]:
    """The same question with one costly run at a time, beside as many of the same compute."""
    rows: list[Row] = []
    for i in range(seed, seed + seeds):
        lab = Lab(i)
        start = lab.done(lab.start)
        rows.append(_known(lab, start, start, "start", 0, i))
        chosen = _chosen_next(lab, start, max(AFTER), i, f"optimum@{BEYOND:g}")
        for n in AFTER:
            rows.append(_known(lab, chosen[n - 1], start, "next", n, i))
            for name, strategy in OTHERS.items():
                table = pd.concat([start, strategy(lab, start, n, i)])
                rows.append(_known(lab, table, start, name, n, i))
        shown = _summary(pd.DataFrame(rows))
        say(f"sweep {i}: " + ", ".join(r["times that of next"] for r in shown))
    return rows, shown


def _known(lab: Lab, table: Table, start: Table, name: str, budget: float, seed: int) -> Row:
    """Width of the interval of log N_opt, and whether it holds the truth."""
    found = fitted(lab, table, seed)
    (group,) = found.select_groups(None)
    params = found.optimum(group, np.array([BEYOND]))[0]
    lower, upper = np.log(np.quantile(params, [(1 - PROB) / 2, (1 + PROB) / 2]))
    more = table.iloc[len(start) :]
    return {
        "seed": seed,
        "strategy": name,
        "after": budget,
        "runs": len(more),
        "flops": float((6 * more["params"] * more["tokens"]).sum()),
        "width": float(upper - lower),
        "inside": bool(lower <= np.log(lab.optimum) <= upper),
        "sampler": str(found.tree.attrs["sampler"]),
    }
