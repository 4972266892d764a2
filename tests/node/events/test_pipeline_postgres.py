"""From event to ledger with the events on PostgreSQL: a chain, kill -9 at every write, two workers.

What is killed is a client of the server: it loses a transaction that was not committed, and keeps
one that was. Every statement that writes, every commit, and every write to vault and ledger is a
place; a few of them in every run of the tests, all of them with `-m crash`.
"""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Final
from unittest import mock

import pytest
from sqlalchemy import Connection, Engine, event, make_url
from tests.node.benches import PASSPHRASE, START, mining_bench
from tests.node.events.conftest import PostgresServer
from tests.node.events.story import assays, lot, told
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk
from tests.node.events.test_pipeline_breaks import (
    WRITES,
    counting,
    database_at,
    desk_at,
    opened_store,
)
from tests.node.events.test_pipeline_chain import GRANTS, ORE
from tests.node.events.trade import PIT_MAPPING, mined, shipped

from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import LedgerHasWriter
from lodeline.holder.keystore import Passphrase
from lodeline.holder.records import LotStatus
from lodeline.kernel.ids import MemberId
from lodeline.ledger.entries import Entry
from lodeline.node.clock import ManualClock
from lodeline.node.events import attending
from lodeline.node.events.attending import Pipelines
from lodeline.node.events.drafts import make_drafts
from lodeline.node.events.outbox import Row, RowState, mark, rows_of
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.store import EventStore, Seq
from lodeline.node.events.withdrawing import retry, withdraw
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace

PIT: Final = MemberId("pit")
FEW: Final = 9
LOOKS: Final = 200


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, _cheap: None) -> Path:
    """A consortium, and ore of the pit that is captured into a database of the server."""
    folder = tmp_path_factory.mktemp("postgres") / "home"
    with mining_bench(folder, *FOUNDERS) as bench:
        (folder / "database").write_text(postgres.new_store())
        (Workspace(folder).member_folder(PIT) / "mapping.yaml").write_text(PIT_MAPPING, "utf-8")
        with opened_store(folder) as store:
            Desk(bench, store, "pit", HouseRound()).capture(mined("L1"))
    return folder


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, mine: Path) -> Path:
    """The same, the ore on the ledger and the shipping of a half of it captured."""
    folder = copied(postgres, mine, tmp_path_factory.mktemp("stocked"))
    with desk_at(folder) as pit:
        pit.turn()
        assert pit.states() == ["on-ledger"]
        pit.capture(shipped("L1", 12300))
    return folder


_places = count(1)


def copied(postgres: PostgresServer, start: Path, place: Path) -> Path:
    """Copy a folder, and the database beside it."""
    folder = place / f"copy-{next(_places)}"
    shutil.copytree(start, folder)
    template = make_url(database_at(start)).database
    (folder / "database").write_text(postgres.new_database(str(template)))
    return folder


# ------------------------------------------------------------------ a chain


@pytest.mark.slow
@pytest.mark.usefixtures("_cheap")
def test_from_ore_to_a_refinery_on_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    """Commissioned, refined, exported, sold twice, refined again: each event on the ledger."""
    with told(tmp_path, *GRANTS, database=postgres.new_store()) as story:
        story.begin("mwinda", "commissioning", lot("ore", 24.6, "TNE"), ORE)
        story.make(
            "mwinda",
            [lot("ore", 24600)],
            [lot("hydroxide", 300), lot("copper", 445), lot("residue")],
            assays("hydroxide", Co=35, H2O=5),
        )
        story.tell(
            "mwinda",
            "ObjectEvent",
            "departing",
            action="OBSERVE",
            disposition="in_transit",
            quantityList=[lot("hydroxide", 300)],
        )
        story.sell("mwinda", "aare", lot("hydroxide", 300))
        story.sell("aare", "pohja", lot("hydroxide", 300))
        story.make(
            "pohja", [lot("hydroxide", 300)], [lot("sulfate", 465)], assays("sulfate", Co=20.97)
        )
        assert story.held("pohja", "cobalt-sulfate").contents.amount(CO) > 0
        assert len(story.told) == 8


# ------------------------------------------------------------------ killed


