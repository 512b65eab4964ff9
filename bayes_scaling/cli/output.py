"""What commands print: tables and notes for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

import typer

from bayes_scaling.cli.errors import UNTRUSTED

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from bayes_scaling import Fit, ShapeFit

__all__ = [
    "FORMAT",
    "NARROW",
    "WIDE",
    "end_with_trust",
    "end_with_trust_in",
    "interval_name",
    "print_caveat",
    "print_counting",
    "print_json",
    "print_json_text",
    "print_prior_note",
    "print_study",
    "print_table",
    "print_wrapped",
    "print_written",
    "stacked",
    "text_width",
]

FORMAT = 1
"""Of JSON objects; it changes when a key changes its meaning or goes."""

NARROW, WIDE = 80, 100
"""Columns of a terminal that does not say; the longest lines of text that read well."""


def print_json(value: Any) -> None:
    """Print a value as JSON, null for numbers that are not finite."""
    typer.echo(json.dumps(_finite(value), indent=2, allow_nan=False))


def print_json_text(text: str) -> None:
    """Print JSON text, null for numbers that are not finite."""
    print_json(json.loads(text))


def print_study(text: str) -> None:
    """Print the JSON object of a study, with the number of its format."""
    print_json({"format": FORMAT, **json.loads(text)})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def interval_name(prob: float) -> str:
    """How an interval is labelled, such as "90 % interval"."""
    return f"{100 * prob:.4g} % interval"


def stacked(row: Mapping[Any, Any], write: Callable[[float], str]) -> str:
    """The median of a row of statistics, with its interval on the line below."""
    return f"{write(row['median'])}\n{write(row['lower'])} to {write(row['upper'])}"


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Sequence[str] = (),
    whole: Sequence[str] = (),
    lines: bool = False,
    caption: str | None = None,
    width: int | None = None,
) -> None:
    """Print a table; columns named in `left` hold words, the others numbers.

    Cells of the columns in `whole` are never broken but at their own ends of lines.

    In a pipe it takes the width it needs, unless `width` limits it. In a terminal that would have
    to break words, the columns follow each other in several tables.
    """
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    def made(columns: Sequence[int]) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True,
            caption=caption if columns[-1] == len(heads) - 1 else None, caption_justify="left",
        )  # fmt: skip
        for head in (heads[i] for i in columns):
            justify: Literal["left", "right"] = "left" if head in left else "right"
            table.add_column(head, justify=justify, overflow="fold", no_wrap=head in whole)
        for row in rows:
            table.add_row(*(row[i] for i in columns), end_section=lines)
        return table

    def needed(columns: Sequence[int]) -> Measurement:
        options = console.options.update(width=10_000)
        return Measurement.get(console, options, made(columns))

    # Names of groups may hold brackets, which are not markup.
    console = Console(markup=False, highlight=False, emoji=False)
    parts: list[list[int]] = [list(range(len(heads)))]
    if not console.is_terminal:
        most = needed(parts[0]).maximum
        console.width = max(NARROW, most if width is None else min(most, width))
    elif needed(parts[0]).minimum > console.width:
        names = list(takewhile(lambda i: heads[i] in left, parts[0]))
        parts = _parts(names, len(heads), lambda part: needed(part).maximum <= console.width)
    console.print()
    for part in parts:
        console.print(made(part))
        console.print()


def _parts(names: list[int], n: int, fits: Callable[[list[int]], bool]) -> list[list[int]]:
    """Columns of tables that all begin with the same names, as many in each as fit."""
    parts = [[*names]]
    for column in range(len(names), n):
        if parts[-1] != names and not fits([*parts[-1], column]):
            parts.append([*names])
        parts[-1].append(column)
    return parts


def print_counting(counting: str) -> None:
    """Say what N and C count."""
    typer.echo(f"Counting: {counting}.")


def print_caveat(
    fit: Fit, decades: NDArray[np.float64], *, as_json: bool, along: str = "flops"
) -> None:
    """Say how far beyond the runs the answers lie, and what the intervals make of that.

    `along` is the input in which the decades are counted.
    """
    from bayes_scaling.decisions.sentences import distance_sentence

    note = distance_sentence(float(decades.max()), drifts=fit.drifts, along=along)
    if note is not None:
        print_wrapped(f"Note: {note[0].lower()}{note[1:]}", err=as_json)


def print_prior_note(fit: Fit, *, err: bool) -> None:
    """Say of a plan that it is the priors' too, where it is."""
    from bayes_scaling.decisions.questions import ON_PRIORS

    if fit.leans_on_priors:
        print_wrapped(f"Note: {ON_PRIORS}", err=err)


def print_wrapped(text: str, *, err: bool = False, indent: str = "") -> None:
    """Print a paragraph, in lines of the terminal's width."""
    import textwrap

    filled = textwrap.fill(
        text, text_width(err=err), initial_indent=indent, subsequent_indent=" " * len(indent),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    typer.echo(filled, err=err)


def print_written(*paths: Path | None, as_json: bool) -> None:
    """Say where files were written, those that were."""
    for path in paths:
        if path is not None:
            typer.echo(f"written to {path}", err=as_json)


def text_width(*, err: bool = False) -> int:
    """Columns that text may fill."""
    import shutil

    if not (sys.stderr if err else sys.stdout).isatty():
        return WIDE
    return min(shutil.get_terminal_size((NARROW, 24)).columns, WIDE)


def end_with_trust(fit: Fit, accept_problems: bool) -> None:
    """End a command on a fit: warn and exit with 1 if it must not be trusted."""
    end_with_trust_in({"this fit": fit}, accept_problems)


def end_with_trust_in(fits: Mapping[str, Fit | ShapeFit], accept_problems: bool) -> None:
    """End a command on several fits: as `end_with_trust`, naming those that must not be trusted."""
    doubtful = {name: fit for name, fit in fits.items() if not fit.trusted}
    for name, fit in doubtful.items():
        reasons = " ".join(check.text for check in fit.problems() if check.fatal)
        typer.echo(f"warning: {name} must not be trusted. {reasons}", err=True)
    if doubtful and not accept_problems:
        raise typer.Exit(UNTRUSTED)
