"""What is on its way to the ledger: proved entries, kept before anything is sent.

A row is a request (`lodeline.node.requests`), whole enough to be sent by another process after a
crash. Rows of an event are numbered in the order in which they must reach the ledger; an event may
get further rows when its first ones are in the log.

waiting → sent → done is the way of a row. It is *sent* from just before it is handed in until it is
known that it did not arrive: for so long its event cannot be withdrawn. A row that is given up is
*leaving* until its lots are free again, and then *refused*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import OUTBOX
from lodeline.node.events.store import EventStore, Seq, Tenant, take_numbers
from lodeline.node.requests import Request, encode_request, read_request

__all__ = [
    "ON_THE_WAY",
    "Row",
    "RowState",
    "Stage",
    "events_leaving",
    "leave",
    "mark",
    "put_rows",
    "replace_request",
    "rows_of",
    "rows_within",
]

_MOST_OF_EVENT: Final = 64
"""Rows of one event, those of tries that failed included."""


class Stage(StrEnum):
    """Why an entry is sent; stored as the kind of the row."""

    MAKE = "make"
    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    SETTLE = "settle"
    UNDO = "undo"
    """A reversal or a withdrawal: an event was declared wrong."""


class RowState(StrEnum):
    """Where a row is; the words are stored."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    LEAVING = "leaving"
    REFUSED = "refused"
    UNTAKEN = "untaken"
    """An offer in the log that was declined or withdrawn."""


ON_THE_WAY: Final = frozenset({RowState.WAITING, RowState.SENT})
"""Rows that have still to reach the ledger."""


@dataclass(frozen=True)
class Row:
    """One entry on its way."""

    position: int
    event: Seq
    number: int
    """Among the rows of its event, from 0."""
    stage: Stage
    request: Request
    state: RowState
    attempts: int
    next: Micros
    """Not tried again before."""


def put_rows(
    connection: Connection,
    tenant: Tenant,
    event: Seq,
    drafts: Iterable[tuple[Stage, Request]],
    when: Micros,
) -> None:
    """Add rows behind those that an event has, in the caller's transaction."""
    first = len(rows_within(connection, tenant, event))
    for number, (stage, request) in enumerate(drafts, start=first):
        (position,) = take_numbers(connection, "outbox", 1)
        connection.execute(
            insert(OUTBOX).values(
                position=position,
                tenant=tenant.number,
                key=f"{event}/{number}",
                kind=stage.value,
                payload=encode_request(request),
                state=RowState.WAITING.value,
                attempts=0,
                created_us=when,
                next_us=when,
            )
        )


def rows_of(store: EventStore, tenant: Tenant, event: Seq) -> Sequence[Row]:
    """Return every row of an event, in its order."""
    with store.reading() as connection:
        return rows_within(connection, tenant, event)


def rows_within(connection: Connection, tenant: Tenant, event: Seq) -> Sequence[Row]:
    """Return every row of an event, in its order, in the caller's transaction."""
    query = (
        select(OUTBOX)
        .where(OUTBOX.c.tenant == tenant.number, OUTBOX.c.key.in_(_keys(event)))
        .order_by(OUTBOX.c.position)
    )
    return [_row(found) for found in connection.execute(query).mappings()]


def events_leaving(store: EventStore, tenant: Tenant) -> Sequence[Seq]:
    """Return events that were given up and whose lots are still promised, in order."""
    query = (
        select(OUTBOX.c.key)
        .where(OUTBOX.c.tenant == tenant.number, OUTBOX.c.state == RowState.LEAVING.value)
        .order_by(OUTBOX.c.position)
    )
    with store.reading() as connection:
        return list(dict.fromkeys(_event(key) for key in connection.execute(query).scalars()))


def mark(
    connection: Connection,
    row: Row,
    state: RowState,
    *,
    later: Micros | None = None,
    among: Collection[RowState] = ON_THE_WAY,
) -> bool:
    """Write what became of a row, if it is still in one of some states; whether it was.

    ``later``: when it is tried again.
    """
    values: dict[str, object] = {"state": state.value}
    if later is not None:
        values |= {"attempts": row.attempts + 1, "next_us": later}
    changed = connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.position == row.position)
        .where(OUTBOX.c.state.in_([each.value for each in among]))
        .values(**values)
    )
    return changed.rowcount == 1


def leave(connection: Connection, tenant: Tenant, event: Seq) -> None:
    """Give up what an event has still on the way, in the caller's transaction."""
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.tenant == tenant.number, OUTBOX.c.key.in_(_keys(event)))
        .where(OUTBOX.c.state.in_([each.value for each in ON_THE_WAY]))
        .values(state=RowState.LEAVING.value)
    )


def replace_request(connection: Connection, row: Row, request: Request) -> None:
    """Write a request that has more signatures now."""
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.position == row.position)
        .values(payload=encode_request(request))
    )


def _keys(event: Seq) -> list[str]:
    return [f"{event}/{number}" for number in range(_MOST_OF_EVENT)]


def _event(key: str) -> Seq:
    return Seq(int(key.partition("/")[0]))


def _row(found: RowMapping) -> Row:
    key = str(found["key"])
    return Row(
        found["position"],
        _event(key),
        int(key.partition("/")[2]),
        Stage(found["kind"]),
        read_request(bytes(found["payload"])),
        RowState(found["state"]),
        found["attempts"],
        Micros(found["next_us"]),
    )
