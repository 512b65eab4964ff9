"""`Emergence`: the answers for all tasks of a table, with their draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.summary import check_prob, summarise
from bayes_scaling.shapes.emergent.card import EmergenceCard
from bayes_scaling.shapes.emergent.design import Observed, TokenTask
from bayes_scaling.shapes.emergent.links import expected
from bayes_scaling.shapes.emergent.posterior import LawDraws, TaskPosterior
from bayes_scaling.shapes.emergent.resolution import questions_needed, scale_shown
from bayes_scaling.shapes.emergent.score import WeiEmergence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DEFAULT_SURE", "Emergence", "TaskEmergence", "Verdict"]

Array = NDArray[np.float64]
Verdict = Literal["mirage", "break", "undecided"]

DEFAULT_SURE: Final = 0.8
RISEN: Final = 0.95
"""Probability from which on scores have risen, so that there is something to explain."""

TEST_SETS: Final = (100.0, 1000.0, 10_000.0)
"""Questions for which the table says where progress shows first."""

CURVE_POINTS: Final = 60
NAMED: Final = 3
"""Tasks that a note names."""


@dataclass(frozen=True, kw_only=True)
class TaskEmergence:
    """One task: whether a smooth law per token explains its curve, or a break is needed.

    Attributes
    ----------
    task : TokenTask
        The scores.
    posterior : TaskPosterior
        Both laws, and the probability of a break.
    sure : float
        Probability from which on `verdict` is one.
    prob : float
        Probability of intervals.
    score_observed : float
        Schaeffer et al.'s emergence score of the scores as measured; nan where it is undefined.
    score_draws : array of shape (sample,)
        The same of draws of the scores behind them.
    wei : WeiEmergence
        Emergence by Wei et al.'s definition.
    p_risen : float
        Probability that the score at the largest scale is above that at the smallest.
    """

    task: TokenTask
    posterior: TaskPosterior
    sure: float
    prob: float
    score_observed: float
    score_draws: Array
    wei: WeiEmergence
    p_risen: float

    @property
    def verdict(self) -> Verdict:
        """Mirage, break or undecided; the last wherever no rise is there to be explained."""
        p = self.posterior.p_break
        if self.p_risen < RISEN:
            return "undecided"
        if p >= self.sure:
            return "break"
        return "mirage" if 1 - p >= self.sure else "undecided"

    @property
    def break_at(self) -> Array:
        """Draws of the scale of the break, given that there is one."""
        broken = self.posterior.broken.parameters["place"]
        return np.asarray(self.task.scale[0] * np.exp(broken))

    def curve(
        self, scale: Array, which: Literal["mixed", "smooth", "broken"] = "mixed"
    ) -> xr.Dataset:
        """Draws of the law at any scales, without the scatter of single sizes.

        Parameters
        ----------
        scale : array of shape (scale,)
            In what the task is along.
        which : {"mixed", "smooth", "broken"}
            The average over the laws by their probabilities, or one of them.

        Returns
        -------
        xarray.Dataset
            Dims (sample, scale): ``answer_error`` (-log of the probability of the whole answer,
            nats), ``token_error`` (-log p, nats), ``token_accuracy`` (p), ``edit_distance``
            (expected share of wrong tokens), and ``score`` of each metric (also dim metric), as the
            table has it.
        """
        t = np.log(np.asarray(scale, dtype=float) / self.task.scale[0])
        laws = {
            "mixed": self.posterior.mixed,
            "smooth": (self.posterior.smooth,),
            "broken": (self.posterior.broken,),
        }[which]
        error = np.exp(np.vstack([law.log_error(t) for law in laws]))
        tokens = np.concatenate([law.tokens for law in laws])[:, None]
        scores = [
            np.vstack([_score(metric, law, t) for law in laws]) for metric in self.task.metrics
        ]
        dims = ("sample", "scale")
        return xr.Dataset(
            {
                "answer_error": (dims, error),
                "token_error": (dims, error / tokens),
                "token_accuracy": (dims, np.exp(-error / tokens)),
                "edit_distance": (dims, -np.expm1(-error / tokens)),
                "score": (("metric", *dims), np.array(scores)),
            },
            coords={"scale": scale, "metric": [metric.name for metric in self.task.metrics]},
        )

    @cached_property
    def questions(self) -> Array:
        """Draws of the test-set size that shows progress, (sample, size).

        Of the metric that needs the whole answer, against chance and lucky answers.
        """
        return self.questions_at(self.task.scale)

    def questions_at(self, scale: Array) -> Array:
        """Draws of the same at any scales, (sample, scale)."""
        t, main = np.log(scale / self.task.scale[0]), self.task.main
        parts = []
        for law in self.posterior.mixed:
            right = _right(main, law, t)
            luck = expected(
                main.kind, np.full((len(law.tokens), 1), 700.0), chance=main.chance,
                guess=law.guess[:, None], tokens=law.tokens[:, None],
            )  # fmt: skip
            parts.append(questions_needed(right, luck))
        return np.vstack(parts)

    def shown_from(self, n: float) -> Array:
        """Draws of the smallest scale at which `n` questions show progress; inf where none seen."""
        scale = np.geomspace(self.task.scale[0], self.task.scale[-1], CURVE_POINTS)
        return scale_shown(self.questions_at(scale), scale, n)

    def sizes(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a size: the score, what the laws expect, the smooth metric, and the resolution.

        Columns: scale, measured; score, token_accuracy, edit_distance and questions (to show
        progress), each with _median, _lower and _upper; prob.
        """
        prob = self.prob if prob is None else check_prob(prob)
        main, curve = self.task.main, self.curve(self.task.scale)
        measured = main.right if main.better_high else 1 - main.right
        columns: dict[str, Any] = {"scale": self.task.scale, "measured": measured}
        draws = {
            "score": curve["score"].isel(metric=0).to_numpy(),
            "token_accuracy": curve["token_accuracy"].to_numpy(),
            "edit_distance": curve["edit_distance"].to_numpy(),
            "questions": self.questions,
        }
        for name, values in draws.items():
            found = summarise(values, prob)
            columns |= {f"{name}_{key}": found[key] for key in ("median", "lower", "upper")}
        return pd.DataFrame(columns).assign(prob=prob)

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        from bayes_scaling.shapes.emergent.words import sentence

        return sentence(self)


