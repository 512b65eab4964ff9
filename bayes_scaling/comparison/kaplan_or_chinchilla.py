"""`kaplan_or_chinchilla`: which of the two famous answers a table of runs supports, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.comparison.average import same_runs
from bayes_scaling.comparison.compare import compare
from bayes_scaling.comparison.counted import exponent_as_counted
from bayes_scaling.comparison.extrapolation import largest_runs
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.comparison.plans import DIFFERS, SAME
from bayes_scaling.comparison.result import Comparison
from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.fitting import prepare, sample_fit
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.progress import announce, working
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.summary import check_prob, summarise
from bayes_scaling.laws import Reference
from bayes_scaling.runs import Runs
from bayes_scaling.runs.flops import PEARCE_SONG_OMEGA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Analysis", "KaplanOrChinchilla", "kaplan_or_chinchilla"]

COUPLED, CHINCHILLA, KAPLAN = "coupled", "Chinchilla", "Kaplan"
CARDS: Final = {COUPLED: "kaplan-or-chinchilla", CHINCHILLA: "chinchilla", KAPLAN: "kaplan-nd"}
"""Model card of each law, by its name in answers."""

CALLED: Final = {
    COUPLED: "the coupled law", CHINCHILLA: "Chinchilla's law", KAPLAN: "Kaplan's law",
}  # fmt: skip
CORNERED = ("E", "beta", "gamma")
KAPLANS_A, CHINCHILLAS_A = 0.73, 0.50
"""N_opt ~ C^a: Kaplan et al. 2020, Table 6; Hoffmann et al. 2022, approach 1."""

NEAR_ONE, NEAR_ZERO = 0.1, 0.1
"""gamma within this of 1 is Chinchilla's law in practice; E below this share of a low loss of the
runs is Kaplan's."""

SMALL_SHARE = 0.5
"""Runs of the least compute that stand for a study at small scale."""

MATTERS = 0.05
"""A change of the exponent a that matters: a tenth of it."""

FEWEST_SMALL = 12

