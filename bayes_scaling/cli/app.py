"""The command and its parts; importing it imports nothing that computes."""

from __future__ import annotations

from typing import Annotated

import typer

from bayes_scaling.cli.allocate import allocate
from bayes_scaling.cli.architectures import architectures
from bayes_scaling.cli.backtest import backtest
from bayes_scaling.cli.calibrate import calibrate
from bayes_scaling.cli.compare import compare
from bayes_scaling.cli.data import data
from bayes_scaling.cli.demo import demo
from bayes_scaling.cli.emergence import emergence
from bayes_scaling.cli.errors import reported
from bayes_scaling.cli.fit import fit
from bayes_scaling.cli.forecast import forecast
from bayes_scaling.cli.kaplan_or_chinchilla import kaplan_or_chinchilla
from bayes_scaling.cli.models import models
from bayes_scaling.cli.next import next_runs
from bayes_scaling.cli.options import examples
from bayes_scaling.cli.plan import plan
from bayes_scaling.cli.report import report
from bayes_scaling.cli.shapes import shapes
from bayes_scaling.cli.summary import summary

__all__ = ["app"]

# Plain help: fast to print, and the examples keep their lines.
app = typer.Typer(
    name="bayes-scaling",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "bayes-scaling demo",
        "bayes-scaling fit runs.csv --by architecture -o fit.nc",
        "bayes-scaling forecast fit.nc --params 70B --tokens 1.4T",
        "bayes-scaling allocate fit.nc --flops 5.76e23",
        "bayes-scaling plan fit.nc --flops 5.76e23 --inference-tokens 2T",
        "bayes-scaling architectures fit.nc --flops 1e23",
        "bayes-scaling next fit.nc --goal loss@70B,1.4T --budget 1e21",
        "bayes-scaling report fit.nc -o report.html",
        "bayes-scaling compare runs.csv --models chinchilla,kaplan-nd,coupled",
        "bayes-scaling kaplan-or-chinchilla runs.csv",
        "bayes-scaling backtest runs.csv --cuts 0.5,0.7,0.9",
        "bayes-scaling calibrate my_card.toml --engine quick",
        "bayes-scaling shapes scores.csv --at-params 175B -o shapes.nc",
        "bayes-scaling emergence scores.csv",
    ),
)


