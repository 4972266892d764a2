"""What is on its way to the ledger: proved entries, kept before anything is sent.

A row is a request (`lodeline.node.requests`), whole enough to be sent by another process after a
crash. Rows of an event are numbered in the order in which they must reach the ledger; an event may
get further rows when its first ones are in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import OUTBOX
from lodeline.node.events.store import EventStore, Seq, Tenant, take_numbers
from lodeline.node.requests import Request, encode_request, read_request

__all__ = [
    "Row",
    "RowState",
    "Stage",
    "mark",
    "put_rows",
    "replace_request",
    "rows_of",
    "waiting_rows",
]

_MOST_ROWS: Final = 100_000
_MOST_OF_EVENT: Final = 64
"""Rows of one event, those of tries that failed included."""


class Stage(StrEnum):
    """Why an entry is sent; stored as the kind of the row."""

    MAKE = "make"
    OFFER = "offer"
    ACCEPT = "accept"
    SETTLE = "settle"


class RowState(StrEnum):
    """Where a row is; the words are stored."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


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
    first = len(_rows(connection, tenant, event))
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
        return _rows(connection, tenant, event)


def waiting_rows(store: EventStore, tenant: Tenant) -> Sequence[Row]:
    """Return what has still to reach the ledger, in order."""
    query = (
        select(OUTBOX)
        .where(OUTBOX.c.tenant == tenant.number, OUTBOX.c.state == RowState.WAITING.value)
        .order_by(OUTBOX.c.position)
        .limit(_MOST_ROWS)
    )
    with store.reading() as connection:
        return [_row(found) for found in connection.execute(query).mappings()]


def mark(connection: Connection, row: Row, state: RowState, *, later: Micros | None = None) -> None:
    """Write what became of a row; ``later``: when it is tried again."""
    values: dict[str, object] = {"state": state.value}
    if later is not None:
        values |= {"attempts": row.attempts + 1, "next_us": later}
    connection.execute(update(OUTBOX).where(OUTBOX.c.position == row.position).values(**values))


def replace_request(connection: Connection, row: Row, request: Request) -> None:
    """Write a request that has more signatures now."""
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.position == row.position)
        .values(payload=encode_request(request))
    )


def _rows(connection: Connection, tenant: Tenant, event: Seq) -> list[Row]:
    query = (
        select(OUTBOX)
        .where(OUTBOX.c.tenant == tenant.number)
        .where(OUTBOX.c.key.in_([f"{event}/{number}" for number in range(_MOST_OF_EVENT)]))
        .order_by(OUTBOX.c.position)
    )
    return [_row(found) for found in connection.execute(query).mappings()]


def _row(found: RowMapping) -> Row:
    event, _, number = str(found["key"]).partition("/")
    return Row(
        found["position"],
        Seq(int(event)),
        int(number),
        Stage(found["kind"]),
        read_request(bytes(found["payload"])),
        RowState(found["state"]),
        found["attempts"],
        Micros(found["next_us"]),
    )
