"""How far a long piece of work is, on a terminal; silent where nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lodeline.cli.terminal import Terminal

__all__ = ["counting", "waiting"]


def _watched(terminal: Terminal) -> bool:
    return terminal.err.isatty() and not terminal.options.json


@contextmanager
def counting(terminal: Terminal, key: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar with the time that is left; give a function that is told how many are done."""
    if not _watched(terminal):
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(file=terminal.err, markup=False)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(terminal.texts(key), total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def waiting(terminal: Terminal, key: str, **values: object) -> Iterator[None]:
    """Show that something takes its time, and how long it has taken."""
    if not _watched(terminal):
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(file=terminal.err, markup=False)
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(terminal.texts(key, **values), total=None)
        yield
