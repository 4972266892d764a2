"""How far each event has come on its way to the ledger, and why it stands where it stands.

received → mapped → proved → on-ledger is the way of an event that changes lots. It may end before:
refused (a rule of the trade or the ledger says no), held (a person has to decide), kept (nothing of
it belongs on the ledger). A state is moved in the transaction of what it reports.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    func,
    insert,
    select,
    update,
)

from lodeline.exchange.epcis.document import EventId
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.moments import Micros
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import EVENT_STATES, EVENTS, STATE_MOVES
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
    take_numbers,
)

__all__ = [
    "FINAL",
    "EventState",
    "KnownState",
    "Move",
    "Place",
    "Reason",
    "StateOf",
    "WantedStates",
    "count_states",
    "counter_of_moves",
    "events_in_state",
    "last_states",
    "list_states",
    "move_state",
    "note_move",
    "read_reason",
    "reason_of",
    "state_of",
    "states_of",
]


class EventState(StrEnum):
    """Where an event is; the words are stored."""

    RECEIVED = "received"
    MAPPED = "mapped"
    PROVED = "proved"
    ON_LEDGER = "on-ledger"
    REFUSED = "refused"
    HELD = "held"
    KEPT = "kept"


FINAL = frozenset({EventState.ON_LEDGER, EventState.REFUSED, EventState.KEPT})
"""States in which nobody waits for the event any more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an event is refused or held: a refusal in words, and its code."""

    code: str
    en: str
    fr: str
    advice_en: str
    advice_fr: str


@dataclass(frozen=True, slots=True)
class Move:
    """Into which state events go, when, and why."""

    state: EventState
    when: Micros
    reason: Reason | None = None
    reference: str | None = None
    """What the events became."""


@dataclass(frozen=True, slots=True)
class StateOf:
    """The state of one event."""

    seq: Seq
    state: EventState
    reason: Reason | None
    reference: str | None
    """What the event became: a transform, an offer, a row of the outbox."""
    updated: Micros


@dataclass(frozen=True, slots=True)
class KnownState:
    """The state of one event, with the event's id."""

    event_id: EventId
    is_declaration: bool
    """Whether the event declares another one of that id to be wrong."""
    at: StateOf


class Place(NamedTuple):
    """Where in a list of states somebody is."""

    updated: Micros
    seq: Seq


@dataclass(frozen=True, slots=True)
class WantedStates:
    """Which states are listed, and in which order."""

    states: frozenset[EventState] = field(default_factory=lambda: frozenset(EventState))
    since: Micros | None = None
    """Not those that were come into before."""
    oldest_first: bool = False


_STATE_COLUMNS = (
    EVENT_STATES.c.state,
    EVENT_STATES.c.reason,
    EVENT_STATES.c.reference,
    EVENT_STATES.c.updated_us,
)


def reason_of(refusal: LodelineError) -> Reason:
    """Return a refusal as a reason that can be kept."""
    return Reason(
        refusal.code,
        refusal.message("en"),
        refusal.message("fr"),
        refusal.advice("en"),
        refusal.advice("fr"),
    )


def move_state(connection: Connection, tenant: Tenant, seqs: Iterable[Seq], move: Move) -> None:
    """Move events of a tenant to a state, in the caller's transaction.

    Not checked: from which state they come; who moves them knows.

    Raises:
        EventUnknown: one of them is not the tenant's.
    """
    wanted = list(seqs)
    moved = connection.execute(
        update(EVENT_STATES)
        .where(_of(EVENT_STATES, tenant), EVENT_STATES.c.seq.in_(wanted))
        .values(
            state=move.state.value,
            reason=_written(move.reason),
            reference=move.reference,
            updated_us=move.when,
        )
    ).rowcount
    if moved != len(set(wanted)):
        raise EventUnknown(", ".join(map(str, wanted)))
    note_move(connection, tenant, wanted, move)


def note_move(connection: Connection, tenant: Tenant, seqs: Iterable[int], move: Move) -> None:
    """Note for those who follow that events came into a state, in the caller's transaction.

    The numbers of moves are taken while no other transaction writes, and given back where this one
    is undone: whoever sees number n sees every number before it, on any database.
    """
    spans = list(_spans(seqs))
    if not spans:
        return
    numbers = take_numbers(connection, counter_of_moves(tenant), len(spans))
    shared = {
        "tenant": tenant.number,
        "state": move.state.value,
        "reason": _written(move.reason),
        "reference": move.reference,
        "moved_us": move.when,
    }
    connection.execute(
        insert(STATE_MOVES),
        [
            {**shared, "number": number, "first_seq": first, "last_seq": last}
            for number, (first, last) in zip(numbers, spans, strict=True)
        ],
    )


def counter_of_moves(tenant: Tenant) -> str:
    """Return the name of the counter that numbers a tenant's moves."""
    return f"state-moves:{tenant.number}"


