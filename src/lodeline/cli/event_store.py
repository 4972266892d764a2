"""`lodeline store`: backing the events up, getting them back, and removing old ones.

The store's library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from lodeline.cli.figures import count_text
from lodeline.cli.terminal import terminal_of

__all__ = ["backup", "forget", "restore"]

_Database = Annotated[str | None, typer.Option("--database")]
_DAY_US: Final = 24 * 3600 * 1_000_000


def backup(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out")],
    database: _Database = None,
) -> None:
    """Write the whole event store to one file, while it goes on working."""
    from lodeline.node.events.backup import back_up  # noqa: PLC0415
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.node.events.opening import opened_store  # noqa: PLC0415

    terminal = terminal_of(context)
    named = None if database is None else DatabaseUrl(database)
    with opened_store(terminal.workspace, named) as store:
        made = back_up(store, out)
    terminal.say(
        "store.backed_up", file=out, events=count_text(made.events), size=count_text(made.bytes)
    )
    terminal.emit({"file": str(out), "events": made.events, "bytes": made.bytes})


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--from")],
    database: _Database = None,
) -> None:
    """Make the event store anew from a backup; there must be none yet."""
    from lodeline.node.events.backup import restore as restored  # noqa: PLC0415
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.node.events.opening import database_of, opened_store  # noqa: PLC0415

    terminal = terminal_of(context)
    named = None if database is None else DatabaseUrl(database)
    restored(file, database_of(terminal.workspace, named))
    with opened_store(terminal.workspace, named) as store:
        last = store.last_seq()
    terminal.say("store.restored", file=file, last=last)
    terminal.emit({"file": str(file), "last": last})


def forget(
    context: typer.Context,
    days: Annotated[int, typer.Option("--older-than-days", min=1)],
    database: _Database = None,
) -> None:
    """Remove a member's old events that nobody waits for; their ids stay known."""
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.node.events.moments import Micros  # noqa: PLC0415
    from lodeline.node.events.moves import forget_moves  # noqa: PLC0415
    from lodeline.node.events.opening import opened_store  # noqa: PLC0415
    from lodeline.node.events.retention import (  # noqa: PLC0415
        forget_events,
        forget_jobs,
        forget_page_tokens,
    )

    terminal = terminal_of(context)
    member = terminal.workspace.member(terminal.options.member)
    named = None if database is None else DatabaseUrl(database)
    with opened_store(terminal.workspace, named) as store:
        tenant = store.tenant(member)
        before = Micros(store.clock.now() - days * _DAY_US)
        done = forget_events(store, tenant, before)
        jobs = forget_jobs(store, tenant, before)
        forget_page_tokens(store)
        forget_moves(store, tenant, before)
    terminal.say(
        "store.forgotten", member=member, events=count_text(done.events), jobs=count_text(jobs)
    )
    if done.kept:
        terminal.say("store.kept", count=count_text(done.kept))
    terminal.emit({"events": done.events, "kept": done.kept, "jobs": jobs})
