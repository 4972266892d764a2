"""Which events somebody sees, as a condition that every query takes.

    visible = visible_to(store, caller)
    page = Page(per_page, holder, visible.for_queries)
    query = select(EVENTS.c.body).where(EVENTS.c.tenant == tenant.number, visible.where())

Queries ask it of each event that they find (`shows`), statements of their own have it as a
condition (`where`); both say the same. What they let through may be shown whole, and nothing else
may be shown, be counted, or be told apart. So it belongs into the query, not behind it; into lists
of values (`EVENT_TERMS` joined to `EVENTS`); and into what subscriptions deliver, each time anew,
since policies end. Master data, capture jobs and states are for who sees everything
(`Visible.everything`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true

from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.key import CANONICAL_DOMAIN
from lodeline.exchange.gs1.link import canonical_link
from lodeline.node.access.callers import Caller
from lodeline.node.access.policies import Terms, policies_for
from lodeline.node.events.moments import micros
from lodeline.node.events.predicates import EventView, Place
from lodeline.node.events.queries import EVERYTHING
from lodeline.node.events.queries import Visible as QueryVisible
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import TermKind, TermValue, term_value

__all__ = ["LOT_KINDS", "PARTY_KINDS", "SITE_KINDS", "Visible", "covered", "visible_to"]

SITE_KINDS: Final = (TermKind.READ_POINT, TermKind.BIZ_LOCATION)
LOT_KINDS: Final = (
    TermKind.EPC,
    TermKind.PARENT,
    TermKind.INPUT_EPC,
    TermKind.OUTPUT_EPC,
    TermKind.EPC_CLASS,
    TermKind.INPUT_CLASS,
    TermKind.OUTPUT_CLASS,
)
PARTY_KINDS: Final = (TermKind.SOURCE, TermKind.DESTINATION)
_PIECE: Final = 500
"""Places of one look-up; databases bound the parameters of a statement."""

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Visible:
    """What of a tenant's events may be shown."""

    tenant: Tenant
    everything: bool
    """Whether all of it, and everything about it."""
    shares: tuple[Terms, ...] = ()
    """Otherwise what any of these share."""

    def where(self) -> Condition:
        """Return what must hold of a row of `EVENTS` for it to be shown.

        Not checked by the condition: the tenant of the row, which every statement names itself.
        """
        if self.everything:
            return true()
        return or_(false(), *(self._shared(terms) for terms in self.shares))

    @property
    def for_queries(self) -> QueryVisible:
        """Return the same for a page of a query, which is spared the asking where all is shown."""
        return EVERYTHING if self.everything else self

    def shows(self, event: EventView) -> bool:
        """Return whether an event may be shown."""
        return self.everything or any(_shares(terms, event) for terms in self.shares)

    def seen(self, connection: Connection, seqs: Iterable[Seq]) -> frozenset[Seq]:
        """Return which of some events may be shown."""
        every, seen = sorted(set(seqs)), set[Seq]()
        for at in range(0, len(every), _PIECE):
            query = select(EVENTS.c.seq).where(
                EVENTS.c.tenant == self.tenant.number,
                EVENTS.c.seq.in_(every[at : at + _PIECE]),
                self.where(),
            )
            seen.update(Seq(seq) for seq in connection.execute(query).scalars())
        return frozenset(seen)

    def _shared(self, terms: Terms) -> Condition:
        conditions: list[Condition] = [true()]
        if terms.kinds:
            conditions.append(EVENTS.c.type.in_(terms.kinds))
        if terms.steps:
            conditions.append(self._named(terms.steps, (TermKind.BIZ_STEP,)))
        if terms.since is not None:
            conditions.append(EVENTS.c.event_time_us >= terms.since)
        if terms.before is not None:
            conditions.append(EVENTS.c.event_time_us < terms.before)
        for texts, kinds in (
            (terms.sites, SITE_KINDS),
            (terms.lots, LOT_KINDS),
            (terms.parties, PARTY_KINDS),
        ):
            if texts:
                conditions.append(self._named(texts, kinds))
        return and_(*conditions)

    def _named(self, texts: Iterable[str], kinds: Collection[TermKind]) -> Condition:
        """Any of some identifiers, or a part of it, stands in any of some places."""
        values = [term_value(text) for text in texts]
        parts = [bounds for value in values if (bounds := covered(value)) is not None]
        of_kind = (EVENT_TERMS.c.tenant == self.tenant.number, EVENT_TERMS.c.kind.in_(kinds))
        # An equality is one look-up for each event; a range is read once for the whole statement.
        itself = (
            select(EVENT_TERMS.c.seq)
            .where(*of_kind, EVENT_TERMS.c.value.in_(values), EVENT_TERMS.c.seq == EVENTS.c.seq)
            .correlate(EVENTS)
            .exists()
        )
        within = (
            EVENTS.c.seq.in_(
                select(EVENT_TERMS.c.seq).where(
                    *of_kind, EVENT_TERMS.c.value >= low, EVENT_TERMS.c.value < high
                )
            )
            for low, high in parts
        )
        return or_(itself, *within)


_STEP: Final = Place((("bizStep",),))
_SITES: Final = Place((("readPoint", "id"), ("bizLocation", "id")))
_LOTS: Final = Place(
    (
        ("epcList",),
        ("childEPCs",),
        ("parentID",),
        ("inputEPCList",),
        ("outputEPCList",),
        ("quantityList", "epcClass"),
        ("childQuantityList", "epcClass"),
        ("inputQuantityList", "epcClass"),
        ("outputQuantityList", "epcClass"),
    )
)
_PARTIES: Final = Place((("sourceList", "source"), ("destinationList", "destination")))


def _shares(terms: Terms, event: EventView) -> bool:
    if terms.kinds and event.value.get("type") not in terms.kinds:
        return False
    return _is_in_time(terms, event) and all(
        not texts or _is_named(texts, place, event)
        for texts, place in (
            (terms.steps, _STEP),
            (terms.sites, _SITES),
            (terms.lots, _LOTS),
            (terms.parties, _PARTIES),
        )
    )


def _is_in_time(terms: Terms, event: EventView) -> bool:
    if terms.since is None and terms.before is None:
        return True
    when = micros("eventTime", str(event.value["eventTime"]))
    return (terms.since is None or when >= terms.since) and (
        terms.before is None or when < terms.before
    )


def _is_named(texts: Iterable[str], place: Place, event: EventView) -> bool:
    found = {event.term(text) for text in place.values(event) if isinstance(text, str)}
    for named in map(term_value, texts):
        if named in found:
            return True
        bounds = covered(named)
        if bounds is not None and any(bounds[0] <= value < bounds[1] for value in found):
            return True
    return False


def covered(value: TermValue) -> tuple[str, str] | None:
    """Return between which values the parts of a GS1 key lie; nothing where there are none.

    The parts of ``https://id.gs1.org/01/…`` begin with it and a slash; nothing else sorts there.
    """
    if not value.startswith(CANONICAL_DOMAIN):
        return None
    try:
        is_key = str(canonical_link(value)) == value
    except Gs1Refused:
        return None
    return (f"{value}/", f"{value}0") if is_key else None


def visible_to(store: EventStore, caller: Caller) -> Visible:
    """Return what a caller sees now.

    Raises:
        PolicyMalformed: a stored policy cannot be read.
        StoreUnreachable: the database does not answer.
    """
    if caller.sees_all:
        return Visible(caller.tenant, everything=True)
    readers = list(caller.readers)
    found = policies_for(store, caller.tenant, readers, store.clock.now())
    return Visible(caller.tenant, everything=False, shares=tuple(one.terms for one in found))
