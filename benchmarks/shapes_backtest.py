"""The back-test of shapes: public tables with their largest sizes hidden, beside baselines.

The card's prior on recoveries has seen the outcome of prize tasks, so that the judged card has a
neutral one instead (`NEUTRAL`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scoringrules

from bayes_scaling.runs.metrics import MetricCurves, read_metrics
from bayes_scaling.shapes.card import ShapeCard, load_shape_card
from bayes_scaling.shapes.fitting import fit_shapes
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.probabilities import DEFAULT_ROPE, shape_probabilities
from benchmarks.record import markdown, say

__all__ = ["backtest", "backtest_report", "differences"]

NEUTRAL = {"mean": 0.0, "sigma": 0.5}
"""Recovery of falling tasks in the judged card: as likely to fall faster as to recover."""

CLIP = 0.02
"""Log scores of hard forecasts: a sign that is wrong would else cost infinitely much."""

KEPT = (
    "table", "curve", "task", "params", "change", "ours, trend better", "ours, measured better",
    "climatology better", "straight line better", "rank", "crps",
)  # fmt: skip
"""Columns of the forecasts that the file of results holds."""

CLASSES = ("worsens", "no clear change", "improves")
BOOTSTRAPS = 1000
BINS = np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A public table whose largest sizes are hidden."""

    name: str
    file: str
    where: str
    sizes: int


TABLES = (
    Hidden(name="Pythia, 6.9B and 12B hidden", file="inverse_scaling_pythia.csv",
           where="bounded", sizes=2),
    Hidden(name="Pythia, 2.8B to 12B hidden", file="inverse_scaling_pythia.csv",
           where="bounded", sizes=3),
    *(
        Hidden(name=f"GPT-3 {shots}-shot, 13B and 175B hidden", file="gpt3_table_H1.csv",
               where=f"bounded and setting == '{shots}'", sizes=2)
        for shots in ("zero", "one", "few")
    ),
)  # fmt: skip

LEARNED = ("persistence", "early", "width", "change_spread", "recovery", "saturation")


def neutral_card() -> ShapeCard:
    """The shipped card without what is known of the tasks that are judged."""
    card = load_shape_card("shapes")
    recovery = card.priors.recovery.model_copy(update=NEUTRAL)
    return card.model_copy(update={"priors": card.priors.model_copy(update={"recovery": recovery})})


def backtest(data: Path, seed: int, bends: int = 1) -> dict[str, Any]:
    """Every table with its largest sizes hidden."""
    parts, fits, card = [], {}, neutral_card().with_bends(bends)
    for table in TABLES:
        whole = read_metrics(data / "metrics" / table.file).select(table.where)
        cut = np.unique(whole.column("params"))[-table.sizes]
        seen = whole.select(f"params < {cut}")
        fit = fit_shapes(seen, model=card, seed=seed, progress=False)
        keys = ("max_rhat", "min_ess_bulk", "divergences", "seconds")
        fits[table.name] = {key: fit.diagnostics[key] for key in keys}
        learned = LEARNED + (("second_spread",) if bends > 1 else ())
        fits[table.name] |= {k: float(fit.draws(k).mean()) for k in learned}
        parts.append(_forecasts(fit, whole, seen).assign(table=table.name))
        say(f"{table.name}: {fits[table.name]}")
    forecasts = pd.concat(parts, ignore_index=True)
    return {
        "scores": {name: _scores(part, seed) for name, part in _sets(forecasts).items()},
        "coverage": _coverage(forecasts, seed),
        "calibration": {m: _calibration(forecasts, m) for m in ("ours, trend", "ours, measured")},
        "fits": fits,
        "forecasts": forecasts[list(KEPT)].round(4).to_dict("records"),
    }


