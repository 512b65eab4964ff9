"""Plans from the 245 runs of Hoffmann et al. 2022: budgets, lifetimes, a target, LLaMA's trade."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import bayes_scaling as bs
from bayes_scaling.inference.posterior import Fit
from benchmarks.record import machine, markdown, save, say

__all__ = ["CARDS", "run"]

CARDS = ("coupled-informed", "chinchilla")
BUDGET = 5.76e23
"""Of Gopher and Chinchilla: 280B parameters on 300B tokens, 70B on 1.4T."""

OWN = ("280B", "70B")
INFERRED = (0.0, 1e12, 1e13)
TARGET, CONFIDENCES = 1.95, (0.5, 0.8, 0.9)
TRADE = ("33B", ("65B", "600B"))
RISKS = ("mean", "quantile:0.9", "cvar:0.9")
REPEATS = 7
COMMANDS = {
    "plan": ["--flops", str(BUDGET)],
    "forecast": ["--params", "70B", "--tokens", "1.4T"],
    "allocate": ["--flops", str(BUDGET)],
}
"""Questions whose whole command is timed, with ``--json``."""


def run(only: list[str], data: Path, keep: Path, seed: int, folder: Path) -> str:
    """Fit what is not kept yet, ask, write ``plans.json`` and return the table."""
    facts, start = machine(), time.perf_counter()
    cards = {name: _answers(_fit(name, data, keep, seed)) for name in only}
    speed = {name: _speeds(keep / f"plans-{name}.nc") for name in only}
    content = {"machine": facts, "seconds": time.perf_counter() - start, "speed": speed}
    save("plans", {**content, "cards": cards}, folder)
    names = list(next(iter(cards.values())))
    rows = [[name, *(cards[card][name]["told"] for card in only)] for name in names]
    for command in COMMANDS:
        told = (speed[card][command] for card in only)
        rows.append([f"whole command `{command}`, seconds (of processor)", *map(_seconds, told)])
    return markdown(["question", *only], rows)


def _fit(card: str, data: Path, keep: Path, seed: int) -> Fit:
    """The fit of a card, from the folder of kept ones if it is there."""
    path = keep / f"plans-{card}.nc"
    if not path.exists():
        say(f"fitting {card}")
        runs = bs.read_runs(data / "chinchilla_epoch.csv", counting="total")
        keep.mkdir(parents=True, exist_ok=True)
        bs.fit(runs, model=card, seed=seed, progress=False).save(path)
    return bs.load_fit(path)


def _answers(fit: Fit) -> dict[str, dict[str, Any]]:
    return {**_budget(fit), **_risks(fit), **_lifetimes(fit), **_targets(fit), **_trade(fit)}


def _budget(fit: Fit) -> dict[str, dict[str, Any]]:
    answer = bs.plan(fit, flops=BUDGET, params=OWN, epsilon="0.1%", deadweight=0.05)
    each, table = answer.budgets[0], answer.table().set_index("choice")
    best = {q: np.quantile(each.draws[f"optimum_{q}"], [0.05, 0.95]) for q in ("params", "tokens")}
    valley, wasted = each.valley, each.deadweight_valley
    plain = each.law_only
    rows = {
        "plan": _told(f"{_b(each.params)} on {_t(each.tokens)}", answer=answer.answers()[0]),
        "optimum, 90 %": _told(
            f"{_range(best['params'])} on {_range(best['tokens'], tokens=True)}"
        ),
        "loss of the plan": _told(_interval(table.loc["plan"], "loss", 3)),
        "valley, 0.1 % of loss": _told("empty" if valley.params is None else _range(valley.params)),
        "valley, 5 % deadweight": _told(
            "empty" if wasted is None or wasted.params is None else _range(wasted.params)
        ),
        "draws that want less compute": _told(f"{100 * each.p_rising:.1f} %"),
    }
    if plain is not None:
        low, high = np.quantile(plain["loss"], [0.05, 0.95])
        size = f"{_b(float(plain['params']))}, {low:.3f} to {high:.3f}"
        rows["plan and loss by the law alone"] = _told(size)
    for name in table.index:
        nats = _interval(table.loc[name], "regret", 4)
        share = f"{100 * table.loc[name, 'deadweight_mean']:.1f} %"
        rows[f"regret, deadweight: {name}"] = _told(f"{nats}; {share}")
    return rows


def _risks(fit: Fit) -> dict[str, dict[str, Any]]:
    plans = {risk: bs.plan(fit, flops=BUDGET, risk=risk).budgets[0] for risk in RISKS}
    return {f"plan, {risk}": _told(_b(each.params)) for risk, each in plans.items()}


def _lifetimes(fit: Fit) -> dict[str, dict[str, Any]]:
    rows = {}
    for tokens in INFERRED:
        costs = bs.load_costs(inference={"output_tokens": tokens})
        answer = bs.plan(fit, flops=BUDGET, costs=costs)
        each = answer.budgets[0]
        low, high = np.quantile(each.draws["optimum_params"], [0.05, 0.95])
        told = f"{_b(each.params)} ({_range((low, high))}) on {_t(each.tokens)}"
        name = f"plan with {_t(tokens) if tokens else '0'} of inference"
        rows[name] = _told(told, answer=answer.answers()[0])
    return rows


def _targets(fit: Fit) -> dict[str, dict[str, Any]]:
    rows = {}
    for confidence in CONFIDENCES:
        answer = bs.plan(fit, target_loss=TARGET, confidence=confidence)
        target = answer.target
        if target is None:
            raise RuntimeError("a target was asked for, and the answer has none")
        alone = target.law_only and target.law_only.spend
        highest = float(target.curve["probability"].max())
        told = f"{_c(target.spend)} (law alone {_c(alone)}); at most {highest:.3f}"
        rows[f"FLOPs for {TARGET} with {confidence}"] = _told(told, warnings=answer.warnings)
    return rows


def _trade(fit: Fit) -> dict[str, dict[str, Any]]:
    size, like = TRADE
    both = bs.tokens_to_match(fit, params=size, like=like)
    rows = {}
    for name, each in (("", both), (", law alone", both.law_only)):
        if each is not None:
            row = each.table().iloc[0]
            ends = (float(row["lower"]), float(row["upper"]))
            told = f"{_t(row['median'])} ({_range(ends, tokens=True)})"
            if each.p_never:
                told += f"; never: {100 * each.p_never:.1f} %"
            rows[f"tokens at {size} for {like[0]} on {like[1]}{name}"] = _told(told)
    return rows


def _speeds(path: Path) -> dict[str, dict[str, Any]]:
    """Seconds of whole commands on a saved fit, on the clock and of the processor."""
    return {name: _speed([name, str(path), *rest, "--json"]) for name, rest in COMMANDS.items()}


def _speed(arguments: list[str]) -> dict[str, Any]:
    seconds, busy = [], []
    for _ in range(REPEATS):
        start, before = time.perf_counter(), os.times()
        command = [sys.executable, "-m", "bayes_scaling", *arguments]
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
        after = os.times()
        user, system = (after[i] - before[i] for i in (2, 3))
        busy.append(user + system)
    return {
        "median": statistics.median(seconds),
        "least": min(seconds),
        "cpu_median": statistics.median(busy),
        "seconds": seconds,
        "cpu_seconds": busy,
    }


def _seconds(speed: dict[str, Any]) -> str:
    return f"{speed['median']:.2f} ({speed['cpu_median']:.2f})"


def _told(told: str, **more: Any) -> dict[str, Any]:
    return {"told": told, **more}


def _b(value: float) -> str:
    return f"{bs.units.format_quantity(float(value))}"


def _t(value: float) -> str:
    return f"{bs.units.format_quantity(float(value))} tokens"


def _c(value: float | None) -> str:
    return "unreachable" if value is None else f"{value:.3g}"


def _range(ends: Any, *, tokens: bool = False) -> str:
    return f"{_b(ends[0])} to {(_t if tokens else _b)(ends[1])}"


def _interval(row: Any, what: str, digits: int) -> str:
    mean, low, high = (row[f"{what}_{key}"] for key in ("mean", "lower", "upper"))
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
