"""``bayes-scaling backtest``: whether the intervals hold the runs that were not fitted."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.errors import UNTRUSTED
from bayes_scaling.cli.options import (
    AcceptProblems,
    By,
    Json,
    Page,
    split_values,
)
from bayes_scaling.cli.reading import (
    CountFlops,
    Counting,
    CountingFlops,
    CountParams,
    KeepSuspect,
    LossUnit,
    Omega,
    Reading,
    Rename,
    Table,
    Where,
)
from bayes_scaling.cli.sampling import (
    Chains,
    Draws,
    Engine,
    Jobs,
    Quiet,
    Resume,
    Scheduler,
    Seed,
    Tune,
    check_ranges,
)
from bayes_scaling.errors import InputError
from bayes_scaling.resources import DEFAULT_CARD

if TYPE_CHECKING:
    from bayes_scaling import Backtest

__all__ = ["backtest"]

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="CARD",
        help="Name or path of a model card to test; repeat it or use commas.",
        show_default=DEFAULT_CARD,
    ),
]
CutsOption = Annotated[
    str | None,
    typer.Option(
        "--cuts",
        metavar="SHARES",
        help="Shares of each group's runs to fit, those of least --along.",
        show_default="0.5,0.7,0.9",
    ),
]
MaxFlops = Annotated[
    list[str] | None,
    typer.Option(
        "--max-flops", metavar="C", help="Instead of --cuts: the most compute that is fitted."
    ),
]
MaxParams = Annotated[
    list[str] | None,
    typer.Option(
        "--max-params", metavar="N", help="Instead of --cuts: the largest size that is fitted."
    ),
]
MaxTokens = Annotated[
    list[str] | None,
    typer.Option(
        "--max-tokens", metavar="D", help="Instead of --cuts: the most tokens that are fitted."
    ),
]
Along = Annotated[
    str | None,
    typer.Option(
        "--along",
        metavar="WHAT",
        help="Make --cuts along flops, params or tokens.",
        show_default="flops",
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        metavar="NAMES",
        help="Baselines beside the posterior, of huber, best-run and cone; none for none.",
    ),
]


def backtest(
    runs: Table,
    model: Models = None,
    by: By = None,
    cuts: CutsOption = None,
    max_flops: MaxFlops = None,
    max_params: MaxParams = None,
    max_tokens: MaxTokens = None,
    along: Along = None,
    methods: Methods = "huber,best-run,cone",
    engine: Engine = "nuts",
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    resume: Resume = None,
    output: Page = None,
    where: Where = None,
    rename: Rename = None,
    loss_unit: LossUnit = "nats",
    keep_suspect: KeepSuspect = False,
    counting: Counting = "as given",
    counting_flops: CountingFlops = "as given",
    count_params: CountParams = None,
    count_flops: CountFlops = False,
    omega: Omega = None,
    seed: Seed = 1,
    draws: Draws = 500,
    tune: Tune = 1000,
    chains: Chains = 4,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Fit the cheaper runs, predict the others, and tell how often the intervals were right.

    With --json: {format, scores: [{group, cut, method, n, factor, coverage50, coverage80,
    coverage90, coverage95, crps, log_score, bias, width90, ...}], distances, predictions, left_out:
    [group and cut, with why], trusted, verdicts, ...}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.errors import interruptible
    from bayes_scaling.cli.files import check_page

    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    along, holdout = _held_out(along, flops=max_flops, params=max_params, tokens=max_tokens)
    cards = [bs.load_card(name) for name in _names(model or [DEFAULT_CARD])]
    if output is not None:
        check_page(output, runs)
    reading = Reading(
        where=where,
        rename=tuple(rename or ()),
        loss_unit=loss_unit,
        keep_suspect=keep_suspect,
        counting=counting,
        counting_flops=counting_flops,
        count_params=count_params,
        count_flops=count_flops,
        omega=omega,
    )
    table = reading.read(runs)
    with interruptible():
        answer = bs.backtest(
            table,
            model=cards,
            by=by or None,
            cuts=None if cuts is None else _shares(cuts),
            holdout=holdout,
            along=along,
            methods=[] if methods == "none" else _names([methods]),
            engine=engine,
            effort=bs.Effort(draws=draws, tune=tune, chains=chains),
            seed=seed,
            jobs=1 if jobs is None else jobs,
            scheduler=scheduler,
            resume=resume,
            progress=not quiet,
        )
        if output is not None:
            from bayes_scaling.report import write_backtest

            write_backtest(answer, output)
    if as_json:
        printing.print_study(answer.to_json())
    elif not quiet:
        _show(answer)
    if output is not None and not as_json:
        typer.echo(f"written to {output}")
    _end(answer, accept_problems)


def _names(texts: list[str]) -> list[str]:
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _held_out(along: str | None, **limits: list[str] | None) -> tuple[str, list[str] | None]:
    """What to cut along, and the limits that are given, if any."""
    given = {name: values for name, values in limits.items() if values}
    if len(given) > 1:
        options = " and ".join(f"--max-{name}" for name in given)
        raise InputError(f"{options} cut along different things; give one of them")
    for name, values in given.items():
        if along not in (None, name):
            raise InputError(
                f"--max-{name} cuts along {name}, not along {along}; leave out --along"
            )
        return name, split_values(values)
    return along or "flops", None


def _shares(text: str) -> list[float]:
    try:
        return [float(share) for share in _names([text])]
    except ValueError:
        raise InputError(
            f"--cuts must be shares between 0 and 1 with commas, such as 0.5,0.7,0.9, not {text!r}"
        ) from None


def _end(answer: Backtest, accept_problems: bool) -> None:
    if answer.trusted:
        return
    n = answer.counts["doubtful"]
    typer.echo(f"warning: {n} fits of the back-test must not be trusted.", err=True)
    if not accept_problems:
        raise typer.Exit(UNTRUSTED)


def _show(answer: Backtest) -> None:
    """Print what was found in sentences, then the scores."""
    from bayes_scaling.cli import output

    grouped = f", {len(answer.groups)} groups by {' and '.join(answer.by)}" if answer.by else ""
    typer.echo(f"{answer.name}: {answer.n_runs} runs{grouped}; methods {', '.join(answer.methods)}")
    output.print_counting(answer.counting)
    for sentence in answer.verdicts():
        typer.echo()
        output.print_wrapped(sentence)
    pooled = answer.scores()
    pooled = pooled[pooled["cut"].isna()]
    narrow = output.text_width() < output.WIDE
    rows = [[_name(row, narrow), *_cells(row)] for row in pooled.to_dict("records")]
    caption = (
        "shares of runs inside their intervals, with standard errors; CRPS (lower is better), "
        "bias (seen less predicted) and median width of the 90 % interval in % of the loss"
    )
    heads = [
        "method", "runs", "factor", "in 50 %", "in 80 %", "in 90 %", "in 95 %", "CRPS", "log score",
        "bias", "width",
    ]  # fmt: skip
    words = ("beyond", "method")
    output.print_table(
        heads, rows, left=words, whole=("method", "bias"), caption=caption, width=output.WIDE
    )
    # In a narrow terminal two of the intervals give way to where the runs lie.
    shown = [head for head in heads if not narrow or head not in ("in 80 %", "in 95 %")]
    distances = []
    for row in answer.by_distance().to_dict("records"):
        cells = dict(zip(heads, [_name(row, narrow), *_cells(row)], strict=True))
        distances.append([_bin(row), *(cells[head] for head in shown)])
    output.print_table(
        ["beyond", *shown], distances, left=words, whole=(*words, "factor", "bias"),
        width=output.WIDE + 20,
        caption="the same, by how far a run lies beyond the largest that was fitted",
    )  # fmt: skip


def _name(row: dict[Any, Any], narrow: bool) -> str:
    """A method in lines that end at blanks, or at hyphens where there is little room."""
    most = 10 if narrow else 18
    return textwrap.fill(str(row["method"]), most, break_long_words=False, break_on_hyphens=narrow)


def _bin(row: dict[Any, Any]) -> str:
    low, high = row["at_least"], row["below"]
    return f"{low:g} to {high:g}x" if math.isfinite(high) else f"over {low:g}x"


def _cells(row: dict[Any, Any]) -> list[str]:
    return [
        str(row["n"]),
        f"{row['factor']:.3g}",
        *(
            f"{100 * row[f'coverage{p}']:.0f} +- {100 * row[f'coverage{p}_se']:.0f}"
            for p in ("50", "80", "90", "95")
        ),
        f"{100 * row['crps']:.2f}",
        f"{row['log_score']:.2f}",
        f"{100 * row['bias']:+.2f}",
        f"{100 * row['width90']:.1f}",
    ]
