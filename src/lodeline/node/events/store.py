"""The store of a company's events: one database, any number of tenants, one writer at a time.

    store = EventStore(open_engine(sqlite_url(path)))
    tenant = store.tenant(TenantName("miner"))
    with store.reading() as connection:
        connection.execute(select(EVENTS.c.body).where(EVENTS.c.tenant == tenant.number))
    store.write(lambda connection: connection.execute(...))

Reading and writing take a `Tenant`, and every statement of this package names it: one tenant's
data is never in another's answer. What `write` returns is durable. Writers share commits.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import Final, NewType, TypeVar

from sqlalchemy import Connection, Engine, RowMapping, bindparam, insert, select, update

from lodeline.exchange.epcis.document import EventId
from lodeline.kernel.ids import MemberId
from lodeline.node.events import database
from lodeline.node.events.group_commit import GroupCommit
from lodeline.node.events.layout import layout_of, migrate, present_layout
from lodeline.node.events.moments import MicroClock, Micros, SystemMicroClock
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import COUNTERS, EVENTS, STORE_SECRETS, TENANTS

__all__ = [
    "STORED_COLUMNS",
    "EventStore",
    "Seq",
    "StoredEvent",
    "Tenant",
    "TenantName",
    "stored_event",
    "take_numbers",
]

T = TypeVar("T")

Seq = NewType("Seq", int)
"""Place of an event in the order of capture, from 1, over all tenants."""
TenantName = NewType("TenantName", str)
"""Whose data it is: a member's id, or any other name that the operator gave."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose data is read and written. Only `EventStore.tenant` makes one."""

    number: int
    """What stands in the ``tenant`` columns."""
    name: TenantName


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is kept."""

    seq: Seq
    event_id: EventId
    type: str
    event_time: Micros
    record_time: Micros
    body: str
    """The event as JSON in its stored form (`lodeline.exchange.epcis.normal`), answer-ready: with
    ``eventID`` and ``recordTime``."""
    is_declaration: bool
    """Whether it declares an earlier event of the same id to be wrong."""


STORED_COLUMNS: Final = (
    EVENTS.c.seq,
    EVENTS.c.event_id,
    EVENTS.c.type,
    EVENTS.c.event_time_us,
    EVENTS.c.record_time_us,
    EVENTS.c.body,
    EVENTS.c.declaration,
)
"""What `stored_event` reads."""


def stored_event(row: RowMapping) -> StoredEvent:
    """Return the event of a row of `STORED_COLUMNS`."""
    return StoredEvent(
        Seq(row["seq"]),
        EventId(row["event_id"]),
        row["type"],
        Micros(row["event_time_us"]),
        Micros(row["record_time_us"]),
        row["body"],
        bool(row["declaration"]),
    )


class EventStore:
    """Events in a database, brought to the present layout when it is opened.

    Args:
        engine: from `open_engine`.
        clock: gives the times of recording.

    Raises:
        StoreUnreachable: the database does not answer.
        StoreLayoutUnknown: a later version wrote it.
    """

    def __init__(self, engine: Engine, clock: MicroClock | None = None) -> None:
        self.engine: Final = engine
        self.clock: Final[MicroClock] = clock or SystemMicroClock()
        self._commits = GroupCommit(lambda: database.writing(engine))
        self._tenants: dict[TenantName, Tenant] = {}
        self._naming = Lock()
        self._migrate()

    def close(self) -> None:
        """Close every connection; what was acknowledged is on the disk already."""
        self.engine.dispose()

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state of the store.

        Raises:
            StoreUnreachable: the database does not answer.
        """
        return database.reading(self.engine)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do a piece of work in a transaction and return its result once it is on the disk.

        Work that comes at the same time shares the transaction, and is undone alone if it raises.

        Raises:
            StoreUnreachable: the transaction did not commit; nothing is there.
            Exception: whatever the work raised; nothing of it is there.
        """
        with database.named_failures():
            return self._commits.run(work)

    def tenant(self, name: TenantName | MemberId) -> Tenant:
        """Return the tenant of a name; a name that is new gets a number."""
        name = TenantName(name)
        found = self._tenants.get(name) or self._known_tenant(name)
        if found is None:
            found = self.write(lambda connection: _named(connection, name))
        with self._naming:
            return self._tenants.setdefault(name, found)

    def tenants(self) -> Sequence[Tenant]:
        """Return every tenant, by number."""
        with self.reading() as connection:
            rows = connection.execute(select(TENANTS).order_by(TENANTS.c.number)).all()
        return [Tenant(number, TenantName(name)) for number, name in rows]

    def event(self, tenant: Tenant, event_id: EventId) -> StoredEvent:
        """Return the event of an id; where it was declared wrong, still the event itself.

        An event whose only trace is an error declaration is that declaration.

        Raises:
            EventUnknown: the tenant has none.
        """
        found = self.events_of_id(tenant, event_id)
        if not found:
            raise EventUnknown(event_id)
        return found[0]

    def events_of_id(self, tenant: Tenant, event_id: EventId) -> Sequence[StoredEvent]:
        """Return the event of an id and then its error declarations, in the order of capture.

        Either kind of id is found: the one that the event came with, and its hash id.
        """
        same = (EVENTS.c.event_id == event_id) | (EVENTS.c.hash_id == event_id)
        query = (
            select(*STORED_COLUMNS)
            .where(EVENTS.c.tenant == tenant.number, same)
            .order_by(EVENTS.c.declaration != "", EVENTS.c.seq)
        )
        with self.reading() as connection:
            return [stored_event(row) for row in connection.execute(query).mappings()]

    def events_after(self, tenant: Tenant, seq: Seq, limit: int) -> Sequence[StoredEvent]:
        """Return the next events of a tenant after a place, in the order of capture."""
        query = (
            select(*STORED_COLUMNS)
            .where(EVENTS.c.tenant == tenant.number, EVENTS.c.seq > seq)
            .order_by(EVENTS.c.seq)
            .limit(limit)
        )
        with self.reading() as connection:
            return [stored_event(row) for row in connection.execute(query).mappings()]

    def last_seq(self) -> Seq:
        """Return the place of the last event that was ever captured; 0 for none."""
        with self.reading() as connection:
            return Seq(_counter(connection, "events"))

    def secret(self, name: str) -> bytes:
        """Return a key of this store, 32 random bytes; it is made when it is first asked for."""
        query = select(STORE_SECRETS.c.value).where(STORE_SECRETS.c.name == name)
        with self.reading() as connection:
            found = connection.execute(query).scalar()
        return bytes(found) if found is not None else self.write(lambda c: _made_secret(c, name))

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = layout_of(connection)
        if found != present_layout():
            with database.writing(self.engine) as connection:
                migrate(connection)

    def _known_tenant(self, name: TenantName) -> Tenant | None:
        query = select(TENANTS.c.number).where(TENANTS.c.name == name)
        with self.reading() as connection:
            number = connection.execute(query).scalar()
        return None if number is None else Tenant(number, name)


def take_numbers(connection: Connection, counter: str, count: int) -> range:
    """Return the next numbers of a counter, from 1; a number is never given twice.

    Within a writing transaction: what rolls back gives its numbers back.
    """
    last = connection.execute(_ADD, {"counter": counter, "count": count}).scalar()
    if last is None:
        connection.execute(insert(COUNTERS).values(name=counter, value=count))
        last = count
    return range(last - count + 1, last + 1)


_ADD: Final = (
    update(COUNTERS)
    .where(COUNTERS.c.name == bindparam("counter"))
    .values(value=COUNTERS.c.value + bindparam("count"))
    .returning(COUNTERS.c.value)
)


def _counter(connection: Connection, name: str) -> int:
    found = connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == name)).scalar()
    return int(found or 0)


def _named(connection: Connection, name: TenantName) -> Tenant:
    query = select(TENANTS.c.number).where(TENANTS.c.name == name)
    number = connection.execute(query).scalar()
    if number is None:
        (number,) = take_numbers(connection, "tenants", 1)
        connection.execute(insert(TENANTS).values(number=number, name=name))
    return Tenant(number, name)


def _made_secret(connection: Connection, name: str) -> bytes:
    query = select(STORE_SECRETS.c.value).where(STORE_SECRETS.c.name == name)
    found = connection.execute(query).scalar()
    if found is not None:
        return bytes(found)
    value = secrets.token_bytes(_SECRET_BYTES)
    connection.execute(insert(STORE_SECRETS).values(name=name, value=value))
    return value