def turn_killed(folder: Path, at: int) -> bool:
    """Do a turn in a child that kills itself at a place; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            _turn_counted(folder, at)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _turn_counted(folder: Path, at: int) -> None:
    left = [at]

    def counted(statement: str = "COMMIT") -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE", "COMMIT", "SELECT pg_advisory")):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", lambda *told: counted(str(told[2])))
    event.listen(Engine, "commit", lambda _: counted())  # told before the server is
    with ExitStack() as stack:
        for owner, name in WRITES:
            wrapped = counting(getattr(owner, name), left)
            stack.enter_context(mock.patch.object(owner, name, wrapped))
        with desk_at(folder) as pit:
            pit.turn()
    (folder / "places").write_text(str(at - left[0]))


def every_kill(
    postgres: PostgresServer, start: Path, place: Path, *, everything: bool
) -> Iterator[Path]:
    """Yield a folder for places at which a turn was killed."""
    whole = copied(postgres, start, place)
    assert not turn_killed(whole, 10**9)
    last = int((whole / "places").read_text())
    assert last > 40
    for at in _chosen(range(1, last + 1), everything=everything):
        folder = copied(postgres, start, place)
        assert turn_killed(folder, at)
        yield folder
        postgres.drop(database_at(folder))
        shutil.rmtree(folder)


def _chosen(places: Sequence[int], *, everything: bool) -> Sequence[int]:
    step = (len(places) - 1) / (FEW - 1)
    return places if everything else [places[round(at * step)] for at in range(FEW)]


@pytest.fixture
def everything(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("markexpr") == "crash")


@pytest.mark.crash
def test_killed_at_any_statement_ore_is_mined_once(
    mine: Path, tmp_path: Path, postgres: PostgresServer, *, everything: bool
) -> None:
    for folder in every_kill(postgres, mine, tmp_path, everything=everything):
        with desk_at(folder) as pit:
            pit.turn()
            assert pit.states() == ["on-ledger"]
            with pit.bench.at("pit") as own:
                ores = [lot for lot in own.vault.lots() if lot.public.form == "copper-cobalt-ore"]
                assert [lot.status for lot in ores] == [LotStatus.UNSPENT]
                assert not own.vault.lots(LotStatus.RESERVED)


@pytest.mark.crash
def test_killed_at_any_statement_a_part_is_offered_once(
    stocked: Path, tmp_path: Path, postgres: PostgresServer, *, everything: bool
) -> None:
    for folder in every_kill(postgres, stocked, tmp_path, everything=everything):
        with desk_at(folder) as pit:
            pit.turn()
            assert pit.states() == ["on-ledger", "on-ledger"]
            with pit.bench.at("trader") as own:
                assert len(own.vault.offers()) == 1
            with pit.bench.at("pit") as own:
                (offered,) = own.vault.lots(LotStatus.RESERVED)
                (left,) = [lot for lot in own.unspent() if lot.public.form == offered.public.form]
                assert left.contents.amount(CO) + offered.contents.amount(CO) == 112_057_920


# ------------------------------------------------------------------ several at once


def test_an_event_is_withdrawn_and_begun_anew(
    mine: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    folder = copied(postgres, mine, tmp_path)
    with desk_at(folder) as pit:
        pit.round = FolderRound(folder / "requests")
        pit.turn()
        withdraw(pit.store, pit.tenant, Seq(1))
        pit.turn()
        assert pit.states() == ["held"]
        retry(pit.store, pit.tenant, Seq(1))
        pit.round = HouseRound()
        pit.turn()
        assert pit.states() == ["on-ledger"]
        states = [row.state for row in rows_of(pit.store, pit.tenant, Seq(1))]
        assert states == [RowState.REFUSED, RowState.DONE]


def test_a_second_worker_that_proves_the_same_event_brings_none_of_it_on(
    mine: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    """Another worker has the event on the ledger while this one is proving it."""
    folder = copied(postgres, mine, tmp_path)
    with desk_at(folder) as pit:
        size = pit.bench.session.ledger.size

        def overtaken(*args: object) -> object:
            drafts = make_drafts(*args)  # type: ignore[arg-type] # as they were given
            with mock.patch("lodeline.node.events.pipeline.make_drafts", make_drafts):
                assert pit.turn().sent == 1
            return drafts

        with mock.patch("lodeline.node.events.pipeline.make_drafts", overtaken):
            assert pit.turn().sent == 0
        assert pit.states() == ["on-ledger"]
        assert pit.bench.session.ledger.size == size + 1
        assert len(rows_of(pit.store, pit.tenant, Seq(1))) == 1


def test_connections_that_are_cut_between_two_writes_are_not_missed(
    mine: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    folder = copied(postgres, mine, tmp_path)
    submit = Session.submit

    def cut(session: Session, entry: Entry) -> Receipt:
        assert postgres.cut(database_at(folder)) > 0
        return submit(session, entry)

    with desk_at(folder) as pit:
        with mock.patch.object(Session, "submit", cut):
            assert pit.turn().sent == 1
        assert pit.states() == ["on-ledger"]


@pytest.mark.parametrize("state", [RowState.SENT, RowState.DONE])
def test_a_connection_that_is_cut_in_a_transaction_costs_that_and_no_more(
    mine: Path, tmp_path: Path, postgres: PostgresServer, state: RowState
) -> None:
    """Before the entry is handed in, and after the ledger has it: the next turn goes on."""
    folder = copied(postgres, mine, tmp_path)

    def cut(connection: Connection, row: Row, to: RowState) -> bool:
        marked = mark(connection, row, to)
        if to is state:
            assert postgres.cut(database_at(folder)) > 0
        return marked

    with desk_at(folder) as pit:
        size = pit.bench.session.ledger.size
        with (
            mock.patch("lodeline.node.events.pipeline.mark", cut),
            pytest.raises(StoreUnreachable),
        ):
            pit.turn()
        (row,) = rows_of(pit.store, pit.tenant, Seq(1))
        assert row.state is (RowState.WAITING if state is RowState.SENT else RowState.SENT)
        assert pit.turn().sent == 1
        assert pit.states() == ["on-ledger"]
        assert pit.bench.session.ledger.size == size + 1


def test_two_services_on_one_database_bring_each_event_to_the_ledger_once(
    mine: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    folder = copied(postgres, mine, tmp_path)
    with desk_at(folder) as pit:
        pit.capture(mined("L2"), mined("L3"))
        size = pit.bench.session.ledger.size
    given = Passphrase.typed(PASSPHRASE)
    troubles: set[str] = set()

    def serve(store: EventStore) -> None:
        pipelines = Pipelines(Workspace(folder), [PIT], lambda _: given, sign_here=True)
        for _ in range(LOOKS):
            pipelines.look(store)
            if pipelines.standing.trouble is None:
                return
            troubles.add(pipelines.standing.trouble.code)

    with (
        mock.patch.object(attending, "SystemClock", return_value=ManualClock(START)),
        opened_store(folder) as one,
        opened_store(folder) as two,
    ):
        workers = [Thread(target=serve, args=(store,)) for store in (one, two)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    with desk_at(folder) as pit:
        pit.turn()
        assert pit.states() == ["on-ledger"] * 3
        assert pit.bench.session.ledger.size == size + 3
    assert troubles <= {LedgerHasWriter.code}
