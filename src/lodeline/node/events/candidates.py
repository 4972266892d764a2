"""Which events may be an answer: what indexes say, in one order, a batch at a time.

A walk goes through candidates in the order of capture or of event times, and starts anywhere: a
page deep in the answer costs what the first one does. Terms stand in the order of capture within
each value, so that the events of one place are walked without touching any other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Executable,
    Integer,
    Select,
    and_,
    func,
    literal_column,
    select,
    union_all,
)

from lodeline.node.events.moments import Micros
from lodeline.node.events.parameters import Query, Window
from lodeline.node.events.predicates import Lookup
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import Seq, Tenant
from lodeline.node.events.terms import TermKind, TermValue

__all__ = [
    "MAX_STREAMS",
    "Batch",
    "EventTimeWalk",
    "Index",
    "ListWalk",
    "Position",
    "TermWalk",
    "Walk",
]

MAX_STREAMS: Final = 48
"""Values that are walked side by side."""
_PROBED: Final = 8
"""Values for which the events of a batch are looked up one by one."""
_LAST: Final = "\U0010ffff"
"""Sorts after anything that follows a beginning."""
_FIRST_SEQ: Final = Seq(0)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Place of an event in an order: its key there, and its place in the order of capture."""

    key: int
    """Event time; 0 in the order of capture."""
    seq: Seq


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a walk."""

    positions: Sequence[Position]
    """Those candidates of the piece that every narrowing look-up finds."""
    reached: Position | None
    """The last candidate that was looked at; nothing where there are no further ones."""


class Walk(Protocol):
    """Candidates in one order."""

    def batch(self, after: Position | None, size: int, narrowing: Sequence[Lookup]) -> Batch:
        """Look at so many candidates after a position."""


class Index:
    """What the tables say of one tenant's events, within one state of the store."""

    def __init__(self, connection: Connection, tenant: Tenant) -> None:
        self.connection: Final = connection
        self.tenant: Final = tenant

    def count(self, lookup: Lookup, most: int) -> int:
        """Return how many entries a look-up finds, counted no further than a bound."""
        parts = list(self._parts(lookup))
        if not parts:
            return 0
        inner = union_all(*parts).limit(most).subquery()
        return self.connection.execute(select(func.count()).select_from(inner)).scalar_one()

    def seqs(self, lookup: Lookup) -> set[Seq]:
        """Return every place that a look-up finds."""
        parts = list(self._parts(lookup))
        if not parts:
            return set()
        return self._seqs(union_all(*parts))

    def can_probe(self, lookup: Lookup) -> bool:
        """Whether single events can be looked up cheaply."""
        return not lookup.beginnings and len(lookup.kinds) * len(lookup.terms) <= _PROBED

    def keep(self, lookup: Lookup, seqs: Iterable[Seq]) -> set[Seq]:
        """Return those of some places that a look-up finds."""
        query = self._terms(lookup.kinds, lookup.terms).where(EVENT_TERMS.c.seq.in_(list(seqs)))
        return self._seqs(query)

    def has(self, lookup: Lookup, seq: ColumnElement[int]) -> ColumnElement[bool]:
        """Return that a look-up finds the event of a row."""
        terms = self._terms(lookup.kinds, lookup.terms)
        return terms.where(EVENT_TERMS.c.seq == seq).exists()

    def count_times(self, window: Window, most: int) -> int:
        """Return how many events happened in a window, counted no further than a bound."""
        inner = self._times(window).limit(most).subquery()
        return self.connection.execute(select(func.count()).select_from(inner)).scalar_one()

    def times(self, window: Window) -> set[Seq]:
        """Return the places of all events that happened in a window."""
        return self._seqs(self._times(window))

    def of_ids(self, event_ids: Sequence[str]) -> set[Seq]:
        """Return the places of events of some ids."""
        query = select(EVENTS.c.seq).where(
            EVENTS.c.tenant == self.tenant.number, EVENTS.c.event_id.in_(event_ids)
        )
        return self._seqs(query)

    def declarations(self, most: int) -> set[Seq] | None:
        """Return the places of all error declarations; nothing where there are too many."""
        query = (
            select(EVENTS.c.seq)
            .where(EVENTS.c.tenant == self.tenant.number, EVENTS.c.declared_us.is_not(None))
            .limit(most + 1)
        )
        found = self._seqs(query)
        return None if len(found) > most else found

    def types(self) -> Lookup:
        """Return the look-up that finds every event: each has a type."""
        return Lookup((TermKind.TYPE,), tuple(self.values(TermKind.TYPE)))

    def values(self, kind: TermKind) -> Iterator[TermValue]:
        """Every value of a kind in its order, skipping from one to the next."""
        last: str | None = ""
        while last is not None:
            query = select(func.min(EVENT_TERMS.c.value)).where(
                EVENT_TERMS.c.tenant == self.tenant.number,
                EVENT_TERMS.c.kind == kind,
                EVENT_TERMS.c.value > last,
            )
            last = self.connection.execute(query).scalar()
            if last is not None:
                yield TermValue(last)

    def recorded_between(self, window: Window) -> tuple[Seq, Seq | None]:
        """Return places after and before which everything of a window of recording lies.

        The time of recording never falls while places grow.
        """
        since, until = window.since, window.until
        first = _FIRST_SEQ if since is None else self._first_recorded(since)
        if first is None:
            return Seq(2**62), None
        return (
            Seq(max(first - 1, 0)),
            None if until is None else self._first_recorded(until),
        )

    def _seqs(self, query: Executable) -> set[Seq]:
        return {Seq(seq) for (seq,) in self.connection.execute(query)}

    def _first_recorded(self, since: Micros) -> Seq | None:
        query = (
            select(EVENTS.c.seq)
            .where(EVENTS.c.tenant == self.tenant.number, EVENTS.c.record_time_us >= since)
            .order_by(EVENTS.c.record_time_us, EVENTS.c.seq)
            .limit(1)
        )
        return self.connection.execute(query).scalar()

    def _times(self, window: Window) -> Select[int]:
        return select(EVENTS.c.seq).where(
            EVENTS.c.tenant == self.tenant.number, *within(EVENTS.c.event_time_us, window)
        )

    def _terms(self, kinds: Sequence[TermKind], terms: Sequence[TermValue]) -> Select[int]:
        return select(EVENT_TERMS.c.seq).where(
            EVENT_TERMS.c.tenant == self.tenant.number,
            EVENT_TERMS.c.kind.in_(kinds),
            EVENT_TERMS.c.value.in_(terms),
        )

    def _parts(self, lookup: Lookup) -> Iterator[Select[int]]:
        if lookup.terms:
            yield self._terms(lookup.kinds, lookup.terms)
        for kind, beginning in product(lookup.kinds, lookup.beginnings):
            yield select(EVENT_TERMS.c.seq).where(
                EVENT_TERMS.c.tenant == self.tenant.number,
                EVENT_TERMS.c.kind == kind,
                EVENT_TERMS.c.value >= beginning,
                EVENT_TERMS.c.value < beginning + _LAST,
            )


