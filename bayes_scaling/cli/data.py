"""``bayes-scaling data``: the catalogue of public tables, of runs, models or scores."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.errors import reported
from bayes_scaling.cli.options import Json, examples
from bayes_scaling.errors import InputError, unknown_name

if TYPE_CHECKING:
    from bayes_scaling.runs import DatasetEntry

__all__ = ["data"]

data = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, read about and fetch public tables."
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `data list` prints it.")]
_FIELDS = ("name", "title", "kind", "holds", "n_rows", "by", "licence", "citation", "url")


@data.command("list", epilog=examples("bayes-scaling data list", "bayes-scaling data list --json"))
@reported
def list_sets(as_json: Json = False) -> None:
    """List the sets that come with the package or can be downloaded.

    With --json: a list of {name, title, kind, holds, n_rows, by, licence, citation, url}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output

    entries = bs.list_runs()
    if as_json:
        output.print_json([_fields(entry) for entry in entries])
        return
    rows = [
        [e.name, str(e.n_rows), e.holds, e.kind, " x ".join(e.by) or "-", e.title] for e in entries
    ]
    heads = ["name", "rows", "holds", "kind", "groups", "what"]
    output.print_table(heads, rows, left=("name", "holds", "kind", "groups", "what"))


@data.command(epilog=examples("bayes-scaling data show pile-families"))
@reported
def show(name: Name, as_json: Json = False) -> None:
    """Print the datasheet of a set: what it is, how it was made, what is wrong with it.

    With --json: the fields of `data list`, and the datasheet (Markdown).
    """
    from bayes_scaling.cli import output
    from bayes_scaling.runs import datasheet

    sheet = datasheet(name)
    if as_json:
        output.print_json(_fields(_entry(name)) | {"datasheet": sheet})
    else:
        typer.echo(sheet.rstrip())


@data.command(
    epilog=examples(
        "bayes-scaling data fetch chinchilla",
        "bayes-scaling data fetch pile-families -o runs.csv",
    )
)
@reported
def fetch(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Copy it there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a set, check it, and print where its file is.

    With --json: {name, path}.
    """
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_writable
    from bayes_scaling.runs import fetch as fetch_file

    if output is not None:
        check_writable(output)
    path = fetch_file(name)
    if output is not None:
        from bayes_scaling.inference.storage import replacing

        with replacing(output) as temporary:
            temporary.write_bytes(path.read_bytes())
        path = output
    if as_json:
        printing.print_json({"name": name, "path": str(path)})
    else:
        typer.echo(str(path))


def _entry(name: str) -> DatasetEntry:
    import bayes_scaling as bs

    entries = {entry.name: entry for entry in bs.list_runs()}
    if name not in entries:
        raise InputError(unknown_name("data set", name, entries))
    return entries[name]


def _fields(entry: DatasetEntry) -> dict[str, Any]:
    values = asdict(entry)
    return {name: values[name] for name in _FIELDS}
