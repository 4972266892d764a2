"""What breaks on the way from event to ledger: kill -9 at every write, and a ledger that is away.

A child process does a turn and kills itself at the n-th write, for every n; whoever comes after it
finishes the work. Then everything is on the ledger, and once.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar
from unittest import mock

import pytest
from tests.node.benches import START, Bench, at_work, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk, waiting_rows
from tests.node.events.trade import COBALT, COPPER, WATER, mined, received, report, shipped

from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import LedgerNotWritten
from lodeline.holder.records import LotStatus
from lodeline.holder.vault import Vault
from lodeline.kernel.ids import LotId
from lodeline.ledger.entries import Entry, EntryId, entry_id
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted
from lodeline.ledger.refusals_transforms import LotRecalled
from lodeline.node.clock import ManualClock
from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.outbox import RowState, Stage, rows_of
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.states import EventState
from lodeline.node.events.store import EventStore, Seq
from lodeline.node.events.trade_refusals import EventNotStopped
from lodeline.node.events.withdrawing import keep, retry
from lodeline.node.requests import completed
from lodeline.node.session import Session

P = ParamSpec("P")
T = TypeVar("T")
Writes = Sequence[tuple[type, str]]
WRITES: Writes = (
    (EventStore, "write"),
    (Session, "submit"),
    (Vault, "put_note"),
    (Vault, "reserve"),
    (Vault, "record_transform"),
    (Vault, "move_to"),
)
MOST_WRITES = 80


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium, and events of the pit: ore that is mined, half of it shipped."""
    folder = tmp_path_factory.mktemp("breaks") / "home"
    with mining_bench(folder, *FOUNDERS) as bench, opened_store(folder) as store:
        pit = Desk(bench, store, "pit", HouseRound())
        pit.capture(mined("L1"))
    return folder


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """The same, the ore on the ledger and its shipping captured."""
    folder = tmp_path_factory.mktemp("stocked") / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit:
        pit.turn()
        assert pit.states() == ["on-ledger"]
        pit.capture(shipped("L1", 12300))
    return folder


def database_at(folder: Path) -> DatabaseUrl:
    """The folder's own file, or the database whose URL a test left there."""
    named = folder / "database"
    return DatabaseUrl(named.read_text()) if named.exists() else sqlite_url(folder / "events.db")


@contextmanager
def opened_store(folder: Path) -> Iterator[EventStore]:
    store = EventStore(open_engine(database_at(folder)), SetClock())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def desk_at(folder: Path, who: str = "pit") -> Iterator[Desk]:
    """A company's desk, everything opened anew as a new process does."""
    clock = ManualClock(START)
    with at_work(folder, clock) as session, opened_store(folder) as store:
        yield Desk(Bench(session, clock), store, who, HouseRound())