def within(column: ColumnElement[int], window: Window) -> Iterator[ColumnElement[bool]]:
    """Conditions that put a column into a window."""
    if window.since is not None:
        yield column >= window.since
    if window.until is not None:
        yield column < window.until


class ListWalk:
    """Candidates that are all known."""

    def __init__(self, index: Index, positions: Iterable[Position], *, is_falling: bool) -> None:
        self._index = index
        self._positions = sorted(positions, reverse=is_falling)
        self._is_falling = is_falling

    def batch(self, after: Position | None, size: int, narrowing: Sequence[Lookup]) -> Batch:
        """Look at so many candidates after a position."""
        left = [
            position
            for position in self._positions
            if after is None or (position < after if self._is_falling else position > after)
        ]
        found = left[:size]
        for lookup in narrowing:
            kept = self._index.keep(lookup, [each.seq for each in found]) if found else set()
            found = [position for position in found if position.seq in kept]
        return Batch(found, left[size - 1] if len(left) > size else None)


class TermWalk:
    """Candidates of some values of the index, in the order of capture, merged."""

    def __init__(self, index: Index, lookup: Lookup, query: Query, *, is_falling: bool) -> None:
        self._index = index
        self._streams = list(product(lookup.kinds, lookup.terms))
        self._after, self._before = index.recorded_between(query.record_time)
        self._is_falling = is_falling

    def batch(self, after: Position | None, size: int, narrowing: Sequence[Lookup]) -> Batch:
        """Look at so many candidates after a position."""
        if not self._streams:
            return Batch([], None)
        lower, upper = self._after, self._before
        if after is not None and self._is_falling:
            upper = after.seq if upper is None else min(after.seq, upper)
        elif after is not None:
            lower = max(after.seq, lower)
        parts = [self._stream(kind, value, lower, upper) for kind, value in self._streams]
        if len(parts) == 1:
            ordered = parts[0].order_by(_turned(EVENT_TERMS.c.seq, is_falling=self._is_falling))
            return _looked_at(self._index, ordered, size, narrowing, is_falling=self._is_falling)
        united = union_all(*parts)
        merged = united.order_by(_turned(united.selected_columns.seq, is_falling=self._is_falling))
        return _looked_at(self._index, merged, size, narrowing, is_falling=self._is_falling)

    def _stream(
        self, kind: TermKind, value: TermValue, lower: Seq, upper: Seq | None
    ) -> Select[int, int]:
        terms = EVENT_TERMS.c
        bounds = [terms.seq > lower] if upper is None else [terms.seq > lower, terms.seq < upper]
        return select(literal_column("0", Integer).label("key"), terms.seq.label("seq")).where(
            terms.tenant == self._index.tenant.number,
            terms.kind == kind,
            terms.value == value,
            *bounds,
        )


