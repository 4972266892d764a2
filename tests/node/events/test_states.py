"""States of events and retention: who may move what, what may go, what is never forgotten."""

from functools import partial

import pytest
from sqlalchemy import Connection, func, select
from tests.node.events.conftest import START, SetClock
from tests.node.events.documents import document, event

from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who, jobs
from lodeline.node.events.moments import Micros
from lodeline.node.events.reading import Offered
from lodeline.node.events.refusals import EventIdTaken, EventUnknown
from lodeline.node.events.retention import forget_events, forget_jobs, forget_page_tokens
from lodeline.node.events.schema import EVENT_TERMS, PAGE_TOKENS
from lodeline.node.events.states import (
    FINAL,
    EventState,
    Move,
    count_states,
    events_in_state,
    move_state,
    reason_of,
    state_of,
    states_of,
)
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

WHO = Who("clerk")
UUID = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaab"
LATER = Micros(START + 3_600_000_000)


def take(store: EventStore, tenant: Tenant, *serials: int) -> int:
    data = document(*(event(serial) for serial in serials))
    return capture(store, tenant, Offered(data), who=WHO).captured


def move(store: EventStore, tenant: Tenant, state: EventState, *seqs: int) -> None:
    going = Move(state, store.clock.now())
    store.write(lambda c: move_state(c, tenant, [Seq(seq) for seq in seqs], going))


def terms(store: EventStore) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(EVENT_TERMS)).scalar_one()


def test_a_state_says_why_when_and_what_became_of_it(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    take(store, miner, 1, 2)
    clock.pass_seconds(5)
    refusal = EventIdTaken("a", "b", "c")
    held = Move(EventState.HELD, clock.now(), reason_of(refusal), "transform-7")
    store.write(lambda c: move_state(c, miner, [Seq(2)], held))
    found = state_of(store, miner, Seq(2))
    assert (found.state, found.reference, found.updated) == (held.state, held.reference, held.when)
    assert found.reason == reason_of(refusal)
    assert found.reason is not None
    assert found.reason.code == "event-id-taken"
    assert state_of(store, miner, Seq(1)).reason is None
    assert count_states(store, miner) == {EventState.HELD: 1, EventState.RECEIVED: 1}


def test_nobody_moves_another_tenant_s_event(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    take(store, miner, 1)
    take(store, refiner, 2)
    with pytest.raises(EventUnknown):
        move(store, refiner, EventState.KEPT, 2, 1)
    assert count_states(store, miner) == {EventState.RECEIVED: 1}
    assert count_states(store, refiner) == {EventState.RECEIVED: 1}
    assert [found.seq for found in states_of(store, refiner, [Seq(1), Seq(2)])] == [2]
    with pytest.raises(EventUnknown):
        state_of(store, refiner, Seq(1))


def test_events_in_a_state_come_in_the_order_of_capture_page_by_page(
    store: EventStore, miner: Tenant
) -> None:
    take(store, miner, *range(6))
    move(store, miner, EventState.MAPPED, 2, 5)
    waiting = events_in_state(store, miner, EventState.RECEIVED, after=Seq(0), limit=2)
    assert [one.seq for one in waiting] == [1, 3]
    rest = events_in_state(store, miner, EventState.RECEIVED, after=Seq(3), limit=9)
    assert [one.seq for one in rest] == [4, 6]


# ------------------------------------------------------------------ retention


@pytest.mark.parametrize("state", list(EventState))
def test_only_what_is_at_the_end_of_its_way_is_forgotten(
    sqlite_store: EventStore, state: EventState
) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    take(sqlite_store, miner, 1)
    move(sqlite_store, miner, state, 1)
    done = forget_events(sqlite_store, miner, LATER)
    assert (done.events, done.kept) == ((1, 0) if state in FINAL else (0, 1))
    assert len(sqlite_store.events_after(miner, Seq(0), 9)) == done.kept


def test_what_is_forgotten_leaves_nothing_and_does_not_come_back(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    take(store, miner, 1, 2)
    move(store, miner, EventState.ON_LEDGER, 1, 2)
    clock.pass_seconds(7_200)
    take(store, miner, 3)
    move(store, miner, EventState.ON_LEDGER, 3)
    left = terms(store) // 3
    assert forget_events(store, miner, LATER).events == 2
    assert terms(store) == left
    assert count_states(store, miner) == {EventState.ON_LEDGER: 1}
    again = capture(store, miner, Offered(document(event(1), event(4))), who=WHO)
    assert (again.captured, again.known) == (1, 1)
    assert [one.seq for one in store.events_after(miner, Seq(0), 9)] == [3, 4]
    assert forget_events(store, miner, LATER).events == 0


def test_a_place_is_never_given_twice(store: EventStore, miner: Tenant) -> None:
    """A subscriber that has seen place 1 must not miss the next event."""
    take(store, miner, 1)
    move(store, miner, EventState.KEPT, 1)
    assert forget_events(store, miner, LATER).events == 1
    take(store, miner, 2)
    assert [one.seq for one in store.events_after(miner, Seq(1), 9)] == [2]


def test_retention_is_of_one_tenant(store: EventStore, miner: Tenant, refiner: Tenant) -> None:
    take(store, miner, 1)
    take(store, refiner, 1)
    move(store, miner, EventState.KEPT, 1)
    move(store, refiner, EventState.KEPT, 2)
    assert forget_events(store, miner, LATER).events == 1
    assert len(store.events_after(refiner, Seq(0), 9)) == 1
    assert take(store, refiner, 1) == 0


def test_more_than_a_batch_is_forgotten(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    many = 1_203
    take(sqlite_store, miner, *range(many))
    move(sqlite_store, miner, EventState.KEPT, *range(1, many + 1))
    assert forget_events(sqlite_store, miner, LATER).events == many
    assert terms(sqlite_store) == 0


def test_jobs_and_page_tokens_are_forgotten_by_time(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    take(store, miner, 1)
    for name, expires in (("old", START - 1), ("new", START + 1)):
        row = {"token": name, "tenant": 1, "query": "", "position": "", "expires_us": expires}
        put = PAGE_TOKENS.insert().values(row)
        store.write(partial(Connection.execute, statement=put))
    assert forget_page_tokens(store) == 1
    assert forget_jobs(store, miner, START) == 0
    assert forget_jobs(store, miner, LATER) == 1
    assert jobs(store, miner, limit=9) == []
