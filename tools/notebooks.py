"""Execute notebooks and write their outputs back, without what differs from run to run.

    uv run python tools/notebooks.py                        all of them
    uv run python tools/notebooks.py kaplan_and_chinchilla  this one

A notebook is written only if every cell went through and none wrote to standard error, where
warnings go with the paths of one machine.
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
TIMEOUT = 900
"""Seconds that one cell may take."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def refresh(path: Path) -> None:
    """Execute a notebook and write it back.

    Raises
    ------
    SystemExit
        A cell wrote to standard error.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    notebook.metadata = METADATA
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem.replace('_', '-')}-{i:02}"
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise SystemExit(f"{path.name}, cell {i}, wrote to standard error:\n{output.text}")
    nbformat.write(notebook, path)


def main() -> None:
    """Refresh the notebooks that the command line names, or all."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
    parser = argparse.ArgumentParser(description="Execute notebooks and write their outputs back.")
    parser.add_argument("names", nargs="*", help=f"by default all: {', '.join(known)}")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"unknown notebook {', '.join(unknown)}; known: {', '.join(known)}")
    for name in names or known:
        print(name, flush=True)
        refresh(known[name])


if __name__ == "__main__":
    main()
