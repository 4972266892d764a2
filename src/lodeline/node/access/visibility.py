"""Which events somebody sees, as conditions that every query takes.

    page = Page(per_page, holder, visible_to(store, caller))
    answer = run(store, caller.tenant, query, page)

A query is narrowed to what is shared before it looks for anything, so that what is not shared is
neither shown nor counted nor told apart by a page that ends early. Whatever else reads events asks
`Visible.shows` or `Visible.seen`, each time anew, since policies end: what a subscription delivers,
an event by its id. Lists of values, master data, capture jobs and states are for who sees
everything (`Visible.everything`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from sqlalchemy import Connection, select

from lodeline.exchange.epcis.value import JsonValue
from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.key import CANONICAL_DOMAIN
from lodeline.exchange.gs1.link import canonical_link
from lodeline.node.access.callers import Caller
from lodeline.node.access.policies import Terms, policies_for
from lodeline.node.events.moments import Micros, micros
from lodeline.node.events.parameters import Query, Window
from lodeline.node.events.predicates import Condition, EventView, Lookup, Place, read_event
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import TermKind, TermValue, term_value

__all__ = ["Visible", "beginning_of_parts", "visible_to"]

_PIECE: Final = 500
"""Places of one look-up; databases bound the parameters of a statement."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing that terms may say, and where it stands in events."""

    texts: Callable[[Terms], Sequence[str]]
    place: Place
    kinds: tuple[TermKind, ...]

    def condition(self, texts: Iterable[str]) -> Condition:
        """Return that an event has one of some identifiers here, or a part of it."""
        values = tuple(sorted({term_value(text) for text in texts}))
        found = (beginning_of_parts(value) for value in values)
        beginnings = tuple(beginning for beginning in found if beginning is not None)
        check = _IsOrIsPart(frozenset(values), beginnings)
        return Condition("shared", self.place, check, Lookup(self.kinds, values, beginnings))


