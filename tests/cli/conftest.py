import json

import pytest
from examples import example_fit, example_runs, untrusted
from typer.testing import CliRunner

from bayes_scaling.cli.app import app


@pytest.fixture
def run():
    """Run a command and check its exit code; anything but an exit is a failure."""

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="bayes-scaling")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def answer(run):
    """Run a command with --json and return what it printed."""

    def invoke(*arguments, code=0):
        return json.loads(run(*arguments, "--json", code=code).stdout)

    return invoke


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="session")
def plain(folder):
    """File of a fit of one group."""
    return example_fit().save(folder / "plain.nc")


@pytest.fixture(scope="session")
def pooled(folder):
    """File of a hierarchical fit by architecture: dense, experts, recurrent."""
    return example_fit(groups=3).save(folder / "pooled.nc")


@pytest.fixture(scope="session")
def distrusted(folder):
    """File of a fit whose chains do not agree."""
    return untrusted(example_fit()).save(folder / "distrusted.nc")


@pytest.fixture(scope="session")
def table(folder):
    """CSV file of 40 runs of two architectures."""
    path = folder / "runs.csv"
    columns = ["architecture", "params", "tokens", "loss"]
    example_runs(groups=2).table[columns].to_csv(path, index=False)
    return path
