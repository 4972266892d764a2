"""What is new for somebody: events after a place, in the order of capture, that a query finds.

A reader that remembers how far it has come is told of every event once, however many there were
meanwhile. What it costs grows with the events that came since, not with those that are there: of
these, the index of terms gives the ones that may be meant, and the query decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, select

from lodeline.node.events.candidates import Index
from lodeline.node.events.moments import Micros
from lodeline.node.events.parameters import Query
from lodeline.node.events.planning import column_conditions
from lodeline.node.events.predicates import read_event
from lodeline.node.events.queries import EVERYTHING, Visible
from lodeline.node.events.resolving import resolved
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
)

__all__ = ["News", "Wanted", "news"]

_SPAN: Final = 20_000
"""Places that one statement looks at."""
_PIECE: Final = 500
"""Events that are fetched together."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to be told of, and may."""

    query: Query
    visible: Visible = EVERYTHING
    since: Micros | None = None
    """Not what was recorded before."""


@dataclass(frozen=True, slots=True)
class News:
    """What was found, and how far the search has come."""

    events: tuple[StoredEvent, ...]
    reached: Seq
    """Nothing up to here is left to tell, beside what was found."""
    is_whole: bool
    """Whether there is nothing more up to where the search was to go."""


def news(
    store: EventStore, tenant: Tenant, wanted: Wanted, after: Seq, until: Seq, most: int
) -> News:
    """Return the first events after a place that are wanted.

    Args:
        store: where they are.
        tenant: whose they are.
        wanted: which of them.
        after: the place that was reached before.
        until: the last place to look at; from `EventStore.last_seq`.
        most: how many events, at least 1.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    query = wanted.visible.narrowed(resolved(store, tenant, wanted.query))
    found: list[StoredEvent] = []
    reached = after
    while reached < until:
        end = Seq(min(reached + _SPAN, until))
        events, examined = _matching(store, tenant, wanted, query, reached, end)
        found += events
        if len(found) > most:
            return News(tuple(found[:most]), found[most - 1].seq, is_whole=False)
        reached = examined
    return News(tuple(found), Seq(max(reached, after)), is_whole=True)


def _matching(
    store: EventStore, tenant: Tenant, wanted: Wanted, query: Query, after: Seq, end: Seq
) -> tuple[list[StoredEvent], Seq]:
    """Events of a span that are wanted, and how far they reach."""
    with store.reading() as connection:
        statement = _statement(Index(connection, tenant), wanted, query)
        rows = (
            connection.execute(
                statement.where(EVENTS.c.seq > after, EVENTS.c.seq <= end)
                .order_by(EVENTS.c.seq)
                .limit(_PIECE)
            )
            .mappings()
            .all()
        )
    events = [stored_event(row) for row in rows]
    reached = end if len(rows) < _PIECE else events[-1].seq
    if not query.conditions:
        return events, reached
    views = ((each, read_event(each.body, exact=query.is_exact)) for each in events)
    return [each for each, view in views if query.matches(view)], reached


def _statement(index: Index, wanted: Wanted, query: Query) -> Select[tuple[object, ...]]:
    conditions = column_conditions(index, query)
    if wanted.since is not None:
        conditions.append(EVENTS.c.record_time_us >= wanted.since)
    for condition in query.conditions:
        lookup = condition.lookup
        if lookup is not None and index.can_probe(lookup):
            conditions.append(index.has(lookup, EVENTS.c.seq))
    return select(*STORED_COLUMNS).where(*conditions)