def _spans(seqs: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of places that follow each other without a hole."""
    if isinstance(seqs, range):
        if seqs:
            yield seqs[0], seqs[-1]
        return
    first = last = None
    for seq in sorted(set(seqs)):
        if first is None or last is None:
            first = seq
        elif seq != last + 1:
            yield first, last
            first = seq
        last = seq
    if first is not None and last is not None:
        yield first, last


def _of(table: Table, tenant: Tenant) -> ColumnElement[bool]:
    """Return that a row is the tenant's, in a form that leads to no index.

    SQLite would rather go through all rows of a tenant than look up a few by their places.
    """
    return table.c.tenant + 0 == tenant.number


def _written(reason: Reason | None) -> str | None:
    return None if reason is None else orjson.dumps(reason).decode()


def read_reason(text: str | None) -> Reason | None:
    """Return the reason that a row of `EVENT_STATES` or `STATE_MOVES` has."""
    return None if text is None else Reason(**orjson.loads(text))


def state_of(store: EventStore, tenant: Tenant, seq: Seq) -> StateOf:
    """Return the state of one event.

    Raises:
        EventUnknown: the tenant has no such event.
    """
    found = states_of(store, tenant, [seq])
    if not found:
        raise EventUnknown(str(seq))
    return found[0]


def states_of(store: EventStore, tenant: Tenant, seqs: Iterable[Seq]) -> Sequence[StateOf]:
    """Return the states of events, in the order of capture; those of others are left out."""
    query = (
        select(EVENT_STATES)
        .where(_of(EVENT_STATES, tenant), EVENT_STATES.c.seq.in_(list(seqs)))
        .order_by(EVENT_STATES.c.seq)
    )
    with store.reading() as connection:
        return [_state(row) for row in connection.execute(query).mappings()]


def events_in_state(
    store: EventStore, tenant: Tenant, state: EventState, *, after: Seq, limit: int
) -> Sequence[StoredEvent]:
    """Return the next events of a tenant that are in a state, in the order of capture."""
    query = (
        select(*STORED_COLUMNS)
        .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
        .where(EVENT_STATES.c.tenant == tenant.number, EVENTS.c.tenant == tenant.number)
        .where(EVENT_STATES.c.state == state.value, EVENT_STATES.c.seq > after)
        .order_by(EVENT_STATES.c.seq)
        .limit(limit)
    )
    with store.reading() as connection:
        return [stored_event(row) for row in connection.execute(query).mappings()]


def list_states(
    store: EventStore,
    tenant: Tenant,
    wanted: WantedStates,
    *,
    after: Place | None = None,
    limit: int,
) -> Sequence[KnownState]:
    """Return the next states of a tenant's events, by when they were come into.

    What it costs grows with the length of the page, however far down the list it begins. An event
    that moves while somebody turns pages comes up again, or has come up, in its new place.

    Args:
        store: where they are.
        tenant: whose events.
        wanted: which states.
        after: the last one that is known already.
        limit: how many, at least 1.
    """
    with store.reading() as connection:
        found = [
            [_state(row) for row in connection.execute(query).mappings()]
            for query in _listed(tenant, wanted, after, limit)
        ]
        merged = heapq.merge(
            *found, key=lambda at: (at.updated, at.seq), reverse=not wanted.oldest_first
        )
        states = list(islice(merged, limit))
        ids = select(EVENTS.c.seq, EVENTS.c.event_id, EVENTS.c.declaration).where(
            _of(EVENTS, tenant), EVENTS.c.seq.in_([at.seq for at in states])
        )
        known = {row.seq: row for row in connection.execute(ids)}
    return [
        KnownState(EventId(known[at.seq].event_id), bool(known[at.seq].declaration), at)
        for at in states
    ]


def _listed(
    tenant: Tenant, wanted: WantedStates, after: Place | None, limit: int
) -> Iterator[Select[tuple[object, ...]]]:
    """Yield queries for each state: within one, the index has the order already.

    What is of the same moment as the last one that is known has a query of its own, because SQLite
    goes by the moment alone where it is given a pair.
    """
    rows = EVENT_STATES.c
    by = (rows.updated_us, rows.seq)
    order = by if wanted.oldest_first else tuple(each.desc() for each in by)
    for state in sorted(wanted.states):
        query = select(EVENT_STATES).where(rows.tenant == tenant.number, rows.state == state.value)
        if wanted.since is not None:
            query = query.where(rows.updated_us >= wanted.since)
        for part in _beyond(after, oldest_first=wanted.oldest_first):
            yield query.where(*part).order_by(*order).limit(limit)


def _beyond(
    after: Place | None, *, oldest_first: bool
) -> Sequence[tuple[ColumnElement[bool], ...]]:
    """Conditions that together hold for what comes after a place, each for a part of it."""
    if after is None:
        return ((),)
    moment, seq = EVENT_STATES.c.updated_us, EVENT_STATES.c.seq
    if oldest_first:
        return ((moment == after.updated, seq > after.seq), (moment > after.updated,))
    return ((moment == after.updated, seq < after.seq), (moment < after.updated,))


def last_states(
    store: EventStore, tenant: Tenant, wanted: WantedStates, last: int
) -> Sequence[tuple[StoredEvent, StateOf]]:
    """Return the last events of a tenant that are in some states, in the order of capture."""
    query = (
        select(*STORED_COLUMNS, *_STATE_COLUMNS)
        .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
        .where(EVENT_STATES.c.tenant == tenant.number, EVENTS.c.tenant == tenant.number)
        .order_by(EVENT_STATES.c.seq.desc())
        .limit(last)
    )
    if wanted.states != frozenset(EventState):
        query = query.where(EVENT_STATES.c.state.in_(sorted(wanted.states)))
    if wanted.since is not None:
        query = query.where(EVENT_STATES.c.updated_us >= wanted.since)
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return [(stored_event(row), _state(row)) for row in reversed(rows)]


def count_states(store: EventStore, tenant: Tenant) -> dict[EventState, int]:
    """Return how many events of a tenant are in each state; states without any are left out."""
    query = (
        select(EVENT_STATES.c.state, func.count())
        .where(EVENT_STATES.c.tenant == tenant.number)
        .group_by(EVENT_STATES.c.state)
    )
    with store.reading() as connection:
        return {EventState(state): int(count) for state, count in connection.execute(query)}


def _state(row: RowMapping) -> StateOf:
    return StateOf(
        Seq(row["seq"]),
        EventState(row["state"]),
        read_reason(row["reason"]),
        row["reference"],
        Micros(row["updated_us"]),
    )
