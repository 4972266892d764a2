"""Events and the entries of the ledger that they became, in both directions.

An event on the ledger has the id of its last entry. A sale comes about by the acceptance, so of a
shipment the event that received it leads to the step, on the node of whoever received; the offer
that the shipping event became is no step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping, select

from lodeline.exchange.epcis.document import EventId
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import EntryId
from lodeline.node.events.schema import EVENT_STATES, EVENT_TERMS, EVENTS
from lodeline.node.events.states import EventState
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import TermKind, term_value

__all__ = ["MOST_EVENTS", "Linked", "events_of_entries", "events_of_goods"]

MOST_EVENTS: Final = 1_000
"""Events of one thing that are looked at; whatever is beyond is not linked."""
_PIECE: Final = 500
"""Entries of one look-up; databases bound the parameters of a statement."""
_MADE: Final = (TermKind.OUTPUT_EPC, TermKind.OUTPUT_CLASS)
_SPOKEN_OF: Final = (TermKind.EPC, TermKind.EPC_CLASS)
_USED_UP: Final = "DELETE"


@dataclass(frozen=True, slots=True)
class Linked:
    """An event that became an entry of the ledger."""

    event: EventId
    seq: Seq
    entry: EntryId


def events_of_goods(store: EventStore, tenant: Tenant, goods: str) -> Sequence[Linked]:
    """Return the events after which something was there, or was still there, oldest first.

    Those that made it, observed it or received it, and are on the ledger; not those that used it
    up. At most `MOST_EVENTS`.

    Args:
        store: of the node.
        tenant: whose events they are.
        goods: an identifier in any spelling; goods of a class by the class.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    kinds = [kind.value for kind in (*_MADE, *_SPOKEN_OF)]
    query = (
        select(EVENTS.c.event_id, EVENTS.c.seq, EVENTS.c.action, EVENT_STATES.c.reference)
        .distinct()
        .join(EVENTS, EVENTS.c.seq == EVENT_TERMS.c.seq)
        .join(EVENT_STATES, EVENT_STATES.c.seq == EVENT_TERMS.c.seq)
        .where(
            EVENT_TERMS.c.tenant == tenant.number,
            EVENT_TERMS.c.kind.in_(kinds),
            EVENT_TERMS.c.value == term_value(goods),
            EVENTS.c.tenant == tenant.number,
            EVENT_STATES.c.state == EventState.ON_LEDGER.value,
            EVENT_STATES.c.reference.is_not(None),
        )
        .order_by(EVENTS.c.seq)
        .limit(MOST_EVENTS)
    )
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return _linked(row for row in rows if row["action"] != _USED_UP)


def events_of_entries(
    store: EventStore, tenant: Tenant, entries: Collection[EntryId]
) -> Sequence[Linked]:
    """Return the events of a tenant that became some entries, oldest first.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    names = [entry.hex() for entry in entries]
    found: list[RowMapping] = []
    with store.reading() as connection:
        for at in range(0, len(names), _PIECE):
            query = (
                select(EVENTS.c.event_id, EVENTS.c.seq, EVENT_STATES.c.reference)
                .join(EVENTS, EVENTS.c.seq == EVENT_STATES.c.seq)
                .where(
                    EVENT_STATES.c.tenant == tenant.number,
                    EVENT_STATES.c.reference.in_(names[at : at + _PIECE]),
                    EVENT_STATES.c.reference.is_not(None),
                    EVENT_STATES.c.state == EventState.ON_LEDGER.value,
                )
            )
            found += connection.execute(query).mappings().all()
    return sorted(_linked(found), key=lambda each: each.seq)


def _linked(rows: Iterable[RowMapping]) -> Sequence[Linked]:
    return [
        Linked(
            EventId(row["event_id"]),
            Seq(row["seq"]),
            EntryId(Hash32(bytes.fromhex(row["reference"]))),
        )
        for row in rows
    ]
