"""The writer of `test_killed_capture`: opens an event store, captures, tells what is acknowledged.

    python -m tests.crash.capture_writer <database file>

Documents and single events, new and known ones, a rolled back one, and states that move. Each line
on standard output says that one more step is acknowledged.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from tests.node.events.documents import BROKEN, bare, document, event

from lodeline.node.events.capture import capture, capture_event
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.reading import Offered
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

Step = Callable[[EventStore, Tenant], object]


def _document(*serials: int) -> Step:
    data = document(*(event(serial) for serial in serials))
    return lambda store, tenant: capture(store, tenant, Offered(data), who=Who("clerk"))


def _with_a_bad_one(behaviour: Behaviour, *serials: int) -> Step:
    offered = Offered(document(*(event(serial) for serial in serials), BROKEN))
    return lambda store, tenant: capture(
        store, tenant, offered, who=Who("clerk"), behaviour=behaviour
    )


def _single(serial: int) -> Step:
    offered = Offered(bare(event(serial)))
    return lambda store, tenant: capture_event(store, tenant, offered)


def _keep(store: EventStore, tenant: Tenant) -> None:
    move = Move(EventState.KEPT, store.clock.now())
    store.write(lambda connection: move_state(connection, tenant, [Seq(1), Seq(2)], move))


STEPS: tuple[tuple[Step, frozenset[int]], ...] = (
    (_document(1, 2, 3), frozenset({1, 2, 3})),
    (_single(4), frozenset({4})),
    (_document(2, 5), frozenset({5})),
    (_with_a_bad_one(Behaviour.ROLLBACK, 6), frozenset()),
    (_keep, frozenset()),
    (_with_a_bad_one(Behaviour.PROCEED, 7, 8), frozenset({7, 8})),
)
"""Steps of the story, each with the serials that are new after it."""


def opened(path: Path, connection: type[sqlite3.Connection] = sqlite3.Connection) -> EventStore:
    """Open the store of the story."""
    return EventStore(open_engine(sqlite_url(path), {"factory": connection}))


def run(store: EventStore, told: int) -> None:
    """Take every step; write one line for each that is acknowledged to a file descriptor."""
    tenant = store.tenant(TenantName("miner"))
    for step, _ in STEPS:
        step(store, tenant)
        os.write(told, b"1\n")
    store.close()


def main(path: str) -> None:
    run(opened(Path(path)), 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
