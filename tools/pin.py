"""Write the exact version of every dependency into constraints.txt and pyproject.toml.

`uv.lock` stays out of the repository, because it records the address of the registry that
served each file. The versions alone are kept, twice: in `constraints.txt`, for
`pip install -c constraints.txt`, and in `[tool.uv] constraint-dependencies` of
`pyproject.toml`, the only place where `uv run` and `uv sync` look for constraints. This
script resolves the project (every extra, every group, every supported Python) and rewrites
both, so that they cannot drift apart:

    uv run python tools/pin.py                      keep the pins, add what is newly needed
    uv run python tools/pin.py --upgrade            take the newest version of everything
    uv run python tools/pin.py --upgrade pymc scipy take the newest version of these
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# The versions this project is tested with; `pip install -c constraints.txt` installs them.
# Written by tools/pin.py, together with [tool.uv] constraint-dependencies in pyproject.toml.
"""
BLOCK = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==[^\s;@]+( ; [^\"]+)?")


def find_uv() -> list[str]:
    """Return the command that runs uv, trying each one, since a shim may exist and yet fail."""
    for command in ([os.environ.get("UV", "uv")], ["uv"], [sys.executable, "-m", "uv"]):
        try:
            subprocess.run([*command, "--version"], cwd=ROOT, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    sys.exit("pin.py: uv does not run; install it with `python -m pip install uv`")


def name_of(pin: str) -> str:
    """Return the package that a pin is about, or stop if the line is anything but a pin."""
    match = PIN.fullmatch(pin)
    if match is None:
        sys.exit(f"pin.py: expected `name==version` or `name==version ; marker`, found: {pin}")
    return match["name"]


def with_pins(pyproject: str, pins: list[str]) -> str:
    """Return the text of pyproject.toml with these pins in place of those it has."""
    block = "\n".join(["constraint-dependencies = [", *(f'    "{pin}",' for pin in pins), "]", ""])
    if BLOCK.search(pyproject):
        return BLOCK.sub(lambda _: block, pyproject, count=1)
    head, table, tail = pyproject.partition("[tool.uv]\n")
    if not table:
        sys.exit("pin.py: pyproject.toml has no [tool.uv] table")
    return head + table + block + tail


def resolve(pyproject: str) -> list[str]:
    """Resolve this pyproject.toml in a folder of its own; return its pins, sorted by name."""
    uv = find_uv()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(pyproject, encoding="utf-8")
        shutil.copy(ROOT / ".python-version", folder)
        export = ["export", "--quiet", "--all-extras", "--all-groups", "--no-emit-project"]
        plain = ["--no-hashes", "--no-annotate", "--no-header"]
        done = subprocess.run(
            [*uv, *export, *plain], cwd=folder, check=False, capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(f"pin.py: the dependencies do not resolve\n{done.stderr}")
    return sorted(done.stdout.splitlines(), key=lambda pin: (name_of(pin), pin))


def main() -> None:
    """Resolve the project and rewrite both lists of pins."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--upgrade",
        nargs="*",
        metavar="NAME",
        help="forget the pins of these packages first; of all packages, if none is named",
    )
    upgrade = parser.parse_args().upgrade

    path = ROOT / "pyproject.toml"
    pyproject = path.read_text(encoding="utf-8")
    before: list[str] = tomllib.loads(pyproject)["tool"]["uv"].get("constraint-dependencies", [])
    unknown = set(upgrade or ()) - {name_of(pin) for pin in before}
    if unknown:
        sys.exit(f"pin.py: not pinned, so nothing to upgrade: {', '.join(sorted(unknown))}")
    forget_all = upgrade == []
    kept = [pin for pin in before if not forget_all and name_of(pin) not in (upgrade or ())]

    pins = resolve(with_pins(pyproject, kept))
    path.write_text(with_pins(pyproject, pins), encoding="utf-8")
    lines = "".join(f"{pin}\n" for pin in pins)
    (ROOT / "constraints.txt").write_text(HEADER + lines, encoding="utf-8")

    for mark, changed in (("-", set(before) - set(pins)), ("+", set(pins) - set(before))):
        for pin in sorted(changed):
            print(mark, pin)
    print(f"{len(pins)} packages pinned")


if __name__ == "__main__":
    main()
