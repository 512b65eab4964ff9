"""``bayes-scaling emergence``: whether a sharp curve needs a break or is a mirage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.metric_options import Figure, Unit, Where, one_scale, read_curves
from bayes_scaling.cli.options import Json, Page, Prob
from bayes_scaling.cli.sampling import Quiet, Seed, check_ranges

if TYPE_CHECKING:
    from bayes_scaling import Emergence, MetricCurves, PassRates

__all__ = ["emergence"]

Metrics = Annotated[
    str,
    typer.Argument(
        metavar="METRICS",
        help="A long table of scores, result files of lm-evaluation-harness (a folder), or a data "
        "set (see `bayes-scaling data list`).",
        show_default=False,
    ),
]
AnswerTokens = Annotated[
    list[str] | None,
    typer.Option(
        "--answer-tokens", metavar="L",
        help="Tokens of an answer: 3, or TASK=3 (repeat). Else a column answer_tokens, or a prior.",
    ),
]  # fmt: skip
Examples = Annotated[
    float | None,
    typer.Option("--n-examples", metavar="N", help="Questions, where the table does not say."),
]
Along = Annotated[
    str | None, typer.Option("--along", metavar="SCALE", help="params, tokens or flops.")
]
PriorBreak = Annotated[
    float | None,
    typer.Option("--prior-break", metavar="P", help="Probability of a break beforehand (0.5)."),
]
Sure = Annotated[
    float, typer.Option("--sure", metavar="P", help="Probability from which on a verdict is one.")
]
Card = Annotated[
    str, typer.Option("--model", metavar="CARD", help="Card of emergence: a name, or a file.")
]
AtFlops = Annotated[
    str | None,
    typer.Option("--at-flops", metavar="C", help="Of pass rates: compute to ask about."),
]
AtParams = Annotated[
    str | None, typer.Option("--at-params", metavar="N", help="Of pass rates: size to ask about.")
]


def emergence(
    metrics: Metrics,
    answer_tokens: AnswerTokens = None,
    n_examples: Examples = None,
    along: Along = None,
    prior_break: PriorBreak = None,
    sure: Sure = 0.8,
    where: Where = None,
    unit: Unit = "auto",
    model: Card = "emergence",
    at_params: AtParams = None,
    at_flops: AtFlops = None,
    figure: Figure = None,
    output: Page = None,
    prob: Prob = 0.9,
    seed: Seed = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Emergence or mirage: a smooth law of the error per token, against one with a break.

    For exact match, accuracy with its chance level, token edit distance and Brier scores. Scores of
    the metric pass_rate (a task a problem) get a power law of their mean logarithm instead.

    With --json: a list of {task, family, along, metrics, answer_tokens, verdict (mirage, break or
    undecided), p_break, p_break_monte_carlo_error, log_bayes_factor, break_at, emergence_score,
    wei: {probability, scale}, sizes: [{measured, score, token_accuracy, edit_distance,
    questions_to_show_progress}], progress_shown_from, notes, text}; of pass rates an object {task,
    metric, problems, along, exponent, scales, notes}.
    """
    import json

    from bayes_scaling.cli import output as printing
    from bayes_scaling.errors import InputError
    from bayes_scaling.runs.metric_checks import is_pass_rate

    check_ranges(seed=seed)
    _check_files(metrics, figure, output)
    asked = one_scale(at_params=at_params, at_flops=at_flops)
    curves = read_curves(metrics, where, unit=unit, keep_constant=True)
    at = next(iter(asked.values()), None)
    if at is not None and not curves.table["metric"].map(is_pass_rate).any():
        raise InputError("--at-params and --at-flops ask about pass rates, and there are none here")
    scale = next((name.removeprefix("at_") for name in asked), along)
    answer, rates = _answers(
        curves, scale=scale, along=along,
        law={"model": model, "prob": prob, "seed": seed},
        question={
            "answer_tokens": _tokens(answer_tokens), "n_examples": n_examples,
            "prior_break": prior_break, "sure": sure,
        },
    )  # fmt: skip
    if as_json:
        tasks = [] if answer is None else json.loads(answer.to_json())
        printing.print_json(tasks + ([] if rates is None else [rates.as_object(at)]))
    elif not quiet:
        if answer is not None:
            _show(answer)
        if rates is not None:
            _show_rates(rates, at)
    if figure is not None:
        _draw(answer, rates, at, figure)
    if output is not None:
        from bayes_scaling.report import write_emergence

        write_emergence(answer, output, rates=rates, at=at)
    printing.print_written(figure, output, as_json=as_json or quiet)
    _warn(answer, rates)


