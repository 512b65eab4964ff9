"""Pass rates by the route of the GPT-4 report: the mean log pass rate as a power law of scale.

-E[log(pass rate)], the mean over problems, falls as a power law of compute where pass rates
themselves jump (OpenAI 2023, arXiv:2303.08774, section 3.2).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import digamma, polygamma
from scipy.stats import t as student_t

from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob, summarise
from bayes_scaling.runs.metric_checks import is_pass_rate
from bayes_scaling.runs.metric_columns import unknown_scale
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.emergent.card import (
    DEFAULT_EMERGENCE_CARD,
    EmergenceCard,
    load_emergence_card,
)
from bayes_scaling.shapes.emergent.design import FEWEST_SIZES, with_constant
from bayes_scaling.shapes.emergent.evidence import evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PassRates", "fit_pass_rates"]

Array = NDArray[np.float64]

DRAWS = 4000
MANY_ZEROS = 0.25
"""Share of problems that were never passed, from which on the prior of their rates matters."""


@dataclass(frozen=True, kw_only=True)
class PassRates:
    """Posterior of a power law of the mean log pass rate; made by `fit_pass_rates`.

    Attributes
    ----------
    along : str
        The scale: "params", "tokens" or "flops".
    scale : array of shape (size,)
        Scales seen, ascending.
    neg_log : array of shape (size,)
        Mean of -log(pass rate) over problems, as estimated.
    error : array of shape (size,)
        Its sampling error, of these problems.
    level, exponent, drift : array of shape (sample,)
        Of the law: at the geometric mean of the scales; positive is better with scale; of the
        logarithm, a decade beyond the largest scale.
    problems : int
        Problems that have a score at every scale.
    prob : float
        Probability of the intervals.
    notes : tuple of str
        What weakens the answer.
    """

    along: str
    scale: Array
    neg_log: Array
    error: Array
    level: Array
    exponent: Array
    drift: Array
    problems: int
    prob: float
    notes: tuple[str, ...] = ()

    def draws(self, at: Any) -> Array:
        """Draws of the mean of -log(pass rate) at scales, shape (sample, scale).

        Parameters
        ----------
        at : number, text such as "1e25", or several of them
        """
        scale = quantities(at, f"at_{self.along}", flops=self.along == "flops")
        middle = np.log(self.scale).mean()
        law = np.log(self.level)[:, None] - self.exponent[:, None] * (np.log(scale) - middle)
        beyond = np.maximum(np.log10(scale / self.scale[-1]), 0.0)
        return np.asarray(np.exp(law + self.drift[:, None] * beyond))

    def table(self, at: Any = None, *, prob: float | None = None) -> pd.DataFrame:
        """One row a scale: statistics of the mean of -log(pass rate), and the rate it stands for.

        Columns: the scale, measured (nan where not seen), mean, median, sd, lower, upper, prob of
        the mean of -log(pass rate); pass_rate, pass_rate_lower, pass_rate_upper: exp of minus that,
        the geometric mean over problems.

        Parameters
        ----------
        at : number, text, or several of them, optional
            The scales seen by default.
        prob : float, optional
        """
        prob = self.prob if prob is None else check_prob(prob)
        asked = list(self.scale) if at is None else at
        scale = quantities(asked, f"at_{self.along}", flops=self.along == "flops")
        found = summarise(self.draws(asked), prob)
        known = dict(zip(self.scale, self.neg_log, strict=True))
        return pd.DataFrame(
            {
                self.along: scale,
                "measured": [known.get(each, np.nan) for each in scale],
                **found,
                "prob": prob,
                "pass_rate": np.exp(-found["median"]),
                "pass_rate_lower": np.exp(-found["upper"]),
                "pass_rate_upper": np.exp(-found["lower"]),
            }
        )

    def to_json(self, at: Any = None) -> str:
        """An object: task, metric, problems, along, exponent, notes, and a list of scales."""
        return json.dumps(self.as_object(at), indent=2)

    def as_object(self, at: Any = None) -> dict[str, Any]:
        """What `to_json` writes."""
        flops = self.along == "flops"
        more = np.zeros(0) if at is None else quantities(at, f"at_{self.along}", flops=flops)
        asked = [*self.scale, *more]
        rows = self.table(asked).astype(object).where(lambda frame: frame.notna(), None)
        exponent = summarise(self.exponent, self.prob)
        return {
            "task": f"mean of {self.problems} problems",
            "metric": "-log(pass_rate)",
            "problems": self.problems,
            "along": self.along,
            "exponent": {**{k: float(v) for k, v in exponent.items()}, "prob": self.prob},
            "scales": rows.to_dict("records"),
            "notes": list(self.notes),
        }

    def plot(self, at: Any = None, ax: Axes | None = None, **style: Any) -> Axes:
        """The law with its interval; see `bayes_scaling.figures.plot_pass_rates`."""
        from bayes_scaling.figures import plot_pass_rates

        return plot_pass_rates(self, at=at, ax=ax, **style)


def fit_pass_rates(
    metrics: MetricCurves,
    *,
    along: str | None = None,
    model: str | Path | EmergenceCard = DEFAULT_EMERGENCE_CARD,
    prob: float = DEFAULT_PROB,
    seed: int = 1,
) -> PassRates:
    """Fit a power law to the mean log pass rate of problems.

    Parameters
    ----------
    metrics : MetricCurves
        Of metric ``pass_rate``, a task a problem, with ``n_examples`` attempts each: a problem that
        was never passed in n attempts has a log pass rate only by way of n.
    along : str, optional
        The scale; by default flops where every row has them, as the source does.
    model : str, Path or EmergenceCard
    prob : float
        Probability of the intervals.
    seed : int

    Returns
    -------
    PassRates

    Raises
    ------
    InputError
        There are no pass rates, fewer than three scales, or a rate of zero without a number of
        attempts; no problem has a score at every scale.
    """
    check_prob(prob)
    card = load_emergence_card(model)
    along = _along(metrics, along)
    table = with_constant(metrics)
    table = table[table["metric"].map(is_pass_rate)]
    if table.empty:
        found = ", ".join(dict.fromkeys(metrics.table["metric"]))
        raise InputError(f"there are no pass rates: expected the metric pass_rate, found {found}")
    logs, variances, notes = _log_rates(table, along)
    scale = logs.columns.to_numpy(dtype=float)
    mean = -logs.mean().to_numpy()
    error = np.sqrt(variances.sum().to_numpy()) / len(logs)
    rng = np.random.default_rng([seed, 4])
    x = np.log(scale) - np.log(scale).mean()
    fitted = evidence(partial(_log_likelihood, card, x, mean, error), 3, DRAWS, rng)
    level, exponent, _ = _parameters(card, fitted.z)
    prior = card.pass_rate.drift
    return PassRates(
        along=along, scale=scale, neg_log=mean, error=error, level=level, exponent=exponent,
        drift=prior.mean + prior.sigma * rng.standard_normal(DRAWS), problems=len(logs), prob=prob,
        notes=tuple(notes),
    )  # fmt: skip


def _along(metrics: MetricCurves, along: str | None) -> str:
    if along is None:
        return "flops" if "flops" in metrics.scales else metrics.scales[0]
    if along not in metrics.scales:
        raise InputError(unknown_scale(along, metrics.scales))
    return along


def _log_rates(table: pd.DataFrame, along: str) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Expected log pass rates, their variances, (problem, scale), and what weakens them."""
    value = table["value"].to_numpy(dtype=float)
    n = table["n_examples"].to_numpy(dtype=float) if "n_examples" in table else value * np.nan
    unknown = np.isnan(n)
    if (unknown & (value <= 0)).any():
        name = table["task"].to_numpy()[unknown & (value <= 0)][0]
        raise InputError(
            f"{name!r} has a pass rate of zero and no number of attempts, so that its logarithm is "
            "unknown; add a column n_examples"
        )
    k = value * np.where(unknown, 1.0, n)
    # Nearly log((k + 1/2) / (n + 1/2)), whose bias is of the order of 1 / n^2: errors of many
    # problems average out, and a bias would not.
    log = np.where(unknown, np.log(np.maximum(value, 1e-300)), digamma(k + 1) - digamma(n + 1))
    variance = np.where(unknown, 0.0, polygamma(1, k + 1) - polygamma(1, n + 1))
    frame = pd.DataFrame(
        {"problem": table["task"].to_numpy(), "scale": table[along].to_numpy(dtype=float),
         "log": log, "variance": variance, "zero": value <= 0}
    )  # fmt: skip
    wide = frame.pivot_table(index="problem", columns="scale", values=["log", "variance", "zero"])
    whole = wide.dropna()
    if whole.empty or whole["log"].shape[1] < FEWEST_SIZES:
        raise InputError(
            f"{len(whole)} problems have pass rates at all of {wide['log'].shape[1]} scales; "
            f"expected one problem or more, the same at {FEWEST_SIZES} scales or more"
        )
    notes = []
    if len(whole) < len(wide):
        notes.append(f"{len(wide) - len(whole)} problems lack a scale and are left out")
    share = float(whole["zero"].to_numpy(dtype=float)[:, 0].mean())
    if share > MANY_ZEROS:
        notes.append(
            f"{100 * share:.0f} % of the problems were never passed at the smallest scale: there "
            "the number of attempts decides their log pass rate. Ask about easier problems, or "
            "try more often"
        )
    return pd.DataFrame(whole["log"]), pd.DataFrame(whole["variance"]), notes


def _parameters(card: EmergenceCard, z: Array) -> tuple[Array, Array, Array]:
    """Level, exponent and scatter from standard normal coordinates."""
    priors = (card.pass_rate.level, card.pass_rate.exponent, card.pass_rate.scatter)
    level, exponent, scatter = (
        prior.median * np.exp(prior.sigma * z[:, i]) for i, prior in enumerate(priors)
    )
    return level, exponent, scatter


def _log_likelihood(card: EmergenceCard, x: Array, mean: Array, error: Array, z: Array) -> Array:
    level, exponent, scatter = _parameters(card, z)
    law = np.log(level)[:, None] - exponent[:, None] * x
    spread = np.sqrt(np.square(scatter)[:, None] + np.square(error / mean))
    off = (np.log(mean) - law) / spread
    return np.asarray((student_t.logpdf(off, card.noise.nu) - np.log(spread)).sum(axis=1))
