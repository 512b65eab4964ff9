"""The wheel holds all that the package needs, and works away from the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Runs with the wheel's folder first on the path: the dependencies come from the environment,
# the package from the wheel and from nowhere else.
AWAY_FROM_THE_CHECKOUT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import bayes_scaling
from bayes_scaling import load_card, load_runs

runs = load_runs("pile-families")
cards = [load_card(name).name for name in ("chinchilla", "chinchilla-hierarchical")]
modules = {name: module for name, module in sys.modules.items() if name.startswith("bayes_scaling")}
print(json.dumps({
    "package": bayes_scaling.__file__,
    "modules": sorted({m.__file__ for m in modules.values() if getattr(m, "__file__", None)}),
    "rows": len(runs),
    "cards": cards,
}))
"""


def find_uv() -> list[str]:
    for command in ([os.environ.get("UV", "uv")], ["uv"], [sys.executable, "-m", "uv"]):
        try:
            subprocess.run([*command, "--version"], cwd=ROOT, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    pytest.skip("uv does not run here, and it builds the wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [*find_uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def shipped(folder: str) -> set[str]:
    files = [file for file in (ROOT / folder).rglob("*") if file.is_file()]
    return {
        f"bayes_scaling/{file.relative_to(ROOT).as_posix()}"
        for file in files
        if not any(part.startswith((".", "__pycache__")) for part in file.relative_to(ROOT).parts)
    }


@pytest.mark.parametrize("folder", ["models", "data"])
def test_every_card_and_data_set_is_inside(names, folder):
    expected = shipped(folder)
    assert expected, f"{folder}/ is empty"
    assert expected <= names


def test_every_module_is_inside_and_nothing_of_the_workshop(names):
    modules = {file.relative_to(ROOT).as_posix() for file in (ROOT / "bayes_scaling").rglob("*.py")}
    assert modules <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"bayes_scaling"}


def test_license_typing_mark_and_command_are_inside(wheel, names):
    assert "bayes_scaling/py.typed" in names
    (license_file,) = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    (entry_points,) = [name for name in names if name.endswith(".dist-info/entry_points.txt")]
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(license_file) == (ROOT / "LICENSE").read_bytes()
        assert b"bayes-scaling = bayes_scaling.cli:main" in archive.read(entry_points)


def test_it_works_outside_the_checkout(wheel, tmp_path):
    home = tmp_path / "wheel"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)
    done = subprocess.run(
        [sys.executable, "-I", "-c", AWAY_FROM_THE_CHECKOUT, str(home)],
        cwd=elsewhere,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert Path(seen["package"]).is_relative_to(home)
    assert all(Path(module).is_relative_to(home) for module in seen["modules"])
    assert seen["rows"] == 55
    assert seen["cards"] == ["chinchilla", "chinchilla-hierarchical"]
