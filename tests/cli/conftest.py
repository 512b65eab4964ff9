import json

import pytest
from examples import counted, example_fit, example_runs, law_fit, shifted, untrusted
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
def other(folder):
    """File of another law fitted to the runs of `plain`."""
    return shifted(example_fit(), A=1.3).save(folder / "other.nc")


@pytest.fixture(scope="session")
def recounted(folder):
    """File of a fit of the runs of `plain`, counted otherwise."""
    return counted(example_fit(), "N non-embedding, C 6ND").save(folder / "recounted.nc")


@pytest.fixture(scope="session")
def steps(folder):
    """File of a fit of Kaplan's law of steps, whose runs say that they count all parameters."""
    return law_fit("kaplan-ns", counting="total").save(folder / "steps.nc")


@pytest.fixture(scope="session")
def curve(folder):
    """File of a fit of a law of tokens alone."""
    return law_fit("learning-curve").save(folder / "curve.nc")


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
