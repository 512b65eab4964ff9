"""Command line of the benchmarks: see ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    accuracy,
    backtests,
    cone,
    curves,
    curves_forms,
    design,
    discrepancy,
    discrepancy_averages,
    discrepancy_scales,
    emergence,
    few,
    fits,
    laws,
    plans,
    quick,
    reproduce,
    scaling,
    shapes,
    speed,
)
from benchmarks.contestants import CONTESTANTS
from benchmarks.discrepancy import LAWS
from benchmarks.record import RESULTS
from benchmarks.world import Noise

EXAMPLES = """examples:
  python -m benchmarks speed                     all contestants, three repeats
  python -m benchmarks speed --only ours huber-quick --repeats 1
  python -m benchmarks speed --runs my_runs.csv  on a table of your own
  python -m benchmarks scaling --rows 50 500 --groups 1 4
  python -m benchmarks accuracy --replications 10
  python -m benchmarks laws --only coupled kaplan-nd --tables 5
  python -m benchmarks reproduce --data FOLDER   beside published findings
  python -m benchmarks cone --data FOLDER        width of a conformal cone, from public sweeps
  python -m benchmarks discrepancy --data FOLDER   priors of the informed cards, and their worth
  python -m benchmarks few --data FOLDER         learned priors beside weak ones with 3 to 20 runs
  python -m benchmarks backtests --data FOLDER   our posteriors beside baselines on public sweeps
  python -m benchmarks fits                      fits a minute, and memory of many of them
  python -m benchmarks quick --data FOLDER       the quick engine beside NUTS on public sweeps
  python -m benchmarks plans --data FOLDER --keep FITS   plans from the 245 runs
  python -m benchmarks design --data FOLDER      next runs, and which architecture to scale
  python -m benchmarks shapes --data FOLDER      shapes of metric curves: back-test, recovery, SBC
  python -m benchmarks emergence                 mirage or break: power, calibration, GPT-3
  python -m benchmarks curves --data FOLDER      92 learning curves, second half hidden

Every command writes a JSON file to the results folder and prints its table as markdown.
"""

RUN: dict[str, Callable[[argparse.Namespace], str]] = {
    "speed": lambda p: speed.run(p.only, p.repeats, p.rows, p.runs, p.seed, p.results),
    "scaling": lambda p: scaling.run(
        p.rows, p.groups, p.rows_per_group, p.repeats, p.patience, p.seed, p.results
    ),
    "accuracy": lambda p: accuracy.run(
        p.replications, p.rows, Noise(sigma=p.sigma, nu=p.nu), p.only, p.seed, p.results
    ),
    "laws": lambda p: laws.run(p.only, p.tables, not p.single, p.again, p.seed, p.results),
    "reproduce": lambda p: reproduce.run(p.only, p.data, p.seed, p.results),
    "cone": lambda p: cone.run(p.data, p.seed, p.results),
    "discrepancy": lambda p: {
        "drifts": discrepancy.run,
        "scales": discrepancy_scales.run_scales,
        "averages": discrepancy_averages.run_averages,
    }[p.only](p.data, p.seed, p.results),
    "few": lambda p: few.run(p.only, p.repeats, p.data, p.seed, p.results),
    "backtests": lambda p: (backtests.run_grouped if p.grouped else backtests.run)(
        p.data, p.seed, p.results
    ),
    "fits": lambda p: fits.run(p.only, p.fits, p.rows, p.memory, p.seed, p.results),
    "shapes": lambda p: (
        shapes.report(p.only, p.results)
        if p.stored
        else shapes.run(p.only, p.data, p.seed, p.results)
    ),
    "emergence": lambda p: emergence.run(p.only, p.seed, p.results),
    "curves": lambda p: (
        curves_forms.run_forms(p.data, p.seed, p.results)
        if p.forms
        else curves.run(p.data, p.only, p.seed, p.results)
    ),
    "quick": lambda p: quick.run(p.only, p.data, p.seed, p.results),
    "plans": lambda p: plans.run(p.only, p.data, p.keep, p.seed, p.results),
    "design": lambda p: design.run(p.only, p.data, p.fits, p.seeds, p.seed, p.results),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run and print."""
    parsed = _parser().parse_args(arguments)
    print(RUN[parsed.command](parsed))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=1, help="of the tables and of every fit")
    common.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    commands = parser.add_subparsers(dest="command", required=True)
    _speed(commands.add_parser("speed", parents=[common], help="time and memory, side by side"))
    _scaling(commands.add_parser("scaling", parents=[common], help="growth with rows and groups"))
    _accuracy(commands.add_parser("accuracy", parents=[common], help="width and coverage"))
    _laws(commands.add_parser("laws", parents=[common], help="recovery of every law"))
    _reproduce(commands.add_parser("reproduce", parents=[common], help="published findings"))
    _data(commands.add_parser("cone", parents=[common], help="slopes of the conformal cone"))
    _discrepancy(commands.add_parser("discrepancy", parents=[common], help="priors of sweeps"))
    _few(commands.add_parser("few", parents=[common], help="learned priors with few runs"))
    _backtests(commands.add_parser("backtests", parents=[common], help="baselines and ours"))
    _fits(commands.add_parser("fits", parents=[common], help="fits a minute"))
    _quick(commands.add_parser("quick", parents=[common], help="the quick engine beside NUTS"))
    _plans(commands.add_parser("plans", parents=[common], help="plans from the 245 runs"))
    _design(commands.add_parser("design", parents=[common], help="next runs, architectures"))
    _shapes(commands.add_parser("shapes", parents=[common], help="shapes of metric curves"))
    _emergence(commands.add_parser("emergence", parents=[common], help="emergence or mirage"))
    _curves(commands.add_parser("curves", parents=[common], help="learning curves extrapolated"))
    return parser


