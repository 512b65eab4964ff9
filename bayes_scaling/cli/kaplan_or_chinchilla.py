"""``bayes-scaling kaplan-or-chinchilla``: which famous answer the runs support, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bayes_scaling.cli.options import (
    AcceptProblems,
    Json,
    Page,
    Prob,
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
from bayes_scaling.cli.sampling import Chains, Draws, Quiet, Seed, Tune, check_ranges

if TYPE_CHECKING:
    from bayes_scaling import KaplanOrChinchilla

__all__ = ["kaplan_or_chinchilla"]

HoldOut = Annotated[
    float | None,
    typer.Option(
        "--hold-out",
        metavar="SHARE",
        help="Also fit without this share of the runs, those with the most compute, and predict "
        "them.",
    ),
]


def kaplan_or_chinchilla(
    runs: Table,
    prob: Prob = 0.9,
    output: Page = None,
    hold_out: HoldOut = None,
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
    draws: Draws = 1000,
    tune: Tune = 1500,
    chains: Chains = 4,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Ask the runs whether Kaplan or Chinchilla was right, and what explains the gap.

    Fits the coupled law, which holds both, and repeats the analysis with each choice of Kaplan et
    al. Say --counting total if params counts embeddings, so that their part can be told. Columns
    warmup, decay and hparams (or the like) tell of recipes in which runs differ. With
    --json: {format, corners, posterior, analyses, untested, notes, comparison, verdicts}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.errors import interruptible
    from bayes_scaling.cli.files import check_page

    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
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
        omega=omega if count_params else None,
    )
    table = reading.read(runs)
    with interruptible():
        study = bs.kaplan_or_chinchilla(
            table,
            hold_out=hold_out,
            prob=prob,
            seed=seed,
            effort=bs.Effort(draws=draws, tune=tune, chains=chains),
            progress=not quiet,
            **({} if omega is None else {"omega": omega}),
        )
        if output is not None:
            from bayes_scaling.report import write_comparison

            write_comparison(study, output)
    if as_json:
        printing.print_study(study.to_json())
    elif not quiet:
        _show(study)
    if output is not None and not as_json:
        typer.echo(f"written to {output}")
    printing.end_with_trust_in(study.comparison.fits, accept_problems)


def _show(study: KaplanOrChinchilla) -> None:
    """Print the answer and its reasons in sentences, then the tables behind them."""
    from bayes_scaling.cli import output
    from bayes_scaling.cli.comparison import introduce, show_scores

    introduce(study.comparison)
    for sentence in study.verdicts():
        typer.echo()
        output.print_wrapped(sentence)
    interval = output.interval_name(study.prob)
    posterior = [
        [str(name), f"{row['median']:.3f}", f"{row['lower']:.3f} to {row['upper']:.3f}"]
        for name, row in study.posterior().iterrows()
    ]
    output.print_table(["coupled law", "median", interval], posterior, left=("coupled law",))
    analyses = [
        [
            row["analysis"],
            f"{row['median']:.2f}",
            f"{row['lower']:.2f} to {row['upper']:.2f}",
            f"{row['shift']:+.2f}" if i else "-",
            row["verdict"],
        ]
        for i, row in enumerate(study.table().to_dict("records"))
    ]
    heads = ["analysis", "a", interval, "shift", "verdict"]
    output.print_table(heads, analyses, left=("analysis", "verdict"))
    show_scores(study.comparison)
