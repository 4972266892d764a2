"""`lodeline vault`: backing a vault up, and getting it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.terminal import terminal_of
from lodeline.node.holding import holding
from lodeline.node.safekeeping import back_up, restore_from_backup, restore_from_log

__all__ = ["backup", "restore"]


def backup(context: typer.Context, out: Annotated[Path, typer.Option("--out")]) -> None:
    """Write the whole vault to one encrypted file."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            size = back_up(own, out)
    terminal.say("vault.backed_up", member=member, file=out, size=size)
    terminal.emit({"file": str(out), "bytes": size})


def restore(
    context: typer.Context, file: Annotated[Path | None, typer.Option("--from")] = None
) -> None:
    """Make the vault anew, from the log or from a backup."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        if file is None:
            found = restore_from_log(session, member)
        else:
            found = restore_from_backup(session, member, file)
    terminal.say("vault.restored", lots=found.lots, facts=found.with_facts)
    if file is None:
        terminal.say("vault.no_facts")
    if found.disputes:
        terminal.say("vault.disputes", count=found.disputes)
    terminal.emit(
        {"lots": found.lots, "lots_with_facts": found.with_facts, "disputes": found.disputes}
    )