@dataclass(frozen=True, slots=True)
class _IsOrIsPart:
    """The value is one of some identifiers, in any spelling, or a part of it."""

    values: frozenset[TermValue]
    beginnings: tuple[str, ...]

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it is."""
        if not isinstance(value, str):
            return False
        term = event.term(value)
        return term in self.values or term.startswith(self.beginnings)


_PARTS: Final = (
    _Part(lambda terms: terms.kinds, Place((("type",),)), (TermKind.TYPE,)),
    _Part(lambda terms: terms.steps, Place((("bizStep",),)), (TermKind.BIZ_STEP,)),
    _Part(
        lambda terms: terms.sites,
        Place((("readPoint", "id"), ("bizLocation", "id"))),
        (TermKind.READ_POINT, TermKind.BIZ_LOCATION),
    ),
    _Part(
        lambda terms: terms.lots,
        Place(
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
        ),
        (
            TermKind.EPC,
            TermKind.PARENT,
            TermKind.INPUT_EPC,
            TermKind.OUTPUT_EPC,
            TermKind.EPC_CLASS,
            TermKind.INPUT_CLASS,
            TermKind.OUTPUT_CLASS,
        ),
    ),
    _Part(
        lambda terms: terms.parties,
        Place((("sourceList", "source"), ("destinationList", "destination"))),
        (TermKind.SOURCE, TermKind.DESTINATION),
    ),
)


_CLOSEST: Final = tuple(reversed(_PARTS))
"""Parts in the order in which they tell events apart, as a rule."""


@dataclass(frozen=True)
class Visible:
    """What of a tenant's events may be shown."""

    tenant: Tenant
    everything: bool
    """Whether all of it, and everything about it."""
    shares: tuple[Terms, ...] = ()
    """Otherwise what any of these share."""

    def shows(self, event: EventView) -> bool:
        """Return whether an event may be shown."""
        return self.everything or any(
            _is_in(terms, event) and all(condition.holds(event) for condition in conditions)
            for terms, conditions in self._conditions
        )

    def narrowed(self, query: Query) -> Query:
        """Return a query that finds nothing but what may be shown.

        Beside the exact condition stand those that follow from it and that an index can answer:
        what all policies have in common.
        """
        if self.everything:
            return query
        common = [
            part.condition(text for terms in self.shares for text in part.texts(terms))
            for part in _PARTS
            if all(part.texts(terms) for terms in self.shares)
        ]
        exact = Condition("shared", _Whole(), _IsShown(self), self._lookup)
        return replace(
            query,
            conditions=(*query.conditions, *common, exact),
            event_time=_cut(query.event_time, self._window),
        )

    def seen(self, connection: Connection, seqs: Iterable[Seq]) -> frozenset[Seq]:
        """Return which of some events may be shown; those of another tenant never."""
        every, seen = sorted(set(seqs)), set[Seq]()
        for at in range(0, len(every), _PIECE):
            query = select(
                EVENTS.c.seq, EVENTS.c.body
            ).where(
                EVENTS.c.tenant + 0 == self.tenant.number,  # by place, not all of a tenant
                EVENTS.c.seq.in_(every[at : at + _PIECE]),
            )
            for seq, body in connection.execute(query):
                if self.shows(read_event(body, exact=False)):
                    seen.add(Seq(seq))
        return frozenset(seen)

    @cached_property
    def _conditions(self) -> Sequence[tuple[Terms, Sequence[Condition]]]:
        return [
            (terms, [part.condition(texts) for part in _PARTS if (texts := part.texts(terms))])
            for terms in self.shares
        ]

    @property
    def _lookup(self) -> Lookup | None:
        """Find candidates by what each policy names most closely; nothing where one names none."""
        closest = [
            next((part.condition(texts) for part in _CLOSEST if (texts := part.texts(terms))), None)
            for terms in self.shares
        ]
        found = [one.lookup for one in closest if one is not None and one.lookup is not None]
        if len(found) < len(closest):
            return None
        return Lookup(
            tuple(sorted({kind for one in found for kind in one.kinds})),
            tuple(sorted({term for one in found for term in one.terms})),
            tuple(sorted({beginning for one in found for beginning in one.beginnings})),
            is_exact=False,
        )

    @property
    def _window(self) -> Window:
        """The span in which everything lies that may be shown."""
        begins = [terms.since for terms in self.shares]
        ends = [terms.before for terms in self.shares]
        since = [Micros(moment) for moment in begins if moment is not None]
        until = [Micros(moment) for moment in ends if moment is not None]
        return Window(
            min(since) if since and len(since) == len(begins) else None,
            max(until) if until and len(until) == len(ends) else None,
        )


@dataclass(frozen=True, slots=True)
class _Whole:
    """The event itself, as a place in it."""

    def values(self, event: EventView) -> Iterator[JsonValue]:
        """The one value there is."""
        yield event.value


@dataclass(frozen=True, slots=True)
class _IsShown:
    """The event may be shown."""

    visible: Visible

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it may."""
        del value
        return self.visible.shows(event)


def _is_in(terms: Terms, event: EventView) -> bool:
    """Return whether an event happened when terms say."""
    if terms.since is None and terms.before is None:
        return True
    when = micros("eventTime", str(event.value["eventTime"]))
    return (terms.since is None or when >= terms.since) and (
        terms.before is None or when < terms.before
    )


def _cut(one: Window, other: Window) -> Window:
    """Return the span that two spans have in common."""
    since = [moment for moment in (one.since, other.since) if moment is not None]
    until = [moment for moment in (one.until, other.until) if moment is not None]
    return Window(max(since, default=None), min(until, default=None))


def beginning_of_parts(value: TermValue) -> str | None:
    """Return how the parts of a GS1 key begin; nothing for what has no parts.

    Only a whole key has parts: the beginning of one, or of a domain, is no identifier.
    """
    if not value.startswith(CANONICAL_DOMAIN):
        return None
    try:
        is_key = str(canonical_link(value)) == value
    except Gs1Refused:
        return None
    return f"{value}/" if is_key else None


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
