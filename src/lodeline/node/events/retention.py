"""Retention: events that nobody needs any longer are removed, and remembered by their ids alone.

Only events whose way is at its end go (`states.FINAL`): what is on its way to the ledger, or held
for a person, stays however old it is. An event that was removed is still known: sent again, it does
not come back, and cannot be counted twice. What is on the ledger stays on the ledger.

Removal goes in batches of their own transactions, so that captures get their turn in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, tuple_

from lodeline.exchange.epcis.document import Event
from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import (
    CAPTURE_JOBS,
    EVENT_STATES,
    EVENT_TERMS,
    EVENTS,
    FORGOTTEN,
    PAGE_TOKENS,
)
from lodeline.node.events.states import FINAL
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import terms_of

__all__ = ["Forgotten", "forget_events", "forget_jobs", "forget_page_tokens"]

_BATCH: Final = 500
_TERMS: Final = 300
"""Terms of one statement: three parameters each, and databases bound them."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a run of retention did."""

    events: int
    """Removed now."""
    kept: int
    """Old enough, but still on their way."""


def forget_events(store: EventStore, tenant: Tenant, recorded_before: Micros) -> Forgotten:
    """Remove a tenant's events that were recorded before a moment and are at the end of their way.

    Raises:
        StoreUnreachable: the database failed; batches that were done before stay done.
    """
    removed, after = 0, Seq(0)
    while True:
        batch = _old(store, tenant, recorded_before, after)
        if not batch:
            return Forgotten(removed, _waiting(store, tenant, recorded_before))
        removed += store.write(partial(_remove, store=store, rows=batch))
        after = Seq(batch[-1]["seq"])


def forget_jobs(store: EventStore, tenant: Tenant, finished_before: Micros) -> int:
    """Remove a tenant's capture jobs that finished before a moment; return how many."""
    old = (CAPTURE_JOBS.c.tenant == tenant.number, CAPTURE_JOBS.c.finished_us < finished_before)
    return store.write(
        lambda connection: connection.execute(delete(CAPTURE_JOBS).where(*old)).rowcount
    )


def forget_page_tokens(store: EventStore) -> int:
    """Remove every token of a page that has expired; return how many."""
    old = PAGE_TOKENS.c.expires_us < store.clock.now()
    return store.write(
        lambda connection: connection.execute(delete(PAGE_TOKENS).where(old)).rowcount
    )


def _old(store: EventStore, tenant: Tenant, before: Micros, after: Seq) -> Sequence[RowMapping]:
    """The next events that may go, in the order of capture."""
    query = (
        select(EVENTS)
        .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
        .where(EVENTS.c.tenant == tenant.number, EVENTS.c.seq > after)
        .where(EVENTS.c.record_time_us < before)
        .where(EVENT_STATES.c.state.in_(sorted(FINAL)))
        .order_by(EVENTS.c.seq)
        .limit(_BATCH)
    )
    with store.reading() as connection:
        return connection.execute(query).mappings().all()


def _waiting(store: EventStore, tenant: Tenant, before: Micros) -> int:
    """How many events are old enough and stay."""
    query = select(func.count()).where(
        EVENTS.c.tenant == tenant.number, EVENTS.c.record_time_us < before
    )
    with store.reading() as connection:
        return connection.execute(query).scalar_one()


def _remove(connection: Connection, *, store: EventStore, rows: Sequence[RowMapping]) -> int:
    """Remove events whose state has not moved since they were read; remember their ids."""
    seqs = [row["seq"] for row in rows]
    still = select(EVENT_STATES.c.seq).where(
        EVENT_STATES.c.seq.in_(seqs), EVENT_STATES.c.state.in_(sorted(FINAL))
    )
    gone = set(connection.execute(still).scalars())
    going = [row for row in rows if row["seq"] in gone]
    if not going:
        return 0
    now = store.clock.now()
    connection.execute(insert(FORGOTTEN), [_memory(row, now) for row in going])
    _remove_terms(connection, going)
    connection.execute(delete(EVENT_STATES).where(EVENT_STATES.c.seq.in_(gone)))
    return connection.execute(delete(EVENTS).where(EVENTS.c.seq.in_(gone))).rowcount


def _memory(row: RowMapping, now: Micros) -> dict[str, object]:
    return {
        "tenant": row["tenant"],
        "content": row["hash_id"] or row["event_id"],
        "declaration": row["declaration"],
        "event_id": row["event_id"],
        "seq": row["seq"],
        "forgotten_us": now,
    }


def _remove_terms(connection: Connection, rows: Sequence[RowMapping]) -> None:
    """Remove the terms that the events' texts have; those of an older version may stay unseen."""
    key = tuple_(EVENT_TERMS.c.kind, EVENT_TERMS.c.value, EVENT_TERMS.c.seq)
    terms = [
        (kind, value, row["seq"])
        for row in rows
        for kind, value in terms_of(Event(orjson.loads(row["body"])))
    ]
    owner = EVENT_TERMS.c.tenant == rows[0]["tenant"]
    for at in range(0, len(terms), _TERMS):
        connection.execute(delete(EVENT_TERMS).where(owner, key.in_(terms[at : at + _TERMS])))
