"""``bayes-scaling demo``: the whole way once, on runs that come with the package."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.options import AcceptProblems, Json

if TYPE_CHECKING:
    from bayes_scaling import Fit, Runs

__all__ = ["demo"]

RUNS = "pile-families"
BY = "architecture"
GROUPS = ("Pythia", "RWKV-4")
PARAMS, TOKENS, FLOPS = "70B", "1.4T", "5.76e23"

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for fit.nc and report.html.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def demo(
    output: Output = Path("bayes-scaling-demo"),
    quiet: Quiet = False,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Fit published runs of several model families, and ask the fit the usual questions.

    Takes two or three minutes, needs no network. With --json: {format, seconds, fit, forecast,
    allocate, files}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.errors import interruptible

    start = time.perf_counter()
    files = _files(output)
    runs = bs.load_runs(RUNS)
    if not as_json:
        _introduce(runs)
    with interruptible():
        fit = bs.fit(runs, by=BY, progress=not quiet)
    fit.save(files["fit"])
    answers = _ask(fit)
    from bayes_scaling.report import write_report

    with interruptible():
        write_report(fit, files["report"], flops=[FLOPS])
    seconds = time.perf_counter() - start
    if as_json:
        paths = {name: str(path) for name, path in files.items()}
        printing.print_json(
            {"format": 1, "seconds": seconds, **_data(fit, answers), "files": paths}
        )
    else:
        _tell(fit, answers, files)
        typer.echo(f"\nDone in {seconds:.0f} s. Open {files['report']} in a browser.")
    printing.end_with_trust(fit, accept_problems)


def _files(folder: Path) -> dict[str, Path]:
    from bayes_scaling.cli.files import check_writable

    folder.mkdir(parents=True, exist_ok=True)
    files = {"fit": folder / "fit.nc", "report": folder / "report.html"}
    for path in files.values():
        check_writable(path)
    return files


def _ask(fit: Fit) -> dict[str, Any]:
    import bayes_scaling as bs

    groups = [*(name for name in GROUPS if name in fit.groups), bs.NEW_GROUP]
    return {
        "forecast": bs.forecast(fit, params=PARAMS, tokens=TOKENS, group=groups),
        "allocate": bs.allocate(fit, flops=FLOPS, group=groups),
    }


def _data(fit: Fit, answers: dict[str, Any]) -> dict[str, Any]:
    import json

    from bayes_scaling.cli.summary import describe_fit

    return {
        "fit": describe_fit(fit, 0.9),
        **{name: json.loads(answer.to_json()) for name, answer in answers.items()},
    }


def _step(number: int, what: str, command: str) -> None:
    typer.echo(f"\n{number}. {what}\n   $ bayes-scaling {command}")


def _introduce(runs: Runs) -> None:
    from bayes_scaling.cli import output

    _step(
        1,
        "Published runs of several model families, checked as they are read.",
        f"data show {RUNS}",
    )
    typer.echo()
    # Warnings are printed by themselves, in lines that fit.
    typer.echo(repr(replace(runs, problems=())))
    for problem in runs.problems:
        output.print_wrapped(problem.message, indent="  - ")
    _step(
        2,
        "A scaling law for every family, partially pooled over them.",
        f"fit {RUNS} --by {BY} -o fit.nc",
    )


def _tell(fit: Fit, answers: dict[str, Any], files: dict[str, Path]) -> None:
    from bayes_scaling.cli import output
    from bayes_scaling.cli.allocate import show_allocation
    from bayes_scaling.cli.forecast import show_forecast
    from bayes_scaling.cli.summary import show_fit

    show_fit(fit, 0.9)
    asked = " ".join(f"--group {name}" for name in GROUPS) + " --new-group"
    _step(
        3,
        f"What would {PARAMS} parameters on {TOKENS} tokens reach, in families with runs and in a "
        "new one?",
        f"forecast fit.nc --params {PARAMS} --tokens {TOKENS} {asked}",
    )
    show_forecast(answers["forecast"])
    decades = answers["forecast"].draws["decades_beyond"].to_numpy()
    output.print_caveat(fit, decades, as_json=False)
    _step(4, f"How to spend {FLOPS} FLOPs?", f"allocate fit.nc --flops {FLOPS} {asked}")
    show_allocation(answers["allocate"])
    _step(5, "All of it on one page.", f"report fit.nc --flops {FLOPS} -o report.html")
    typer.echo(f"   {files['fit']}\n   {files['report']}")
