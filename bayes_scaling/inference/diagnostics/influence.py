"""Runs without which the answer would be another one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.diagnostics.answer import answer_name, log_answer
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.units import format_count

__all__ = ["check_influence"]

PARETO_K_MAX = 0.7
"""Above it importance sampling cannot leave the run out: Vehtari et al. 2024, arXiv:1507.02646."""

SHIFT_MAX = 1.0
"""A run that moves the plan by more than this many posterior sds is worth a second look."""

N_NAMED = 3
"""Most influential runs that are looked at."""

NEWS = 0.25
"""Posterior sds that the answer must move for a run to be named."""

Array = NDArray[np.float64]


def check_influence(evidence: Evidence) -> list[CheckResult]:
    """Name the runs without which the plan would be another one, and say which."""
    k = evidence.leave_one_out[1]
    with_all, without, sd = _plans(evidence)
    shift = np.abs(np.log(without / with_all)) / sd
    # The only run of its group decides what is its own, and a warning of the table says so.
    alone = np.bincount(evidence.design.group_index)[evidence.design.group_index] == 1
    influential = np.flatnonzero(((k > PARETO_K_MAX) | (shift > SHIFT_MAX)) & ~alone)
    worst = influential[np.lexsort((-shift[influential], k[influential] <= PARETO_K_MAX))]
    moves = []
    for run in worst[:N_NAMED]:
        plan = _plan_sampled_without(evidence, int(run)) if k[run] > PARETO_K_MAX else without[run]
        if plan is not None and abs(np.log(plan / with_all[run])) < NEWS * sd[run]:
            continue
        moves.append(
            {
                "row": evidence.row_name(int(run)),
                "pareto_k": float(k[run]),
                "what": answer_name(evidence.fit),
                "with": float(with_all[run]),
                "without": None if plan is None else float(plan),
            }
        )
    sentences = [_sentence(move) for move in moves]
    if moves and len(influential) > N_NAMED:
        more = len(influential) - N_NAMED
        sentences.append(f"Also influential: {format_count(more, 'more run')}.")
    return [
        CheckResult(
            name="influential runs",
            passed=None if moves else True,
            fatal=False,
            text=" ".join(sentences) or "No single run decides the answer.",
            values={"max_pareto_k": float(k.max()), "runs": moves},
        )
    ]


def _sentence(move: dict[str, Any]) -> str:
    if move["without"] is None:
        return f"{move['row']} weighs heavily (Pareto k {move['pareto_k']:.2f})."
    return (
        f"Without {move['row']} {move['what']} would be {move['without']:.4g} instead of "
        f"{move['with']:.4g}."
    )


def _plans(evidence: Evidence) -> tuple[Array, Array, Array]:
    """The answer with all runs and without each, and the posterior sd of its log.

    By importance sampling, in each run's own group; geometric means over the draws.
    """
    weights = np.exp(evidence.leave_one_out[0])
    weights = weights / weights.sum(axis=1, keepdims=True)
    fit, index = evidence.fit, evidence.design.group_index
    centre, moved, sd = (np.empty(len(index)) for _ in range(3))
    for i, group in enumerate(fit.groups):
        natural = {
            p.name: evidence.thinned[p.name].sel(group=group).to_numpy() for p in fit.law.parameters
        }
        answer = log_answer(evidence, natural)
        rows = index == i
        centre[rows], sd[rows] = answer.mean(), answer.std()
        moved[rows] = weights[rows] @ answer
    return np.exp(centre), np.exp(moved), sd


def _plan_sampled_without(evidence: Evidence, run: int) -> float | None:
    """The answer without a run, from sampling once more."""
    theta = _theta_without(evidence, run, int(evidence.design.group_index[run]))
    if theta is None:
        return None
    relative = parameter_values(evidence.fit.card, theta)
    natural = evidence.fit.law.natural(np, relative, evidence.fit.reference)
    return float(np.exp(log_answer(evidence, natural).mean()))


def _theta_without(evidence: Evidence, run: int, group: int) -> NDArray[np.float64] | None:
    """Draws of a group's theta without one run."""
    if evidence.refit is None:
        return None
    shorter = evidence.design.take(np.arange(len(evidence.design.log_loss)) != run)
    posterior = evidence.refit(shorter).tree["posterior"].to_dataset()
    theta = posterior["theta"].isel(group=group)
    return theta.to_numpy().reshape(-1, theta.sizes["parameter"])
