"""`lodeline store` on the events of one folder: backed up, restored elsewhere, forgotten."""

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.sessions import PASSPHRASE, Ran, lodeline
from tests.node.events.conftest import START, SetClock
from tests.node.events.documents import document, event

from lodeline.cli.refusals import OK, REFUSED
from lodeline.kernel.ids import MemberId
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.opening import DATABASE_VARIABLE, opened_store
from lodeline.node.events.reading import Offered
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import Seq
from lodeline.node.workspace import DEFAULT_FOLDER, Workspace

MINER = MemberId("pit")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _cheap: None) -> Path:
    """A folder with a member who captured three events in 2026 and has kept two of them."""
    monkeypatch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    members = [f"{name}:{name.title()}:CD:miner" for name in ("pit", "dig", "hill", "vein")]
    made = lodeline("init", "demo", *(word for text in members for word in ("--member", text)))
    assert made.code == OK, made.err
    with opened_store(Workspace(tmp_path / DEFAULT_FOLDER), None, SetClock()) as store:
        tenant = store.tenant(MINER)
        events = document(*(event(serial) for serial in range(3)))
        capture(store, tenant, Offered(events), who=Who("clerk"))
        kept = Move(EventState.KEPT, START)
        store.write(lambda c: move_state(c, tenant, [Seq(1), Seq(2)], kept))
    return tmp_path


def answered(ran: Ran) -> object:
    assert ran.code == OK, ran.err
    return json.loads(ran.out)


def test_a_backup_restores_where_nothing_is(home: Path) -> None:
    told = answered(lodeline("--json", "store", "backup", "--out", "events.backup"))
    size = (home / "events.backup").stat().st_size
    assert told == {"file": "events.backup", "events": 3, "bytes": size}
    refused = lodeline("store", "restore", "--from", "events.backup")
    assert refused.code == REFUSED
    assert "not empty" in refused.err
    for file in (home / DEFAULT_FOLDER).glob("events.db*"):
        file.unlink()
    told = answered(lodeline("--json", "store", "restore", "--from", "events.backup"))
    assert told == {"file": "events.backup", "last": 3}
    with opened_store(Workspace(home / DEFAULT_FOLDER)) as store:
        assert len(store.events_after(store.tenant(MINER), Seq(0), 9)) == 3


def test_a_database_may_be_named(home: Path) -> None:
    shutil.move(home / DEFAULT_FOLDER / "events.db", home / "elsewhere.db")
    database = f"sqlite:///{home}/elsewhere.db"
    told = lodeline("store", "backup", "--out", "events.backup", "--database", database)
    assert told.code == OK
    assert "3 events" in told.out
    refused = lodeline("store", "backup", "--out", "x", "--database", "mysql://a:secret@b/c")
    assert refused.code == REFUSED
    assert "secret" not in refused.err


def test_old_events_are_forgotten_but_for_those_on_their_way(home: Path) -> None:
    told = answered(lodeline("--json", "--as", "pit", "store", "forget", "--older-than-days", "1"))
    assert told == {"events": 2, "kept": 1, "jobs": 1}
    again = lodeline("store", "forget", "--older-than-days", "1", "--as", "pit")
    assert again.code == OK, again.err
