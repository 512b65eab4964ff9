"""Every notebook runs from its first cell to its last, and is kept as it came out."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
TIMEOUT = 600
"""Seconds that one cell may take: a slow machine compiles several models in the longest."""

LARGEST = 1_500_000
PATHS_OF_A_MACHINE = re.compile(r"/(home|root|Users|tmp|work|opt|usr)/|[A-Z]:\\\\")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

with_downloads = pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kaplan_and_chinchilla", "This run of the notebook uses the 245 runs of"),
        (
            "inverse_and_emergent",
            "This run of the notebook uses `inverse-scaling-pythia`, and asks about 120B",
        ),
    ],
)
"""Notebooks that look at a download where it can be had, and what they say then."""


def path_of(name: str) -> Path:
    (path,) = (path for path in NOTEBOOKS if path.stem == name)
    return path


@pytest.fixture
def this_python(tmp_path, monkeypatch):
    """Make the kernel named python3 the Python that runs the tests, without the user's settings."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@pytest.fixture
def no_downloads(tmp_path, monkeypatch):
    """No cache, no mirror, and a proxy at which nothing listens."""
    monkeypatch.setenv("BAYES_SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BAYES_SCALING_MIRROR", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def execute(path: Path, folder: Path) -> str:
    """Execute a copy of a notebook in a folder; an error in a cell is raised. All that it shows."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return json.dumps(notebook)


def test_there_are_notebooks():
    known = {
        "kaplan_and_chinchilla", "a_law_of_your_own", "planning_a_budget", "inverse_and_emergent",
    }  # fmt: skip
    assert {path.stem for path in NOTEBOOKS} >= known


@every_notebook
@pytest.mark.usefixtures("this_python", "no_downloads")
def test_runs_without_a_network(path, tmp_path):
    execute(path, tmp_path)


@pytest.mark.calibration
@with_downloads
@pytest.mark.usefixtures("this_python", "no_downloads")
def test_runs_on_the_download(name, said, tmp_path, monkeypatch, shared_data):
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(shared_data / "original"))
    assert said in execute(path_of(name), tmp_path)


@every_notebook
def test_is_kept_as_it_came_out(path):
    assert path.stat().st_size < LARGEST
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [cell.execution_count for cell in code]
    assert ran == list(range(1, len(code) + 1)), "run tools/notebooks.py"
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            shown = json.dumps(output.get("data", output.get("text", "")))
            text = re.sub(r'"image/png": "[^"]*"', "", shown)
            assert not PATHS_OF_A_MACHINE.search(text), text
    assert notebook.metadata.kernelspec.name == "python3"


@with_downloads
def test_is_kept_with_the_download(name, said):
    notebook = nbformat.read(path_of(name), as_version=4)
    shown = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert said in shown
