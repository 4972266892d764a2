"""Many senders at once: every event once, whoever sends it, through one program or through two."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select
from tests.node.events.documents import bare, document, event

from lodeline.node.events.capture import capture, capture_event
from lodeline.node.events.database import DatabaseUrl, open_engine
from lodeline.node.events.jobs import Behaviour, Who, jobs
from lodeline.node.events.reading import Offered
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

WHO = Who("clerk")
SENDERS = 6


def together(*works: Callable[[], object]) -> list[object]:
    """Do everything at the same time; raise what any of it raised."""
    with ThreadPoolExecutor(len(works)) as threads:
        return [work.result(60) for work in [threads.submit(work) for work in works]]


def things(store: EventStore, tenant: Tenant) -> Counter[str]:
    found = store.events_after(tenant, Seq(0), 10_000)
    return Counter(json.loads(one.body)["epcList"][0] for one in found)


def test_senders_of_the_same_events_share_them_out(store: EventStore, miner: Tenant) -> None:
    """A partner and his carrier report one delivery at the same moment."""

    def sender(at: int) -> Callable[[], object]:
        documents = [document(event(n), event(n + 1)) for n in range(at, at + 12)]
        return lambda: [
            capture(store, miner, Offered(data), who=WHO, behaviour=Behaviour.PROCEED)
            for data in documents
        ]

    together(*(sender(at) for at in range(SENDERS)))
    found = things(store, miner)
    assert set(found.values()) == {1}
    assert len(found) == SENDERS - 1 + 13
    done = jobs(store, miner, limit=1_000)
    assert len(done) == SENDERS * 12
    assert sum(each.captured for each in done) == len(found)
    assert all(each.success for each in done)


def test_one_event_from_everybody_is_new_to_one_of_them(store: EventStore, miner: Tenant) -> None:
    offered = Offered(bare(event(1)))
    answers = together(*[lambda: capture_event(store, miner, offered).is_new] * SENDERS)
    assert Counter(answers) == {True: 1, False: SENDERS - 1}


def test_two_programs_on_one_database_keep_one_order(
    database: DatabaseUrl, store: EventStore, miner: Tenant
) -> None:
    """As `lodeline serve` and a command beside it, which know nothing of one another's lock."""
    other = EventStore(open_engine(database))
    assert other.tenant(TenantName("miner")) == miner

    def sender(at: EventStore, first: int) -> Callable[[], object]:
        return lambda: [
            capture(at, miner, Offered(document(event(n), event(n + 1))), who=WHO)
            for n in range(first, first + 20)
        ]

    together(sender(store, 0), sender(other, 10))
    assert set(things(other, miner).values()) == {1}
    assert len(things(other, miner)) == 31
    with store.reading() as connection:
        query = select(EVENTS.c.seq, EVENTS.c.record_time_us).order_by(EVENTS.c.seq)
        rows = connection.execute(query).all()
    assert [row.seq for row in rows] == list(range(1, 32))
    times = [row.record_time_us for row in rows]
    assert times == sorted(times)
    other.close()


def test_a_reader_behind_the_writers_misses_nothing(store: EventStore, miner: Tenant) -> None:
    """A subscriber that goes by the last place it saw, while others write."""
    seen: list[int] = []

    def follow() -> None:
        after = Seq(0)
        until = time.monotonic() + 50
        while len(seen) < SENDERS * 10 and time.monotonic() < until:
            for one in store.events_after(miner, after, 7):
                seen.append(one.seq)
                after = one.seq

    def sender(at: int) -> Callable[[], object]:
        return lambda: [
            capture_event(store, miner, Offered(bare(event(at * 10 + n)))) for n in range(10)
        ]

    together(follow, *(sender(at) for at in range(SENDERS)))
    assert seen == list(range(1, SENDERS * 10 + 1))
