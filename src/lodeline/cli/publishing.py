"""`lodeline log publish` and `verify-published`: the log as files that anybody can check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.progress import waiting
from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import terminal_of
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import format_time
from lodeline.ledger.bundle_report import who_signed
from lodeline.node.publishing import publish_log
from lodeline.node.publishing import verify_published as verify_place
from lodeline.node.trust import trust_for
from lodeline.node.verifying import proof_workers

__all__ = ["publish", "verify_published"]


def publish(context: typer.Context, *, folder: Annotated[Path, typer.Option("--folder")]) -> None:
    """Write the log up to its last checkpoint as files, or add what is new."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        done = publish_log(session, folder)
    terminal.say(
        "publish.done", folder=folder, size=done.size, tiles=done.tiles, bundles=done.bundles
    )
    terminal.emit({"size": done.size, "tiles": done.tiles, "bundles": done.bundles})


def verify_published(
    context: typer.Context,
    place: Annotated[str, typer.Argument()],
    *,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
    replay: Annotated[bool, typer.Option("--replay")] = False,
) -> int:
    """Read a whole published log and check it like a stranger; exit code 1 if it does not hold."""
    terminal = terminal_of(context)
    pinned = trust_for(trust, terminal.options.home)
    with proof_workers() as check, waiting(terminal, "checking"):
        try:
            report = verify_place(place, pinned, check if replay else None)
        except LodelineError as refusal:
            terminal.refuse(refusal)
            return CHECK_FAILED
    at = report.checkpoint
    terminal.say(
        "publish.holds",
        who=who_signed(pinned).text(terminal.lang),
        size=at.size,
        time=format_time(at.time),
        tiles=report.tiles,
        bundles=report.bundles,
    )
    terminal.say("publish.replayed" if replay else "publish.not_replayed")
    terminal.emit(
        {
            "holds": True,
            "size": at.size,
            "time": format_time(at.time),
            "root": at.root.hex(),
            "policy": who_signed(pinned).text(terminal.lang),
            "replayed": replay,
        }
    )
    return OK
