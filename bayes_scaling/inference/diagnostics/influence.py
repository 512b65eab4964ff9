"""Runs without which the answer would be another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.design import Design
from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.verdict import CheckResult

__all__ = ["check_influence"]

PARETO_K_MAX = 0.7
"""Above it importance sampling cannot leave the run out: Vehtari et al. 2024, arXiv:1507.02646."""

N_REFITTED = 3
"""Most influential runs that are left out by sampling again; each takes about a second."""


def check_influence(evidence: Evidence) -> list[CheckResult]:
    """Leave out the runs with a large Pareto k, and say how the plan moves without them."""
    k = evidence.leave_one_out[1]
    influential = np.flatnonzero(k > PARETO_K_MAX)
    worst = influential[np.argsort(-k[influential])][:N_REFITTED]
    moves = [_move(evidence, int(run)) for run in worst]
    if not len(influential):
        text = "No single run decides the answer."
    else:
        more = len(influential) - len(worst)
        text = " ".join(_sentence(move) for move in moves) + (
            f" {more} more run(s) weigh as much." if more else ""
        )
    return [
        CheckResult(
            name="influential runs",
            passed=None if len(influential) else True,
            fatal=False,
            text=text,
            values={"max_pareto_k": float(k.max()), "runs": moves},
        )
    ]


def _sentence(move: dict[str, float | str | None]) -> str:
    if move["without"] is None:
        return f"{move['row']} weighs heavily (Pareto k {move['pareto_k']:.2f})."
    return (
        f"Without {move['row']} the optimal tokens per parameter at {move['flops']:.2g} FLOPs "
        f"move from {move['with']:.3g} to {move['without']:.3g}."
    )


def _move(evidence: Evidence, run: int) -> dict[str, float | str | None]:
    """Median optimal tokens per parameter at the largest compute, with and without a run."""
    fit, design = evidence.fit, evidence.design
    group = int(design.group_index[run])
    flops = float(fit.data["flops"].max())
    natural = fit.parameters(fit.groups[group])
    without = _theta_without(evidence, run, group)
    ratio = None
    if without is not None:
        from bayes_scaling.inference.pointwise import parameter_values

        relative = parameter_values(fit.card, without)
        ratio = _ratio(evidence, flops, fit.law.natural(relative, fit.reference))
    return {
        "row": evidence.row_name(run),
        "pareto_k": float(evidence.leave_one_out[1][run]),
        "flops": flops,
        "with": _ratio(evidence, flops, natural),
        "without": ratio,
    }


def _ratio(evidence: Evidence, flops: float, natural: dict[str, NDArray[np.float64]]) -> float:
    params, tokens = evidence.fit.law.optimum(flops, natural)
    return float(np.median(tokens / params))


def _theta_without(evidence: Evidence, run: int, group: int) -> NDArray[np.float64] | None:
    """Draws of a group's theta without one run, by sampling again with the compiled model."""
    from bayes_scaling.inference.model import model_data
    from bayes_scaling.inference.sample import sample

    if evidence.compiled is None:
        return None
    shorter = _without(evidence.design, run)
    sampling = sample(
        evidence.fit.model,
        evidence.effort,
        seed=evidence.fit.seed,
        compiled=evidence.compiled.with_data(**model_data(shorter)),
    )
    theta = sampling.tree["posterior"]["theta"].isel(group=group)
    return theta.to_numpy().reshape(-1, theta.sizes["parameter"])


def _without(design: Design, run: int) -> Design:
    """The design less one row, in the same reference units and with the same groups."""
    rows: dict[str, Any] = {
        name: np.delete(getattr(design, name), run)
        for name in (
            "group_index", "training_run_index", "log_params", "log_tokens", "log_loss",
            "log_loss_se",
        )
        if getattr(design, name) is not None
    }  # fmt: skip
    return replace(design, **rows)