def _right(metric: Observed, law: LawDraws, t: Array) -> Array:
    return expected(
        metric.kind, np.exp(law.log_error(t)), chance=metric.chance,
        guess=law.guess[:, None], tokens=law.tokens[:, None],
    )  # fmt: skip


def _score(metric: Observed, law: LawDraws, t: Array) -> Array:
    right = _right(metric, law, t)
    return right if metric.better_high else 1 - right


@dataclass(frozen=True, kw_only=True, repr=False)
class Emergence:
    """Emergence or mirage, for every task of a table; made by `emergence`.

    Attributes
    ----------
    tasks : tuple of TaskEmergence
    aside : tuple of str
        Curves that were left aside, and why.
    card : EmergenceCard
    prior_break : float
        Probability of a break before the scores were seen.
    sure : float
        Probability from which on a verdict is one.
    prob : float
        Probability of the intervals.
    """

    tasks: tuple[TaskEmergence, ...]
    aside: tuple[str, ...]
    card: EmergenceCard
    prior_break: float
    sure: float
    prob: float

    def __getitem__(self, label: str) -> TaskEmergence:
        known = {each.task.label: each for each in self.tasks}
        if label not in known:
            raise InputError(unknown_name("task", label, known))
        return known[label]

    def __repr__(self) -> str:
        return "\n".join(f"{each.task.label}: {each.sentence}" for each in self.tasks)

    def weaknesses(self) -> list[str]:
        """What weakens the answers, each thing once with the tasks that it is about."""
        found: dict[str, list[str]] = {}
        for each in self.tasks:
            for note in each.task.notes:
                found.setdefault(note, []).append(each.task.label)
        return [f"{_few(labels)}: {note}." for note, labels in found.items()]

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row a task.

        Columns: task (its label), family, metric, sizes, answer_tokens, verdict, p_break,
        p_break_error (Monte Carlo), log_bayes_factor, break_median, break_lower, break_upper (given
        a break), score_observed, score_median, score_lower, score_upper (emergence score), p_wei,
        wei_scale, prob, and text.
        """
        prob = self.prob if prob is None else check_prob(prob)
        return pd.DataFrame([_row(each, prob) for each in self.tasks])

    def to_json(self) -> str:
        """List of objects, one a task; see ``bayes-scaling emergence --help``."""
        return json.dumps([_object(each) for each in self.tasks], indent=2)

    def plot(self, tasks: Sequence[str] | None = None, **style: Any) -> NDArray[np.object_]:
        """The metric and the error per token of each task; see `figures.plot_emergence`."""
        from bayes_scaling.figures import plot_emergence

        return plot_emergence(self, tasks=tasks, **style)

    def plot_resolution(self, label: str, ax: Axes | None = None, **style: Any) -> Axes:
        """Test-set sizes that show progress; see `figures.plot_resolution`."""
        from bayes_scaling.figures import plot_resolution

        return plot_resolution(self[label], ax=ax, **style)


def _few(labels: list[str]) -> str:
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more


def interval(draws: Array, prob: float) -> dict[str, float]:
    """Median and equal-tailed interval of the finite draws; nan where there are none."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return dict.fromkeys(("median", "lower", "upper"), float("nan"))
    tail = (1 - prob) / 2
    lower, median, upper = np.quantile(known, [tail, 0.5, 1 - tail])
    return {"median": float(median), "lower": float(lower), "upper": float(upper)}


