"""Spreadsheets into the event store: every row or none, and every reason at once.

A table becomes one document of events and is captured like any other. So a table that is sent twice
changes nothing the second time, and what a row says is judged by the same rules as what a machine
says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from lodeline.exchange.epcis.document import Document
from lodeline.exchange.epcis.json_out import write_json
from lodeline.exchange.sheets.events import RowProblem, events_of
from lodeline.exchange.sheets.layout import kind_named
from lodeline.exchange.sheets.reading import read_table
from lodeline.exchange.sheets.writing import csv_bytes
from lodeline.node.events.capture import capture
from lodeline.node.events.exceptions import ValidationException
from lodeline.node.events.jobs import Behaviour, CaptureJob, Who
from lodeline.node.events.moments import moment_text
from lodeline.node.events.reading import CaptureLimits, Offered
from lodeline.node.events.states import Reason, reason_of, states_of
from lodeline.node.events.store import EventStore, Seq, Tenant

__all__ = ["BadRow", "SheetFile", "SheetRowsRefused", "export_states", "import_sheet"]

_MOST_EXPORTED: Final = 100_000
_LIMITS: Final = CaptureLimits()


@dataclass(frozen=True)
class BadRow:
    """One reason why a row is not taken."""

    row: int
    """In the file, from 1: the head."""
    column: str
    """Nothing where the event as a whole is refused."""
    reason: Reason


class SheetRowsRefused(ValidationException):
    """A table with rows that cannot be taken; nothing of it was."""

    code: ClassVar[str] = "sheet-rows-refused"
    en: ClassVar[str] = "rows of the table cannot be taken; reasons: {count}, first row: {first}"
    fr: ClassVar[str] = (
        "des lignes du tableau sont refusées ; raisons : {count}, première ligne : {first}"
    )
    advice_en: ClassVar[str] = "put the rows right that are listed, and send the whole table again"
    advice_fr: ClassVar[str] = "corrigez les lignes indiquées et renvoyez tout le tableau"

    count: int
    first: int
    rows: tuple[BadRow, ...]


@dataclass(frozen=True)
class SheetFile:
    """A table as somebody sent it."""

    kind: str
    """Name of the template (`lodeline.exchange.sheets.layout.KINDS`)."""
    data: bytes
    """A workbook or CSV."""
    zone: str | None = None
    """Of times without one: an offset, or a name of the IANA database."""


def import_sheet(
    store: EventStore,
    tenant: Tenant,
    sheet: SheetFile,
    *,
    who: Who,
    limits: CaptureLimits = _LIMITS,
) -> CaptureJob:
    """Take a table in, all of its rows; return the finished job once everything is durable.

    Args:
        store: where to.
        tenant: whose events they are.
        sheet: the table, and what it tells.
        who: who sent it.
        limits: how much is taken at once, and how strictly.

    Raises:
        SheetKindUnknown, SheetBroken, SheetTooLarge, SheetEmpty, ZoneUnknown, …: the table as a
            whole.
        SheetRowsRefused: some rows; the error has all of them.
        StoreUnreachable: nothing was written.
    """
    found = events_of(kind_named(sheet.kind), read_table(sheet.data), sheet.zone)
    _refuse([_bad(problem) for problem in found.problems])
    document = Document.capture(found.events, moment_text(store.clock.now()))
    offered = Offered(write_json(document))
    job = capture(store, tenant, offered, who=who, behaviour=Behaviour.ROLLBACK, limits=limits)
    _refuse([BadRow(found.rows[error.event], "", error.reason) for error in job.errors])
    return job


def _bad(problem: RowProblem) -> BadRow:
    return BadRow(problem.row, problem.column, reason_of(problem.refusal))


def _refuse(rows: list[BadRow]) -> None:
    if rows:
        raise SheetRowsRefused(len(rows), rows[0].row, tuple(rows))


def export_states(store: EventStore, tenant: Tenant) -> bytes:
    """Return every event of a tenant with its state and reason, as CSV without formulas."""
    events = store.events_after(tenant, Seq(0), _MOST_EXPORTED)
    states = {each.seq: each for each in states_of(store, tenant, [each.seq for each in events])}
    rows = []
    for event in events:
        state = states[event.seq]
        reason = "" if state.reason is None else state.reason.en
        happened = moment_text(event.event_time)
        rows.append((str(event.seq), event.event_id, event.type, happened, state.state, reason))
    return csv_bytes(("seq", "event", "type", "time", "state", "reason"), rows)
