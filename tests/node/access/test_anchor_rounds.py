"""The trail anchored while a service runs: when it is due, once each, whatever breaks between."""

import logging
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import text
from tests.node.access.test_trail import noted
from tests.node.benches import PASSPHRASE, START, cheap_keystores, founded, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.trade import PIT_MAPPING

from lodeline.engine.refusals import LedgerHasWriter
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.ids import MemberId
from lodeline.node.access import anchor_rounds
from lodeline.node.access.anchor_rounds import anchor_round, is_due
from lodeline.node.access.anchoring import check_trail
from lodeline.node.access.trail import remembered
from lodeline.node.access.trail_refusals import TrailBroken
from lodeline.node.clock import ManualClock
from lodeline.node.events import attending
from lodeline.node.events.attending import Pipelines
from lodeline.node.events.store import EventStore
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace
from lodeline.web.bringing import Bringing

PIT = MemberId("pit")
HOUR = 3_600


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


def test_a_trail_is_due_a_while_after_its_first_row_and_after_each_anchor(
    tmp_path: Path, sqlite_store: EventStore, clock: SetClock
) -> None:
    store, tenant = sqlite_store, sqlite_store.tenant(PIT)
    with founded(tmp_path / "home") as bench, bench.at("pit") as own:
        assert not is_due(store, tenant, 24)
        noted(store, tenant, 1)
        clock.pass_seconds(24 * HOUR - 1)
        assert not is_due(store, tenant, 24)
        clock.pass_seconds(1)
        assert is_due(store, tenant, 24)
        first = anchor_round(own, store, tenant)
        clock.pass_seconds(48 * HOUR)
        assert not is_due(store, tenant, 24)  # nothing was added
        last = noted(store, tenant, 2)
        assert is_due(store, tenant, 24)
        assert not is_due(store, tenant, 49)
        assert anchor_round(own, store, tenant) == last
        assert list(remembered(store, tenant)) == [first, last]
        assert check_trail(bench.session, store, tenant, PIT).anchored == last


def test_killed_before_it_remembers_a_round_anchors_no_head_twice(
    tmp_path: Path, sqlite_store: EventStore
) -> None:
    store, tenant = sqlite_store, sqlite_store.tenant(PIT)
    noted(store, tenant, 1)
    with founded(tmp_path / "home") as bench, bench.at("pit") as own:
        size = bench.session.ledger.size
        with (
            mock.patch.object(anchor_rounds, "remember", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            anchor_round(own, store, tenant)
        assert bench.session.ledger.size == size + 1
        assert list(remembered(store, tenant)) == []
        head = anchor_round(own, store, tenant)
        assert bench.session.ledger.size == size + 1
        assert list(remembered(store, tenant)) == [head]


def test_killed_before_it_remembers_a_later_head_vouches_for_all(
    tmp_path: Path, sqlite_store: EventStore
) -> None:
    store, tenant = sqlite_store, sqlite_store.tenant(PIT)
    noted(store, tenant, 1)
    with founded(tmp_path / "home") as bench, bench.at("pit") as own:
        with (
            mock.patch.object(anchor_rounds, "remember", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            anchor_round(own, store, tenant)
        last = noted(store, tenant, 2)
        assert anchor_round(own, store, tenant) == last
        assert check_trail(bench.session, store, tenant, PIT).anchored == last


def test_while_the_ledger_is_away_nothing_is_remembered_or_queued(
    tmp_path: Path, sqlite_store: EventStore
) -> None:
    store, tenant = sqlite_store, sqlite_store.tenant(PIT)
    noted(store, tenant, 1)
    away = LedgerHasWriter("ledger.db")
    with founded(tmp_path / "home") as bench, bench.at("pit") as own:
        with (
            mock.patch.object(Session, "submit", side_effect=away),
            pytest.raises(LedgerHasWriter),
        ):
            anchor_round(own, store, tenant)
        assert list(remembered(store, tenant)) == []
        assert own.vault.pending() == ()


# ------------------------------------------------------------------ in a service


@pytest.fixture
def pipelines(tmp_path: Path) -> Iterator[Pipelines]:
    folder = tmp_path / "home"
    with mining_bench(folder):
        pass
    (Workspace(folder).member_folder(PIT) / "mapping.yaml").write_text(PIT_MAPPING, "utf-8")
    given = Passphrase.typed(PASSPHRASE)
    with mock.patch.object(attending, "SystemClock", return_value=ManualClock(START)):
        yield Pipelines(Workspace(folder), [PIT], lambda _: given, sign_here=True)


def test_a_service_anchors_what_is_due_and_says_so(
    pipelines: Pipelines,
    sqlite_store: EventStore,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tenant = sqlite_store.tenant(PIT)
    head = noted(sqlite_store, tenant, 1)
    bringing = Bringing(pipelines, sqlite_store, 24)
    bringing._look()
    assert list(remembered(sqlite_store, tenant)) == []
    clock.pass_seconds(24 * HOUR)
    with caplog.at_level(logging.INFO, "lodeline.web.bringing"):
        bringing._look()
    assert list(remembered(sqlite_store, tenant)) == [head]
    assert [vars(each)["rows"] for each in caplog.records if each.message == "trail anchored"] == [
        1
    ]


def test_a_service_whose_setting_is_0_anchors_nothing(
    pipelines: Pipelines, sqlite_store: EventStore, clock: SetClock
) -> None:
    tenant = sqlite_store.tenant(PIT)
    noted(sqlite_store, tenant, 1)
    clock.pass_seconds(24 * HOUR)
    Bringing(pipelines, sqlite_store)._look()
    assert list(remembered(sqlite_store, tenant)) == []


def test_a_trail_that_does_not_hold_is_said_and_not_anchored(
    pipelines: Pipelines,
    sqlite_store: EventStore,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tenant = sqlite_store.tenant(PIT)
    noted(sqlite_store, tenant, 1)
    clock.pass_seconds(24 * HOUR)
    sqlite_store.write(lambda c: c.execute(text("DROP TRIGGER access_trail_no_update")))
    sqlite_store.write(lambda c: c.execute(text("UPDATE access_trail SET who = 'eve'")))
    with caplog.at_level(logging.ERROR, "lodeline.web.bringing"):
        Bringing(pipelines, sqlite_store, 24)._look()
    assert [vars(each)["code"] for each in caplog.records] == [TrailBroken.code]
    assert list(remembered(sqlite_store, tenant)) == []
    assert list(pipelines.anchor(sqlite_store, 24)) == []  # not again at once