def _row(each: TaskEmergence, prob: float) -> dict[str, Any]:
    posterior = each.posterior
    place = interval(each.break_at, prob)
    score = interval(each.score_draws, prob)
    return {
        "task": each.task.label,
        "family": each.task.family,
        "metric": each.task.main.name,
        "sizes": len(each.task.scale),
        "answer_tokens": each.task.answer_tokens,
        "verdict": each.verdict,
        "p_break": posterior.p_break,
        "p_break_error": posterior.p_break_error,
        "log_bayes_factor": posterior.log_bayes_factor,
        **{f"break_{key}": value for key, value in place.items()},
        "score_observed": each.score_observed,
        **{f"score_{key}": value for key, value in score.items()},
        "p_wei": each.wei.probability,
        "wei_scale": each.wei.scale,
        "prob": prob,
        "text": each.sentence,
    }


def _object(each: TaskEmergence) -> dict[str, Any]:
    task, posterior, prob = each.task, each.posterior, each.prob
    sizes = each.sizes()
    tokens = np.concatenate([law.tokens for law in posterior.mixed])
    value: dict[str, Any] = {
        "task": task.label,
        "family": task.family,
        "along": task.along,
        "metrics": [metric.name for metric in task.metrics],
        "answer_tokens": {"given": task.answer_tokens, **interval(tokens, prob), "prob": prob},
        "verdict": each.verdict,
        "p_break": posterior.p_break,
        "p_break_monte_carlo_error": posterior.p_break_error,
        "log_bayes_factor": posterior.log_bayes_factor,
        "break_at": {**interval(each.break_at, prob), "prob": prob},
        "emergence_score": {
            "observed": each.score_observed, **interval(each.score_draws, prob), "prob": prob,
        },
        "wei": {"probability": each.wei.probability, "scale": each.wei.scale},
        "sizes": [_size(task.along, row, prob) for row in sizes.to_dict("records")],
        "progress_shown_from": [_shown(each, n) for n in TEST_SETS],
        "notes": list(task.notes),
        "text": each.sentence,
    }  # fmt: skip
    finite: dict[str, Any] = _finite(value)
    return finite


def _size(along: str, row: dict[Any, Any], prob: float) -> dict[str, Any]:
    names = ("score", "token_accuracy", "edit_distance", "questions")
    found = {
        name: {key: row[f"{name}_{key}"] for key in ("median", "lower", "upper")} for name in names
    }
    found["questions_to_show_progress"] = found.pop("questions")
    return {along: row["scale"], "measured": row["measured"], **found, "prob": prob}


def _shown(each: TaskEmergence, n: float) -> dict[str, Any]:
    draws = each.shown_from(n)
    shown = interval(draws, each.prob)
    return {"n_examples": n, "probability": float(np.isfinite(draws).mean()), **shown}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
