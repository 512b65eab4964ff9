"""`write_comparison`: laws side by side, or the study of Kaplan and Chinchilla, as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayes_scaling import figures
from bayes_scaling.comparison import Comparison, KaplanOrChinchilla
from bayes_scaling.report import diagnostics, facts, scores, words
from bayes_scaling.report.drawing import FULL, HALF, Picture, picture
from bayes_scaling.report.page import render_page, write_page

__all__ = ["render_comparison", "write_comparison"]

TEMPLATE = "comparison.html"
PLANNED = {
    "params": "model size",
    "tokens": "training tokens",
    "tokens_per_param": "tokens per parameter",
}
OF_ONE_FIT = ("seconds in all", "attempts")


def write_comparison(answer: Comparison | KaplanOrChinchilla, path: str | Path) -> Path:
    """Write a comparison to one HTML file; a file that is there is replaced only when done.

    Parameters
    ----------
    answer : Comparison or KaplanOrChinchilla
    path : str or Path
        Where to write it; the folder must exist.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return write_page(render_comparison(answer), path)


def render_comparison(answer: Comparison | KaplanOrChinchilla) -> str:
    """A comparison as HTML; see `write_comparison`."""
    if isinstance(answer, KaplanOrChinchilla):
        comparison, study = answer.comparison, _study(answer)
        title = f"Kaplan or Chinchilla? What {comparison.first.name} says"
        headline = [text for text in answer.verdicts() if text not in study["untested"]]
    else:
        comparison, study = answer, None
        title = f"Scaling laws of {comparison.first.name} compared"
        headline = [*answer.score_verdicts(), *answer.plan_verdicts()]
    context = _context(comparison, headline)
    return render_page(TEMPLATE, {"title": title, "study": study, **context})


def _study(study: KaplanOrChinchilla) -> dict[str, Any]:
    """What the page shows of the study besides its comparison."""
    corner = study.corners()
    exponents = picture(
        lambda ax: figures.plot_exponents(study, ax=ax),
        (FULL[0], 1.6 + 0.34 * len(study.analyses)),
        "Intervals of the exponent a by each analysis, beside Kaplan's and Chinchilla's answers",
        "The exponent a of the same runs, by each way to analyse them.",
    )
    return {
        "corners": [
            ("Chinchilla's corner, gamma near 1", f"{corner['chinchilla']:.2f}"),
            ("Kaplan's corner, no irreducible loss", f"{corner['kaplan']:.2f}"),
            ("neither", f"{corner['neither']:.2f}"),
        ],
        "posterior": scores.posterior(study),
        "analyses": scores.analyses(study),
        "untested": list(study.untested.values()),
        "figures": [exponents],
    }


def _context(comparison: Comparison, headline: Sequence[str]) -> dict[str, Any]:
    """Everything that the template shows of a comparison."""
    fit, plans = comparison.first, bool(comparison.plans)
    return {
        "headline": headline,
        "verdict": _verdict(comparison),
        "scores": scores.scores(comparison),
        "held_out": scores.held_out(comparison),
        "asked": _asked(comparison),
        "data": facts.data_facts(fit),
        "warnings": diagnostics.warnings_of_runs(fit),
        "plans": scores.plans(comparison) if plans else None,
        "pairs": scores.pairs(comparison) if plans else None,
        "figures": _pictures(comparison) if plans else [],
        "group": comparison.group if fit.by else "",
        "laws": scores.laws(comparison),
        "problems": _problems(comparison),
        "versions": [pair for pair in facts.versions(fit) if pair[0] not in OF_ONE_FIT],
        "prob": words.percent(comparison.prob),
    }


def _verdict(comparison: Comparison) -> dict[str, str]:
    """Whether the posteriors may be used."""
    doubtful = [name for name, fit in comparison.fits.items() if not fit.trusted]
    if doubtful:
        reasons = [
            f"{name}: {check.text}"
            for name in doubtful
            for check in comparison.fits[name].problems()
            if check.fatal
        ]
        return {
            "kind": "fail",
            "text": f"Do not use what is said of {', '.join(doubtful)}. {' '.join(reasons)}",
        }
    return {
        "kind": "pass",
        "text": "The posterior of every law may be used: all draws pass the checks of sampling.",
    }


def _asked(comparison: Comparison) -> list[tuple[str, str]]:
    pairs = [
        ("laws", ", ".join(comparison.fits)),
        ("budgets planned for", ", ".join(f"{words.flops(c)} FLOPs" for c in comparison.flops)),
        ("furthest budget beyond the runs", scores.beyond(comparison)),
        ("the same plan in practice", f"sizes within a factor of {comparison.factor:g}"),
        ("intervals", f"equal-tailed {words.percent(comparison.prob)} credible intervals"),
    ]
    if comparison.first.by:
        grouped = f"{len(comparison.first.groups)} by {' and '.join(comparison.first.by)}"
        pairs += [("groups", grouped), ("group of exponents and plans", comparison.group)]
    for held in list(comparison.held_out.values())[:1]:
        pairs.append(
            (
                "held out",
                f"the {len(held.elpd)} of {comparison.first.n_runs} runs with the most compute, up "
                f"to {held.decades:.1f} decades beyond the rest",
            )
        )
    return pairs


def _problems(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """What to keep in mind of each law, besides what was found about the runs."""
    return [
        (name, [f"{line.name}. {line.text}" for line in lines])
        for name, fit in comparison.fits.items()
        if (lines := [line for line in diagnostics.checks(fit) if line.kind != "pass"])
    ]


def _pictures(comparison: Comparison) -> list[Picture]:
    return [
        picture(
            lambda ax, key=key: figures.plot_plans(comparison, key, ax=ax),
            FULL if key == "params" else HALF,
            f"Compute-optimal {name} by each law against training compute, with bands",
            f"Compute-optimal {name} by each law; bands hold {words.percent(comparison.prob)}.",
        )
        for key, name in PLANNED.items()
    ]
