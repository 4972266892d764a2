"""Rules of the trade over the events that came before: what lies in what, and which seal is where.

History is read in the order in which things happened (`eventTime`), then of capture, and only as
far as the event that is judged: an event that is captured late is judged by its own day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, tuple_

from lodeline.exchange.epcis.document import EpcisUri, Event, EventKind, Quantity
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.mapping import CompanyMapping
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
)
from lodeline.node.events.terms import TermKind, TermValue, term_value
from lodeline.node.events.trade_refusals import SealUsedTwice

__all__ = ["History", "check_seals", "event_of"]

_PACKING: Final = (EventKind.AGGREGATION, EventKind.ASSOCIATION)
_MOST_EVENTS: Final = 10_000
"""Of one container; a warehouse is no container."""
_MOST_DEPTH: Final = 16


def event_of(stored: StoredEvent) -> Event:
    """Return a stored event as a value."""
    value = parse_json(stored.body.encode())
    if not isinstance(value, dict):
        message = "a stored event is an object"
        raise TypeError(message)
    return Event(value)


@dataclass(frozen=True)
class History:
    """The events of a tenant as they were at one of them."""

    store: EventStore
    tenant: Tenant
    at: StoredEvent

    def about(self, kind: TermKind, value: TermValue) -> Iterator[tuple[Seq, Event]]:
        """Yield earlier events that speak of something and were not declared wrong."""
        query = (
            select(*STORED_COLUMNS)
            .join(EVENT_TERMS, EVENT_TERMS.c.seq == EVENTS.c.seq)
            .where(EVENT_TERMS.c.tenant == self.tenant.number)
            .where(EVENTS.c.tenant == self.tenant.number)
            .where(EVENT_TERMS.c.kind == kind.value, EVENT_TERMS.c.value == value)
            .where(tuple_(EVENTS.c.event_time_us, EVENTS.c.seq) < (self.at.event_time, self.at.seq))
            .order_by(EVENTS.c.event_time_us, EVENTS.c.seq)
            .limit(_MOST_EVENTS)
        )
        with self.store.reading() as connection:
            found = [stored_event(row) for row in connection.execute(query).mappings()]
        wrong = {each.event_id for each in found if each.is_declaration}
        for each in found:
            if each.event_id not in wrong:
                yield each.seq, event_of(each)

    def unpacked(self, container: EpcisUri) -> Sequence[Quantity]:
        """Return what lies in a container, and in the containers within it."""
        return tuple(self._unpacked(container, 0))

    def _unpacked(self, container: EpcisUri, depth: int) -> Iterator[Quantity]:
        inside: dict[TermValue, Quantity] = {}
        for _, event in self.about(TermKind.PARENT, term_value(container)):
            if event.type in _PACKING and event.action in {"ADD", "DELETE"}:
                _pack(inside, event)
        for quantity in inside.values():
            nested = (
                () if depth == _MOST_DEPTH else tuple(self._unpacked(quantity.epc_class, depth + 1))
            )
            yield from nested or (quantity,)


def _pack(inside: dict[TermValue, Quantity], event: Event) -> None:
    """Put into a container what an event adds, and take out what it removes."""
    named = [*_children(event)]
    if event.action == "DELETE" and not named:  # everything is taken out (EPCIS 2.0, 7.4.3)
        inside.clear()
    for quantity in named:
        key = term_value(quantity.epc_class)
        if event.action == "ADD":
            inside[key] = quantity
        else:
            inside.pop(key, None)


def _children(event: Event) -> Iterator[Quantity]:
    for place, epc in event.epcs():
        if place == "childEPCs":
            yield Quantity(epc, None, None)
    for place, quantity in event.quantities():
        if place == "childQuantityList":
            yield quantity


def check_seals(mapping: CompanyMapping, event: Event, history: History) -> None:
    """Refuse a seal that is put on a second thing, or again after it was taken off.

    Raises:
        SealUsedTwice: which, and where it was.
    """
    if event.type not in _PACKING or event.action != "ADD":
        return
    for child in _children(event):
        if mapping.is_seal(child.epc_class):
            _check_seal(child.epc_class, event.value, history)


def _check_seal(seal: EpcisUri, now: JsonObject, history: History) -> None:
    parent = str(now.get("parentID", "–"))
    for seq, before in history.about(TermKind.EPC, term_value(seal)):
        if before.type not in _PACKING:
            continue
        was = str(before.parent_id or "–")
        if before.action == "DELETE" or term_value(was) != term_value(parent):
            raise SealUsedTwice(seal, parent, was, seq)