class EventTimeWalk:
    """All events of a window, in the order of their event times."""

    def __init__(self, index: Index, window: Window, *, is_falling: bool) -> None:
        self._index = index
        self._window = window
        self._is_falling = is_falling

    def batch(self, after: Position | None, size: int, narrowing: Sequence[Lookup]) -> Batch:
        """Look at so many candidates after a position."""
        time, seq = EVENTS.c.event_time_us, EVENTS.c.seq
        query = select(time.label("key"), seq.label("seq")).where(
            EVENTS.c.tenant == self._index.tenant.number, *within(time, self._window)
        )
        if after is not None and self._is_falling:
            later = and_(time == after.key, seq < after.seq) | (time < after.key)
            query = query.where(time <= after.key, later)
        elif after is not None:
            later = and_(time == after.key, seq > after.seq) | (time > after.key)
            query = query.where(time >= after.key, later)
        keys = [_turned(column, is_falling=self._is_falling) for column in (time, seq)]
        return _looked_at(
            self._index, query.order_by(*keys), size, narrowing, is_falling=self._is_falling
        )


def _turned(column: ColumnElement[int], *, is_falling: bool) -> ColumnElement[int]:
    return column.desc() if is_falling else column


def _looked_at(
    index: Index,
    ordered: Select[int, int] | CompoundSelect[int, int],
    size: int,
    narrowing: Sequence[Lookup],
    *,
    is_falling: bool,
) -> Batch:
    """The first candidates of an ordered statement, narrowed before they leave the database."""
    window = ordered.limit(size).subquery()
    query = select(window.c.key, window.c.seq)
    for lookup in narrowing:
        query = query.where(index.has(lookup, window.c.seq))
    keys = [_turned(column, is_falling=is_falling) for column in (window.c.key, window.c.seq)]
    rows = index.connection.execute(query.order_by(*keys)).all()
    positions = list(dict.fromkeys(Position(key, Seq(seq)) for key, seq in rows))
    if not narrowing:
        return Batch(positions, positions[-1] if len(rows) == size else None)
    last = index.connection.execute(ordered.limit(1).offset(size - 1)).one_or_none()
    return Batch(positions, None if last is None else Position(last[0], Seq(last[1])))