def _emergence(parser: argparse.ArgumentParser) -> None:
    parts = list(emergence.PARTS)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)


def _shapes(parser: argparse.ArgumentParser) -> None:
    parts = list(shapes.PARTS)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with the tables of published scores")
    source.add_argument(
        "--stored", action="store_true", help="tables of the stored results, without any fit"
    )


def _curves(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=curves.CARDS, default=list(curves.CARDS))
    parser.add_argument(
        "--forms", action="store_true", help="forms of the card, chosen on other curves"
    )
    _data(parser)


def _discrepancy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", choices=["drifts", "scales", "averages"], default="drifts",
        help="priors and drifts; a scale of the drift that runs update; mixtures of laws",
    )  # fmt: skip
    _data(parser)


def _few(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=list(LAWS), default=list(LAWS))
    parser.add_argument("--repeats", type=int, default=4, help="draws of so many runs of a sweep")
    _data(parser)


def _backtests(parser: argparse.ArgumentParser) -> None:
    _data(parser)
    parser.add_argument(
        "--grouped", action="store_true", help="hierarchical cards on tables of several groups"
    )


def _plans(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=plans.CARDS, default=list(plans.CARDS))
    parser.add_argument(
        "--keep", type=Path, required=True, help="folder of the fits, made where they are missing"
    )
    _data(parser)


def _design(parser: argparse.ArgumentParser) -> None:
    parts = list(design.PARTS)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--seeds", type=int, default=20, help="simulated sweeps")
    parser.add_argument("--fits", type=Path, help="folder where fits of xlstm are kept")
    _data(parser)


def _fits(parser: argparse.ArgumentParser) -> None:
    places = list(fits.PLACES)
    parser.add_argument("--only", nargs="+", choices=places, default=places)
    parser.add_argument("--fits", type=int, default=60, help="on the clock, in each place")
    parser.add_argument("--rows", type=int, default=200, help="of a simulated table")
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[20, 200], help="peak memory after so many fits"
    )


def _quick(parser: argparse.ArgumentParser) -> None:
    cards = list(quick.CARDS)
    parser.add_argument("--only", nargs="+", choices=cards, default=cards)
    _data(parser)


def _reproduce(parser: argparse.ArgumentParser) -> None:
    parts = list(reproduce.PARTS)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    _data(parser)


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with the tables of published runs"
    )


def _laws(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=laws.CARDS, default=list(laws.CARDS))
    parser.add_argument("--tables", type=int, default=20, help="simulated tables a law")
    parser.add_argument("--single", action="store_true", help="one group only, no hierarchies")
    parser.add_argument("--again", action="store_true", help="also what is saved already")


def _speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=245, help="of the simulated table")
    parser.add_argument("--runs", type=Path, help="a table of runs instead of a simulated one")


def _scaling(parser: argparse.ArgumentParser) -> None:
    rows, groups = [50, 500, 5000, 50_000], [1, 4, 16, 64]
    parser.add_argument("--rows", type=int, nargs="*", default=rows, help="tables of one group")
    parser.add_argument("--groups", type=int, nargs="*", default=groups)
    parser.add_argument("--rows-per-group", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--patience", type=float, default=600.0, help="seconds after which a size is not repeated"
    )


def _accuracy(parser: argparse.ArgumentParser) -> None:
    methods = accuracy.METHODS
    parser.add_argument("--replications", type=int, default=60)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--sigma", type=float, default=0.0037, help="scale of log loss")
    parser.add_argument("--nu", type=float, default=5.0, help="degrees of freedom")
    parser.add_argument("--only", nargs="+", choices=methods, default=list(methods))


if __name__ == "__main__":
    sys.exit(main())
