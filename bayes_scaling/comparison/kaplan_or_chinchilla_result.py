"""`KaplanOrChinchilla`: the answer of the study, in tables, sentences and a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.comparison.plans import DIFFERS, SAME
from bayes_scaling.comparison.result import Comparison
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.summary import check_prob, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CHINCHILLA", "CHINCHILLAS_A", "COUPLED", "KAPLAN", "KAPLANS_A", "Analysis",
    "KaplanOrChinchilla",
]  # fmt: skip

COUPLED, CHINCHILLA, KAPLAN = "coupled", "Chinchilla", "Kaplan"
CALLED: Final = {
    COUPLED: "the coupled law", CHINCHILLA: "Chinchilla's law", KAPLAN: "Kaplan's law",
}  # fmt: skip
CORNERED = ("E", "beta", "gamma")
KAPLANS_A, CHINCHILLAS_A = 0.73, 0.50
"""N_opt ~ C^a: Kaplan et al. 2020, Table 6; Hoffmann et al. 2022, approach 1."""

NEAR_ONE, NEAR_ZERO = 0.1, 0.1
"""gamma within this of 1 is Chinchilla's law in practice; E below this share of a low loss of the
runs is Kaplan's."""

MATTERS = 0.05
"""A change of the exponent a that matters: a tenth of it."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The exponent a that one way to analyse the same runs would give.

    Attributes
    ----------
    name, what : str
    a : float array of shape (sample,)
    cause : str
        Which known cause of the gap it stands for; "" for none, or for several at once.
    than : float array of shape (sample,), optional
        The exponent without that cause; by default that of the full analysis.
    """

    name: str
    what: str
    a: Array
    cause: str = ""
    than: Array | None = None


