"""Posterior of one task: the smooth law, the broken one, and how likely each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from bayes_scaling.shapes.emergent.card import EmergenceCard
from bayes_scaling.shapes.emergent.design import TokenTask
from bayes_scaling.shapes.emergent.evidence import Evidence, evidence
from bayes_scaling.shapes.emergent.laws import AnswerLaw
from bayes_scaling.shapes.emergent.likelihood import SizeLikelihood, size_likelihood

__all__ = ["LawDraws", "TaskPosterior", "task_posterior"]

Array = NDArray[np.float64]

ANSWER_TOKENS = np.array([1.0, 2, 3, 4, 5, 6, 8, 12])
"""Values of L that are weighed where nobody said, and several metrics tell."""


@dataclass(frozen=True, kw_only=True)
class LawDraws:
    """Draws of a law's parameters.

    Attributes
    ----------
    law : AnswerLaw
    parameters : dict of array of shape (sample,)
    tokens : array of shape (sample,)
        L.
    """

    law: AnswerLaw
    parameters: dict[str, Array]
    tokens: Array

    def log_error(self, t: Array) -> Array:
        """Log a at t (size,); shape (sample, size)."""
        return self.law.log_error(self.parameters, t)

    @property
    def guess(self) -> Array:
        """Share of lucky answers, shape (sample,); zero where it is not estimated."""
        if "guess" not in self.parameters:
            return np.zeros(len(self.tokens))
        return np.exp(self.parameters["guess"])


@dataclass(frozen=True, kw_only=True)
class TaskPosterior:
    """What is known of one task.

    Attributes
    ----------
    p_break, p_break_error : float
        Probability that the error per token needs a break, and its Monte Carlo standard error.
    log_bayes_factor, log_bayes_factor_error : float
        Of break against smooth, in nats.
    smooth, broken : LawDraws
    mixed : tuple of LawDraws
        As many draws of each as is probable: the average over the laws.
    ess : float
        Independent draws that the importance weights are worth, of the worse law.
    """

    p_break: float
    p_break_error: float
    log_bayes_factor: float
    log_bayes_factor_error: float
    smooth: LawDraws
    broken: LawDraws
    mixed: tuple[LawDraws, ...]
    ess: float


def task_posterior(
    task: TokenTask,
    card: EmergenceCard,
    *,
    prior_break: float,
    draws: int,
    rng: np.random.Generator,
) -> TaskPosterior:
    """Fit both laws to a task, and weigh them.

    Parameters
    ----------
    task : TokenTask
    card : EmergenceCard
    prior_break : float
        Probability of a break before the scores are seen.
    draws : int
        Of each law.
    rng : Generator
    """
    tokens, weights = _answer_tokens(task, card)
    likelihoods = [size_likelihood(task.metrics, card, tokens=each) for each in tokens]
    found = {
        broken: _law(task, card, broken, tokens, weights, likelihoods, draws, rng)
        for broken in (False, True)
    }
    (smooth, z0, e0, n0), (broken, z1, e1, n1) = found[False], found[True]
    factor, error = z1 - z0, float(np.hypot(e0, e1))
    p = float(expit(factor + np.log(prior_break / (1 - prior_break))))
    return TaskPosterior(
        p_break=p,
        p_break_error=p * (1 - p) * error,
        log_bayes_factor=factor,
        log_bayes_factor_error=error,
        smooth=smooth,
        broken=broken,
        mixed=_mixed(smooth, broken, round(p * draws), draws),
        ess=min(n0, n1),
    )


def _answer_tokens(task: TokenTask, card: EmergenceCard) -> tuple[Array, Array]:
    """Values of L to fit with, and their prior weights; one value where the data cannot tell."""
    if task.answer_tokens is not None:
        return np.array([task.answer_tokens]), np.ones(1)
    if len({metric.kind == "token" for metric in task.metrics}) == 1:
        return np.ones(1), np.ones(1)
    prior = card.priors.answer_tokens
    away = np.log(ANSWER_TOKENS / prior.median) / prior.sigma
    weights = np.exp(-0.5 * away**2) * np.gradient(np.log(ANSWER_TOKENS))
    return ANSWER_TOKENS, weights / weights.sum()


def _law(
    task: TokenTask,
    card: EmergenceCard,
    broken: bool,
    tokens: Array,
    prior: Array,
    likelihoods: list[SizeLikelihood],
    draws: int,
    rng: np.random.Generator,
) -> tuple[LawDraws, float, float, float]:
    """Draws of a law, its log evidence, the error of that, and the effective sample size."""
    guesses = any(metric.kind == "answer" for metric in task.metrics)
    law = AnswerLaw(card=card, span=float(task.t[-1]), broken=broken, guesses=guesses)
    found = [_evidence(law, each, task.t, draws, rng) for each in likelihoods]
    log_z = np.array([each.log_z for each in found]) + np.log(prior)
    share = np.exp(log_z - logsumexp(log_z))
    counts = np.bincount(rng.choice(len(share), draws, p=share), minlength=len(share))
    z = np.vstack([each.z[:n] for each, n in zip(found, counts, strict=True)])
    answer = np.repeat(tokens, counts)
    if task.answer_tokens is None and len(tokens) == 1 and task.main.kind in ("answer", "choice"):
        answer = _unknown_tokens(task, card, draws, rng)
    kept = LawDraws(law=law, parameters=law.parameters(z), tokens=answer)
    error = float(np.sqrt(np.sum((share * [each.error for each in found]) ** 2)))
    return kept, float(logsumexp(log_z)), error, min(each.ess for each in found)


def _unknown_tokens(
    task: TokenTask, card: EmergenceCard, draws: int, rng: np.random.Generator
) -> Array:
    """L from its prior, as one metric of whole answers does not tell it; 1 for a choice."""
    if task.main.kind == "choice":
        return np.ones(draws)
    prior = card.priors.answer_tokens
    return np.maximum(1.0, prior.median * np.exp(prior.sigma * rng.standard_normal(draws)))


def _evidence(
    law: AnswerLaw, likelihood: SizeLikelihood, t: Array, draws: int, rng: np.random.Generator
) -> Evidence:
    def log_likelihood(z: Array) -> Array:
        at = law.parameters(z)
        return likelihood(law.log_error(at, t), at["scatter"], at.get("guess"))

    return evidence(log_likelihood, len(law.names), draws, rng)


def _mixed(smooth: LawDraws, broken: LawDraws, n: int, draws: int) -> tuple[LawDraws, ...]:
    parts = [(smooth, draws - n), (broken, n)]
    return tuple(
        LawDraws(
            law=each.law,
            parameters={name: value[:count] for name, value in each.parameters.items()},
            tokens=each.tokens[:count],
        )
        for each, count in parts
        if count
    )
