"""`lodeline events`, `mapping` and `sheet`: events on their way to the ledger, and tables of them.

The store's library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED, worded
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.kernel.errors import LodelineError
from lodeline.node.workspace import read_file, write_file

if TYPE_CHECKING:
    from lodeline.node.access.trail import Note
    from lodeline.node.events.pipeline import Turn
    from lodeline.node.events.reading import CaptureLimits
    from lodeline.node.events.states import Reason
    from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "capture",
    "check_mapping",
    "console_note",
    "follow",
    "keep",
    "opened_for_member",
    "retry",
    "run",
    "sheet_export",
    "sheet_import",
    "sheet_template",
    "use_mapping",
    "withdraw",
]

_Database = Annotated[str | None, typer.Option("--database")]
_SignHere = Annotated[bool, typer.Option("--co-sign-here")]


@contextmanager
def opened_for_member(
    terminal: Terminal, database: str | None
) -> Iterator[tuple[EventStore, Tenant]]:
    """Give the event store of the folder, and the tenant of the member who is meant."""
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.node.events.opening import opened_store  # noqa: PLC0415

    named = None if database is None else DatabaseUrl(database)
    member = terminal.workspace.member(terminal.options.member)
    with opened_store(terminal.workspace, named) as store:
        yield store, store.tenant(member)


def _capture_limits(terminal: Terminal) -> CaptureLimits:
    """What the node's ``serve.toml`` says of captures."""
    from lodeline.web.settings import SETTINGS_FILE, read_settings  # noqa: PLC0415

    return read_settings(terminal.workspace.folder / SETTINGS_FILE).capture


# ------------------------------------------------------------------ what stopped


def console_note(word: str, number: int) -> Note:
    """Return what the trail says of a decision about an event that is made by command."""
    from lodeline.node.access.trail import Act, Note  # noqa: PLC0415
    from lodeline.node.events.jobs import Who  # noqa: PLC0415
    from lodeline.node.events.store import Seq  # noqa: PLC0415

    return Note(Who("console"), Act.EVENT_DECIDED, f"{word} {number}", [Seq(number)])


def retry(
    context: typer.Context, number: Annotated[int, typer.Argument()], database: _Database = None
) -> None:
    """Begin an event anew that was refused or held."""
    from lodeline.node.events.store import Seq  # noqa: PLC0415
    from lodeline.node.events.withdrawing import retry as begin_anew  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        begin_anew(store, tenant, Seq(number), console_note("retry", number))
    terminal.say("events.retried", number=number)
    terminal.emit({"number": number, "state": "received"})


def keep(
    context: typer.Context, number: Annotated[int, typer.Argument()], database: _Database = None
) -> None:
    """Leave an event aside that was refused or held."""
    from lodeline.node.events.store import Seq  # noqa: PLC0415
    from lodeline.node.events.withdrawing import keep as leave_aside  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        leave_aside(store, tenant, Seq(number), console_note("keep", number))
    terminal.say("events.kept", number=number)
    terminal.emit({"number": number, "state": "kept"})


def withdraw(
    context: typer.Context, number: Annotated[int, typer.Argument()], database: _Database = None
) -> None:
    """Take an event back whose entries wait for signatures or for the ledger."""
    from lodeline.node.events.store import Seq  # noqa: PLC0415
    from lodeline.node.events.withdrawing import withdraw as take_back  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        take_back(store, tenant, Seq(number), console_note("withdraw", number))
    terminal.say("events.withdrawn", number=number)
    terminal.emit({"number": number, "state": "held"})


# ------------------------------------------------------------------ in and on


def capture(
    context: typer.Context, file: Annotated[Path, typer.Argument()], database: _Database = None
) -> int:
    """Take a document of events in, JSON-LD or XML by its name; exit code 2 if one is refused."""
    from lodeline.node.events.capture import capture as take_in  # noqa: PLC0415
    from lodeline.node.events.jobs import Who  # noqa: PLC0415
    from lodeline.node.events.reading import ContentType, Offered  # noqa: PLC0415

    terminal = terminal_of(context)
    kind = ContentType.XML if file.suffix == ".xml" else ContentType.JSON
    with opened_for_member(terminal, database) as (store, tenant):
        offered = Offered(read_file(file), kind)
        limits = _capture_limits(terminal)
        job = take_in(store, tenant, offered, who=Who(tenant.name), limits=limits)
    for error in job.errors:
        _warn_of(terminal, "events.not_taken", error.event + 1, error.reason)
    terminal.say("events.captured", captured=job.captured, known=job.known, refused=job.refused)
    terminal.emit({"captured": job.captured, "known": job.known, "refused": job.refused})
    return OK if job.success else REFUSED


def run(
    context: typer.Context, *, sign_here: _SignHere = False, database: _Database = None
) -> None:
    """Bring every event as far as it can go now."""
    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, _):
        turn = _turn(terminal, store, sign_here=sign_here)
    _say(terminal, turn)
    terminal.emit(_counts(turn))


def follow(
    context: typer.Context,
    *,
    every: Annotated[int, typer.Option("--every", min=1, max=3600)] = 5,
    sign_here: _SignHere = False,
    database: _Database = None,
) -> None:
    """The same again and again, until it is stopped."""
    from lodeline.engine.refusals import EngineRefused  # noqa: PLC0415
    from lodeline.holder.sealed_rows import VaultBusy  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, _):
        try:
            while True:
                try:
                    _say(terminal, _turn(terminal, store, sign_here=sign_here), quiet=True)
                except (EngineRefused, VaultBusy) as refused:
                    terminal.warn(worded(refused, terminal.lang).message(terminal.lang))
                time.sleep(every)
        except KeyboardInterrupt:
            terminal.say("events.stopped")


