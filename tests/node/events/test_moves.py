"""Moves of states like a follower sees them: each once, in order, whoever writes meanwhile."""

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_event
from tests.node.events.conftest import START, SetClock
from tests.node.events.documents import document, event

from lodeline.node.access.visibility import Visible
from lodeline.node.events.capture import capture
from lodeline.node.events.database import DatabaseUrl, open_engine
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.moves import (
    MovePlace,
    MovePlaceWrong,
    SealedPlace,
    first_since,
    forget_moves,
    here,
    moves_after,
    open_place,
    seal_place,
)
from lodeline.node.events.paging import Holder
from lodeline.node.events.reading import Offered
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.retention import forget_events
from lodeline.node.events.schema import STATE_MOVES
from lodeline.node.events.states import (
    EventState,
    Move,
    Place,
    WantedStates,
    list_states,
    move_state,
    states_of,
)
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

WHO = Who("clerk")
ANNA = Holder("anna")
BEGINNING = MovePlace(1)


def take(store: EventStore, tenant: Tenant, *serials: int) -> None:
    capture(store, tenant, Offered(document(*(event(serial) for serial in serials))), who=WHO)


def move(store: EventStore, tenant: Tenant, state: EventState, *seqs: int) -> None:
    going = Move(state, store.clock.now())
    store.write(lambda c: move_state(c, tenant, [Seq(seq) for seq in seqs], going))


def told(store: EventStore, tenant: Tenant, place: MovePlace, limit: int) -> Iterator[str]:
    """What a follower is told from a place on, in pieces."""
    while True:
        found = moves_after(store, tenant, place, limit=limit)
        yield from (f"{one.at.seq} {one.at.state.value}" for one in found.moved)
        place = found.reached
        if found.is_whole:
            return


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_each_move_is_told_once_and_in_order(store: EventStore, miner: Tenant, limit: int) -> None:
    take(store, miner, 1, 2, 3, 4)
    move(store, miner, EventState.MAPPED, 4, 1, 2)
    move(store, miner, EventState.HELD, 2)
    move(store, miner, EventState.RECEIVED, 2)
    expected = ["1 received", "2 received", "3 received", "4 received"]
    expected += ["1 mapped", "2 mapped", "4 mapped", "2 held", "2 received"]
    assert list(told(store, miner, BEGINNING, limit)) == expected
    assert list(told(store, miner, here(store, miner), limit)) == []


def test_a_follower_goes_on_where_it_was_within_a_document(
    store: EventStore, miner: Tenant
) -> None:
    take(store, miner, *range(5))
    first = moves_after(store, miner, BEGINNING, limit=3)
    assert [one.at.seq for one in first.moved] == [1, 2, 3]
    assert not first.is_whole
    take(store, miner, 9)
    rest = moves_after(store, miner, first.reached, limit=99)
    assert [one.at.seq for one in rest.moved] == [4, 5, 6]
    assert rest.reached == here(store, miner)


