"""Backups: of one moment, read back, private, never over something that is there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.node.events.conftest import PostgresServer
from tests.node.events.documents import document, event

from lodeline.node.events.backup import back_up, restore
from lodeline.node.events.capture import capture
from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.layout import present_layout
from lodeline.node.events.reading import Offered
from lodeline.node.events.refusals import BackupFailed, StoreLayoutUnknown, StoreNotEmpty
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName


def take(store: EventStore, tenant: Tenant, *serials: int) -> int:
    data = document(*(event(serial) for serial in serials))
    return capture(store, tenant, Offered(data), who=Who("clerk")).captured


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, database: DatabaseUrl, tmp_path: Path
) -> Iterator[DatabaseUrl]:
    """A second empty database of the same kind."""
    if database.startswith("sqlite"):
        yield sqlite_url(tmp_path / "restored.db")
    else:
        server = request.getfixturevalue("postgres")
        assert isinstance(server, PostgresServer)
        yield server.new_database()


def test_a_backup_restores_to_the_same_store(
    store: EventStore, miner: Tenant, elsewhere: DatabaseUrl, tmp_path: Path
) -> None:
    take(store, miner, 1, 2)
    secret = store.secret("pages")
    path = tmp_path / "events.backup"
    made = back_up(store, path)
    assert (made.path, made.events, made.layout) == (path, 2, present_layout())
    assert made.bytes == path.stat().st_size > 0
    take(store, miner, 3)
    restore(path, elsewhere)
    restored = EventStore(open_engine(elsewhere))
    assert restored.tenant(TenantName("miner")) == miner
    assert restored.events_after(miner, Seq(0), 9) == store.events_after(miner, Seq(0), 2)
    assert restored.secret("pages") == secret
    assert take(restored, miner, 1, 3) == 1
    restored.close()


def test_a_backup_is_its_owner_s_alone(store: EventStore, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        back_up(store, tmp_path / "events.backup")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "events.backup").stat().st_mode) == 0o600


def test_nothing_is_restored_over_a_store(
    store: EventStore, miner: Tenant, database: DatabaseUrl, tmp_path: Path
) -> None:
    path = tmp_path / "events.backup"
    back_up(store, path)
    take(store, miner, 1)
    with pytest.raises(StoreNotEmpty):
        restore(path, database)
    assert len(store.events_after(miner, Seq(0), 9)) == 1


def test_a_backup_that_fails_leaves_the_one_before(
    store: EventStore, miner: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "events.backup"
    back_up(store, path)
    before = path.read_bytes()
    take(store, miner, 1)
    path.with_name("events.backup.new").mkdir()
    with pytest.raises(BackupFailed) as refused:
        back_up(store, path)
    assert refused.value.path == str(path)
    assert path.read_bytes() == before


def test_what_is_no_backup_is_not_restored(elsewhere: DatabaseUrl, tmp_path: Path) -> None:
    path = tmp_path / "events.backup"
    for data in (b"", b"not a database at all" * 400):
        path.write_bytes(data)
        with pytest.raises(BackupFailed):
            restore(path, elsewhere)
    with pytest.raises(BackupFailed):
        restore(tmp_path / "none", elsewhere)
    store = EventStore(open_engine(elsewhere))
    assert store.last_seq() == 0
    store.close()


def test_a_damaged_backup_is_not_restored(sqlite_store: EventStore, tmp_path: Path) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    take(sqlite_store, miner, *range(50))
    path = tmp_path / "events.backup"
    made = back_up(sqlite_store, path)
    data = bytearray(path.read_bytes())
    middle = made.bytes // 2
    data[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(BackupFailed):
        restore(path, sqlite_url(tmp_path / "restored.db"))
    assert not (tmp_path / "restored.db").exists()


def test_a_backup_of_a_later_version_is_refused(sqlite_store: EventStore, tmp_path: Path) -> None:
    path = tmp_path / "events.backup"
    back_up(sqlite_store, path)
    engine = open_engine(sqlite_url(path))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    engine.dispose()
    with pytest.raises(StoreLayoutUnknown):
        restore(path, sqlite_url(tmp_path / "restored.db"))
