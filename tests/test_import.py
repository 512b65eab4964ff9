"""`import bayes_scaling`, and commands that do not sample, stay light."""

import os
import subprocess
import sys

import pytest

HEAVY = ("pymc", "pytensor", "arviz", "arviz_stats", "nutpie", "numba", "matplotlib")

SHOW = """
import sys
{code}
print("MODULES", *sorted(name for name in {names!r} if name in sys.modules))
"""

COMMAND = """
from bayes_scaling.cli import main
sys.argv = ["bayes-scaling", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
"""


def loaded(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of `names` are imported once `code` has run in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(code=code, names=names)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return done.stdout.split("MODULES")[-1].split()


def test_import_is_light():
    names = (*HEAVY, "pandas", "xarray", "scipy", "typer", "rich", "pyarrow", "pydantic")
    assert loaded("import bayes_scaling", names) == []


def test_the_names_of_comparisons_are_light():
    names = "Effort, backtest, calibrate, compare, kaplan_or_chinchilla, report"
    code = f"from bayes_scaling import {names}"
    assert loaded(code, ("pymc", "pytensor", "arviz", "nutpie", "numba", "matplotlib")) == []


def test_every_public_name_can_be_had():
    code = "import bayes_scaling as bs\nfor name in dir(bs): getattr(bs, name)"
    assert loaded(code, ("sys",)) == ["sys"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["fit", "--help"],
        ["compare", "--help"],
        ["kaplan-or-chinchilla", "--help"],
        ["backtest", "--help"],
        ["calibrate", "--help"],
        ["plan", "--help"],
        ["shapes", "--help"],
    ],
)
def test_help_computes_nothing(arguments):
    names = (*HEAVY, "numpy", "pandas", "xarray", "rich")
    assert loaded(COMMAND.format(arguments=arguments), names) == []


@pytest.mark.parametrize(
    "arguments", [["models", "list"], ["data", "list"], ["models", "show", "chinchilla"]]
)
def test_catalogues_are_light(arguments):
    assert loaded(COMMAND.format(arguments=arguments), HEAVY) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["forecast", "--params", "70B", "--tokens", "1.4T"],
        ["allocate", "--flops", "5.76e23"],
        ["plan", "--flops", "5.76e23", "--group", "dense"],
        ["architectures", "--flops", "5.76e23"],
        ["next", "--goal", "choice@1e24", "--budget", "1e21"],
        ["summary"],
    ],
)
def test_questions_are_light(arguments, tmp_path):
    from examples import example_fit

    path = example_fit(groups=2).save(tmp_path / "fit.nc")
    command = [arguments[0], str(path), *arguments[1:], "--json"]
    assert loaded(COMMAND.format(arguments=command), (*HEAVY, "rich")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["forecast", "--params", "70B", "--tokens", "1.4T"],
        ["allocate", "--flops", "5.76e23"],
        ["plan", "--flops", "5.76e23", "--inference-tokens", "1T", "--deadweight", "0.05"],
        ["plan", "--target-loss", "2.1", "--confidence", "0.5"],
    ],
)
def test_questions_asked_most_need_neither_pandas_nor_xarray(arguments, tmp_path):
    # Importing them takes longer than everything else that such a command does.
    from examples import example_fit

    path = example_fit().save(tmp_path / "fit.nc")
    command = [arguments[0], str(path), *arguments[1:], "--json"]
    assert loaded(COMMAND.format(arguments=command), ("pandas", "xarray", "pyarrow")) == []


def test_the_quick_engine_needs_no_compiler(tmp_path):
    # Its checks are those of arviz_stats; the rest of ArviZ, with its figures, stays out.
    from examples import example_fit

    runs = tmp_path / "runs.csv"
    example_fit().data[["params", "tokens", "loss"]].to_csv(runs, index=False)
    command = ["fit", str(runs), "--engine", "quick", "-o", str(tmp_path / "fit.nc"), "--json"]
    heavy = [name for name in HEAVY if name != "arviz_stats"]
    assert loaded(COMMAND.format(arguments=command), (*heavy, "rich")) == []


def test_questions_about_shapes_are_light(tmp_path):
    from shape_examples import example_shapes

    path = example_shapes().save(tmp_path / "shapes.nc")
    command = ["shapes", str(path), "--at-params", "1T", "--json"]
    assert loaded(COMMAND.format(arguments=command), (*HEAVY, "rich")) == []
