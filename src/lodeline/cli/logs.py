"""`lodeline log`: what is in the log, whether it holds, and checkpoints of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.progress import counting
from lodeline.cli.refusals import CHECK_FAILED, OK, worded
from lodeline.cli.terminal import terminal_of
from lodeline.kernel.time import format_time
from lodeline.node.logbook import (
    checkpoint_now,
    keep_signed,
    log_lines,
    signed_checkpoint,
    verify_log,
)
from lodeline.node.verifying import proof_workers
from lodeline.node.workspace import write_file

__all__ = ["checkpoint", "show", "verify"]

_LAST = 20


def show(
    context: typer.Context,
    start: Annotated[int | None, typer.Option("--from", min=0)] = None,
    count: Annotated[int, typer.Option(min=1)] = _LAST,
) -> None:
    """Show entries of the log, the last ones unless told otherwise."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        size = session.ledger.size
        first = max(0, size - count) if start is None else start
        lines = list(log_lines(session, first, min(size, first + count)))
    terminal.table(
        (">index", "time", "kind", "subject", "entry"),
        (
            (
                str(line.index),
                format_time(line.time),
                terminal.texts(f"entry.{line.kind}"),
                line.subject,
                line.entry.hex()[:12],
            )
            for line in lines
        ),
    )
    terminal.emit(
        [
            {
                "index": line.index,
                "time": format_time(line.time),
                "kind": line.kind,
                "subject": line.subject,
                "entry": line.entry.hex(),
            }
            for line in lines
        ]
    )


def verify(context: typer.Context) -> int:
    """Replay everything and verify every signature and proof again; exit code 1 if it is wrong."""
    terminal = terminal_of(context)
    with (
        terminal.reading() as session,
        proof_workers() as check,
        counting(terminal, "log.verifying", session.ledger.size) as advance,
    ):
        found = verify_log(session, check, lambda done, _: advance(done))
        roots = checkpoint_now(session)
    for fault in found.faults:
        terminal.warn(worded(fault, terminal.lang).explain(terminal.lang))
    if found.is_clean:
        terminal.say(
            "log.verified",
            entries=found.applied,
            proofs=found.proofs,
            checkpoints=found.checkpoints,
            log_root=roots.root,
            state_root=roots.state,
        )
    else:
        terminal.say("log.wrong", count=len(found.faults) + found.unlisted)
    terminal.emit(
        {
            "holds": found.is_clean,
            "entries": found.entries,
            "proofs": found.proofs,
            "checkpoints": found.checkpoints,
            "log_root": roots.root.hex(),
            "state_root": roots.state.hex(),
            "faults": [fault.problem(terminal.lang) for fault in found.faults],
        }
    )
    return OK if found.is_clean else CHECK_FAILED


def checkpoint(
    context: typer.Context, out: Annotated[Path | None, typer.Option("--out")] = None
) -> None:
    """Sign the log as it stands, keep the checkpoint, and print or write it."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        note, signers = signed_checkpoint(session)
        keep_signed(session, note)
    if out is not None:
        write_file(out, note)
        terminal.say("log.checkpoint", file=out, signers=signers)
    else:
        terminal.line(note.decode("utf-8"))
    terminal.emit({"checkpoint": note.decode("utf-8"), "signers": list(signers)})
