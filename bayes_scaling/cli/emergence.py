"""``bayes-scaling emergence``: whether a sharp curve needs a break or is a mirage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.metric_options import Figure, Unit, Where, one_scale, read_curves
from bayes_scaling.cli.options import Json, Prob
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
    from bayes_scaling.cli.files import check_figure
    from bayes_scaling.errors import InputError

    check_ranges(seed=seed)
    if figure is not None:
        check_figure(figure, metrics)
    asked = one_scale(at_params=at_params, at_flops=at_flops)
    curves = read_curves(metrics, where, unit=unit)
    scale = next((name.removeprefix("at_") for name in asked), along)
    answer, rates = _answers(
        curves, scale=scale, along=along,
        law={"model": model, "prob": prob, "seed": seed},
        question={
            "answer_tokens": _tokens(answer_tokens), "n_examples": n_examples,
            "prior_break": prior_break, "sure": sure,
        },
    )  # fmt: skip
    at = next(iter(asked.values()), None)
    if at is not None and rates is None:
        raise InputError("--at-params and --at-flops ask about pass rates, and there are none here")
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
    _warn(answer, rates)


def _draw(answer: Emergence | None, rates: PassRates | None, at: str | None, figure: Path) -> None:
    """Tasks where there are such, else the law of pass rates."""
    from bayes_scaling.errors import InputError

    if answer is not None:
        drawn = answer.plot()[0, 0].figure
    elif rates is not None:
        drawn = rates.plot(at).figure
    else:
        raise InputError("there is nothing to draw")
    drawn.get_figure(root=True).savefig(figure)


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
    from bayes_scaling.shapes.emergent.links import is_pass_rate

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
    from bayes_scaling.units import format_quantity

    along = answer.tasks[0].task.along
    rows = []
    for each, row in zip(answer.tasks, answer.table().to_dict("records"), strict=True):
        place = [format_quantity(row[f"break_{k}"], 2) for k in ("median", "lower", "upper")]
        wei = f"{row['p_wei']:.2f}"
        if row["p_wei"] >= 0.5:
            wei += f" from {format_quantity(row['wei_scale'])}"
        observed = row["score_observed"]
        rows.append(
            [
                str(row["task"]),
                str(row["verdict"]),
                f"{row['p_break']:.2f}",
                f"{place[0]} ({place[1]} to {place[2]})" if row["p_break"] >= 0.5 else "-",
                "undefined" if observed != observed else f"{observed:.3g}",
                f"{row['score_median']:.3g} ({row['score_lower']:.3g} to {row['score_upper']:.3g})",
                wei,
                _first_shown(each.shown_from(1000.0), each.prob),
            ]
        )
    heads = ["task", "verdict", "P(break)", f"break at ({along})", "score", "emergence score",
             "emergent (Wei)", "shown by 1000 from"]  # fmt: skip
    caption = (
        f"break: of the error per token, prior {answer.prior_break:g}; score: Schaeffer et al.'s, "
        "as measured, and its posterior; Wei: probability of random-like, then well above chance; "
        "shown by 1000: size from which 1000 questions tell the score from chance; "
        f"{output.interval_name(answer.prob)}s"
    )
    output.print_table(heads, rows, left=("task", "verdict"), caption=caption)
    for each in answer.tasks[:MOST_SENTENCES]:
        output.print_wrapped(f"{each.task.label}: {each.sentence}.", indent="  ")


MOST_SENTENCES = 8


def _first_shown(draws: Any, prob: float) -> str:
    """Where 1000 questions show progress first, in words."""
    from bayes_scaling.shapes.emergent.result import interval
    from bayes_scaling.units import format_quantity

    share = float((draws < float("inf")).mean())
    if share < 0.5:
        return "no size seen"
    return format_quantity(interval(draws, prob)["median"], 2)


def _show_rates(rates: PassRates, at: str | None) -> None:
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    asked = [*rates.scale, *([] if at is None else [at])]
    rows = [
        [
            format_quantity(row[rates.along]),
            "" if row["measured"] != row["measured"] else f"{row['measured']:.3f}",
            f"{row['median']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})",
            f"{100 * row['pass_rate']:.3g} % ({100 * row['pass_rate_lower']:.3g} to "
            f"{100 * row['pass_rate_upper']:.3g})",
        ]
        for row in rates.table(asked).to_dict("records")
    ]
    name = output.interval_name(rates.prob)
    exponent = rates.as_object()["exponent"]
    middle, low, high = (exponent[key] for key in ("median", "lower", "upper"))
    output.print_table(
        [rates.along, "measured", "mean of -log(pass rate)", "pass rate"], rows,
        caption=f"{rates.problems} problems; pass rate: geometric mean over them; {name}s; falls "
        f"as {rates.along}^-{middle:.3g} ({low:.3g} to {high:.3g})",
    )  # fmt: skip


def _warn(answer: Emergence | None, rates: PassRates | None) -> None:
    """Say on standard error what weakens the answers, each thing once."""
    from bayes_scaling.cli import output

    notes: dict[str, list[str]] = {}
    for each in () if answer is None else answer.tasks:
        for note in each.task.notes:
            notes.setdefault(note, []).append(each.task.label)
    for note, labels in notes.items():
        more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
        output.print_wrapped(f"Note: {', '.join(labels[:3])}{more}: {note}.", err=True)
    aside = [] if answer is None else [x for x in answer.aside if "fit_pass_rates" not in x]
    for reason in aside[:3]:
        output.print_wrapped(f"Note: left aside: {reason}.", err=True)
    if len(aside) > 3:
        output.print_wrapped(f"Note: and {len(aside) - 3} more curves were left aside.", err=True)
    for note in () if rates is None else rates.notes:
        output.print_wrapped(f"Note: {note}.", err=True)
