"""Writing events with their terms and states: the part of capture where speed counts.

Rows go to the driver as tuples, many to one statement; terms are sorted first, so that neighbours
in the index are written together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import psycopg
from sqlalchemy import Connection, Table, bindparam, case, insert, update

from lodeline.node.events.jobs import JobNumber
from lodeline.node.events.moments import Micros
from lodeline.node.events.preparing import PreparedEvent
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.schema import COUNTERS, EVENT_STATES, EVENT_TERMS, EVENTS
from lodeline.node.events.states import EventState, Move, note_move
from lodeline.node.events.store import Tenant, take_numbers

__all__ = ["put_events", "put_rows", "record_time"]

_RECORDED: Final = "recorded"
"""Counter of the last time of recording."""


def record_time(connection: Connection, now: Micros) -> Micros:
    """Return the time of recording of what is written now: never before the last one.

    So the order of recording and the order of ``seq`` are the same, whatever the clock does.
    """
    when = connection.execute(_LATER, {"counter": _RECORDED, "now": now}).scalar()
    if when is None:
        connection.execute(insert(COUNTERS).values(name=_RECORDED, value=now))
        return now
    return Micros(when)


_LATER: Final = (
    update(COUNTERS)
    .where(COUNTERS.c.name == bindparam("counter"))
    .values(
        value=case((COUNTERS.c.value < bindparam("now"), bindparam("now")), else_=COUNTERS.c.value)
    )
    .returning(COUNTERS.c.value)
)


def put_events(
    connection: Connection,
    tenant: Tenant,
    events: Sequence[PreparedEvent],
    when: Micros,
    job: JobNumber | None,
) -> range:
    """Write events with their terms, each in the state received; return their places.

    Not checked: whether they are new; `knowing` does that.
    """
    if not events:
        return range(0)
    seqs = take_numbers(connection, "events", len(events))
    owner = tenant.number
    put_rows(connection, EVENTS, _event_rows(owner, zip(seqs, events, strict=True), when, job))
    terms = [
        (owner, kind, value, seq)
        for seq, event in zip(seqs, events, strict=True)
        for kind, value in event.terms
    ]
    terms.sort()
    put_rows(connection, EVENT_TERMS, terms)
    received = EventState.RECEIVED.value
    put_rows(connection, EVENT_STATES, [(seq, owner, received, None, None, when) for seq in seqs])
    note_move(connection, tenant, seqs, Move(EventState.RECEIVED, when))
    return seqs


def put_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[int | str | None, ...]]
) -> None:
    """Insert rows, each with a value for every column in the table's order.

    Raises:
        StoreUnreachable: the database did not take them.
    """
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "postgresql":
        _copy(connection.connection.driver_connection, f"{table.name} ({columns})", rows)
    else:
        places = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({columns}) VALUES ({places})",  # noqa: S608 - a table of ours
            rows,
        )


def _copy(driver: object, into: str, rows: Sequence[tuple[int | str | None, ...]]) -> None:
    """Insert rows by PostgreSQL's own bulk protocol, several times faster than statements."""
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(type(driver).__name__)
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as failed:
        raise StoreUnreachable(str(failed)) from failed


def _event_rows(
    owner: int,
    events: Iterable[tuple[int, PreparedEvent]],
    when: Micros,
    job: JobNumber | None,
) -> list[tuple[int | str | None, ...]]:
    return [
        (
            seq,
            owner,
            event.event_id,
            None if event.content == event.event_id else event.content,
            event.declaration,
            event.type,
            event.action,
            event.event_time,
            when,
            event.biz_step,
            event.disposition,
            event.read_point,
            event.biz_location,
            event.declared,
            job,
            event.recorded(when),
        )
        for seq, event in events
    ]