def _show_version(show: bool) -> None:
    if show:
        from bayes_scaling import __version__

        typer.echo(f"bayes-scaling {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Bayesian neural scaling laws: from a table of training runs to a plan.

    Numbers may be written 70B, 1.4T or 5.76e23. Exit codes: 0; 1 if a fit must not be trusted or
    a card fails its check; 2 for bad input or use; 130 if interrupted.
    """


app.command(
    epilog=examples(
        "bayes-scaling demo",
        "bayes-scaling demo -o my-demo --json",
    )
)(reported(demo))
app.command(
    epilog=examples(
        "bayes-scaling fit runs.csv -o fit.nc",
        "bayes-scaling fit pile-families --by architecture -o fit.nc",
        "bayes-scaling fit runs.csv --by architecture --by dataset -o fit.nc",
        "bayes-scaling fit runs.csv --rename params=my_n --where 'tokens / params > 1' -o fit.nc",
        "bayes-scaling fit runs.csv --model my_card.toml --seed 7 -o fit.nc --json",
        "bayes-scaling fit runs.csv --model isoflop -o fit.nc",
        "bayes-scaling fit runs.csv --model saturating --x tokens -o fit.nc",
        "bayes-scaling fit runs.csv --counting total --count-params non-embedding -o fit.nc",
    )
)(reported(fit))
app.command(
    epilog=examples(
        "bayes-scaling forecast fit.nc --params 70B --tokens 1.4T",
        "bayes-scaling forecast fit.nc --params 7B,70B --tokens 1.4T --group Pythia --new-group",
        "bayes-scaling forecast fit.nc --at points.csv --prob 0.5 --json",
        "bayes-scaling forecast repeated.nc --params 7B --tokens 1T --unique-tokens 250B",
    )
)(reported(forecast))
app.command(
    epilog=examples(
        "bayes-scaling allocate fit.nc --flops 5.76e23",
        "bayes-scaling allocate fit.nc --flops 1e21,1e22,1e23 --group Pythia --json",
        "bayes-scaling allocate fit.nc --flops '3000 PF-days' --new-group",
    )
)(reported(allocate))
app.command(
    epilog=examples(
        "bayes-scaling plan fit.nc --flops 5.76e23 --params 280B",
        "bayes-scaling plan fit.nc --flops 1e22,1e23,1e24 --risk cvar:0.9 -o plan.html",
        "bayes-scaling plan fit.nc --target-loss 1.95 --confidence 0.9 --inference-tokens 2T",
        "bayes-scaling plan fit.nc --costs costs.toml --max-money 5M --max-days 60 --json",
    )
)(reported(plan))
app.command(
    epilog=examples(
        "bayes-scaling architectures fit.nc --flops 1e23",
        "bayes-scaling architectures fit.nc --flops 1e20,1e22,1e24 -o choice.html",
        "bayes-scaling architectures fit.nc --flops 1e23 --group Pythia --group RWKV --json",
    )
)(reported(architectures))
app.command(
    name="next",
    epilog=examples(
        "bayes-scaling next fit.nc --goal loss@70B,1.4T --budget 1e21",
        "bayes-scaling next fit.nc --goal loss@70B,1.4T --candidates runs.csv --json",
        "bayes-scaling next fit.nc --goal optimum@5.76e23 --budget 1e22 --runs 3 --by run",
        "bayes-scaling next fit.nc --goal choice@1e23 --group Pythia --group RWKV --budget 1e21",
        "bayes-scaling next fit.nc --goal law --budget 1e21 -o next.html",
    ),
)(reported(next_runs))
app.command(
    epilog=examples("bayes-scaling summary fit.nc", "bayes-scaling summary fit.nc --prob 0.5")
)(reported(summary))
app.command(
    epilog=examples(
        "bayes-scaling report fit.nc -o report.html",
        "bayes-scaling report fit.nc --flops 5.76e23 --at points.csv -o report.html",
    )
)(reported(report))
app.command(
    epilog=examples(
        "bayes-scaling compare runs.csv --models chinchilla,kaplan-nd,coupled",
        "bayes-scaling compare runs.csv --by architecture --hold-out 0.3 -o comparison.html",
        "bayes-scaling compare runs.csv --models coupled,my_card.toml --flops 1e22,1e23",
        "bayes-scaling compare a.nc b.nc --json",
    )
)(reported(compare))
app.command(
    epilog=examples(
        "bayes-scaling kaplan-or-chinchilla runs.csv --counting total",
        "bayes-scaling kaplan-or-chinchilla chinchilla --counting total -o study.html",
        "bayes-scaling kaplan-or-chinchilla runs.csv --json",
    )
)(reported(kaplan_or_chinchilla))
app.command(
    epilog=examples(
        "bayes-scaling backtest runs.csv --engine quick",
        "bayes-scaling backtest runs.csv --model chinchilla,coupled --jobs 4 --resume study",
        "bayes-scaling backtest runs.csv --by architecture --max-flops 1e20,1e21 --json",
        "bayes-scaling backtest runs.csv --max-params 400M",
        "bayes-scaling backtest runs.csv --scheduler tcp://10.0.0.1:8786 --resume study",
        "bayes-scaling backtest runs.csv --cuts 0.6,0.8 -o backtest.html",
    )
)(reported(backtest))
app.command(
    epilog=examples(
        "bayes-scaling calibrate chinchilla --engine quick",
        "bayes-scaling calibrate my_card.toml --runs runs.csv --jobs 2 -o my_card.png",
        "bayes-scaling calibrate chinchilla-hierarchical --runs runs.csv --by architecture",
        "bayes-scaling calibrate --all --simulations 100 --jobs 4 --resume study -o figures",
        "bayes-scaling calibrate coupled --scheduler tcp://10.0.0.1:8786 --json",
    )
)(reported(calibrate))
app.command(
    epilog=examples(
        "bayes-scaling shapes scores.csv --at-params 175B -o shapes.nc",
        "bayes-scaling shapes results/ --at-params 70B --by family --json",
        "bayes-scaling shapes gpt3-benchmarks --where 'n_shots == 0' --at-flops 1e25 -o shapes.nc",
        "bayes-scaling shapes shapes.nc --at-params 1T --rope 0.02 --figure shapes.png",
    )
)(reported(shapes))
app.command(
    epilog=examples(
        "bayes-scaling emergence scores.csv --answer-tokens 4",
        "bayes-scaling emergence gpt3-benchmarks --where 'n_shots == 50' -o page.html",
        "bayes-scaling emergence scores.csv --answer-tokens sums=3 --answer-tokens names=5 --json",
        "bayes-scaling emergence pass_rates.csv --at-flops 1e25",
    )
)(reported(emergence))
app.add_typer(data, name="data")
app.add_typer(models, name="models")