def _draw(answer: Emergence | None, rates: PassRates | None, at: str | None, figure: Path) -> None:
    """Tasks where there are such, else the law of pass rates."""
    if answer is not None:
        answer.plot()[0, 0].figure.get_figure(root=True).savefig(figure)
    elif rates is not None:
        rates.plot(at).figure.get_figure(root=True).savefig(figure)


def _check_files(metrics: str, figure: Path | None, output: Path | None) -> None:
    from bayes_scaling.cli.files import check_figure, check_page

    if figure is not None:
        check_figure(figure, metrics)
    if output is not None:
        check_page(output, metrics)


def _answers(
    curves: MetricCurves,
    *,
    scale: str | None,
    along: str | None,
    law: dict[str, Any],
    question: dict[str, Any],
) -> tuple[Emergence | None, PassRates | None]:
    """The answer of tasks and that of pass rates along a scale, where there are such."""
    import bayes_scaling as bs
    from bayes_scaling.runs.metric_checks import is_pass_rate

    rates = curves.table["metric"].map(is_pass_rate)
    passed = None
    if rates.any():
        passed = bs.fit_pass_rates(curves, along=scale, **law)
    if rates.all():
        return None, passed
    return bs.emergence(curves, along=along, **question, **law), passed


def _tokens(given: list[str] | None) -> float | dict[str, float] | None:
    """One number, or numbers by task."""
    from bayes_scaling.errors import InputError

    if not given:
        return None
    named = dict[str, float]()
    for text in given:
        task, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            raise InputError(
                f"--answer-tokens takes a number such as 3, or TASK=3, not {text!r}"
            ) from None
        if not equals:
            if len(given) > 1:
                raise InputError("--answer-tokens: give one number for all tasks, or TASK=3 each")
            return value
        named[task] = value
    return named


def _show(answer: Emergence) -> None:
    """Print the verdict on every task, and what it means."""
    from bayes_scaling.cli import output
    from bayes_scaling.shapes.emergent.words import LEGEND, rows_of_tasks

    heads, rows = rows_of_tasks(answer)
    caption = (
        f"prior of a break {answer.prior_break:g}; {LEGEND}; {output.interval_name(answer.prob)}s"
    )
    output.print_table(heads, rows, left=("task", "verdict"), caption=caption)
    for each in answer.tasks[:MOST_SENTENCES]:
        output.print_wrapped(f"{each.task.label}: {each.sentence}.", indent="  ")


MOST_SENTENCES = 8


def _show_rates(rates: PassRates, at: str | None) -> None:
    from bayes_scaling.cli import output
    from bayes_scaling.shapes.emergent.words import rows_of_rates

    heads, rows = rows_of_rates(rates, at)
    exponent = rates.as_object()["exponent"]
    middle, low, high = (exponent[key] for key in ("median", "lower", "upper"))
    caption = (
        f"{rates.problems} problems; pass rate: geometric mean over them; "
        f"{output.interval_name(rates.prob)}s; falls as {rates.along}^-{middle:.3g} "
        f"({low:.3g} to {high:.3g})"
    )
    output.print_table(heads, rows, caption=caption)


def _warn(answer: Emergence | None, rates: PassRates | None) -> None:
    """Say on standard error what weakens the answers, each thing once."""
    from bayes_scaling.cli import output

    for note in () if answer is None else answer.weaknesses():
        output.print_wrapped(f"Note: {note}", err=True)
    aside = [] if answer is None else [x for x in answer.aside if "fit_pass_rates" not in x]
    for reason in aside[:3]:
        output.print_wrapped(f"Note: left aside: {reason}.", err=True)
    if len(aside) > 3:
        output.print_wrapped(f"Note: and {len(aside) - 3} more curves were left aside.", err=True)
    for note in () if rates is None else rates.notes:
        output.print_wrapped(f"Note: {note}.", err=True)
