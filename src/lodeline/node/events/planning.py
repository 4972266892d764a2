"""How a query is answered: which index leads, which others narrow, what the event itself decides.

1 every condition that an index knows is counted, no further than a bound; 2 where the rarest finds
few, these are all candidates; 3 else the order leads: that of event times along their index, that
of capture along the values of the rarest condition; 4 other conditions of the index narrow each
batch; 5 what no index decides is decided on the event. An order that nobody asked for is chosen so
that little is looked at; the choice is part of the page token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Integer, literal_column, select

from lodeline.node.events.candidates import (
    MAX_STREAMS,
    EventTimeWalk,
    Index,
    ListWalk,
    Position,
    TermWalk,
    Walk,
    within,
)
from lodeline.node.events.parameters import EVENT_TIME, RECORD_TIME, Order, Query
from lodeline.node.events.predicates import Condition, Lookup
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import Seq

__all__ = ["FEW", "Plan", "column_conditions", "of_tenant", "plan"]

FEW: Final = 2_000
"""Candidates that are all fetched at once rather than walked."""
_COUNTED: Final = 10_000
"""Entries of an index that are counted at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to answer a query."""

    walk: Walk
    narrowing: tuple[Lookup, ...]
    """Conditions that the index decides for each batch."""
    residual: tuple[Condition, ...]
    """Conditions that only the event decides."""
    order: Order
    """By event time or capture."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """A condition that the index knows, and how many entries it has."""

    count: int
    condition: Condition
    lookup: Lookup


def plan(index: Index, query: Query, order: Order | None) -> Plan:
    """Return a way to answer a query whose master data is resolved.

    Args:
        index: of the tenant.
        query: what is asked for.
        order: by event time or by capture; nothing where any will do.
    """
    counted = sorted(
        (
            _Counted(index.count(each.lookup, _COUNTED), each, each.lookup)
            for each in query.conditions
            if each.lookup is not None
        ),
        key=lambda each: each.count,
    )
    few = _few(index, query, counted)
    if few is not None:
        chosen = order or Order(RECORD_TIME, is_falling=False)
        seqs, led = few
        walk: Walk = ListWalk(index, _positions(index, seqs, chosen), is_falling=chosen.is_falling)
        return _plan(index, query, walk, led, chosen)
    chosen = order or _free_order(index, query, counted)
    if chosen.field == EVENT_TIME:
        walk = EventTimeWalk(index, query.event_time, is_falling=chosen.is_falling)
        return _plan(index, query, walk, None, chosen)
    leading = next((each for each in counted if _can_lead(each.lookup)), None)
    lookup = index.types() if leading is None else leading.lookup
    walk = TermWalk(index, lookup, query, is_falling=chosen.is_falling)
    return _plan(index, query, walk, None if leading is None else leading.condition, chosen)


def column_conditions(index: Index, query: Query) -> list[ColumnElement[bool]]:
    """Return what columns of events decide of a query, for events whose places are known."""
    events = EVENTS.c
    found: list[ColumnElement[bool]] = [
        of_tenant(index),
        *within(_plain(events.event_time_us), query.event_time),
        *within(_plain(events.record_time_us), query.record_time),
        *within(_plain(events.declared_us), query.declared),
    ]
    if query.actions:
        found.append(events.action.in_(query.actions))
    if query.event_ids:
        found.append(events.event_id.in_(query.event_ids))
    return found


def of_tenant(index: Index) -> ColumnElement[bool]:
    """Return that an event is the tenant's, in a form that leads to no index.

    SQLite would rather go through all events of a tenant than look up a few by their places.
    """
    return _plain(EVENTS.c.tenant) == index.tenant.number


def _plain(column: ColumnElement[int]) -> ColumnElement[int]:
    return column + literal_column("0", Integer)


def _few(
    index: Index, query: Query, counted: Sequence[_Counted]
) -> tuple[set[Seq], Condition | None] | None:
    """Every candidate, where some condition has few of them, and that condition."""
    if query.event_ids:
        return index.of_ids(query.event_ids), None
    if counted and counted[0].count <= FEW:
        return index.seqs(counted[0].lookup), counted[0].condition
    if not query.event_time.is_open and index.count_times(query.event_time, FEW + 1) <= FEW:
        return index.times(query.event_time), None
    if not query.declared.is_open or _asks_for_declarations(query):
        found = index.declarations(FEW)
        return None if found is None else (found, None)
    return None


def _asks_for_declarations(query: Query) -> bool:
    return any(each.parameter == "EXISTS_errorDeclaration" for each in query.conditions)


def _free_order(index: Index, query: Query, counted: Sequence[_Counted]) -> Order:
    """The order in which least is looked at."""
    if not query.event_time.is_open:
        rarest = counted[0].count if counted else _COUNTED
        if index.count_times(query.event_time, _COUNTED) <= rarest:
            return Order(EVENT_TIME, is_falling=False)
    return Order(RECORD_TIME, is_falling=False)


def _can_lead(lookup: Lookup) -> bool:
    return not lookup.beginnings and len(lookup.kinds) * len(lookup.terms) <= MAX_STREAMS


def _plan(index: Index, query: Query, walk: Walk, leading: Condition | None, order: Order) -> Plan:
    """Share the conditions out: led by one, narrowed by some, the rest left to the event."""
    narrowing: list[Lookup] = []
    residual: list[Condition] = []
    for condition in query.conditions:
        lookup = condition.lookup
        if condition.by_column:
            continue
        is_decided = condition is leading
        if lookup is not None and not is_decided and index.can_probe(lookup):
            narrowing.append(lookup)
            is_decided = True
        if lookup is None or not lookup.is_exact or not is_decided:
            residual.append(condition)
    return Plan(walk, tuple(narrowing), tuple(residual), order)


def _positions(index: Index, seqs: set[Seq], order: Order) -> list[Position]:
    """Positions of few events in an order; those that are gone have none."""
    if order.field != EVENT_TIME:
        return [Position(0, seq) for seq in seqs]
    query = select(EVENTS.c.event_time_us, EVENTS.c.seq).where(
        of_tenant(index), EVENTS.c.seq.in_(sorted(seqs))
    )
    return [Position(key, Seq(seq)) for key, seq in index.connection.execute(query)]
