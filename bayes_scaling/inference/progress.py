"""Progress of compiling and sampling, in a terminal (standard error) or a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["announce", "progress_bar", "task_bar", "working"]


def announce(text: str, *, show: bool) -> None:
    """A line that says what comes next."""
    if show:
        from rich.console import Console

        Console(stderr=True, highlight=False, markup=False).print(text)


@contextmanager
def working(text: str, *, show: bool) -> Iterator[Callable[[str], None]]:
    """A spinner with `text` while something of unknown length runs; yields what changes it."""
    if not show:
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{text} ...") as status:
        yield lambda new: status.update(f"{new} ...")


@contextmanager
def progress_bar(total: int, *, show: bool) -> Iterator[Callable[[list[Any]], None] | None]:
    """A bar over `total` draws of all chains; yields the callback that nutpie calls."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("sampling"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} draws"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[divergences]} divergences"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("sampling", total=total, divergences=0)

        def update(chains: list[Any]) -> None:
            progress.update(
                task,
                completed=sum(chain.finished_draws for chain in chains),
                divergences=sum(chain.divergences for chain in chains),
            )

        yield update
        progress.update(task, completed=total)


@contextmanager
def task_bar(what: str, done: int, total: int, *, show: bool) -> Iterator[Callable[[], None]]:
    """A bar over the tasks of a study with the time left; yields what to call after each one."""
    if not show:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # Tasks take seconds to minutes: the speed is judged over an hour, not the last half minute.
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=3600) as progress:
        # Until the first one is done nothing moves: processes start, and may compile.
        task = progress.add_task(f"{what}, starting", total=total, completed=done)
        yield lambda: progress.update(task, advance=1, description=what)
