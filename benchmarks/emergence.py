"""Emergence or mirage: power against test-set size on known laws, and GPT-3's tasks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.runs.catalogue import load_metrics, load_table
from bayes_scaling.shapes.emergent.card import load_emergence_card
from bayes_scaling.shapes.emergent.emergence import emergence
from bayes_scaling.shapes.emergent.laws import AnswerLaw
from bayes_scaling.shapes.emergent.result import DEFAULT_SURE, Emergence
from bayes_scaling.shapes.emergent.simulate import simulate_scores
from bayes_scaling.units import format_quantity
from benchmarks.ranks import rank, ranks_table, uniform
from benchmarks.record import machine, markdown, save, say

__all__ = ["PARTS", "run"]

SIZES = np.geomspace(1e8, 1e11, 9)
TEST_SETS = (30, 100, 1000, 10_000)
REPEATS = 32
SIMULATED = 360

COMMON = {"floor": 0.02, "scatter": 0.05, "guess": 1e-4}
TRUTHS: dict[str, dict[str, float]] = {
    "smooth": COMMON | {"start": 12.0, "exponent": 0.55},
    "smooth, rough": COMMON | {"start": 12.0, "exponent": 0.55, "scatter": 0.2},
    "mild break": COMMON | {"start": 6.0, "exponent": 0.1, "change": 0.7, "width": 0.3},
    "sharp break": COMMON | {"start": 6.0, "exponent": 0.05, "change": 1.8, "width": 0.2},
}
"""Natural units; the place of a break is drawn, between 35 % and 75 % of the log scales."""

ARITHMETIC = ("1DC", "2D+", "2D-", "2Dx", "3D+", "3D-", "4D-", "5D+", "5D-")
WORDS = ("Anagrams 1", "Anagrams 2", "Cycled Letters", "Reversed Words", "Symbol Insertion")
GUESSED_DIGITS = {"1DC": 1, "2D+": 2.5, "2D-": 2, "2Dx": 4, "3D+": 3.5, "3D-": 3, "4D-": 4,
                  "5D+": 5.5, "5D-": 5}  # fmt: skip
"""Digits of an answer, about: tokens, were each digit one. It moves no verdict."""

QUESTIONS = 2000
"""Of each arithmetic task, by the GPT-3 paper (section 3.9.1)."""

Array = np.ndarray


def run(only: Sequence[str], seed: int, folder: Path) -> str:
    """Run the parts, write ``emergence-PART.json`` each, and return the tables as markdown."""
    texts = []
    for name in only:
        facts = machine()
        content, text = PARTS[name](seed)
        save(f"emergence-{name}", {"machine": facts, "seed": seed, **content}, folder)
        texts.append(f"{name}\n\n{text}")
    return "\n\n".join(texts)


def power(seed: int) -> tuple[dict[str, Any], str]:
    """Probability of a break on known laws, by the number of questions."""
    rows: list[dict[str, Any]] = []
    for i, (name, truth) in enumerate(TRUTHS.items()):
        for n in TEST_SETS:
            found = [_simulated(truth, n, np.random.default_rng([seed, i, n, k]))
                     for k in range(REPEATS)]  # fmt: skip
            p = np.array([each.tasks[0].posterior.p_break for each in found])
            rows.append(
                {
                    "truth": name,
                    "questions": n,
                    "mean_p_break": float(p.mean()),
                    "se": float(p.std(ddof=1) / np.sqrt(REPEATS)),
                    "p_break": [round(float(x), 4) for x in p],
                    **{
                        verdict: sum(each.tasks[0].verdict == verdict for each in found)
                        for verdict in ("break", "mirage", "undecided")
                    },
                }
            )
            say(f"{name}, {n}: {rows[-1]['mean_p_break']:.2f}")
    return {"repeats": REPEATS, "sure": DEFAULT_SURE, "rows": rows}, _power_report(rows)


def _simulated(truth: Mapping[str, float], n: int, rng: np.random.Generator) -> Emergence:
    """The answer about one simulated task of nine sizes."""
    span = float(np.log(SIZES[-1] / SIZES[0]))
    law = AnswerLaw(card=load_emergence_card(), span=span, broken="change" in truth, guesses=True)
    parameters = {name: np.log([value]) for name, value in truth.items()}
    if law.broken:
        parameters["place"] = np.array([span * rng.uniform(0.35, 0.75)])
    scores = simulate_scores(law, parameters, SIZES, n, rng)
    return emergence(scores, seed=int(rng.integers(2**31)))


def _power_report(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ["truth", *(f"{n:,} questions" for n in TEST_SETS)]
    lines = []
    for name in TRUTHS:
        own = [row for row in rows if row["truth"] == name]
        lines.append(
            [name, *(f"{r['mean_p_break']:.2f} ({r['break']} / {r['mirage']})" for r in own)]
        )
    return markdown(heads, lines)


def calibration(seed: int) -> tuple[dict[str, Any], str]:
    """Truths from the priors of both laws: whether probabilities are right as often as they say."""
    card, n = load_emergence_card(), SIMULATED
    p, truth = [], []
    ranks: dict[str, list[float]] = {}
    for i in range(n):
        rng = np.random.default_rng([seed, 99, i])
        law = AnswerLaw(card=card, span=float(np.log(1e3)), broken=bool(i % 2), guesses=True)
        parameters = law.parameters(rng.standard_normal((1, len(law.names))))
        scores = simulate_scores(law, parameters, SIZES, 1000, rng)
        if scores["value"].nunique() < 2:
            # A table of one constant curve is refused; what it would say is near the prior odds.
            continue
        posterior = emergence(scores, seed=i).tasks[0].posterior
        p.append(posterior.p_break)
        truth.append(law.broken)
        # Of the parameters under the law that is the true one.
        found_law = posterior.broken if law.broken else posterior.smooth
        for name in law.names:
            of = f"{'broken' if law.broken else 'smooth'}: {name}"
            own = rank(found_law.parameters[name], float(parameters[name][0]), rng)
            ranks.setdefault(of, []).append(own)
    found, was = np.array(p), np.array(truth)
    rows = []
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.7), (0.7, 0.9), (0.9, 1.0)):
        mask = (found >= low) & (found <= high if high == 1.0 else found < high)
        rows.append(
            {"from": low, "to": high, "tasks": int(mask.sum()),
             "said": float(found[mask].mean()) if mask.any() else None,
             "broken": float(was[mask].mean()) if mask.any() else None}
        )  # fmt: skip
    brier = float(((found - was) ** 2).mean())
    z = float((was.sum() - found.sum()) / np.sqrt((found * (1 - found)).sum()))
    content = {"tasks": len(found), "left_out": n - len(found), "brier": brier, "z": z,
               "bins": rows, "p_break": found.round(4).tolist(), "truth": was.tolist(),
               "ranks": ranks}  # fmt: skip
    lines = [
        [f"{r['from']:g} to {r['to']:g}", str(r["tasks"]),
         "-" if r["said"] is None else f"{r['said']:.2f}",
         "-" if r["broken"] is None else f"{r['broken']:.2f}"]
        for r in rows
    ]  # fmt: skip
    table = markdown(["P(break)", "tasks", "said, mean", "truly broken"], lines)
    verdicts = {name: uniform(ranks[name]) for name in sorted(ranks, reverse=True)}
    return content, (
        f"{table}\n\n{len(found)} tasks, Brier score {brier:.3f}, z {z:+.1f}\n\n"
        f"{ranks_table(verdicts)}"
    )


def gpt3(seed: int) -> tuple[dict[str, Any], str]:
    """GPT-3's arithmetic and word tasks, by how many examples the prompt had."""
    curves = load_metrics("gpt3-benchmarks")
    rows = []
    start = time.perf_counter()
    for setting in ("few", "one", "zero"):
        names = [*ARITHMETIC, *WORDS]
        own = curves.select(f"setting == '{setting}' and task in {names}")
        answer = emergence(own, answer_tokens=GUESSED_DIGITS, n_examples=QUESTIONS, seed=seed)
        table = answer.table().assign(
            setting=setting,
            shown_from=[float(np.median(each.shown_from(1000.0))) for each in answer.tasks],
        )
        rows += table.drop(columns=["text", "family"]).to_dict("records")
    seconds = time.perf_counter() - start
    abilities = load_table("emergent-abilities")
    published = abilities[abilities["ability"].str.startswith("Addition and")]
    content = {
        "seconds": seconds,
        "rows": [{k: _plain(v) for k, v in row.items()} for row in rows],
        "wei_table_1": published.to_dict("records"),
    }
    return content, _gpt3_report(rows, seconds)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _gpt3_report(rows: Sequence[Mapping[str, Any]], seconds: float) -> str:
    frame = pd.DataFrame(rows).set_index(["task", "setting"])
    lines = []
    for task in (*ARITHMETIC, *WORDS):
        few = frame.loc[(task, "few")]
        place = [format_quantity(few[f"break_{k}"], 2) for k in ("median", "lower", "upper")]
        lines.append(
            [
                task,
                *(f"{frame.loc[(task, s), 'p_break']:.2f}" for s in ("few", "one", "zero")),
                str(few["verdict"]),
                f"{place[0]} ({place[1]} to {place[2]})" if few["p_break"] > 0.5 else "-",
                f"{few['score_median']:.0f} ({few['score_lower']:.0f} to {few['score_upper']:.0f})",
                f"{few['p_wei']:.2f}"
                + (f" from {format_quantity(few['wei_scale'])}" if few["p_wei"] >= 0.5 else ""),
                "never" if not np.isfinite(few["shown_from"])
                else format_quantity(few["shown_from"], 2),
            ]
        )  # fmt: skip
    heads = ["task", "P(break), few-shot", "one-shot", "zero-shot", "verdict, few-shot",
             "break at", "emergence score", "emergent (Wei)", "shown by 1000 from"]  # fmt: skip
    return f"{markdown(heads, lines)}\n\n{len(rows)} tasks in {seconds:.0f} s"


PARTS = {"power": power, "calibration": calibration, "gpt3": gpt3}
