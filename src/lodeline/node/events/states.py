"""How far each event has come on its way to the ledger, and why it stands where it stands.

received → mapped → proved → on-ledger is the way of an event that changes lots. It may end before:
refused (a rule of the trade or the ledger says no), held (a person has to decide), kept (nothing of
it belongs on the ledger). A state is moved in the transaction of what it reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson
from sqlalchemy import Connection, RowMapping, func, select, update

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.moments import Micros
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import EVENT_STATES, EVENTS
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
)

__all__ = [
    "FINAL",
    "EventState",
    "Move",
    "Reason",
    "StateOf",
    "count_states",
    "events_in_state",
    "last_states",
    "move_state",
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
        .where(EVENT_STATES.c.tenant == tenant.number, EVENT_STATES.c.seq.in_(wanted))
        .values(
            state=move.state.value,
            reason=None if move.reason is None else orjson.dumps(move.reason).decode(),
            reference=move.reference,
            updated_us=move.when,
        )
    ).rowcount
    if moved != len(set(wanted)):
        raise EventUnknown(", ".join(map(str, wanted)))


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
        .where(EVENT_STATES.c.tenant == tenant.number, EVENT_STATES.c.seq.in_(list(seqs)))
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


def last_states(
    store: EventStore, tenant: Tenant, state: EventState | None, last: int
) -> Sequence[tuple[StoredEvent, StateOf]]:
    """Return the last events of a tenant, of one state or any, in the order of capture."""
    query = (
        select(*STORED_COLUMNS, *_STATE_COLUMNS)
        .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
        .where(EVENT_STATES.c.tenant == tenant.number, EVENTS.c.tenant == tenant.number)
        .order_by(EVENT_STATES.c.seq.desc())
        .limit(last)
    )
    if state is not None:
        query = query.where(EVENT_STATES.c.state == state.value)
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
    reason = row["reason"]
    return StateOf(
        Seq(row["seq"]),
        EventState(row["state"]),
        None if reason is None else Reason(**orjson.loads(reason)),
        row["reference"],
        Micros(row["updated_us"]),
    )