def test_moves_are_of_one_tenant_and_numbered_for_it_alone(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    take(store, miner, 1)
    take(store, refiner, 2)
    take(store, miner, 3)
    assert list(told(store, miner, BEGINNING, 9)) == ["1 received", "3 received"]
    assert list(told(store, refiner, BEGINNING, 9)) == ["2 received"]
    assert here(store, refiner) == MovePlace(2)


def test_a_move_that_covers_another_tenant_s_event_tells_nothing_of_it(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    """None is written; were one there all the same, the event would still be the other's."""
    take(store, miner, 1)
    take(store, refiner, 2)
    store.write(lambda c: c.execute(STATE_MOVES.update().values(first_seq=1, last_seq=2)))
    assert list(told(store, miner, BEGINNING, 9)) == ["1 received"]
    assert list(told(store, refiner, BEGINNING, 9)) == ["2 received"]


def test_some_states_are_followed_and_others_passed_over(store: EventStore, miner: Tenant) -> None:
    take(store, miner, 1, 2)
    move(store, miner, EventState.HELD, 1)
    move(store, miner, EventState.KEPT, 1, 2)
    wanted = frozenset({EventState.HELD, EventState.ON_LEDGER})
    found = moves_after(store, miner, BEGINNING, wanted, limit=9)
    assert [(one.at.seq, one.at.state) for one in found.moved] == [(1, EventState.HELD)]
    assert found.reached == here(store, miner)


def test_what_was_undone_was_no_move_and_leaves_no_hole(store: EventStore, miner: Tenant) -> None:
    take(store, miner, 1)
    with pytest.raises(EventUnknown):
        move(store, miner, EventState.HELD, 1, 7)
    move(store, miner, EventState.KEPT, 1)
    assert list(told(store, miner, BEGINNING, 9)) == ["1 received", "1 kept"]
    assert here(store, miner) == MovePlace(3)


def test_following_begins_at_a_moment(store: EventStore, miner: Tenant, clock: SetClock) -> None:
    take(store, miner, 1)
    clock.pass_seconds(10)
    move(store, miner, EventState.HELD, 1)
    since = first_since(store, miner, Micros(START + 10_000_000))
    assert list(told(store, miner, since, 9)) == ["1 held"]
    assert first_since(store, miner, START) == BEGINNING
    assert first_since(store, miner, Micros(START + 10_000_001)) == here(store, miner)


def test_moves_of_forgotten_events_are_not_told_and_go(
    store: EventStore, miner: Tenant, refiner: Tenant, clock: SetClock
) -> None:
    take(store, miner, 1, 2)
    take(store, refiner, 3)
    move(store, miner, EventState.KEPT, 1)
    clock.pass_seconds(60)
    forget_events(store, miner, clock.now())
    assert list(told(store, miner, BEGINNING, 1)) == ["2 received"]
    assert forget_moves(store, miner, clock.now()) == 1  # the other one is of event 2 too
    assert list(told(store, miner, BEGINNING, 9)) == ["2 received"]
    assert list(told(store, refiner, BEGINNING, 9)) == ["3 received"]
    assert here(store, miner) == MovePlace(3)


def test_a_follower_misses_nothing_while_others_write(
    database: DatabaseUrl, store: EventStore, miner: Tenant
) -> None:
    """Two more processes' worth of stores on the database: a number that is seen is never late."""
    others = [EventStore(open_engine(database)) for _ in range(2)]

    def write(own: EventStore, first: int) -> None:
        for serial in range(first, first + 12):
            take(own, miner, serial)

    writers = [Thread(target=write, args=(own, 100 * at)) for at, own in enumerate(others)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    place = BEGINNING
    while any(writer.is_alive() for writer in writers) or place != here(store, miner):
        found = moves_after(store, miner, place, limit=3)
        seen += [one.at.seq for one in found.moved]
        place = found.reached
    for writer in writers:
        writer.join()
    for own in others:
        own.close()
    assert seen == list(range(1, 25))


# ------------------------------------------------------------------ places for outsiders


def test_a_place_is_good_for_whom_it_was_given_to(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    take(store, miner, 1, 2, 3)
    place = MovePlace(1, Seq(3))
    (sealed,) = seal_place(store, miner, ANNA, [place])
    assert open_place(store, miner, ANNA, sealed) == place
    for tenant, holder in ((refiner, ANNA), (miner, Holder("bob"))):
        with pytest.raises(MovePlaceWrong):
            open_place(store, tenant, holder, sealed)


@given(text=st.text(max_size=70))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_place_is_refused(sqlite_store: EventStore, text: str) -> None:
    with pytest.raises(MovePlaceWrong):
        open_place(sqlite_store, sqlite_store.tenant(TenantName("miner")), ANNA, SealedPlace(text))


def test_a_place_behind_everything_is_refused_once_a_backup_took_that_back(
    store: EventStore, miner: Tenant
) -> None:
    """Else whoever has it would wait until the numbers come there again, and miss all between."""
    take(store, miner, 1)
    end, beyond = seal_place(store, miner, ANNA, [here(store, miner), MovePlace(3)])
    assert open_place(store, miner, ANNA, end) == here(store, miner)
    with pytest.raises(MovePlaceWrong):
        open_place(store, miner, ANNA, beyond)


def test_a_changed_place_is_refused(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    (sealed,) = seal_place(sqlite_store, miner, ANNA, [MovePlace(1)])
    for at in range(len(sealed) - 1):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(MovePlaceWrong):
            open_place(sqlite_store, miner, ANNA, SealedPlace(changed))


# ------------------------------------------------------------------ lists of states


def pages(store: EventStore, tenant: Tenant, wanted: WantedStates, size: int) -> list[int]:
    found: list[int] = []
    after = None
    while page := list_states(store, tenant, wanted, after=after, limit=size):
        found += [one.at.seq for one in page]
        after = Place(page[-1].at.updated, page[-1].at.seq)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_states_are_listed_by_when_they_were_come_into(
    store: EventStore, miner: Tenant, refiner: Tenant, clock: SetClock, size: int
) -> None:
    take(store, miner, *range(6))
    take(store, refiner, 9)
    clock.pass_seconds(1)
    move(store, miner, EventState.HELD, 5, 2)
    clock.pass_seconds(1)
    move(store, miner, EventState.KEPT, 1)
    assert pages(store, miner, WantedStates(), size) == [1, 5, 2, 6, 4, 3]
    assert pages(store, miner, WantedStates(oldest_first=True), size) == [3, 4, 6, 2, 5, 1]
    some = frozenset({EventState.HELD, EventState.KEPT})
    assert pages(store, miner, WantedStates(some), size) == [1, 5, 2]
    since = Micros(START + 2_000_000)
    assert pages(store, miner, WantedStates(since=since), size) == [1]
    assert pages(store, miner, WantedStates(frozenset({EventState.PROVED})), size) == []
    assert pages(store, refiner, WantedStates(), size) == [7]


def test_a_page_costs_the_same_however_deep_it_is(sqlite_store: EventStore) -> None:
    """SQLite counts the steps of its machine: the last page takes no more than the first."""
    miner = sqlite_store.tenant(TenantName("miner"))
    take(sqlite_store, miner, *range(2_000))
    deep = Place(sqlite_store.clock.now(), Seq(20))

    def page(after: Place | None) -> int:
        return _steps(
            sqlite_store,
            lambda: list_states(sqlite_store, miner, WantedStates(), after=after, limit=10),
        )

    assert page(deep) < page(None) * 1.5


def test_a_few_events_are_looked_up_by_their_places(sqlite_store: EventStore) -> None:
    """Not by going through all of a company's events, of which there may be millions."""
    store, miner = sqlite_store, sqlite_store.tenant(TenantName("miner"))
    seqs = [Seq(seq) for seq in range(1, 60, 2)]

    def partner_sees() -> None:
        with store.reading() as connection:
            Visible(miner, everything=False).seen(connection, seqs)

    looks: dict[str, Callable[[], object]] = {
        "states": lambda: states_of(store, miner, seqs),
        "moved": lambda: move(store, miner, EventState.KEPT, *seqs),
        "seen": partner_sees,
        "moves": lambda: moves_after(store, miner, BEGINNING, limit=5),
        "forgotten": lambda: forget_moves(store, miner, Micros(START + 1)),
    }
    take(store, miner, *range(60))
    few = {name: _steps(store, look) for name, look in looks.items()}
    take(store, miner, *range(60, 3_000))
    many = {name: _steps(store, look) for name, look in looks.items()}
    assert {name for name in looks if many[name] > few[name] * 2 + 20} == set()


def _steps(store: EventStore, look: Callable[[], object]) -> int:
    """Tens of steps of SQLite's machine."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    def watch(dbapi: object, *_: object) -> None:
        dbapi.set_progress_handler(step, 10)  # type: ignore[attr-defined] # SQLite's own

    sql_event.listen(store.engine, "checkout", watch)
    try:
        look()
    finally:
        sql_event.remove(store.engine, "checkout", watch)
    return count
