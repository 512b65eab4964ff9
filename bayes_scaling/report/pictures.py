"""Figures of the report, each with the words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayes_scaling import figures
from bayes_scaling.decisions import Allocation, Forecast, allocate
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.inference.separate import separate_estimates
from bayes_scaling.inference.summary import reported_names
from bayes_scaling.laws import INPUTS
from bayes_scaling.report.answers import Answers
from bayes_scaling.report.drawing import FULL, HALF, Picture, panels, picture
from bayes_scaling.report.words import percent

__all__ = ["draw_all", "shown_groups"]

N_BUDGETS = 40
MOST_FITS = 6


def shown_groups(fit: Fit, group: str | Sequence[str] | None) -> tuple[str, ...]:
    """Groups that figures show: those asked about, or the six with most runs."""
    from bayes_scaling.figures.marks import MOST_GROUPS, grouped

    return grouped(fit, group)[:MOST_GROUPS]


def draw_all(
    fit: Fit, answers: Answers, prob: float, shown: tuple[str, ...]
) -> dict[str, list[Picture]]:
    """Pictures of every section."""
    return {
        "data": [_runs(fit)],
        "fit": _fits(fit, prob, shown) + _residuals(fit, prob),
        "parameters": [_parameters(fit, prob, shown)],
        "groups": _groups(fit, prob),
        "decisions": [
            *([] if answers.plan is None else _plans(fit, answers.plan, prob, shown)),
            *([] if answers.forecast is None else _forecasts(fit, answers.forecast)),
        ],
        "diagnostics": _diagnostics(fit),
    }


def _runs(fit: Fit) -> Picture:
    return picture(
        lambda ax: figures.plot_runs(fit, ax=ax),
        FULL,
        f"{fit.n_runs} runs in the plane of model size and training tokens, coloured by loss, "
        "with guides of equal compute",
        "The runs. Dashed guides join points of equal compute.",
    )


def _fits(fit: Fit, prob: float, shown: tuple[str, ...]) -> list[Picture]:
    names = [name for name in shown if name in fit.groups][:MOST_FITS]
    pictures = []
    for name in names or fit.groups[:1]:
        alt, caption = _words_of_fit(fit, name)
        pictures.append(
            picture(
                lambda ax, name=name: figures.plot_fit(fit, group=name, prob=prob, ax=ax),
                HALF,
                alt,
                caption,
            )
        )
    return pictures


def _words_of_fit(fit: Fit, name: str) -> tuple[str, str]:
    """Alternative text and caption of the fit of a group."""
    from bayes_scaling.figures.law import view

    of = f" of {name}" if len(fit.groups) > 1 else ""
    if view(fit, name) == "curve":
        x = INPUTS[fit.inputs[0]].short
        return (
            f"Loss{of} against {x}, with the law's posterior band, from the runs to 100 times the "
            "largest",
            f"Loss{of} against {x}, from the runs to 100 times the largest.",
        )
    if view(fit, name) == "valleys":
        return (
            f"Loss{of} against model size, with the law's posterior band at each budget",
            f"Loss{of} against model size, one valley a budget; diamonds mark the best sizes.",
        )
    planned = f", with {fit.law.planned}" if fit.law.planned else ""
    return (
        f"Loss{of} against training compute, with the law's posterior band for five sizes{planned}",
        f"Loss{of} against compute; lines keep the model size{planned}.",
    )


def _residuals(fit: Fit, prob: float) -> list[Picture]:
    from bayes_scaling.figures.residuals import against_what

    names = [name for name in against_what(fit) if np.ptp(fit.columns[name]) > 0]
    # What the law depends on comes first.
    names.sort(key=lambda name: name not in fit.inputs)
    return [
        picture(
            lambda ax, key=key: figures.plot_residuals(fit, key, prob=prob, ax=ax),
            HALF,
            f"Residuals of log loss in per cent against {INPUTS[key].short}",
            f"What the law leaves unexplained, against {INPUTS[key].short}; above zero: worse than "
            "the law.",
        )
        for key in names
    ]


def _parameters(fit: Fit, prob: float, shown: tuple[str, ...]) -> Picture:
    from bayes_scaling.figures.marks import largest_groups

    name = shown[0] if len(shown) == 1 else largest_groups(fit, 1)[0]
    of = f" of {name}, the group with most runs" if len(fit.groups) > 1 else ""
    if len(shown) == 1 and len(fit.groups) > 1:
        of = f" of {name}"
    return panels(
        lambda axes: figures.plot_parameters(fit, group=name, prob=prob, ax=axes),
        len(reported_names(fit)) + 1,
        (2.5, 2.3),
        f"Posterior densities of the law's parameters{of}, with prior"
        + (" and published values" if fit.law.published else ""),
        f"Posterior of the parameters{of}."
        + (" Lines mark published values." if fit.law.published else ""),
    )


def _groups(fit: Fit, prob: float) -> list[Picture]:
    if len(fit.groups) < 2:
        return []
    alone = separate_estimates(fit, prob=prob) if fit.pooled else None
    height = 1.4 + 0.26 * (len(fit.groups) + 2)
    return [
        picture(
            lambda ax, name=name: figures.plot_groups(fit, name, prob=prob, separate=alone, ax=ax),
            (5.2, height),
            f"Intervals of {name} in every group, with those of each group by itself",
            f"{name} in every group, {percent(prob)} and 50 % credible intervals.",
        )
        for name in reported_names(fit, scales=False)
    ]


def _plans(fit: Fit, plan: Allocation, prob: float, shown: tuple[str, ...]) -> list[Picture]:
    high = max(float(plan.draws["flops"].max()), 100 * float(fit.data["flops"].max()))
    low = min(float(plan.draws["flops"].min()), float(fit.data["flops"].min()))
    grid = np.geomspace(low, high, N_BUDGETS)
    curves = allocate(fit, flops=list(grid), group=shown, prob=prob)
    pictures = [
        picture(
            lambda ax: figures.plot_frontier(
                fit, flops_range=(low, high), group=shown, prob=prob, ax=ax
            ),
            FULL,
            "Loss at the compute-optimal size and tokens against training compute",
            "Loss of compute-optimal training.",
        )
    ]
    for key, name in (
        ("params", "model size"), ("tokens", "training tokens"),
        ("tokens_per_param", "tokens per parameter"),
    ):  # fmt: skip
        pictures.append(
            picture(
                lambda ax, key=key: figures.plot_allocation(curves, key, groups=fit.groups, ax=ax),
                HALF,
                f"Compute-optimal {name} against training compute",
                f"Compute-optimal {name}.",
            )
        )
    return pictures


def _forecasts(fit: Fit, asked: Forecast) -> list[Picture]:
    return [
        picture(
            lambda ax: figures.plot_forecast(asked, groups=fit.groups, ax=ax),
            HALF,
            "Intervals of the forecast loss at the points in the table",
            "Forecast loss at the points in the table.",
        )
    ]


def _diagnostics(fit: Fit) -> list[Picture]:
    from bayes_scaling.figures.chains import worst_group

    name = worst_group(fit)
    of = f" of {name}, the group whose chains agree least," if len(fit.groups) > 1 else ""
    n = len(fit.law.parameters) + 2
    return [
        panels(
            lambda axes: figures.plot_trace(fit, group=name, ax=axes),
            n,
            (2.5, 1.9),
            f"Traces of the parameters{of} one line a chain",
            f"Traces of the parameters{of} should look alike and keep their level.",
        ),
        panels(
            lambda axes: figures.plot_rank(fit, group=name, ax=axes),
            n,
            (2.5, 1.9),
            f"Rank plots of the parameters{of} one line a chain",
            f"Rank plots of the parameters{of} should stay near zero; points mark departures.",
        ),
        picture(
            lambda ax: figures.plot_pit(fit, ax=ax),
            HALF,
            "Leave-one-out probability integral transform, less uniform, with its band",
            "Each run as predicted from the others; a line inside the band is what a right model "
            "gives.",
        ),
    ]
