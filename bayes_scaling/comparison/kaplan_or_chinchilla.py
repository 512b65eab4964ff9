"""`kaplan_or_chinchilla`: which of the two famous answers a table of runs supports, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.comparison.average import same_runs
from bayes_scaling.comparison.causes import by_recipe
from bayes_scaling.comparison.compare import compare
from bayes_scaling.comparison.counted import exponent_as_counted
from bayes_scaling.comparison.extrapolation import largest_runs
from bayes_scaling.comparison.kaplan_or_chinchilla_result import (
    CHINCHILLA,
    COUPLED,
    KAPLAN,
    Analysis,
    KaplanOrChinchilla,
)
from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.fitting import prepare, sample_fit
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import DEFAULT_PROB, Fit
from bayes_scaling.inference.progress import announce, working
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.summary import check_prob
from bayes_scaling.laws import Reference
from bayes_scaling.runs import Runs
from bayes_scaling.runs.flops import PEARCE_SONG_OMEGA

__all__ = ["kaplan_or_chinchilla"]

CARDS: Final = {COUPLED: "kaplan-or-chinchilla", CHINCHILLA: "chinchilla", KAPLAN: "kaplan-nd"}
"""Model card of each law, by its name in answers."""

SMALL_SHARE = 0.5
"""Runs of the least compute that stand for a study at small scale."""

FEWEST_SMALL = 12

Array = NDArray[np.float64]


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
    one choice at a time and all at once, to see which moves the exponent a. Where runs differ in
    warm-up, decay or tuning (columns ``warmup``, ``decay``, ``hparams`` and the like), those of
    each recipe are analysed by themselves.

    Parameters
    ----------
    runs : Runs
        All runs are one group. Parameters that are counted without embeddings are converted.
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
    notes: tuple[str, ...] = ()
    if runs.counting.params == "non-embedding":
        runs = runs.count_params("total", omega=omega)
        notes = (
            "N counted parameters without embeddings. For this study these were added by N + omega "
            f"N^(1/3), with omega = {omega:,.0f} (Pearce and Song 2024), and C is 6ND in that N.",
        )
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
        recipes, untested = by_recipe(runs, partial(again.exponent, COUPLED, runs))
        analyses = [*_analyses(fits, runs, small, again, omega), *recipes]
    if runs.counting.params != "total":
        untested["embeddings"] = (
            f"Embeddings and last-layer FLOPs cannot be tested: the table counts its parameters "
            f"{runs.counting.params!r}. Say counting='total' (--counting total) if it counts all."
        )
    return KaplanOrChinchilla(
        comparison=comparison,
        analyses=analyses,
        untested=untested,
        prob=prob,
        notes=notes,
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
