"""Which thing is in which, from either end: the battery of a vehicle, the vehicle of a battery.

What aggregation and association events say, as of now or of an event: things are in what they were
put into last, unless they were taken out. Events that were declared wrong, or that are refused or
held themselves, say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lodeline.exchange.epcis.document import EpcisUri
from lodeline.exchange.epcis.value import ExactNumber
from lodeline.node.events.rules import MOST_DEPTH, PACKING, History
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import term_value

__all__ = ["MOST_THINGS", "Part", "Whereabouts", "whereabouts"]

MOST_THINGS = 1_000
"""Things of one answer; what lies in a ship is asked for container by container."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing in another."""

    thing: EpcisUri
    within: EpcisUri
    depth: int
    """Of what was asked about: 1 for what is straight in it, or what it is straight in."""
    kind: str
    """AggregationEvent or AssociationEvent."""
    event: Seq
    """The event that put it there."""
    quantity: ExactNumber | None = None
    uom: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """In what a thing is, and what is in it."""

    thing: EpcisUri
    around: tuple[Part, ...]
    """From the inner to the outer."""
    inside: tuple[Part, ...]
    """Each before what is in it."""
    is_all: bool
    """False where there are more than `MOST_THINGS` in it."""

    @property
    def things(self) -> Sequence[EpcisUri]:
        """Return the thing and everything in it."""
        return (self.thing, *(part.thing for part in self.inside))


def whereabouts(store: EventStore, tenant: Tenant, thing: EpcisUri) -> Whereabouts:
    """Return in what a thing is now, and what is in it; nothing where no event says.

    Args:
        store: of the node.
        tenant: whose events are believed.
        thing: an identifier in any spelling.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    history = History(store, tenant)
    inside: list[Part] = []
    for part in _inside(history, thing):
        if len(inside) == MOST_THINGS:
            return Whereabouts(thing, tuple(_around(history, thing)), tuple(inside), is_all=False)
        inside.append(part)
    return Whereabouts(thing, tuple(_around(history, thing)), tuple(inside), is_all=True)


def _inside(history: History, thing: EpcisUri, depth: int = 1) -> Iterator[Part]:
    for held in history.inside(thing):
        quantity = held.quantity
        yield Part(held.thing, thing, depth, held.kind, held.event, quantity.quantity, quantity.uom)
        if depth < MOST_DEPTH:
            yield from _inside(history, held.thing, depth + 1)


def _around(history: History, thing: EpcisUri) -> Iterator[Part]:
    """Yield what a thing is in; each thing once, whatever events say of circles."""
    seen, depth = {term_value(thing)}, 1
    level = [thing]
    while level and depth <= MOST_DEPTH:
        outer: list[EpcisUri] = []
        for inner in level:
            for kind in PACKING:
                found = history.place_of(inner, kind)
                if found is not None and term_value(found.parent) not in seen:
                    seen.add(term_value(found.parent))
                    outer.append(found.parent)
                    yield Part(inner, found.parent, depth, kind, found.event)
        level, depth = outer, depth + 1
