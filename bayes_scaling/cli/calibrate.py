"""``bayes-scaling calibrate``: whether a card's intervals hold truths from its own priors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_scaling.cli.errors import UNTRUSTED
from bayes_scaling.cli.options import AcceptProblems, By, Json
from bayes_scaling.cli.reading import KeepSuspect, Reading, Rename, Where
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

if TYPE_CHECKING:
    from bayes_scaling import Calibration, ModelCard

__all__ = ["calibrate"]

PICTURES = (".png", ".pdf", ".svg")
SHOWN = (50, 90)
"""Coverages in the printed table, per cent."""

Cards = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CARD...",
        help="Names or paths of model cards, such as chinchilla or my_card.toml.",
        show_default=False,
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Every card that comes with the package.")]
RunsOption = Annotated[
    str | None,
    typer.Option(
        "--runs",
        metavar="RUNS",
        help="Simulate losses for the sizes, tokens and groups of these runs (a table or a data "
        "set); by default for 40 invented runs, or four groups where a card pools by itself.",
    ),
]
Simulations = Annotated[
    int, typer.Option("--simulations", metavar="N", help="Tables to simulate and fit for a card.")
]
Figures = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FIGURE",
        help="Write the figure of one card here (.png, .pdf, .svg), or one CARD.png for each into "
        "this folder.",
    ),
]


def calibrate(
    cards: Cards = None,
    every: Every = False,
    runs: RunsOption = None,
    by: By = None,
    simulations: Simulations = 200,
    engine: Engine = "nuts",
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    resume: Resume = None,
    output: Figures = None,
    where: Where = None,
    rename: Rename = None,
    keep_suspect: KeepSuspect = False,
    seed: Seed = 1,
    draws: Draws = 500,
    tune: Tune = 1000,
    chains: Chains = 4,
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Test a card on itself: draw truths from its priors, simulate runs, fit, and rank the truths.

    Where the fit is right, ranks of truths among posterior draws are uniform, and 90 % intervals
    hold 90 % of the truths. Exit code 1 if they are not, by more than chance would have it over
    all quantities looked at. With --resume a study can be extended to more --simulations.

    With --json: {format, quantities, alarm_below, calibrated, cards: [{card, calibrated, verdict,
    counts, table: [{quantity, mean_rank, p_value, coverage90, coverage90_se, ...}], ranks, ...}]}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli.errors import interruptible

    check_ranges(seed=seed, draws=draws, tune=tune, chains=chains)
    chosen = _cards(cards or [], every)
    figures = _figures(output, [card.name for card in chosen])
    reading = Reading(where=where, rename=tuple(rename or ()), keep_suspect=keep_suspect)
    _check_reading(runs, reading)
    with interruptible():
        made = bs.calibrate_models(
            chosen,
            None if runs is None else reading.read(runs),
            by=by or None,
            simulations=simulations,
            engine=engine,
            effort=bs.Effort(draws=draws, tune=tune, chains=chains),
            seed=seed,
            jobs=1 if jobs is None else jobs,
            scheduler=scheduler,
            resume=resume,
            progress=not quiet,
        )
        _draw(made, figures)
    if as_json:
        _print_json(made)
    elif not quiet:
        _show(made)
    for path in {} if as_json else figures.values():
        typer.echo(f"written to {path}")
    _end(made, accept_problems)


def _cards(given: list[str], every: bool) -> list[ModelCard]:
    import bayes_scaling as bs

    if every and given:
        raise InputError("give cards or --all, not both")
    if every:
        return list(bs.list_cards())
    if not given:
        raise InputError("name a card, such as chinchilla, or give --all for every card there is")
    return [bs.load_card(name) for name in given]


def _check_reading(runs: str | None, reading: Reading) -> None:
    if runs is None and reading != Reading():
        raise InputError("--where, --rename and --keep-suspect say how to read runs: give --runs")


def _figures(output: Path | None, names: list[str]) -> dict[str, Path]:
    """Where the figure of each card goes, looked at before the work starts."""
    from bayes_scaling.cli.files import check_writable

    if output is None:
        return {}
    if output.is_dir() or not output.suffix:
        if not output.is_dir():
            check_writable(output)
            output.mkdir()
        paths = {name: output / f"{name}.png" for name in names}
    elif output.suffix.lower() not in PICTURES:
        raise InputError(f"--output must end in {', '.join(PICTURES)} or be a folder, not {output}")
    elif len(names) > 1:
        raise InputError(f"{len(names)} cards have as many figures: give -o a folder, not {output}")
    else:
        paths = {names[0]: output}
    for path in paths.values():
        check_writable(path)
    return paths


def _draw(made: Mapping[str, Calibration], figures: Mapping[str, Path]) -> None:
    if not figures:
        return
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    for name, path in figures.items():
        figure = made[name].plot(_quantities(made))[0].figure
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _quantities(made: Mapping[str, Calibration]) -> int:
    return sum(len(each.quantities) for each in made.values())


def _alarms(made: Mapping[str, Calibration]) -> list[str]:
    return [name for name, each in made.items() if not each.calibrated(_quantities(made))]


def _print_json(made: Mapping[str, Calibration]) -> None:
    import json

    from bayes_scaling.cli import output
    from bayes_scaling.comparison.calibration_result import threshold

    output.print_json(
        {
            "format": output.FORMAT,
            "quantities": _quantities(made),
            "alarm_below": threshold(_quantities(made)),
            "calibrated": not _alarms(made),
            "cards": [json.loads(each.to_json()) for each in made.values()],
        }
    )


def _show(made: Mapping[str, Calibration]) -> None:
    """Print a verdict for each card, a line for each of several, and the ranks where it matters."""
    from bayes_scaling.cli import output

    several = len(made) > 1
    for each in made.values():
        typer.echo()
        output.print_wrapped(each.verdict(_quantities(made)))
        for note in each.notes():
            output.print_wrapped(note, indent="  ")
    if several:
        _show_cards(made)
    for name in _alarms(made) if several else made:
        _show_quantities(made[name])


def _show_cards(made: Mapping[str, Calibration]) -> None:
    from bayes_scaling.cli import output

    rows = []
    for name, each in made.items():
        worst, p = each.worst()
        inside = each.coverage(0.9).values()
        count = {key: str(each.counts.get(key, 0)) for key in ("divergences", "doubtful")}
        rows.append(
            [
                name, str(each.simulations), str(len(each.quantities)), f"{p:.2g}", worst,
                f"{100 * min(inside):.0f} to {100 * max(inside):.0f}",
                f"{100 * each.coverage_error(0.9):.0f}", *count.values(),
            ]
        )  # fmt: skip
    heads = [
        "card", "tables", "quantities", "lowest p", "of", "in 90 %", "error", "divergences",
        "doubtful fits",
    ]  # fmt: skip
    caption = (
        "lowest p-value (Kolmogorov-Smirnov) that ranks are uniform, and of which quantity; shares "
        "of truths inside 90 % intervals over quantities, and the standard error of each, in %"
    )
    output.print_table(heads, rows, left=("card", "of"), caption=caption, width=output.WIDE + 20)


def _show_quantities(made: Calibration) -> None:
    from bayes_scaling.cli import output

    rows = [
        [
            str(row["quantity"]),
            f"{row['mean_rank']:.2f}",
            f"{row['p_value']:.2g}",
            *(
                f"{100 * row[f'coverage{p}']:.0f} +- {100 * row[f'coverage{p}_se']:.0f}"
                for p in SHOWN
            ),
        ]
        for row in made.table().to_dict("records")
    ]
    heads = ["quantity", "mean rank", "p-value", *(f"in {p} %" for p in SHOWN)]
    caption = (
        f"{made.card}, {made.simulations} tables of {made.runs}: mean rank of the truth (0.5 "
        "where neither side is favoured), p-value that ranks are uniform (Kolmogorov-Smirnov), and "
        "truths inside intervals in %, with standard errors"
    )
    output.print_table(heads, rows, left=("quantity",), caption=caption, width=output.WIDE)


def _end(made: Mapping[str, Calibration], accept_problems: bool) -> None:
    alarms = _alarms(made)
    if not alarms:
        return
    verb = "is" if len(alarms) == 1 else "are"
    typer.echo(f"warning: {', '.join(alarms)} {verb} not calibrated.", err=True)
    if not accept_problems:
        raise typer.Exit(UNTRUSTED)
