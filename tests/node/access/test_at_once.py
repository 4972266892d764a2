"""Several at once: threads and processes that share a store, guessers that come together."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from tests.node.access.conftest import ADMIN, CHEAP, PASSWORD, House, bearer

from lodeline.node.access.accounts import AccountState, NewAccount, add_account, set_state
from lodeline.node.access.authenticating import Access
from lodeline.node.access.callers import TokenId, UserName
from lodeline.node.access.guessing import BY_SOURCE, Guard, Patience, source_of
from lodeline.node.access.refusals import AccountExists, CredentialsWrong, TooManyAttempts
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import revoke_token, tokens
from lodeline.node.access.trail import Act, Note, TrailNumber, record, rows, verify_trail
from lodeline.node.events.database import DatabaseUrl, open_engine
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore, Seq

THREADS = 6


def test_notes_of_many_threads_make_one_chain(house: House) -> None:
    start = Barrier(THREADS)

    def work(number: int) -> None:
        start.wait()
        for at in range(10):
            note = Note(Who(f"w{number}"), Act.QUERIED, str(at), [Seq(at + 1)])
            record(house.store, house.tenant, [note])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    kept = rows(house.store, house.tenant, TrailNumber(0), 1_000)
    assert verify_trail(house.store, house.tenant).number == len(kept) == 10 * THREADS
    for number in range(THREADS):
        own = [row.about for row in kept if row.who == f"w{number}"]
        assert own == [str(at) for at in range(10)]


def test_two_stores_on_one_database_keep_one_chain(house: House, database: DatabaseUrl) -> None:
    other = EventStore(open_engine(database), house.store.clock)
    for at in range(6):
        store = house.store if at % 2 else other
        record(store, store.tenant(house.tenant.name), [Note(ADMIN, Act.QUERIED, str(at))])
    assert verify_trail(house.store, house.tenant).number == 6
    other.close()


def test_what_another_process_takes_back_opens_nothing_here(
    house: House, database: DatabaseUrl
) -> None:
    shown, kept = house.token("anna", Role.TRADER), house.token("bob", Role.TRADER)
    assert house.access.authenticate(bearer(shown)).user == "anna"
    other = EventStore(open_engine(database), house.store.clock)
    tenant = other.tenant(house.tenant.name)
    revoke_token(other, tenant, TokenId(shown.split("_")[1]), ADMIN)
    set_state(other, tenant, UserName("bob"), AccountState.DISABLED, ADMIN)
    for token in (shown, kept):
        with pytest.raises(CredentialsWrong):
            house.access.authenticate(bearer(token))
    other.close()


def test_an_account_is_made_once_however_many_make_it(house: House) -> None:
    start = Barrier(THREADS)

    def work(number: int) -> bool:
        start.wait()
        new = NewAccount(UserName("anna"), frozenset({Role.TRADER}), title=str(number))
        try:
            add_account(house.store, house.tenant, new, ADMIN)
        except AccountExists:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(work, range(THREADS)))
    assert made.count(True) == 1
    assert verify_trail(house.store, house.tenant).number == 1


def test_everybody_who_signs_in_at_once_gets_a_session(small_house: House) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(lambda _: small_house.access.sign_in(user, PASSWORD), range(THREADS)))
    assert len({one.token for one in made}) == THREADS
    assert len(tokens(small_house.store, small_house.tenant)) == THREADS


def test_guessers_who_come_together_are_slowed_all_the_same(small_house: House) -> None:
    access = Access(small_house.store, cost=CHEAP)
    thief = source_of("203.0.113.9")
    start = Barrier(THREADS)

    def work(_: int) -> int:
        start.wait()
        refused = 0
        for _ in range(10):
            try:
                access.authenticate(bearer("lodeline_guess"), thief)
            except TooManyAttempts:
                refused += 1
            except CredentialsWrong:
                pass
        return refused

    with ThreadPoolExecutor(THREADS) as pool:
        refused = sum(pool.map(work, range(THREADS)))
    looked_at = 10 * THREADS - refused
    assert looked_at <= BY_SOURCE.free + THREADS + 1


def test_the_guard_forgets_the_oldest_rather_than_fill_the_memory(small_house: House) -> None:
    guard = Guard(small_house.store.clock, Patience(free=0, longest_seconds=60))
    for at in range(20_000):
        guard.failed(f"k{at}")
    guard.admit("k0")
    with pytest.raises(TooManyAttempts):
        guard.admit("k19999")
