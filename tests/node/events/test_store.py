"""The store itself: layout, tenants, shared commits, numbers, failures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, insert, literal, select, text
from tests.node.events.conftest import PostgresServer

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.database import DatabaseUrl, open_engine, reading, sqlite_url, writing
from lodeline.node.events.group_commit import GroupCommit
from lodeline.node.events.layout import layout_of, present_layout
from lodeline.node.events.refusals import (
    DatabaseUnknown,
    EventUnknown,
    StoreLayoutUnknown,
    StoreUnreachable,
    ValueUnstorable,
)
from lodeline.node.events.schema import COUNTERS, METADATA, PAGE_TOKENS
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName, take_numbers


def token(name: str, tenant: Tenant) -> dict[str, object]:
    return {
        "token": name,
        "tenant": tenant.number,
        "query": "{}",
        "position": "0",
        "expires_us": 1,
    }


def tokens(store: EventStore) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(PAGE_TOKENS.c.token)).scalars())


# ------------------------------------------------------------------ layout


def test_migrations_lead_to_the_tables_of_the_schema(store: EventStore) -> None:
    assert len(METADATA.tables) > 10
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        ours = [
            found
            for found in compare_metadata(context, METADATA)
            if not (isinstance(found, tuple) and found[0] in {"remove_table", "remove_index"})
        ]
        assert ours == []
        assert layout_of(connection) == present_layout()


def test_an_open_store_is_opened_again_as_it_is(database: DatabaseUrl, store: EventStore) -> None:
    miner = store.tenant(TenantName("miner"))
    again = EventStore(open_engine(database))
    assert again.tenant(TenantName("miner")) == miner
    assert again.tenants() == [miner]
    again.close()


def test_a_later_layout_is_refused_and_left_alone(database: DatabaseUrl) -> None:
    EventStore(open_engine(database)).close()
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    with pytest.raises(StoreLayoutUnknown) as refused:
        EventStore(engine)
    assert refused.value.found == "9999_future"
    with reading(engine) as connection:
        assert layout_of(connection) == "9999_future"
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://root:secret@host/db", "nonsense", "postgresql://a@b/c"])
def test_other_databases_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(DatabaseUnknown) as refused:
        open_engine(DatabaseUrl(url))
    assert "secret" not in str(refused.value.fields())


def test_a_folder_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable):
        EventStore(open_engine(sqlite_url(tmp_path / "none" / "events.db")))


def test_sqlite_syncs_every_commit(sqlite_store: EventStore) -> None:
    with sqlite_store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


# ------------------------------------------------------------------ tenants, numbers, secrets


def test_a_tenant_has_one_number_for_ever(store: EventStore) -> None:
    first = store.tenant(TenantName("miner"))
    second = store.tenant(TenantName("refiner"))
    assert first.number != second.number
    assert store.tenant(TenantName("miner")) == first
    assert [tenant.name for tenant in store.tenants()] == ["miner", "refiner"]


def test_an_event_that_is_not_there_is_a_refusal(store: EventStore, miner: Tenant) -> None:
    with pytest.raises(EventUnknown) as refused:
        store.event(miner, EventId("urn:uuid:none"))
    assert refused.value.event_id == "urn:uuid:none"
    assert store.events_after(miner, Seq(0), 10) == []
    assert store.last_seq() == 0


def test_numbers_are_given_once_and_come_back_when_the_work_fails(store: EventStore) -> None:
    assert store.write(lambda c: take_numbers(c, "letters", 3)) == range(1, 4)

    def failing(connection: Connection) -> None:
        assert take_numbers(connection, "letters", 2) == range(4, 6)
        raise LookupError

    with pytest.raises(LookupError):
        store.write(failing)
    assert store.write(lambda c: take_numbers(c, "letters", 1)) == range(4, 5)
    with store.reading() as connection:
        query = select(COUNTERS.c.value).where(COUNTERS.c.name == "letters")
        assert connection.execute(query).scalar_one() == 4


def test_a_secret_is_made_once_and_is_of_its_name(store: EventStore, database: DatabaseUrl) -> None:
    made = store.secret("pages")
    assert len(made) == 32
    assert store.secret("pages") == made
    assert store.secret("others") != made
    again = EventStore(open_engine(database))
    assert again.secret("pages") == made
    again.close()


# ------------------------------------------------------------------ shared commits


def test_work_that_raises_leaves_nothing(store: EventStore, miner: Tenant) -> None:
    def failing(connection: Connection) -> None:
        connection.execute(insert(PAGE_TOKENS).values(token("gone", miner)))
        raise LookupError

    with pytest.raises(LookupError):
        store.write(failing)
    assert tokens(store) == []


def test_writers_at_the_same_time_share_commits_and_fail_alone(
    store: EventStore, miner: Tenant
) -> None:
    """One writer holds the turn until all others wait: the rest goes into one transaction."""
    others = 12
    entered, go_on = threading.Event(), threading.Event()
    groups: list[int] = []
    failures: list[BaseException] = []

    def slow(connection: Connection) -> None:
        entered.set()
        assert go_on.wait(20)
        connection.execute(insert(PAGE_TOKENS).values(token("slow", miner)))

    def work(at: int) -> None:
        def put(connection: Connection) -> None:
            groups.append(id(connection.get_transaction()))
            connection.execute(insert(PAGE_TOKENS).values(token(f"t{at:02d}", miner)))
            if at % 3 == 0:
                raise LookupError(at)

        try:
            store.write(put)
        except LookupError as failed:
            failures.append(failed)

    first = threading.Thread(target=store.write, args=(slow,))
    first.start()
    assert entered.wait(20)
    threads = [threading.Thread(target=work, args=(at,)) for at in range(others)]
    for thread in threads:
        thread.start()
    queued = store._commits._queue
    waiting = threading.Event()
    for _ in range(2_000):
        if len(queued) == others:
            break
        waiting.wait(0.01)
    assert len(queued) == others
    go_on.set()
    for thread in [first, *threads]:
        thread.join(30)
        assert not thread.is_alive()
    kept = [f"t{at:02d}" for at in range(others) if at % 3]
    assert tokens(store) == sorted(["slow", *kept])
    assert len(failures) == others - len(kept)
    assert len(groups) == others
    assert len(set(groups)) == 1, "they did not share one transaction"


def test_a_commit_that_fails_is_nobody_s_success(sqlite_store: EventStore) -> None:
    """The work was done, the disk was not reached: nobody may be told otherwise."""
    miner = sqlite_store.tenant(TenantName("miner"))

    @contextmanager
    def unlucky() -> Iterator[Connection]:
        with writing(sqlite_store.engine) as connection:
            yield connection
            raise StoreUnreachable("no disk")

    commits = GroupCommit(unlucky)
    put = insert(PAGE_TOKENS).values(token("lost", miner))
    for _ in range(2):
        with pytest.raises(StoreUnreachable):
            commits.run(lambda connection: connection.execute(put).rowcount)
    assert tokens(sqlite_store) == []
    assert not commits._turn.locked()


def test_a_full_disk_is_a_refusal_and_leaves_nothing(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))

    def full(connection: Connection) -> None:
        connection.execute(insert(PAGE_TOKENS).values(token("full", miner)))
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(10000000)")

    with pytest.raises(StoreUnreachable) as refused:
        sqlite_store.write(full)
    assert "full" in refused.value.reason
    assert tokens(sqlite_store) == []


def test_a_server_that_ends_a_connection_loses_nothing_else(
    postgres: PostgresServer,
) -> None:
    """An operator restarts the database: who writes is refused by name, the next one is served."""
    store = EventStore(open_engine(postgres.new_store()))
    miner = store.tenant(TenantName("miner"))

    def ended(connection: Connection) -> None:
        connection.execute(insert(PAGE_TOKENS).values(token("gone", miner)))
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnreachable):
        store.write(ended)
    store.write(lambda c: c.execute(insert(PAGE_TOKENS).values(token("next", miner))))
    assert tokens(store) == ["next"]
    store.close()


def test_a_reader_sees_one_state(store: EventStore, miner: Tenant) -> None:
    with store.reading() as connection:
        query = select(PAGE_TOKENS.c.token)
        assert list(connection.execute(query)) == []
        store.write(lambda c: c.execute(insert(PAGE_TOKENS).values(token("new", miner))))
        assert list(connection.execute(query)) == []
    assert tokens(store) == ["new"]


def test_connections_that_nobody_gives_back_are_a_refusal(tmp_path: Path) -> None:
    engine = create_engine(
        sqlite_url(tmp_path / "e.db"), pool_size=1, max_overflow=0, pool_timeout=0
    )
    with reading(engine), pytest.raises(StoreUnreachable) as refused, reading(engine):
        pass
    assert "in use" in refused.value.reason
    engine.dispose()


# ------------------------------------------------------------------ values


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_a_value_that_no_database_holds_is_refused_by_name(
    store: EventStore, value: str | int
) -> None:
    column = PAGE_TOKENS.c.query if isinstance(value, str) else PAGE_TOKENS.c.tenant
    with pytest.raises(ValueUnstorable), store.reading() as connection:
        connection.execute(select(PAGE_TOKENS.c.token).where(literal(value) == column))
