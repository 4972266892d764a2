"""Queries, answered: a page of events, and a token for the next one.

    query = parse_query({"MATCH_anyEPC": ["urn:epc:id:sgtin:4012345.011122.25"]})
    answer = run(store, tenant, query, Page(per_page=100))
    while answer.next is not None:
        answer = run_next(store, tenant, answer.next.token, Page(per_page=100))

An answer is that of one state of the store. What a page costs depends on what it has to look at,
not on how deep it lies; where much has to be looked at for little, the page is shorter than asked
for, even empty, and there is a next one (EPCIS 2.0, section 12.6.2 allows it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from sqlalchemy import RowMapping, select

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.candidates import Index, Position
from lodeline.node.events.ordering import SortKey, read_sort_key, sort_key, written_sort_key
from lodeline.node.events.paging import (
    NOBODY,
    Holder,
    PageToken,
    SealedPage,
    keep_definition,
    kept_definition,
    open_token,
    seal_token,
)
from lodeline.node.events.parameters import (
    MAX_PER_PAGE,
    PER_PAGE,
    Order,
    OrderField,
    Query,
    read_definition,
)
from lodeline.node.events.planning import Plan, column_conditions, plan
from lodeline.node.events.predicates import read_event
from lodeline.node.events.query_refusals import (
    AnswerTooLarge,
    PageTokenOfOther,
    PageTokenWrong,
    ParameterCountWrong,
    QueryTooMuchWork,
)
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

__all__ = [
    "EVERYTHING",
    "MAX_EXAMINED",
    "MAX_FOUND_CHARS",
    "MAX_SORTED",
    "Answer",
    "Page",
    "Visible",
    "run",
    "run_next",
]

MAX_FOUND_CHARS: Final = 16_000_000
"""Of the events that are found for a page, unless one alone has more; the page ends there."""
MAX_EXAMINED: Final = 50_000
"""Candidates that one page looks at."""
MAX_SORTED: Final = 10_000
"""Events of an answer that is ordered by an extension, or counted for ``maxEventCount``."""
_SMALLEST_BATCH: Final = 64
_LARGEST_PLAIN: Final = 2_000
"""Candidates of a batch of which every event is fetched."""
_LARGEST_NARROWED: Final = 16_000
"""Candidates of a batch that the index narrows first."""
_PIECE: Final = 128
"""Events that are fetched together."""


class Visible(Protocol):
    """Which events somebody may see, such as `lodeline.node.access.visibility.Visible`."""

    def narrowed(self, query: Query) -> Query:
        """Return a query that finds, and counts, nothing but those."""


class _Everything:
    """Whoever asks may see every event of the tenant."""

    def narrowed(self, query: Query) -> Query:
        """Return the query as it is."""
        return query


EVERYTHING: Final[Visible] = _Everything()


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of an answer, and for whom."""

    per_page: int = PER_PAGE
    """At most; more than `MAX_PER_PAGE` are never given."""
    holder: Holder = NOBODY
    """To whom the token of the next page is given."""
    visible: Visible = EVERYTHING
    """What whoever asks may see. It is not part of the token: it is asked for each page."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of an answer."""

    events: tuple[StoredEvent, ...]
    next: SealedPage | None
    """Nothing on the last page."""


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a page begins."""

    order: Order | None = None
    after: Position | None = None
    after_key: SortKey | None = None
    left: int | None = None
    """How many events ``eventCountLimit`` still allows."""


@dataclass(slots=True)
class _Found:
    """What a walk has found so far."""

    events: list[tuple[Position, StoredEvent]]
    reached: Position | None = None
    """The last candidate that was looked at."""
    is_whole: bool = False
    """There are no further candidates."""
    chars: int = 0
    """Of the events that were found."""


def run(store: EventStore, tenant: Tenant, query: Query, page: Page | None = None) -> Answer:
    """Return the first page of what a query finds.

    Raises:
        ParameterCountWrong: a page of no events is asked for.
        AnswerTooLarge: there is more than ``maxEventCount``.
        QueryTooMuchWork: to know that, or to order by an extension, takes too much.
        StoreUnreachable: the database does not answer.
    """
    return _run(store, tenant, query, page or Page(), _Start(left=query.limit))


def run_next(
    store: EventStore,
    tenant: Tenant,
    token: PageToken,
    page: Page | None = None,
    query: Query | None = None,
) -> Answer:
    """Return the page that a token leads to.

    Args:
        store: where the events are.
        tenant: whose they are.
        token: from the answer before.
        page: how much of it, and for whom: the holder must be the same.
        query: what stood beside the token, where something did.

    Raises:
        PageTokenWrong, PageTokenExpired, PageTokenOfOther: the token is not good for this.
        QueryParameterException, QueryTooComplexException, StoreUnreachable: as for `run`.
    """
    page = page or Page()
    content = open_token(store, tenant, page.holder, token)
    if content.get("of") != "events":
        raise PageTokenWrong
    definition = kept_definition(store, tenant, content)
    if query is not None and query.definition != definition:
        raise PageTokenOfOther
    return _run(store, tenant, read_definition(definition), page, _start(content))


def _run(store: EventStore, tenant: Tenant, query: Query, page: Page, start: _Start) -> Answer:
    if page.per_page < 1:
        raise ParameterCountWrong("perPage", str(page.per_page), 1)
    size = min(page.per_page, MAX_PER_PAGE, start.left if start.left is not None else MAX_PER_PAGE)
    complete = page.visible.narrowed(resolved(store, tenant, query))
    with store.reading() as connection:
        search = _Search(Index(connection, tenant), complete)
        if query.order is not None and query.order.source is not None:
            events, end = search.sorted_page(query.order, start, size)
        else:
            events, end = search.page(start, size)
    left = None if start.left is None else start.left - len(events)
    if end is None or left == 0:
        return Answer(tuple(events), None)
    content = {**keep_definition(store, tenant, query.definition), **end, "left": left}
    return Answer(tuple(events), seal_token(store, tenant, page.holder, content))


class _Search:
    """One page of one query, within one state of the store."""

    def __init__(self, index: Index, query: Query) -> None:
        self._index = index
        self._query = query
        self._columns = column_conditions(index, query)

    def page(self, start: _Start, size: int) -> tuple[list[StoredEvent], JsonObject | None]:
        """The events of a page, and what leads to the next one."""
        way = plan(self._index, self._query, start.order or self._query.order)
        most = self._query.most if start.after is None else None
        found = self._collect(way, start.after, size + 1 if most is None else max(size, most) + 1)
        if most is not None:
            if len(found.events) > most:
                raise AnswerTooLarge(most)
            if not found.is_whole:
                raise QueryTooMuchWork(MAX_EXAMINED)
        taken = found.events[:size]
        events = [event for _, event in taken]
        if len(found.events) > size:
            return events, _end(way.order, taken[-1][0])
        if found.is_whole or found.reached is None:
            return events, None
        return events, _end(way.order, found.reached)

    def sorted_page(
        self, order: Order, start: _Start, size: int
    ) -> tuple[list[StoredEvent], JsonObject | None]:
        """The events of a page in the order of an extension: all are found, then sorted."""
        way = plan(self._index, self._query, None)
        found = self._collect(way, None, MAX_SORTED + 1)
        if self._query.most is not None and len(found.events) > self._query.most:
            raise AnswerTooLarge(self._query.most)
        if len(found.events) > MAX_SORTED or not found.is_whole:
            raise QueryTooMuchWork(MAX_SORTED)
        keyed = sorted(
            ((sort_key(order, event), event) for _, event in found.events),
            key=lambda pair: pair[0],
            reverse=order.is_falling,
        )
        left = [(key, event) for key, event in keyed if _is_after(order, key, start.after_key)]
        events = [event for _, event in left[:size]]
        if len(left) <= size:
            return events, None
        end: JsonObject = {"of": "events", "key": written_sort_key(left[size - 1][0])}
        return events, end

    def _collect(self, way: Plan, after: Position | None, wanted: int) -> _Found:
        """Walk until enough is found, nothing is left, or too much was looked at."""
        found = _Found([], after)
        size = _LARGEST_PLAIN if way.narrowing else max(2 * wanted, _SMALLEST_BATCH)
        examined = 0
        while examined < MAX_EXAMINED:
            size = min(size, _LARGEST_NARROWED if way.narrowing else _LARGEST_PLAIN)
            batch = way.walk.batch(found.reached, size, way.narrowing)
            for position, event in self._holding(way, batch.positions):
                found.events.append((position, event))
                found.chars += len(event.body)
                if len(found.events) == wanted or found.chars > MAX_FOUND_CHARS:
                    found.reached = position
                    return found
            if batch.reached is None:
                found.is_whole = True
                break
            found.reached = batch.reached
            examined += size
            size *= 2
        return found

    def _holding(
        self, way: Plan, candidates: Sequence[Position]
    ) -> Iterator[tuple[Position, StoredEvent]]:
        """Those of some candidates for which everything holds, in their order."""
        for at in range(0, len(candidates), _PIECE):
            piece = candidates[at : at + _PIECE]
            rows = self._rows([position.seq for position in piece])
            for position in piece:
                row = rows.get(position.seq)
                if row is not None and self._holds(way, row["body"]):
                    yield position, stored_event(row)

    def _rows(self, seqs: Sequence[Seq]) -> dict[Seq, RowMapping]:
        query = select(*STORED_COLUMNS).where(EVENTS.c.seq.in_(seqs), *self._columns)
        return {Seq(row["seq"]): row for row in self._index.connection.execute(query).mappings()}

    def _holds(self, way: Plan, body: str) -> bool:
        if not way.residual:
            return True
        event = read_event(body, exact=any(condition.is_exact for condition in way.residual))
        return all(condition.holds(event) for condition in way.residual)


def _is_after(order: Order, key: SortKey, after: SortKey | None) -> bool:
    if after is None:
        return True
    return key < after if order.is_falling else key > after


def _end(order: Order, position: Position) -> JsonObject:
    return {
        "of": "events",
        "order": order.field,
        "falls": order.is_falling,
        "after": [position.key, position.seq],
    }


def _start(content: JsonObject) -> _Start:
    left = cast(int | None, content["left"])
    if "key" in content:
        return _Start(after_key=read_sort_key(content["key"]), left=left)
    key, seq = cast(list[int], content["after"])
    order = Order(OrderField(str(content["order"])), bool(content["falls"]))
    return _Start(order, Position(key, Seq(seq)), left=left)