def _forecasts(fit: ShapeFit, whole: MetricCurves, seen: MetricCurves) -> pd.DataFrame:
    """One row a hidden score: forecasts of every method, and what happened."""
    rates = _climatology(seen)
    rows = []
    for name in fit.curves:
        points = whole.table[whole.table["curve"] == name].sort_values("params")
        known = seen.table[seen.table["curve"] == name].sort_values("params")
        last, largest = known["value"].iloc[-1], known["params"].iloc[-1]
        for hidden in points[points["params"] > largest].to_dict("records"):
            answer = shape_probabilities(fit, at_params=hidden["params"], curve=name)
            change = float(hidden["value"] - last)
            rows.append(
                {
                    "curve": name,
                    "task": hidden["task"],
                    "params": float(hidden["params"]),
                    "change": change,
                    "better": float(_better(change)),
                    "class": _class(change),
                    **_ours(answer.draws.isel(curve=0), float(last)),
                    "rank": float((answer.draws["value"] < hidden["value"]).mean()),
                    "crps": _crps(answer.draws["value"].to_numpy().ravel(), hidden["value"]),
                    **_line(known, hidden["params"]),
                    **{f"climatology {k}": v for k, v in rates.items()},
                    **dict(zip(_columns("repeat the last"), (0.5, 0, 1, 0), strict=True)),
                }
            )
    return pd.DataFrame(rows)


def _better(change: Any) -> Any:
    """1 where a score rose, 0 where it fell, half of each where it is the same."""
    return (np.sign(change) + 1) / 2


def _crps(draws: Array, value: float) -> float:
    return float(scoringrules.crps_ensemble(value, draws))


def _class(change: float) -> int:
    return int(np.digitize(change, [-DEFAULT_ROPE, DEFAULT_ROPE]))


def _columns(method: str) -> list[str]:
    return [f"{method} better", *(f"{method} {name}" for name in CLASSES)]


def _ours(draws: Any, last: float) -> dict[str, float]:
    """By the trend, and by the score that would be measured, against the one that was."""
    found = {}
    changes = {
        "ours, trend": draws["trend"].to_numpy() - draws["last"].to_numpy(),
        "ours, measured": draws["value"].to_numpy() - last,
    }
    for method, change in changes.items():
        shares = np.bincount(np.digitize(change, [-DEFAULT_ROPE, DEFAULT_ROPE]), minlength=3)
        values = (float((change > 0).mean()), *(shares / len(change)))
        found |= dict(zip(_columns(method), map(float, values), strict=True))
    return found


def _line(known: pd.DataFrame, params: float) -> dict[str, float]:
    """Sign of a straight line through the log odds, which is sure of itself."""
    x = np.log10(known["params"].to_numpy())
    score = known["value"].to_numpy().clip(0.0005, 0.9995)
    slope = float(np.polyfit(x, np.log(score / (1 - score)), 1)[0])
    odds = np.log(score[-1] / (1 - score[-1])) + slope * (np.log10(params) - x[-1])
    change = float(1 / (1 + np.exp(-odds)) - score[-1])
    hard = np.eye(3)[_class(change)]
    values = (float(slope > 0), *map(float, hard))
    return dict(zip(_columns("straight line"), values, strict=True))


def _climatology(seen: MetricCurves) -> dict[str, float]:
    """How often scores rose from one size seen to the next, in the whole table; add-one rule."""
    table = seen.table.sort_values(["curve", "params"])
    change = table.groupby("curve")["value"].diff().dropna().to_numpy()
    counts = np.bincount(np.digitize(change, [-DEFAULT_ROPE, DEFAULT_ROPE]), minlength=3)
    better = float(((change > 0) + 0.5 * (change == 0)).sum())
    shares = (counts + 1) / (counts.sum() + 3)
    named = dict(zip(CLASSES, map(float, shares), strict=True))
    return {"better": (better + 1) / (len(change) + 2), **named}


METHODS = ("ours, trend", "ours, measured", "climatology", "straight line", "repeat the last")


