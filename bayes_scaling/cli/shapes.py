"""``bayes-scaling shapes``: inverse, U-shaped or delayed scaling at a stated scale."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.metric_options import Figure, Unit, Where, one_scale, read_curves
from bayes_scaling.cli.options import AcceptProblems, Json, Prob
from bayes_scaling.cli.sampling import Chains, Draws, Quiet, Seed, Tune, check_ranges

if TYPE_CHECKING:
    from bayes_scaling import ShapeFit, ShapeProbabilities

__all__ = ["shapes"]

TOLD = 3
"""Tasks of which a sentence is printed."""

Metrics = Annotated[
    str,
    typer.Argument(
        metavar="METRICS",
        help="A long table of scores, result files of lm-evaluation-harness (a folder), a data set "
        "(see `bayes-scaling data list`), or a fit that was saved (.nc).",
        show_default=False,
    ),
]
AtParams = Annotated[
    str | None, typer.Option("--at-params", metavar="N", help="Size to ask about, such as 175B.")
]
AtFlops = Annotated[
    str | None, typer.Option("--at-flops", metavar="C", help="Compute to ask about, such as 1e25.")
]
AtTokens = Annotated[
    str | None, typer.Option("--at-tokens", metavar="D", help="Tokens to ask about, such as 3T.")
]
Checkpoints = Annotated[
    str,
    typer.Option(
        "--checkpoints",
        metavar="WHICH",
        help="Of each model: final, or all, along compute (or along tokens, with --at-tokens).",
    ),
]
Bends = Annotated[
    int | None,
    typer.Option("--bends", metavar="1|2", help="Most bends of a task; the card's own by default."),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="COLUMN", help="Column, such as family, with mean slopes of their own."
    ),
]
Rope = Annotated[
    float, typer.Option("--rope", help="What makes no difference: 0.01 is one point in percent.")
]
Model = Annotated[
    str, typer.Option("--model", metavar="CARD", help="Card of shapes: a name, or a file.")
]
Page = Annotated[
    Path | None,
    typer.Option("--report", metavar="HTML", help="Write the answer there as one page."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save the fit, as shapes.nc.")
]


def shapes(
    metrics: Metrics,
    at_params: AtParams = None,
    at_flops: AtFlops = None,
    at_tokens: AtTokens = None,
    checkpoints: Checkpoints = "final",
    by: GroupBy = None,
    bends: Bends = None,
    rope: Rope = 0.01,
    output: Output = None,
    where: Where = None,
    unit: Unit = "auto",
    model: Model = "shapes",
    figure: Figure = None,
    report: Page = None,
    prob: Prob = 0.9,
    seed: Seed = 1,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Probabilities that tasks get better, worse, or turn around, at a larger scale.

    By default at ten times the largest scale of the table.

    With --json: a list of {task, curve (its label: the task, and what else tells its curves apart),
    family, at, probabilities: {improving, flat, inverse, u_shaped, inverted_u, delayed},
    p_worse_than_largest_seen (of the trend), p_measures_worse (of a new score against the last),
    p_worse_than_largest_seen_prior_only, value, turning_point, text}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_figure, check_fit, check_page

    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    asked = one_scale(at_params=at_params, at_flops=at_flops, at_tokens=at_tokens)
    question = {**asked, "rope": rope, "prob": prob}
    if output is not None:
        check_fit(output, metrics)
    if report is not None:
        check_page(report, metrics)
    if figure is not None:
        check_figure(figure, metrics)
    law = {
        "model": model, "by": by, "bends": bends, "draws": draws, "tune": tune, "chains": chains,
        "seed": seed,
    }  # fmt: skip
    reading = {"where": where, "unit": unit, "checkpoints": checkpoints}
    if metrics.casefold().endswith(".nc"):
        _refuse_fitting({**law, **reading})
        fit = bs.load_shapes(metrics)
        _tell(fit, told=())
    else:
        along = next((name.removeprefix("at_") for name in asked), None)
        fit = _fitted(metrics, reading, law, question, along=along, quiet=quiet)
    if output is not None:
        # Before the question is asked: a fit is not lost with a question that is refused.
        fit.save(output)
    answer = bs.shape_probabilities(fit, **question)
    if as_json:
        printing.print_json_text(answer.to_json())
    elif not quiet:
        _show(answer)
    _draw(fit, answer, figure, report)
    printing.print_written(output, figure, report, as_json=as_json or quiet)
    _note_distance(answer, err=as_json or quiet)
    printing.end_with_trust_in({"this fit": fit}, accept_problems)


def _fitted(
    metrics: str,
    reading: dict[str, Any],
    law: dict[str, Any],
    question: dict[str, Any],
    *,
    along: str | None,
    quiet: bool,
) -> ShapeFit:
    """Read the scores, say what weakens the answer, refuse what cannot be asked, and sample."""
    import bayes_scaling as bs
    from bayes_scaling.cli.errors import interruptible
    from bayes_scaling.shapes.probabilities import check_question

    curves = read_curves(metrics, **reading)
    along = along or curves.scales[0]
    if along in curves.scales:
        check_question(curves, along, **question)
    with interruptible():
        fit = bs.fit_shapes(curves, along=along, progress=not quiet, **law)
    _tell(fit, told=[problem.message for problem in curves.problems])
    return fit


def _tell(fit: ShapeFit, told: Sequence[str]) -> None:
    """Say on standard error what weakens the answer and has not been told."""
    for check in fit.problems():
        if not check.fatal and check.text not in told:
            typer.echo(f"warning: {check.text}", err=True)


def _refuse_fitting(given: dict[str, Any]) -> None:
    """Options of fitting that a saved fit would ignore."""
    from bayes_scaling.errors import InputError

    defaults = inspect.signature(shapes).parameters
    changed = [f"--{name}" for name, value in given.items() if value != defaults[name].default]
    if changed:
        raise InputError(
            f"{' and '.join(changed)}: this is about how scores are fitted, and the fit is made "
            "already; give the table of scores instead"
        )


def _draw(
    fit: ShapeFit, answer: ShapeProbabilities, figure: Path | None, report: Path | None
) -> None:
    """Write the picture and the page that were asked for."""
    if figure is not None:
        answer.plot(fit)[0].figure.savefig(figure)
    if report is not None:
        from bayes_scaling.report import write_shapes

        write_shapes(answer, fit, report)


def _show(answer: ShapeProbabilities) -> None:
    """Print the shapes of every task, the riskiest first, and a sentence about the first few."""
    from bayes_scaling.cli import output
    from bayes_scaling.shapes.classify import SHAPES
    from bayes_scaling.shapes.words import NAMES
    from bayes_scaling.units import format_quantity

    table = answer.table().sort_values("p_worse_than_largest_seen", ascending=False)
    rows = [
        [
            str(row["curve"]),
            *(f"{row[name]:.2f}" for name in SHAPES),
            f"{row['p_worse_than_largest_seen']:.2f}",
            f"{row['p_worse_than_largest_seen_prior_only']:.2f}",
            f"{row['median']:.3g} ({row['lower']:.3g} to {row['upper']:.3g})",
        ]
        for row in table.to_dict("records")
    ]
    stated = format_quantity(float(table["at"].iloc[0]))
    heads = ["task", *NAMES.values(), "worse", "prior only", f"score at {stated}"]
    caption = (
        f"probabilities at {stated} {answer.along}; worse: than at the largest scale seen; "
        f"{output.interval_name(answer.prob)}s of a measured score"
    )
    output.print_table(heads, rows, left=("task",), caption=caption)
    for row in table.head(TOLD).to_dict("records"):
        output.print_wrapped(f"{row['curve']}: {row['text']}.", indent="  ")
    if len(table) > TOLD:
        output.print_wrapped(f"(and {len(table) - TOLD} more; --json has them all)", indent="  ")


def _note_distance(answer: ShapeProbabilities, *, err: bool) -> None:
    """Say where the answer is more the population's than the task's."""
    from bayes_scaling.cli import output
    from bayes_scaling.shapes.probabilities import FAR

    furthest = float(answer.draws["decades_beyond"].max())
    if furthest > FAR:
        output.print_wrapped(
            f"Note: {furthest:.1f} decades beyond the largest scale seen: out there the answer is "
            "that of the population of tasks and of the card's priors more than of any task.",
            err=err,
        )