@dataclass(frozen=True, kw_only=True)
class KaplanOrChinchilla:
    """The study of one table of runs.

    Attributes
    ----------
    comparison : Comparison
        The coupled law, Chinchilla's and Kaplan's, on all runs.
    analyses : list of Analysis
        The first is the full one, on the coupled law.
    untested : dict of str to str
        Causes that this table cannot show, with the reason.
    prob : float
    notes : tuple of str
        What was done to the runs before.
    """

    comparison: Comparison
    analyses: list[Analysis]
    untested: dict[str, str]
    prob: float
    notes: tuple[str, ...] = ()

    @property
    def fit(self) -> Fit:
        """Posterior of the coupled law."""
        return self.comparison.fits[COUPLED]

    def corners(self) -> dict[str, float]:
        """Posterior probabilities of Chinchilla's corner, of Kaplan's, and of neither."""
        return self._corners(self.fit.parameters(self.comparison.group))

    def corners_before(self) -> dict[str, float]:
        """The same by the priors of the card, before the runs were seen."""
        prior = self.fit.tree["prior"].to_dataset()
        return self._corners({name: prior[name].to_numpy().ravel() for name in CORNERED})

    def _corners(self, theta: Mapping[str, Array]) -> dict[str, float]:
        floor = theta["E"] / self.fit.reference.loss
        chinchilla = (np.abs(theta["gamma"] - 1) < NEAR_ONE) & (floor > NEAR_ZERO)
        kaplan = (floor < NEAR_ZERO) & (np.abs(theta["beta"] / theta["gamma"] - 1) < NEAR_ONE)
        return {
            "chinchilla": float(chinchilla.mean()),
            "kaplan": float(kaplan.mean()),
            "neither": float((~chinchilla & ~kaplan).mean()),
        }

    def posterior(self, *, prob: float | None = None) -> pd.DataFrame:
        """Posterior of E, gamma, beta over gamma, and a under the coupled law."""
        prob = self.prob if prob is None else check_prob(prob)
        theta = self.fit.parameters(self.comparison.group)
        rows = {
            "E": theta["E"],
            "E over a low loss of the runs": theta["E"] / self.fit.reference.loss,
            "gamma": theta["gamma"],
            "beta / gamma": theta["beta"] / theta["gamma"],
            "a": self.analyses[0].a,
        }
        table = {n: {k: float(v) for k, v in summarise(d, prob).items()} for n, d in rows.items()}
        return pd.DataFrame.from_dict(table, orient="index").assign(prob=prob)

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row an analysis: a with its interval, and how far it lies from the full one."""
        prob = self.prob if prob is None else check_prob(prob)
        full = self.analyses[0].a
        rows = [
            {"analysis": each.name, "what": each.what}
            | {key: float(v) for key, v in summarise(each.a, prob).items()}
            | {"shift": float(np.median(each.a) - np.median(full)), "verdict": self._verdict(each)}
            for each in self.analyses
        ]
        return pd.DataFrame(rows).assign(prob=prob)

    def _verdict(self, each: Analysis) -> str:
        """Whether it brings a closer to Kaplan's by more than what matters."""
        if not each.cause:
            return ""
        than = self.analyses[0].a if each.than is None else each.than
        rng = np.random.default_rng(0)
        n = min(len(than), len(each.a))
        moved = rng.permutation(each.a)[:n] - rng.permutation(than)[:n] > MATTERS
        share = float(moved.mean())
        if share > DIFFERS:
            return "explains some of the gap"
        return "does not explain it" if share < SAME else "undecided"

    def verdicts(self) -> list[str]:
        """The answer and its reasons, in sentences."""
        corner, before = self.corners(), self.corners_before()
        full = summarise(self.analyses[0].a, self.prob)
        loo = self.comparison.loo
        behind = zip(loo.index, loo["difference"], loo["difference_se"], strict=True)
        _, *gaps = [f"{CALLED[name]} by {gap:.1f} +- {error:.1f}" for name, gap, error in behind]
        answer = (
            f"Of the laws between Kaplan's and Chinchilla's, these runs give Chinchilla's corner "
            f"(gamma within {NEAR_ONE:g} of 1) a probability of {corner['chinchilla']:.2f}, "
            f"Kaplan's (no irreducible loss) {corner['kaplan']:.2f} and neither "
            f"{corner['neither']:.2f}; before they were seen it was {before['chinchilla']:.2f}, "
            f"{before['kaplan']:.2f} and {before['neither']:.2f}."
        )
        scores = (
            f"Left-out runs are predicted best by {CALLED[loo.index[0]]}, ahead of "
            f"{' and of '.join(gaps)} nats in sum (+- standard errors)."
        )
        nearer = float(np.mean(self.analyses[0].a < (CHINCHILLAS_A + KAPLANS_A) / 2))
        exponent = (
            f"The compute-optimal size grows as C^a with a = {full['median']:.2f} "
            f"({full['lower']:.2f} to {full['upper']:.2f}); Chinchilla's answer was "
            f"{CHINCHILLAS_A:.2f}, Kaplan's {KAPLANS_A:.2f}, and it is nearer to Chinchilla's with "
            f"probability {nearer:.2f}."
        )
        return [answer, scores, exponent, *self._reasons(), *self.untested.values(), *self.notes]

    def _reasons(self) -> list[str]:
        sentences = []
        for each in self.analyses[1:]:
            row = summarise(each.a, self.prob)
            text = (
                f"{each.what[0].upper()}{each.what[1:]}: a = {row['median']:.2f} "
                f"({row['lower']:.2f} to {row['upper']:.2f})"
            )
            verdict = self._verdict(each)
            sentences.append(f"{text}; {each.cause}: {verdict}." if verdict else f"{text}.")
        return sentences

    def to_json(self) -> str:
        """Object with corners, posterior, analyses, untested, notes, comparison and verdicts."""
        value = {
            "corners": self.corners(),
            "corners_before": self.corners_before(),
            "posterior": self.posterior().to_dict("index"),
            "analyses": self.table().to_dict("records"),
            "untested": self.untested,
            "notes": self.notes,
            "comparison": json.loads(self.comparison.to_json()),
            "verdicts": self.verdicts(),
        }
        return json.dumps(value, indent=2)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """The exponent a by each analysis; see `bayes_scaling.figures.plot_exponents`."""
        from bayes_scaling.figures import plot_exponents

        return plot_exponents(self, ax=ax, **style)

    def __repr__(self) -> str:
        return "Kaplan or Chinchilla?\n" + "\n".join(f"  {text}" for text in self.verdicts())