def _sets(forecasts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All hidden scores, those of the largest sizes, and both by table."""
    largest = forecasts.groupby(["table", "curve"])["params"].transform("max")
    top = forecasts[forecasts["params"] == largest]
    sets: dict[str, pd.DataFrame] = {"all hidden scores": forecasts, "largest hidden size": top}
    sets |= {f"{name}: all": part for name, part in forecasts.groupby("table", sort=False)}
    sets |= {f"{name}: largest": part for name, part in top.groupby("table", sort=False)}
    return sets


def differences(forecasts: pd.DataFrame, seed: int) -> dict[str, dict[str, float]]:
    """Scores of the trend's "better" less those of climatology, paired, with errors by task.

    Parameters
    ----------
    forecasts : DataFrame
        Rows as the file of results holds them (`KEPT`).
    seed : int

    Returns
    -------
    dict
        For each set of hidden scores n, brier and log (below 0 where the trend is better), their
        standard errors, brier_se and log_se, and what they are differences of: trend_brier, ...
    """
    rng = np.random.default_rng(seed)
    found = {}
    for name, part in _sets(forecasts).items():
        outcome = _better(part["change"].to_numpy())
        both = {
            method: _each_of_two(part[f"{column} better"].to_numpy(), outcome)
            for method, column in (("trend", "ours, trend"), ("climatology", "climatology"))
        }
        ours, theirs = both.values()
        each = {score: ours[score] - theirs[score] for score in ours}
        errors = _bootstrap(each, part["task"].to_numpy(), rng)
        found[name] = {"n": len(part)} | {k: float(v.mean()) for k, v in each.items()}
        found[name] |= {f"{k}_se": error for k, error in errors.items()}
        found[name] |= {
            f"{method}_{k}": float(v.mean()) for method, own in both.items() for k, v in own.items()
        }
    return found


def _scores(part: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Brier and log score of "better", of three classes, with errors from a bootstrap of tasks."""
    outcome, base = part["better"].to_numpy(), float(part["better"].mean())
    own = {m: part[[*_columns(m)]].to_numpy(dtype=float) for m in METHODS}
    shares = np.bincount(part["class"], minlength=3) / len(part)
    own["base rate in hindsight"] = np.tile([base, *shares], (len(part), 1))
    rng = np.random.default_rng(seed)
    tasks = part["task"].to_numpy()
    found: dict[str, Any] = {"n": len(part), "tasks": len(set(tasks)), "better": base}
    for method, values in own.items():
        each = _each(values, outcome, part["class"].to_numpy())
        found[method] = {name: float(score.mean()) for name, score in each.items()}
        errors = _bootstrap(each, tasks, rng)
        found[method] |= {f"{name}_se": error for name, error in errors.items()}
    return found


def _each(values: Array, outcome: Array, classes: Array) -> dict[str, Array]:
    three = values[:, 1:]
    picked = three[np.arange(len(classes)), classes].clip(CLIP / 4, 1)
    return {
        **_each_of_two(values[:, 0], outcome),
        "brier3": ((three - np.eye(3)[classes]) ** 2).sum(axis=1),
        "log3": -np.log(picked),
    }


def _each_of_two(said: Array, outcome: Array) -> dict[str, Array]:
    """Brier and log score of every forecast of "better"."""
    p = said.clip(CLIP / 4, 1 - CLIP / 4)
    p = np.where(np.isin(said, (0.0, 1.0)), p.clip(CLIP, 1 - CLIP), p)
    return {
        "brier": (said - outcome) ** 2,
        "log": -(outcome * np.log(p) + (1 - outcome) * np.log(1 - p)),
    }


def _bootstrap(
    each: Mapping[str, Array], tasks: Array, rng: np.random.Generator
) -> dict[str, float]:
    names = np.unique(tasks)
    sums = {k: np.array([v[tasks == n].sum() for n in names]) for k, v in each.items()}
    counts = np.array([(tasks == n).sum() for n in names])
    picks = rng.integers(0, len(names), (BOOTSTRAPS, len(names)))
    return {
        k: float((s[picks].sum(axis=1) / counts[picks].sum(axis=1)).std()) for k, s in sums.items()
    }


def _coverage(forecasts: pd.DataFrame, seed: int) -> dict[str, dict[str, float]]:
    """How many measured scores lie inside their intervals, by table and in all; errors by task."""
    sets = {"all": forecasts}
    sets |= {str(name): part for name, part in forecasts.groupby("table", sort=False)}
    rng = np.random.default_rng(seed)
    found = {}
    for name, part in sets.items():
        away = np.abs(part["rank"].to_numpy() - 0.5)
        inside = {f"{prob}": (away < prob / 200).astype(float) for prob in (50, 90)}
        errors = _bootstrap(inside, part["task"].to_numpy(), rng)
        found[name] = {"n": len(part)} | {k: float(v.mean()) for k, v in inside.items()}
        found[name] |= {f"{k}_se": error for k, error in errors.items()}
        found[name] |= {
            "above": float((part["rank"] > 0.95).mean()),
            "below": float((part["rank"] < 0.05).mean()),
            "crps": float(part["crps"].mean()),
        }
    return found


def _calibration(forecasts: pd.DataFrame, method: str) -> list[dict[str, float]]:
    p, outcome = (forecasts[c].to_numpy() for c in (f"{method} better", "better"))
    rows = []
    for low, high in pairwise(BINS):
        inside = (p >= low) & ((p < high) | (high == 1))
        if inside.any():
            rows.append({"low": low, "high": high, "n": int(inside.sum()),
                         "forecast": float(p[inside].mean()),
                         "happened": float(outcome[inside].mean())})  # fmt: skip
    return rows


def backtest_report(content: Mapping[str, Any]) -> str:
    """Tables of the file of results, as markdown."""
    scores, calibration, coverage = (content[key] for key in ("scores", "calibration", "coverage"))
    apart = differences(pd.DataFrame(content["forecasts"]), content["seed"])
    heads = ["set", "method", "scores", "Brier (se)", "log score (se)", "Brier, three classes (se)",
             "log score, three classes"]  # fmt: skip
    rows = [
        [name, method, str(own["n"]), *_cells(own[method])]
        for name, own in scores.items()
        for method in (*METHODS, "base rate in hindsight")
    ]
    curve = [
        [method, f"{r['low']:g} to {r['high']:g}", str(r["n"]), f"{r['forecast']:.2f}",
         f"{r['happened']:.2f}"]
        for method, own in calibration.items() for r in own
    ]  # fmt: skip
    return "\n\n".join(
        [
            markdown(heads, rows),
            markdown(
                [
                    "hidden scores",
                    "scores",
                    "Brier, log: trend",
                    "climatology",
                    "Brier, trend less climatology (se)",
                    "log score (se)",
                ],
                [_apart(name, own) for name, own in apart.items()],
            ),
            markdown(["method", "P(better)", "scores", "mean forecast", "happened"], curve),
            markdown(
                [
                    "table",
                    "scores",
                    "inside 50 % (se)",
                    "inside 90 % (se)",
                    "above it",
                    "below it",
                    "CRPS, points",
                ],
                [_covered(name, own) for name, own in coverage.items()],
            ),
        ]
    )


def _covered(name: str, own: Mapping[str, float]) -> list[str]:
    shares = [f"{100 * own[k]:.0f} ({100 * own[f'{k}_se']:.0f}) %" for k in ("50", "90")]
    return [name, f"{own['n']}", *shares, *(f"{100 * own[k]:.0f} %" for k in ("above", "below")),
            f"{100 * own['crps']:.2f}"]  # fmt: skip


def _apart(name: str, own: Mapping[str, float]) -> list[str]:
    each = [f"{own[f'{m}_brier']:.3f}, {own[f'{m}_log']:.3f}" for m in ("trend", "climatology")]
    cells = [f"{own[k]:+z.3f} ({own[f'{k}_se']:.3f})" for k in ("brier", "log")]
    return [name, f"{own['n']}", *each, *cells]


def _cells(own: Mapping[str, float]) -> list[str]:
    errors = [f"{own[name]:.3f} ({own[f'{name}_se']:.3f})" for name in ("brier", "log", "brier3")]
    return [*errors, f"{own['log3']:.3f}"]