def counting(call: Callable[P, T], left: list[int]) -> Callable[P, T]:
    """Kill this process after a call, once so many are counted."""

    def counted(*args: P.args, **kwargs: P.kwargs) -> T:
        result = call(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted


def killed(folder: Path, at: int, writes: Writes = WRITES, who: str = "pit") -> bool:
    """Do a turn in a child that kills itself at a write; False where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            _turn_counted(folder, at, writes, who)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _turn_counted(folder: Path, at: int, writes: Writes, who: str) -> None:
    left = [at]
    with ExitStack() as stack:
        for owner, name in writes:
            wrapped = counting(getattr(owner, name), left)
            stack.enter_context(mock.patch.object(owner, name, wrapped))
        with desk_at(folder, who) as desk:
            desk.turn()


def every_kill(
    start: Path, place: Path, writes: Writes = WRITES, least: int = 10, who: str = "pit"
) -> Iterator[Path]:
    """Yield a folder for every write at which a turn was killed."""
    for at in range(1, MOST_WRITES):
        folder = place / str(at)
        shutil.copytree(start, folder)
        if not killed(folder, at, writes, who):
            assert at > least
            return
        yield folder
        shutil.rmtree(folder)
    pytest.fail("a turn has no end")


@pytest.mark.crash
def test_killed_at_any_write_ore_is_mined_once(template: Path, tmp_path: Path) -> None:
    for folder in every_kill(template, tmp_path):
        with desk_at(folder) as pit:
            pit.turn()
            assert pit.states() == ["on-ledger"]
            with pit.bench.at("pit") as own:
                ores = [lot for lot in own.vault.lots() if lot.public.form == "copper-cobalt-ore"]
                assert [lot.status for lot in ores] == [LotStatus.UNSPENT]
                assert not own.vault.lots(LotStatus.RESERVED)


@pytest.mark.crash
def test_killed_at_any_write_a_part_is_offered_once(stocked: Path, tmp_path: Path) -> None:
    for folder in every_kill(stocked, tmp_path):
        with desk_at(folder) as pit:
            pit.turn()
            assert pit.states() == ["on-ledger", "on-ledger"]
            with pit.bench.at("trader") as own:
                assert len(own.vault.offers()) == 1
            with pit.bench.at("pit") as own:
                (offered,) = own.vault.lots(LotStatus.RESERVED)
                (left,) = [lot for lot in own.unspent() if lot.public.form == offered.public.form]
                assert left.contents.amount(CO) + offered.contents.amount(CO) == 112_057_920


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """All of the ore offered to the trader, who finds less in it."""
    folder = tmp_path_factory.mktemp("offered") / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit:
        pit.capture(shipped("L1"))
        pit.turn()
        assert pit.states() == ["on-ledger", "on-ledger"]
    with desk_at(folder, "trader") as trader:
        found = [report(COBALT, 0.518), report(COPPER, 2.1), report(WATER, 12.4)]
        trader.capture(received("L1", reports=found))
    return folder


@pytest.mark.crash
def test_killed_at_any_write_what_is_received_is_accepted_and_settled_once(
    offered: Path, tmp_path: Path
) -> None:
    with desk_at(offered) as pit:
        size = pit.bench.session.ledger.size
    for folder in every_kill(offered, tmp_path, who="trader"):
        with desk_at(folder, "trader") as trader:
            trader.turn()
            assert trader.states() == ["on-ledger"]
            assert trader.bench.session.ledger.size == size + 2
            with trader.bench.at("trader") as own:
                (ore,) = own.unspent()
                assert ore.contents.amount(CO) == (112_057_920 + 111_626_928) // 2
                (bought,) = own.vault.lots(LotStatus.SPENT)
                assert bought.contents.amount(CO) == 112_057_920
                assert not own.vault.lots(LotStatus.RESERVED)


@contextmanager
def ledger_away() -> Iterator[None]:
    def away(session: Session, entry: Entry) -> Receipt:
        del session, entry
        raise LedgerNotWritten("ledger.db", "away")

    with mock.patch.object(Session, "submit", away):
        yield


def wait(pit: Desk, seconds: int) -> None:
    assert isinstance(pit.store.clock, SetClock)
    pit.store.clock.pass_seconds(seconds)


def test_while_the_ledger_is_away_capture_goes_on_and_all_is_sent_in_order(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit:
        size = pit.bench.session.ledger.size
        with ledger_away():
            for lot in ("L2", "L3"):
                assert not pit.turn().is_reached
                pit.capture(mined(lot))
                wait(pit, 1800)
        assert len(waiting_rows(pit.store, pit.tenant)) == 1
        assert pit.states()[0] == "proved"
        wait(pit, 300)
        turn = pit.turn()
        assert (turn.is_reached, turn.sent) == (True, 3)
        assert pit.states() == ["on-ledger"] * 3
        assert pit.bench.session.ledger.size == size + 3
        with pit.bench.at("pit") as own:
            ores = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
            known = pit.bench.session.state.entries
        made = [pit.state(number).reference for number in range(3)]
        records = [known.get(EntryId(bytes.fromhex(each or ""))) for each in made]
        indices = [record.index for record in records if record is not None]
        assert len(indices) == 3
        assert indices == sorted(indices)
        assert len(ores) == 3


def test_a_ledger_that_stays_away_is_asked_less_and_less_often(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit, ledger_away():
        for seconds in (0, 1, 2, 4):
            wait(pit, seconds)
            pit.turn()
            pit.turn()
        (row,) = waiting_rows(pit.store, pit.tenant)
        assert row.attempts == 4
        assert row.stage is Stage.MAKE


def test_what_the_ledger_refuses_frees_its_lots_and_may_be_begun_anew(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)

    def refusing(session: Session, entry: Entry) -> Receipt:
        del session, entry
        raise LotRecalled(LotId(bytes(32)), ())

    with desk_at(folder) as pit:
        with mock.patch.object(Session, "submit", refusing):
            pit.turn()
        assert (pit.states(), pit.code()) == (["refused"], LotRecalled.code)
        assert [row.state for row in rows_of(pit.store, pit.tenant, Seq(1))] == [RowState.REFUSED]
        with pit.bench.at("pit") as own:
            assert not own.vault.lots(LotStatus.RESERVED)
        assert pit.turn().sent == 0
        retry(pit.store, pit.tenant, Seq(1))
        pit.turn()
        assert pit.states() == ["on-ledger"]
        with pytest.raises(EventNotStopped) as refused:
            retry(pit.store, pit.tenant, Seq(1))
        assert (refused.value.event, refused.value.state) == (1, EventState.ON_LEDGER.value)
        with pytest.raises(EventNotStopped):
            keep(pit.store, pit.tenant, Seq(1))


def test_an_entry_that_reached_the_log_another_way_counts_as_sent(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit:
        with ledger_away():
            pit.turn()
        (row,) = waiting_rows(pit.store, pit.tenant)
        session = pit.bench.session
        session.submit(completed(session.state, row.request))
        turn = pit.turn()
        assert (turn.sent, pit.states()) == (1, ["on-ledger"])


def test_whoever_says_that_an_entry_was_accepted_is_not_believed_without_the_log(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)

    def lying(session: Session, entry: Entry) -> Receipt:
        del session
        raise EntryAlreadyAccepted(entry_id(entry), 0)

    with desk_at(folder) as pit:
        with mock.patch.object(Session, "submit", lying):
            turn = pit.turn()
        assert (turn.sent, turn.is_reached, pit.states()) == (0, False, ["proved"])
        (row,) = waiting_rows(pit.store, pit.tenant)
        assert (row.state, row.attempts) == (RowState.WAITING, 1)


def test_an_event_that_a_person_leaves_aside_is_kept_with_its_reason(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as pit:
        pit.capture(shipped("L9"))
        pit.turn()
        assert pit.states() == ["on-ledger", "held"]
        keep(pit.store, pit.tenant, Seq(2))
        pit.turn()
        assert (pit.states()[1], pit.code()) == ("kept", "event-lot-never-received")