# What only a sweep that varies it can show; exponents before and after from Porian et al. 2024,
# arXiv:2406.19146, RefinedWeb.
UNTESTED: Final = {
    "warm-up": ("a warm-up as long as the shortest runs", 0.71, 0.60),
    "decay": ("a learning rate that does not decay to the end of each run", 0.60, 0.57),
    "tuning": ("hyperparameters that were tuned at one size only", 0.57, 0.50),
}

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
    """

    name: str
    what: str
    a: Array
    cause: str = ""


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
    """

    comparison: Comparison
    analyses: list[Analysis]
    untested: dict[str, str]
    prob: float

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
        full = self.analyses[0].a
        rng = np.random.default_rng(0)
        n = min(len(full), len(each.a))
        moved = rng.permutation(each.a)[:n] - rng.permutation(full)[:n] > MATTERS
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
        return [answer, scores, exponent, *self._reasons(), *self.untested.values()]

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
        """Object with ``corners``, ``posterior``, ``analyses``, ``comparison`` and ``verdicts``."""
        value = {
            "corners": self.corners(),
            "corners_before": self.corners_before(),
            "posterior": self.posterior().to_dict("index"),
            "analyses": self.table().to_dict("records"),
            "untested": self.untested,
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


def kaplan_or_chinchilla(
    runs: Runs,
    *,
    hold_out: float | None = None,
    prob: float = DEFAULT_PROB,
    omega: float = PEARCE_SONG_OMEGA,
    seed: int = DEFAULT_SEED,
    effort: Effort | None = None,
    progress: bool = True,
) -> KaplanOrChinchilla:
    """Ask a table of runs whether Kaplan or Chinchilla was right about runs like these.

    Fits the coupled law, which holds both, and each of the two; then repeats the analysis as
    Kaplan et al. made theirs (without an irreducible loss, without embeddings, at small scale),
    one choice at a time and all at once, to see which moves the exponent a.

    Parameters
    ----------
    runs : Runs
        All runs are one group.
    hold_out : float, optional
        Share of the runs, those with the most compute, to predict by each law fitted without
        them. None leaves it out.
    prob : float
        Probability of the intervals.
    omega : float
        Of the relation between N with and without embeddings (see `Runs.count_params`).
    seed : int
    effort : Effort, optional
    progress : bool

    Returns
    -------
    KaplanOrChinchilla

    Raises
    ------
    InputError
        There are too few runs to leave out the larger half, or `hold_out` is not a valid share.
    """
    check_prob(prob)
    order = np.argsort(runs.flops, kind="stable")
    small = np.isin(np.arange(len(runs)), order[: round(SMALL_SHARE * len(runs))])
    if small.sum() < FEWEST_SMALL:
        raise InputError(
            f"{len(runs)} runs are too few for this study, which also looks at the smaller half of "
            f"them: {2 * FEWEST_SMALL} are needed. `compare` needs fewer"
        )
    if hold_out is not None:
        largest_runs(runs.flops, hold_out)  # what can be refused is refused before sampling
    effort = effort or Effort()
    fits: dict[str, Fit] = {}
    compiled: dict[str, Any] = {}
    for name, card in CARDS.items():
        announce(name, show=progress)
        fits[name], compiled[name] = sample_fit(
            prepare(runs, card), effort, seed=seed, progress=progress
        )
    same_runs(fits)
    comparison = compare(fits, hold_out=hold_out, prob=prob, seed=seed, compiled=compiled)
    again = _Again(runs=runs, compiled=compiled, effort=effort, seed=seed)
    with working("analysing the runs as Kaplan et al. did", show=progress):
        analyses = _analyses(fits, runs, small, again, omega)
    return KaplanOrChinchilla(
        comparison=comparison,
        analyses=analyses,
        untested=_untested(runs),
        prob=prob,
    )


@dataclass(frozen=True, kw_only=True)
class _Again:
    """Fits of the compiled models to other rows, or to the same ones counted otherwise."""

    runs: Runs
    compiled: dict[str, Any]
    effort: Effort
    seed: int

    def exponent(self, name: str, runs: Runs, rows: NDArray[np.bool_]) -> Array:
        """Draws of the exponent a at the largest of the rows, shape (sample,)."""
        question = prepare(runs, CARDS[name])
        seen = question.design.take(rows)
        design = replace(seen, reference=Reference.of(seen.log_inputs, np.exp(seen.log_loss)))
        card = load_card(question.card)
        many = ManyFits(card, design, self.effort, self.compiled[name])
        sampling, _ = many.sample(design, self.seed)
        theta = sampling.tree["posterior"]["theta"].to_numpy()[:, :, 0]
        theta = theta.reshape(-1, theta.shape[-1])
        law = card.get_law()
        natural = law.natural(np, parameter_values(card, theta), design.reference)
        return np.asarray(law.exponents(natural, float(runs.flops[rows].max()))[0])


def _analyses(
    fits: dict[str, Fit], runs: Runs, small: NDArray[np.bool_], again: _Again, omega: float
) -> list[Analysis]:
    fit = fits[COUPLED]
    theta = fit.parameters(fit.groups[0])
    full = np.asarray(fit.exponents(theta)["a"])
    kaplan = fits[KAPLAN].parameters(fit.groups[0])
    every = [
        Analysis(name="full", what="the coupled law on all runs", a=full),
        Analysis(
            name="no irreducible loss",
            what="Kaplan's law, without an irreducible loss, on all runs",
            a=np.asarray(fits[KAPLAN].exponents(kaplan)["a"]),
            cause="irreducible loss",
        ),
        Analysis(
            name="small scale",
            what=f"the coupled law on the {small.sum()} runs of least compute",
            a=again.exponent(COUPLED, runs, small),
            cause="small scale",
        ),
    ]
    if runs.counting.params != "total":
        return every
    span = (float(runs.flops.min()), float(np.median(runs.flops)))
    parameters = {p.name: theta[p.name] for p in fit.law.parameters}
    recounted = runs.count_params("non-embedding", omega=omega)
    return [
        *every,
        Analysis(
            name="N without embeddings",
            what="the coupled law of all runs, with N counted without embeddings at small scale",
            a=exponent_as_counted(fit.law, parameters, span, last_layer=True, omega=omega),
            cause="embeddings",
        ),
        Analysis(
            name="N and C without embeddings",
            what="the same with the FLOPs of embeddings and last layer left out of C, too",
            a=exponent_as_counted(fit.law, parameters, span, omega=omega),
            cause="last-layer FLOPs",
        ),
        Analysis(
            name="as Kaplan et al.",
            what="Kaplan's law without embeddings on the smaller half of the runs, all at once",
            a=again.exponent(KAPLAN, recounted, small),
        ),
    ]


def _untested(runs: Runs) -> dict[str, str]:
    sentences = {
        name: f"{name[0].upper()}{name[1:]} cannot be tested with this table, whose runs do not "
        f"differ in it; in Porian et al. 2024 the exponent was {before:.2f} with {what} and "
        f"{after:.2f} without."
        for name, (what, before, after) in UNTESTED.items()
    }
    if runs.counting.params != "total":
        sentences["embeddings"] = (
            f"Embeddings and last-layer FLOPs cannot be tested: the table counts its parameters "
            f"{runs.counting.params!r}. Say counting='total' (--counting total) if it counts all."
        )
    return sentences
