"""Where the events of a workspace are: its own file, or the database that was named."""

import stat
from pathlib import Path

import pytest

from lodeline.node.events.database import DatabaseUrl, sqlite_url
from lodeline.node.events.opening import DATABASE_VARIABLE, database_of, opened_store
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import TenantName
from lodeline.node.workspace import Workspace

OTHER = DatabaseUrl("postgresql+psycopg://somebody@host/events")


def test_the_name_given_counts_then_the_environment_then_the_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    surrounding = {DATABASE_VARIABLE: OTHER}
    assert database_of(workspace, None, {}) == sqlite_url(tmp_path / "events.db")
    assert database_of(workspace, None, {DATABASE_VARIABLE: ""}) == database_of(workspace, None, {})
    assert database_of(workspace, None, surrounding) == OTHER
    named = sqlite_url(tmp_path / "named.db")
    assert database_of(workspace, named, surrounding) == named


def test_the_file_is_its_owner_s_alone_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    workspace = Workspace(tmp_path)
    with opened_store(workspace) as store:
        made = store.tenant(TenantName("miner"))
        for name in ("events.db", "events.db-wal"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    with opened_store(workspace) as store:
        assert store.tenants() == [made]


def test_a_folder_that_is_not_there_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    with pytest.raises(StoreUnreachable), opened_store(Workspace(tmp_path / "none")):
        pass