def _turn(terminal: Terminal, store: EventStore, *, sign_here: bool) -> Turn:
    from lodeline.node.events.working import one_turn  # noqa: PLC0415

    member = terminal.workspace.member(terminal.options.member)
    return one_turn(terminal.session(), store, member, sign_here=sign_here)


def _say(terminal: Terminal, turn: Turn, *, quiet: bool = False) -> None:
    for state, count in turn.moved.items():
        named = terminal.texts(f"events.state.{state.value}")
        terminal.say("events.moved", count=count, state=named)
    if turn.sent:
        terminal.say("events.sent", count=turn.sent)
    for trouble in turn.troubles:
        terminal.warn(worded(trouble, terminal.lang).message(terminal.lang))
    if not turn.is_reached:
        terminal.say("events.not_reached")
    elif not turn.moved and not turn.sent and not quiet:
        terminal.say("events.nothing")


def _counts(turn: Turn) -> dict[str, object]:
    moved = {state.value: count for state, count in turn.moved.items()}
    return {"moved": moved, "sent": turn.sent, "reached": turn.is_reached}


# ------------------------------------------------------------------ mapping


def check_mapping(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> int:
    """Check a mapping against the consortium; exit code 1 if something is not there."""
    from lodeline.node.events.mapping import read_mapping  # noqa: PLC0415
    from lodeline.node.events.working import faults_of  # noqa: PLC0415

    terminal = terminal_of(context)
    text = read_file(file).decode("utf-8", errors="replace")
    mapping = read_mapping(str(file), text)
    with terminal.reading() as session:
        faults: list[LodelineError] = list(faults_of(session.state, mapping))
    for fault in faults:
        terminal.line(fault.message(terminal.lang))
    if not faults:
        terminal.say("events.mapping_fits", file=file, goods=len(mapping.goods))
    terminal.emit({"faults": [fault.problem(terminal.lang) for fault in faults]})
    return CHECK_FAILED if faults else OK


def use_mapping(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Use a mapping from now on."""
    from lodeline.node.events.working import use_mapping as take  # noqa: PLC0415

    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        mapping = take(session, member, file)
    terminal.say("events.mapping_used", member=member, steps=len(mapping.steps))
    terminal.emit({"company": mapping.company, "steps": len(mapping.steps)})


# ------------------------------------------------------------------ tables


def sheet_template(
    context: typer.Context,
    kind: Annotated[str, typer.Argument()],
    out: Annotated[Path, typer.Option("--out")],
) -> None:
    """Write an empty table to be filled in: a workbook, or CSV by the name of the file."""
    from lodeline.exchange.sheets.layout import kind_named  # noqa: PLC0415
    from lodeline.exchange.sheets.refusals import SheetFormUnknown  # noqa: PLC0415
    from lodeline.exchange.sheets.writing import template, template_csv  # noqa: PLC0415

    terminal = terminal_of(context)
    if out.suffix not in {".csv", ".xlsx"}:
        raise SheetFormUnknown(out.name)
    write = template_csv if out.suffix == ".csv" else template
    write_file(out, write(kind_named(kind), terminal.lang))
    terminal.say("events.template", file=out)
    terminal.emit({"file": str(out)})


def _warn_of(terminal: Terminal, text: str, number: int, reason: Reason) -> None:
    """Say of an event or a row why it is not taken, and what to do."""
    said = (reason.fr, reason.advice_fr) if terminal.lang == "fr" else (reason.en, reason.advice_en)
    terminal.warn(terminal.texts(text, number=number, reason=said[0], advice=said[1]))


def sheet_import(
    context: typer.Context,
    kind: Annotated[str, typer.Argument()],
    file: Annotated[Path, typer.Argument()],
    zone: Annotated[str | None, typer.Option("--zone")] = None,
    database: _Database = None,
) -> int:
    """Take a table in, all of its rows or none; exit code 2 with every bad row."""
    from lodeline.node.events.jobs import Who  # noqa: PLC0415
    from lodeline.node.events.spreadsheets import (  # noqa: PLC0415
        SheetFile,
        SheetRowsRefused,
        import_sheet,
    )

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        try:
            who, limits = Who(tenant.name), _capture_limits(terminal)
            table = SheetFile(kind, read_file(file), zone)
            job = import_sheet(store, tenant, table, who=who, limits=limits)
        except SheetRowsRefused as refused:
            for bad in refused.rows:
                _warn_of(terminal, "events.bad_row", bad.row, bad.reason)
            return terminal.refuse(refused)
    terminal.say("events.captured", captured=job.captured, known=job.known, refused=job.refused)
    terminal.emit({"captured": job.captured, "known": job.known, "refused": job.refused})
    return OK


def sheet_export(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out")],
    database: _Database = None,
) -> None:
    """Write every event with its state as CSV, in which nothing is a formula."""
    from lodeline.node.events.spreadsheets import export_states  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        write_file(out, export_states(store, tenant))
    terminal.say("events.exported", file=out)
    terminal.emit({"file": str(out)})
