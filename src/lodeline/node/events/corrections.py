"""What became of an event that was wrong: who declared it so, and what stands in its place.

An event is never changed. An error declaration repeats it, with its id, and may name the events
that put it right (EPCIS 2.0, section 7.4.1.2). Declaration, event and corrections may come in any
order, or from several documents; the links are found when they are asked for, never stored, so none
can be missing or wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import select

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    StoredEvent,
    Tenant,
    stored_event,
)
from lodeline.node.events.terms import TermKind, term_value

__all__ = ["History", "corrected_by", "correctives_of", "history_of"]


@dataclass(frozen=True, slots=True)
class History:
    """An event, and what was said of it later."""

    event: StoredEvent | None
    """Nothing where only a declaration has arrived so far."""
    declarations: tuple[StoredEvent, ...]
    """Error declarations of it, in the order of capture."""
    correctives: tuple[StoredEvent, ...]
    """Events that its declarations name in its place, in the order of capture."""
    awaited: tuple[EventId, ...]
    """Named in its place, but not here (yet), sorted."""
    corrects: tuple[EventId, ...]
    """Events in whose place it stands itself, sorted."""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has declared the event to be wrong."""
        return bool(self.declarations)


def history_of(store: EventStore, tenant: Tenant, event_id: EventId) -> History:
    """Return what is known of an event and its corrections.

    Not checked: whether whoever declared an error may do so; the one who captures is answerable.

    Raises:
        EventUnknown: the tenant has neither the event nor a declaration of it.
    """
    same = store.events_of_id(tenant, event_id)
    if not same:
        raise EventUnknown(event_id)
    declarations = tuple(found for found in same if found.is_declaration)
    named = {name for found in declarations for name in _correctives(found)}
    ids = {event_id, *(found.event_id for found in same)}
    correctives, found_here = _first_of(store, tenant, named)
    return History(
        next((found for found in same if not found.is_declaration), None),
        declarations,
        tuple(correctives),
        tuple(sorted(named - found_here)),
        tuple(sorted(corrected_by(store, tenant, ids))),
    )


def correctives_of(
    store: EventStore, tenant: Tenant, declaration: StoredEvent
) -> Sequence[StoredEvent]:
    """Return the events that a declaration names in place of the wrong one, as far as here."""
    return _first_of(store, tenant, set(_correctives(declaration)))[0]


def _correctives(declaration: StoredEvent) -> Sequence[EventId]:
    declared = orjson.loads(declaration.body)["errorDeclaration"]
    return [EventId(name) for name in declared.get("correctiveEventIDs", ())]


def _first_of(
    store: EventStore, tenant: Tenant, ids: Iterable[EventId]
) -> tuple[list[StoredEvent], set[EventId]]:
    """The events of some ids that are here, not their declarations, and which ids those were."""
    wanted = set(ids)
    query = (
        select(*STORED_COLUMNS, EVENTS.c.hash_id)
        .where(EVENTS.c.tenant == tenant.number, EVENTS.c.declaration == "")
        .where(EVENTS.c.event_id.in_(wanted) | EVENTS.c.hash_id.in_(wanted))
        .order_by(EVENTS.c.seq)
    )
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
    found = {EventId(name) for row in rows for name in (row["event_id"], row["hash_id"]) if name}
    return [stored_event(row) for row in rows], found & wanted


def corrected_by(store: EventStore, tenant: Tenant, ids: Iterable[EventId]) -> set[EventId]:
    """Return the ids of the events whose declarations name one of some ids."""
    query = (
        select(EVENTS.c.event_id)
        .join(EVENT_TERMS, EVENT_TERMS.c.seq == EVENTS.c.seq)
        .where(EVENTS.c.tenant == tenant.number, EVENT_TERMS.c.tenant == tenant.number)
        .where(EVENT_TERMS.c.kind == TermKind.CORRECTIVE_EVENT)
        .where(EVENT_TERMS.c.value.in_([term_value(name) for name in ids]))
    )
    with store.reading() as connection:
        return {EventId(name) for name in connection.execute(query).scalars()}
