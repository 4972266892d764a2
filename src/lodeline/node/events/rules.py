"""Rules of the trade over the events that came before: what lies in what, and which seal is where.

History is read in the order in which things happened (`eventTime`), then of capture, and only as
far as the event that is judged: an event that is captured late is judged by its own day. Events
that were declared wrong do not count, nor do those that are refused or held themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import and_, or_, select, tuple_

from lodeline.exchange.epcis.document import EpcisUri, Event, EventKind, Quantity
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.mapping import CompanyMapping, Doing
from lodeline.node.events.schema import EVENT_STATES, EVENT_TERMS, EVENTS
from lodeline.node.events.states import EventState
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
)
from lodeline.node.events.terms import TermKind, TermValue, term_value
from lodeline.node.events.trade_refusals import (
    ContainerInItself,
    SealUsedTwice,
    ThingElsewhere,
    ThingShipped,
)

__all__ = ["MOST_DEPTH", "PACKING", "Held", "History", "Lying", "check_packing", "event_of"]

PACKING: Final = (EventKind.AGGREGATION, EventKind.ASSOCIATION)
_MOST_EVENTS: Final = 10_000
"""Of one container; a warehouse is no container."""
MOST_DEPTH: Final = 16
_STOPPED: Final = (EventState.REFUSED.value, EventState.HELD.value)
_IS_BELIEVED: Final = and_(
    EVENT_STATES.c.state.not_in(_STOPPED),
    # a person may leave an event aside that was refused or held; it keeps its reason
    or_(EVENT_STATES.c.state != EventState.KEPT.value, EVENT_STATES.c.reason.is_(None)),
)


def event_of(stored: StoredEvent) -> Event:
    """Return a stored event as a value."""
    value = parse_json(stored.body.encode())
    if not isinstance(value, dict):
        message = "a stored event is an object"
        raise TypeError(message)
    return Event(value)


@dataclass(frozen=True)
class Lying:
    """In what a thing lies, and since which event."""

    parent: EpcisUri
    event: Seq


@dataclass(frozen=True)
class Held:
    """What lies in a container, by which kind of packing, and since which event."""

    quantity: Quantity
    kind: str
    event: Seq

    @property
    def thing(self) -> EpcisUri:
        """Return what it is."""
        return self.quantity.epc_class


@dataclass(frozen=True)
class History:
    """The events of a tenant as they were at one of them."""

    store: EventStore
    tenant: Tenant
    at: StoredEvent | None = None
    """Nothing: as they are now."""

    def about(self, kind: TermKind, value: TermValue) -> Iterator[tuple[Seq, Event]]:
        """Yield earlier events that speak of something and were not declared wrong."""
        query = (
            select(*STORED_COLUMNS)
            .join(EVENT_TERMS, EVENT_TERMS.c.seq == EVENTS.c.seq)
            .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
            .where(EVENT_TERMS.c.tenant == self.tenant.number)
            .where(EVENTS.c.tenant == self.tenant.number)
            .where(EVENT_TERMS.c.kind == kind.value, EVENT_TERMS.c.value == value)
            .where(_IS_BELIEVED)
            .order_by(EVENTS.c.event_time_us, EVENTS.c.seq)
            .limit(_MOST_EVENTS)
        )
        if self.at is not None:
            when = tuple_(EVENTS.c.event_time_us, EVENTS.c.seq)
            query = query.where(when < (self.at.event_time, self.at.seq))
        with self.store.reading() as connection:
            found = [stored_event(row) for row in connection.execute(query).mappings()]
        wrong = {each.event_id for each in found if each.is_declaration}
        for each in found:
            if each.event_id not in wrong:
                yield each.seq, event_of(each)

    def spoken_of(self, lot: EpcisUri) -> Sequence[Event]:
        """Return events about a lot whenever they happened, in the order of time."""
        always = replace(self, at=None)
        found = {
            seq: event
            for kind in (TermKind.EPC_CLASS, TermKind.EPC)
            for seq, event in always.about(kind, term_value(lot))
        }
        return tuple(found.values())

    def place_of(self, thing: EpcisUri, kind: str) -> Lying | None:
        """Return in what a thing lies, by the packing events of one kind; nothing if in nothing.

        A thing that was taken out, or whose container was emptied, lies in nothing.
        """
        found: Lying | None = None
        for seq, event in self.about(TermKind.EPC, term_value(thing)):
            if event.type != kind or event.parent_id is None:
                continue
            if event.action == "ADD":
                found = Lying(event.parent_id, seq)
            elif event.action == "DELETE":
                found = None
        if found is not None and not self._still_in(found, thing):
            return None
        return found

    def _still_in(self, lying: Lying, thing: EpcisUri) -> bool:
        """Whether a container holds a thing still: it may have been emptied as a whole."""
        return any(
            term_value(each.thing) == term_value(thing) for each in self.inside(lying.parent)
        )

    def inside(self, container: EpcisUri) -> Sequence[Held]:
        """Return what was put straight into a container, and is in it."""
        inside: dict[TermValue, Held] = {}
        for seq, event in self.about(TermKind.PARENT, term_value(container)):
            if event.type in PACKING and event.action in {"ADD", "DELETE"}:
                _pack(inside, event, seq)
        return tuple(inside.values())

    def unpacked(self, container: EpcisUri) -> Sequence[Quantity]:
        """Return what lies in a container, and in the containers within it."""
        return tuple(self._unpacked(container, 0))

    def _unpacked(self, container: EpcisUri, depth: int) -> Iterator[Quantity]:
        for held in self.inside(container):
            nested = () if depth == MOST_DEPTH else tuple(self._unpacked(held.thing, depth + 1))
            yield from nested or (held.quantity,)


def _pack(inside: dict[TermValue, Held], event: Event, seq: Seq) -> None:
    """Put into a container what an event adds, and take out what it removes."""
    named = [*_children(event)]
    if event.action == "DELETE" and not named:  # everything is taken out (EPCIS 2.0, 7.4.3)
        inside.clear()
    for quantity in named:
        key = term_value(quantity.epc_class)
        if event.action == "ADD":
            inside[key] = Held(quantity, event.type, seq)
        else:
            inside.pop(key, None)


def _children(event: Event) -> Iterator[Quantity]:
    for place, epc in event.epcs():
        if place == "childEPCs":
            yield Quantity(epc, None, None)
    for place, quantity in event.quantities():
        if place == "childQuantityList":
            yield quantity


def check_packing(mapping: CompanyMapping, event: Event, history: History) -> None:
    """Refuse or hold what cannot be put together so.

    A seal is put on one thing, once. Any other thing with a number of its own lies in one container
    at a time, which does not lie in it, and is here: not shipped before. Lots may be shared out.

    Raises:
        SealUsedTwice: which, and where it was.
        ContainerInItself, ThingElsewhere, ThingShipped: the thing, and what is known of it.
    """
    if event.type not in PACKING or event.action != "ADD":
        return
    for place, child in event.epcs():
        if place != "childEPCs":
            continue
        if mapping.is_seal(child):
            _check_seal(child, event.value, history)
        else:
            _check_thing(mapping, child, event, history)


def _check_seal(seal: EpcisUri, now: JsonObject, history: History) -> None:
    parent = str(now.get("parentID", "–"))
    for seq, before in history.about(TermKind.EPC, term_value(seal)):
        if before.type not in PACKING:
            continue
        was = str(before.parent_id or "–")
        if before.action == "DELETE" or term_value(was) != term_value(parent):
            raise SealUsedTwice(seal, parent, was, seq)


def _check_thing(mapping: CompanyMapping, thing: EpcisUri, event: Event, history: History) -> None:
    parent = event.parent_id
    if parent is not None:
        inside = (term_value(each.epc_class) for each in history.unpacked(thing))
        if term_value(parent) in {term_value(thing), *inside}:
            raise ContainerInItself(thing, parent)
    found = history.place_of(thing, event.type)
    if found is not None and parent is not None and term_value(found.parent) != term_value(parent):
        raise ThingElsewhere(thing, parent, found.parent, found.event)
    _check_here(mapping, thing, history)


def _check_here(mapping: CompanyMapping, thing: EpcisUri, history: History) -> None:
    """Hold a thing that was shipped by an earlier event, and not received since."""
    shipping, receiving = mapping.steps_for(Doing.OFFER), mapping.steps_for(Doing.ACCEPT)
    shipped: Seq | None = None
    for seq, before in history.about(TermKind.EPC, term_value(thing)):
        if before.biz_step in shipping:
            shipped = seq
        elif before.biz_step in receiving:
            shipped = None
    if shipped is not None:
        raise ThingShipped(thing, shipped)
