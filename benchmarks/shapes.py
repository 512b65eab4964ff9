"""Shapes of metric curves: back-test on real tables, simulated tasks, and calibration of the card.

The back-test hides the largest sizes of public tables and asks for the probability that a score is
better than at the largest size seen. The card's prior on recoveries has seen the outcome of prize
tasks, so that the judged card has a neutral one instead (`NEUTRAL`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.inference.sample import Effort, sample
from bayes_scaling.runs.metrics import MetricCurves, read_metrics
from bayes_scaling.shapes.card import ShapeCard, load_shape_card
from bayes_scaling.shapes.classify import SHAPES, classify, path
from bayes_scaling.shapes.design import ShapeDesign, make_shape_design
from bayes_scaling.shapes.fitting import assemble_shapes
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.posterior import ShapeFit
from bayes_scaling.shapes.probabilities import DEFAULT_ROPE, shape_probabilities
from bayes_scaling.shapes.scale import MetricScale
from bayes_scaling.shapes.simulate import SimulatedTasks, simulate_tasks
from benchmarks.record import machine, markdown, save, say

__all__ = ["PARTS", "run"]

NEUTRAL = {"mean": 0.0, "sigma": 0.5}
"""Recovery of falling tasks in the judged card: as likely to fall faster as to recover."""

CLIP = 0.02
"""Log scores of hard forecasts: a sign that is wrong would else cost infinitely much."""

CLASSES = ("worsens", "no clear change", "improves")
BOOTSTRAPS = 1000
EFFORT = Effort(draws=500, tune=600, chains=4, cores=1, target_accept=0.9)
BINS = np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
HORIZON = 1.0
"""Decades beyond the sizes seen at which simulated tasks are judged."""

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


def neutral_card() -> ShapeCard:
    """The shipped card without what is known of the tasks that are judged."""
    card = load_shape_card("shapes")
    recovery = card.priors.recovery.model_copy(update=NEUTRAL)
    return card.model_copy(update={"priors": card.priors.model_copy(update={"recovery": recovery})})


# -- back-test -----------------------------------------------------------------------------------


def backtest(data: Path, seed: int) -> tuple[dict[str, Any], str]:
    """Every table with its largest sizes hidden."""
    parts, fits = [], {}
    for table in TABLES:
        whole = read_metrics(data / "metrics" / table.file).select(table.where)
        cut = np.unique(whole.column("params"))[-table.sizes]
        seen = whole.select(f"params < {cut}")
        fit = _fit(neutral_card(), make_shape_design(seen), seen, seed)
        keys = ("max_rhat", "min_ess_bulk", "divergences", "seconds")
        fits[table.name] = {key: fit.diagnostics[key] for key in keys}
        fits[table.name]["persistence"] = float(fit.draws("persistence").mean())
        parts.append(_forecasts(fit, whole, seen).assign(table=table.name))
        say(f"{table.name}: {fits[table.name]}")
    forecasts = pd.concat(parts, ignore_index=True)
    scores = _score_sets(forecasts, seed)
    content = {
        "scores": scores,
        "inside_90": {
            name: float((np.abs(part["rank"] - 0.5) < 0.45).mean())
            for name, part in forecasts.groupby("table", sort=False)
        },
        "calibration": {m: _calibration(forecasts, m) for m in ("ours, trend", "ours, measured")},
        "fits": fits,
        "forecasts": forecasts.to_dict("records"),
    }
    return content, _backtest_report(scores, content["calibration"])


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
                    "better": float(change > 0) + 0.5 * float(change == 0),
                    "class": _class(change),
                    **_ours(answer.draws.isel(curve=0), float(last)),
                    "rank": float((answer.draws["value"] < hidden["value"]).mean()),
                    **_line(known, hidden["params"]),
                    **{f"climatology {k}": v for k, v in rates.items()},
                    **dict(zip(_columns("repeat the last"), (0.5, 0, 1, 0), strict=True)),
                }
            )
    return pd.DataFrame(rows)


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


def _score_sets(forecasts: pd.DataFrame, seed: int) -> dict[str, Any]:
    largest = forecasts.groupby(["table", "curve"])["params"].transform("max")
    top = forecasts[forecasts["params"] == largest]
    sets: dict[str, pd.DataFrame] = {"all hidden scores": forecasts, "largest hidden size": top}
    sets |= {f"{name}: all": part for name, part in forecasts.groupby("table", sort=False)}
    sets |= {f"{name}: largest": part for name, part in top.groupby("table", sort=False)}
    return {name: _scores(part, seed) for name, part in sets.items()}


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
    p = values[:, 0].clip(CLIP / 4, 1 - CLIP / 4)
    hard = np.isin(values[:, 0], (0.0, 1.0))
    p = np.where(hard, p.clip(CLIP, 1 - CLIP), p)
    three = values[:, 1:]
    picked = three[np.arange(len(classes)), classes].clip(CLIP / 4, 1)
    return {
        "brier": (values[:, 0] - outcome) ** 2,
        "log": -(outcome * np.log(p) + (1 - outcome) * np.log(1 - p)),
        "brier3": ((three - np.eye(3)[classes]) ** 2).sum(axis=1),
        "log3": -np.log(picked),
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


def _backtest_report(
    scores: Mapping[str, Any], calibration: Mapping[str, list[dict[str, float]]]
) -> str:
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
            markdown(["method", "P(better)", "scores", "mean forecast", "happened"], curve),
        ]
    )


def _cells(own: Mapping[str, float]) -> list[str]:
    errors = [f"{own[name]:.3f} ({own[f'{name}_se']:.3f})" for name in ("brier", "log", "brier3")]
    return [*errors, f"{own['log3']:.3f}"]


# -- simulated shapes ----------------------------------------------------------------------------

WORLDS = {
    "sharp, clean": {"width": 0.05, "log_scatter_mean": np.log(0.05)},
    "sharp, noisy": {"width": 0.05, "log_scatter_mean": np.log(0.3)},
    "mild, clean": {"width": 0.4, "log_scatter_mean": np.log(0.05)},
    "mild, noisy": {"width": 0.4, "log_scatter_mean": np.log(0.3)},
}
POPULATION = {
    "level_mean": 0.0, "level_spread": 0.7, "slope_mean": 0.0, "slope_spread": 0.4,
    "change_spread": 0.4, "recovery": 2.0, "saturation": 0.3, "scatter_spread": 0.5,
    "persistence": 0.4, "nu": 6.0,
}  # fmt: skip
TASKS, SIZES = 125, 8


def simulated(_: Path, seed: int) -> tuple[dict[str, Any], str]:
    """Whether the probabilities of shapes of 500 tasks of four kinds are right as often as said."""
    card, design, found = load_shape_card("shapes"), _grid(TASKS, SIZES), {}
    compiled = _compiled(card, design)
    for i, (name, special) in enumerate(WORLDS.items()):
        rng = np.random.default_rng([seed, i])
        tasks = simulate_tasks(card, design, rng, {**POPULATION, **special})
        own = design.with_scores(tasks.z)
        fit = _fit(card, own, None, seed, compiled=compiled.with_data(z=own.z))
        truth, shares, worse = _shapes_of(fit, design, tasks.trends)
        found[name] = _recovery(truth, shares, worse)
        found[name] |= {"truth": truth.tolist(), "shares": shares.tolist(),
                        "rhat": fit.diagnostics["max_rhat"]}  # fmt: skip
        say(f"{name}: {found[name]['summary']}")
    every = [np.concatenate([found[n][k] for n in WORLDS]) for k in ("truth", "shares")]
    worse = np.concatenate([found[n]["worse"] for n in WORLDS])
    found["all"] = _recovery(every[0].astype(int), every[1], worse)
    return found, _simulated_report(found)


def _grid(n: int, sizes: int) -> ShapeDesign:
    """Tasks on the same sizes, half a decade apart, of 500 questions; scores are to come."""
    x = np.geomspace(1e8, 1e8 * 10 ** (0.4 * (sizes - 1)), sizes)
    about = {"n_examples": 500, "metric": "acc", "chance": 0.5}
    rows = [
        {"task": f"task {i:03d}", "params": p, "value": 0.3 + 0.01 * k, **about}
        for i in range(n)
        for k, p in enumerate(x)
    ]
    return make_shape_design(read_metrics(pd.DataFrame(rows)))


def _fit(
    card: ShapeCard, design: ShapeDesign, metrics: MetricCurves | None, seed: int, **sampled: Any
) -> ShapeFit:
    """One attempt, on one core: as long as a fit needs, without the second that it may make."""
    model = build_shape_model(card, design)
    sampling = sample(model, sampled.pop("effort", EFFORT), seed=seed, **sampled)
    if metrics is None:
        metrics = MetricCurves(table=pd.DataFrame({"curve": design.curves}), name="", source="")
    return assemble_shapes(
        card, design, metrics, sampling.tree, seed=seed, seconds=sampling.seconds
    )


def _compiled(card: ShapeCard, design: ShapeDesign) -> Any:
    """Compiled once for many tables of the same sizes."""
    import nutpie

    return nutpie.compile_pymc_model(build_shape_model(card, design))


def _shapes_of(
    fit: ShapeFit, design: ShapeDesign, trends: Sequence[Any]
) -> tuple[Array, Array, Array]:
    """True shapes, their probabilities (task, shape), and P(worse) beside what is true."""
    scale: MetricScale = design.scales[0]
    at = 10 ** (design.middle[0] + design.last[0] + HORIZON)
    answer = shape_probabilities(fit, at_params=at)
    sizes, last = path(design.x[0].min(), design.last[0], design.last[0] + HORIZON)
    truth, falls = [], []
    for trend in trends:
        good = scale.goodness(trend.at(sizes))
        truth.append(int(classify(good, last, DEFAULT_ROPE)[0]))
        falls.append(float(good[0, -1] < good[0, last]))
    shares = answer.shares().loc[list(design.curves)].to_numpy()
    worse = answer.draws["worse"].mean("sample").sel(curve=list(design.curves)).to_numpy()
    return np.array(truth), shares, np.column_stack([worse, falls])


def _recovery(truth: Array, shares: Array, worse: Array) -> dict[str, Any]:
    """Per shape the expected and the true number, whose difference in standard errors is z."""
    rows = {}
    for i, name in enumerate(SHAPES):
        expected, n = float(shares[:, i].sum()), int((truth == i).sum())
        error = float(np.sqrt((shares[:, i] * (1 - shares[:, i])).sum()))
        rows[name] = {"expected": expected, "true": n, "z": (n - expected) / error if error else 0}
    likely, p_true = shares.max(axis=1), shares[np.arange(len(truth)), truth]
    right = shares.argmax(axis=1) == truth
    rates = np.bincount(truth, minlength=len(SHAPES)) / len(truth)
    brier = float(((shares - np.eye(len(SHAPES))[truth]) ** 2).sum(axis=1).mean())
    spread = float(np.sqrt((likely * (1 - likely)).sum()))
    return {
        "shapes": rows,
        "worse": worse.tolist(),
        "summary": {
            "tasks": len(truth),
            "right": float(right.mean()),
            "said": float(likely.mean()),
            "z_right": float((right.sum() - likely.sum()) / spread),
            "brier": brier,
            "brier_climatology": float(1 - (rates**2).sum()),
            "log": float(-np.log(p_true.clip(1e-3)).mean()),
            "brier_worse": float(((worse[:, 0] - worse[:, 1]) ** 2).mean()),
            "base_worse": float(worse[:, 1].mean()),
        },
    }


def _simulated_report(found: Mapping[str, Any]) -> str:
    heads = ["tasks", "n", "most likely shape is true", "its mean probability", "z", "Brier",
             "of base rates", "Brier of P(worse)"]  # fmt: skip
    rows = []
    for name, own in found.items():
        s = own["summary"]
        rows.append([name, str(s["tasks"]), f"{s['right']:.3f}", f"{s['said']:.3f}",
                     f"{s['z_right']:+.1f}", f"{s['brier']:.3f}", f"{s['brier_climatology']:.3f}",
                     f"{s['brier_worse']:.3f}"])  # fmt: skip
    shapes = [[n, f"{r['expected']:.1f}", str(r["true"]), f"{r['z']:+.1f}"]
              for n, r in found["all"]["shapes"].items()]  # fmt: skip
    return "\n\n".join([markdown(heads, rows),
                        markdown(["shape", "expected", "true", "z"], shapes)])  # fmt: skip


# -- simulation-based calibration ----------------------------------------------------------------

SIMULATIONS, RANKS = 100, 100
SBC_TASKS, SBC_SIZES = 12, 6
JUDGED = (
    "level_mean", "level_spread", "slope_mean", "slope_spread", "width", "change_spread",
    "recovery", "saturation", "scatter_spread", "persistence", "nu", "log_scatter_mean",
)  # fmt: skip


def sbc(_: Path, seed: int) -> tuple[dict[str, Any], str]:
    """Truths from the card's priors, posteriors of their scores, ranks of the truths."""
    card, design = load_shape_card("shapes"), _grid(SBC_TASKS, SBC_SIZES)
    effort = Effort(draws=300, tune=400, chains=2, cores=1, target_accept=0.9)
    compiled = _compiled(card, design)
    ranks: dict[str, list[float]] = {}
    divergences, rhats = 0, []
    for i in range(SIMULATIONS):
        rng = np.random.default_rng([seed, i])
        tasks = simulate_tasks(card, design, rng)
        own = design.with_scores(tasks.z)
        data = compiled.with_data(z=own.z)
        fit = _fit(card, own, None, seed + i, effort=effort, compiled=data)
        divergences += int(fit.diagnostics["divergences"])
        rhats.append(fit.diagnostics["max_rhat"])
        for name, (draws, truth) in _quantities(fit, own, tasks).items():
            every = np.linspace(0, len(draws) - 1, RANKS - 1).astype(int)
            ranks.setdefault(name, []).append(float((draws[every] < truth).sum() + rng.random()))
        if i % 10 == 9:
            say(f"{i + 1} of {SIMULATIONS}: {divergences} divergences")
    verdicts = {name: _uniform(np.array(values) / RANKS) for name, values in ranks.items()}
    content = {"simulations": SIMULATIONS, "divergences": divergences, "max_rhat": max(rhats),
               "rhat_above_1.05": sum(r > 1.05 for r in rhats),
               "quantities": verdicts, "ranks": ranks}  # fmt: skip
    return content, _sbc_report(content)


