"""``bayes-scaling compare``: which law the runs support, and where the plans of laws differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.options import (
    AcceptProblems,
    By,
    Json,
    Page,
    Prob,
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
    Where,
)
from bayes_scaling.cli.sampling import Chains, Draws, Engine, Quiet, Seed, Tune, check_ranges
from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    from bayes_scaling import Comparison, Effort, Fit

__all__ = ["compare"]

MODELS = ("chinchilla", "kaplan-nd", "coupled")
HOLD_OUT = 0.2
HDF5 = b"\x89HDF"
"""How a saved fit begins."""

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="RUNS | FIT FIT...",
        help="A table of runs or a data set; or two or more fits of the same runs.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="CARDS",
        help="Names or paths of the model cards to fit to RUNS, with commas; by default "
        f"{','.join(MODELS)}.",
    ),
]
HoldOut = Annotated[
    float | None,
    typer.Option(
        "--hold-out",
        metavar="SHARE",
        help="Also fit without this share of the runs, those with the most compute, and predict "
        f"them. By default {HOLD_OUT} for RUNS; not done for saved fits unless asked.",
    ),
]
NoHoldOut = Annotated[
    bool, typer.Option("--no-hold-out", help="Only fit to all of RUNS, and predict none.")
]
Flops = Annotated[
    list[str] | None,
    typer.Option(
        "--flops",
        metavar="C",
        help="Budgets to plan for; repeat it or use commas. By default the largest compute of the "
        "runs, and 10 and 100 times that.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="Group that exponents and plans are of. By default a new one, or the one with most "
        "runs if a card does not pool over groups.",
    ),
]
Factor = Annotated[
    float, typer.Option("--factor", help="Sizes within this factor are the same plan in practice.")
]


def compare(
    sources: Sources,
    models: Models = None,
    by: By = None,
    hold_out: HoldOut = None,
    no_hold_out: NoHoldOut = False,
    flops: Flops = None,
    group: Group = None,
    factor: Factor = 1.25,
    prob: Prob = 0.9,
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
    engine: Engine = "nuts",
    seed: Seed = 1,
    draws: Draws = 1000,
    tune: Tune = 1500,
    chains: Chains = 4,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Compare laws on the same runs: scores, exponents, plans, and what a wrong law costs.

    Fits the cards of --models to RUNS, or takes saved fits. With --json: {format, laws: [{name,
    elpd_loo, se, weight, elpd_extrapolation, a, b, ...}], pairwise: [...], verdicts, ...}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.errors import interruptible
    from bayes_scaling.cli.files import check_page

    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    share = _share(hold_out, no_hold_out)
    if output is not None:
        check_page(output, *sources)
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
    asked: dict[str, Any] = {
        "flops": split_values(flops), "group": group, "factor": factor, "prob": prob,
        "seed": seed, "progress": not quiet,
    }  # fmt: skip
    with interruptible():
        if _are_fits(sources):
            _refuse_reading(models, by, engine, reading)
            answer = _of_fits(sources, hold_out=hold_out, **asked)
        else:
            effort = bs.Effort(draws=draws, tune=tune, chains=chains)
            asked |= {"by": by, "hold_out": share, "engine": engine}
            answer = _of_runs(sources, models, reading, effort, **asked)
        if output is not None:
            from bayes_scaling.report import write_comparison

            write_comparison(answer, output)
    if as_json:
        printing.print_study(answer.to_json())
    elif not quiet:
        from bayes_scaling.cli.comparison import show_comparison

        show_comparison(answer)
    if output is not None and not as_json:
        typer.echo(f"written to {output}")
    printing.end_with_trust_in(answer.fits, accept_problems)


def _share(hold_out: float | None, no_hold_out: bool) -> float | None:
    """Share of a table's runs to hold out."""
    if hold_out is not None and no_hold_out:
        raise InputError("give --hold-out or --no-hold-out, not both")
    return None if no_hold_out else HOLD_OUT if hold_out is None else hold_out


def _are_fits(sources: Sequence[str]) -> bool:
    """Whether the sources are saved fits; one table of runs otherwise."""
    fits = [source for source in sources if _is_fit(source)]
    if not fits and len(sources) == 1:
        return False
    if len(fits) < max(len(sources), 2):
        others = [source for source in sources if source not in fits]
        raise InputError(
            "compare takes one table of runs (with --models), or two saved fits or more: "
            + (
                f"{', '.join(map(repr, others))} {'is' if len(others) == 1 else 'are'} no saved fit"
                if others
                else f"{sources[0]!r} is one saved fit"
            )
        )
    return True


def _is_fit(source: str) -> bool:
    path = Path(source)
    if not path.is_file():
        return path.suffix == ".nc"  # a slip in its name; reading it will say so
    with path.open("rb") as file:
        return file.read(len(HDF5)) == HDF5


def _refuse_reading(
    models: list[str] | None, by: list[str] | None, engine: str, reading: Reading
) -> None:
    given = [
        *(["models"] if models else []),
        *(["by"] if by else []),
        *(["engine"] if engine != "nuts" else []),
        *(name for name, value in vars(reading).items() if value != vars(Reading())[name]),
    ]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{options}: for a table of runs only; saved fits have been fitted")


def _of_fits(paths: Sequence[str], **asked: Any) -> Comparison:
    import bayes_scaling as bs

    fits: dict[str, Fit] = {}
    names = [Path(path).stem for path in paths]
    for path, name in zip(paths, names, strict=True):
        shown = name if names.count(name) == 1 else path
        if shown in fits:
            raise InputError(f"{path!r} is given twice: name different fits")
        fits[shown] = bs.load_fit(path)
    return bs.compare(fits, **asked)


def _of_runs(
    sources: Sequence[str],
    models: list[str] | None,
    reading: Reading,
    effort: Effort,
    **asked: Any,
) -> Comparison:
    import bayes_scaling as bs

    cards = [
        bs.load_card(name.strip())
        for part in models or MODELS
        for name in part.split(",")
        if name.strip()
    ]
    runs = reading.read(sources[0])
    return bs.compare_models(runs, cards, effort=effort, **asked)
