"""What the repository promises about itself: its pins, its Pythons, and no private addresses."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==[\w.!+-]+(?P<marker> ; .+)?")
# Written so that this file does not contain what it looks for.
REGISTRY = re.compile(r"/[s]imple(?![\w.-])|index[-_]url\b|\bregistry\s*=\s*[\"']", re.IGNORECASE)


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    files = [ROOT / name for name in done.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def test_both_lists_of_pins_are_equal():
    assert constraints() == pyproject()["tool"]["uv"]["constraint-dependencies"], (
        "run `uv run python tools/pin.py`"
    )


def test_pins_are_exact_sorted_and_not_of_the_project_itself():
    matches = [PIN.fullmatch(line) for line in constraints()]
    strays = [line for line, match in zip(constraints(), matches, strict=True) if match is None]
    assert not strays
    names = [match["name"] for match in matches if match is not None]
    assert names == sorted(names)
    assert pyproject()["project"]["name"] not in names


def test_every_declared_dependency_is_pinned():
    declared = pyproject()
    wanted = [
        *declared["project"]["dependencies"],
        *(
            item
            for extra in declared["project"]["optional-dependencies"].values()
            for item in extra
        ),
        *(item for group in declared["dependency-groups"].values() for item in group),
    ]
    names = {re.split(r"[^\w.-]", item, maxsplit=1)[0] for item in wanted}
    pinned = {line.partition("==")[0] for line in constraints()}
    assert names <= pinned, "run `uv run python tools/pin.py`"


def test_pythons():
    assert (ROOT / ".python-version").read_text(encoding="utf-8").strip() == "3.13"
    assert pyproject()["project"]["requires-python"] == ">=3.12"


@pytest.mark.parametrize(
    "line",
    [
        "https://packages.example/mirror/~simple",
        "https://packages.example/~simple/numpy/",
        "--index~-url https://packages.example",
        "UV_INDEX~_URL=https://packages.example",
        'source = { registry ~= "https://packages.example" }',
    ],
)
def test_a_registry_would_be_noticed(line):
    assert not REGISTRY.search(line)
    assert REGISTRY.search(line.replace("~", ""))


def test_no_file_names_a_package_registry():
    found = []
    for file in tracked_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in REGISTRY.finditer(text)]
    assert not found


def test_no_lock_file_is_tracked():
    assert ROOT / "uv.lock" not in tracked_files()