def _quantities(
    fit: ShapeFit, design: ShapeDesign, tasks: SimulatedTasks
) -> dict[str, tuple[Array, float]]:
    """Draws and truth of the population, and of the first task's parameters and forecast."""
    found = {name: (fit.draws(name), tasks.population[name]) for name in JUDGED}
    curve = design.curves[0]
    for name in ("level", "slope", "scatter"):
        found[f"task {name}"] = (fit.draws(name, curve), float(tasks.own[name][0]))
    for name in ("change", "place"):
        found[f"task {name}"] = (fit.draws(name, curve)[:, 0], float(tasks.own[name][0, 0]))
    at = np.array([design.last[0] + HORIZON])
    found["task trend, a decade beyond"] = (
        fit.trend(curve).at(at)[:, 0], float(tasks.trends[0].at(at)[0, 0]),
    )  # fmt: skip
    return found


def _uniform(u: Array) -> dict[str, float]:
    from scipy.stats import kstest

    inside = {p: float((np.abs(u - 0.5) < p / 2).mean()) for p in (0.5, 0.9)}
    p = float(kstest(u, "uniform").pvalue)
    return {"p": p, "inside_50": inside[0.5], "inside_90": inside[0.9]}


def _sbc_report(content: Mapping[str, Any]) -> str:
    verdicts = content["quantities"]
    rows = [
        [name, f"{v['p']:.2f}", f"{100 * v['inside_50']:.0f} %", f"{100 * v['inside_90']:.0f} %"]
        for name, v in verdicts.items()
    ]
    least = min(v["p"] for v in verdicts.values())
    table = markdown(["quantity", "p (uniform ranks)", "inside 50 %", "inside 90 %"], rows)
    return (
        f"{table}\n\n{content['simulations']} simulations, {content['divergences']} divergences; "
        f"least p {least:.3f} of {len(rows)}, {min(1.0, least * len(rows)):.2f} after Bonferroni."
    )


PARTS: dict[str, Callable[[Path, int], tuple[dict[str, Any], str]]] = {
    "backtest": backtest,
    "simulated": simulated,
    "sbc": sbc,
}


def run(only: Sequence[str], data: Path, seed: int, folder: Path) -> str:
    """Run the parts, write ``shapes-PART.json`` each, and return the tables as markdown."""
    texts = []
    for name in only:
        facts = machine()
        content, text = PARTS[name](data, seed)
        save(f"shapes-{name}", {"machine": facts, "seed": seed, **content}, folder)
        texts.append(f"{name}\n\n{text}")
    return "\n\n".join(texts)
