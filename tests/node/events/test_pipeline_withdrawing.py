"""Events that are given up: withdrawn by a person, or refused by the ledger; killed at every write.

Whatever happens on the way, the lots are free in the end, the goods are what they were, and an
event that is begun anew is on the ledger once.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from tests.node.benches import mining_bench
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk, waiting_rows
from tests.node.events.test_pipeline_breaks import (
    WRITES,
    desk_at,
    every_kill,
    ledger_away,
    opened_store,
)
from tests.node.events.trade import COBALT, COPPER, WATER, mined, received, report, shipped

from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import LedgerNotWritten
from lodeline.holder.records import LotStatus
from lodeline.holder.sealed_rows import SealedRows
from lodeline.kernel.ids import LotId, MemberId
from lodeline.ledger.entries import Entry, Offer
from lodeline.ledger.refusals_transforms import LotRecalled
from lodeline.node.cosigning import co_sign, submit_request
from lodeline.node.events.drafts import offer_drafts
from lodeline.node.events.outbox import RowState, rows_of
from lodeline.node.events.pipeline import Pipeline
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.states import EventState, state_of
from lodeline.node.events.store import Seq, TenantName
from lodeline.node.events.trade_refusals import DeclaredTooLate, EventNotStopped
from lodeline.node.events.withdrawing import (
    EntryOnItsWay,
    EventNotWaiting,
    EventWithdrawn,
    keep,
    retry,
    withdraw,
)
from lodeline.node.requests import Request
from lodeline.node.session import Session

ORE = "copper-cobalt-ore"
EVERY_WRITE = (*WRITES, (SealedRows, "put"), (HouseRound, "settled"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium, and ore of the pit that is captured."""
    folder = tmp_path_factory.mktemp("withdrawing") / "home"
    with mining_bench(folder, *FOUNDERS) as bench, opened_store(folder) as store:
        Desk(bench, store, "pit", HouseRound()).capture(mined("L1"))
    return folder


@pytest.fixture
def folder(tmp_path: Path, template: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "home"
    shutil.copytree(template, copy)
    return copy


@contextmanager
def unsigned(folder: Path) -> Iterator[Desk]:
    """The pit's desk, its requests given to signers who have not signed yet."""
    with desk_at(folder) as pit:
        pit.round = FolderRound(folder / "requests")
        yield pit


def requests(folder: Path) -> list[Path]:
    return sorted((folder / "requests").iterdir())


def promised(pit: Desk) -> int:
    with pit.bench.at("pit") as own:
        return len(own.vault.lots(LotStatus.RESERVED))


def ores(pit: Desk) -> list[LotStatus]:
    with pit.bench.at("pit") as own:
        return [lot.status for lot in own.vault.lots() if lot.public.form == ORE]


def test_an_event_that_nobody_signs_is_withdrawn_held_and_begun_anew(folder: Path) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        assert (pit.states(), promised(pit) > 0, len(requests(folder))) == (["proved"], True, 1)
        withdraw(pit.store, pit.tenant, Seq(1))
        assert (pit.states(), pit.code()) == (["held"], EventWithdrawn.code)
        pit.turn()
        assert (promised(pit), requests(folder)) == (0, [])
        size = len(rows_of(pit.store, pit.tenant, Seq(1)))
        pit.turn()
        assert pit.states() == ["held"], "a withdrawn event does not go on by itself"
        assert len(rows_of(pit.store, pit.tenant, Seq(1))) == size
        retry(pit.store, pit.tenant, Seq(1))
        pit.round = HouseRound()
        pit.turn()
        assert (pit.states(), ores(pit)) == (["on-ledger"], [LotStatus.UNSPENT])


def test_a_withdrawn_event_is_left_aside_and_its_goods_never_were(folder: Path) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        withdraw(pit.store, pit.tenant, Seq(1))
        keep(pit.store, pit.tenant, Seq(1))
        pit.capture(shipped("L1"))
        pit.round = HouseRound()
        pit.turn()
        assert pit.states() == ["kept", "held"]
        assert (pit.code(0), pit.code(1)) == (EventWithdrawn.code, "event-lot-never-received")
        assert promised(pit) == 0


@pytest.mark.parametrize("first", ["withdrawn", "declared"])
def test_a_withdrawn_event_that_is_declared_wrong_is_kept(folder: Path, first: str) -> None:
    name = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaa1"
    ore = mined("L2") | {"eventID": name}
    declared = ore | {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}}
    with desk_at(folder) as pit:
        pit.turn()
        pit.round = FolderRound(folder / "requests")
        pit.capture(ore)
        pit.turn()
        if first == "declared":
            pit.capture(declared)
            pit.turn()
            assert (pit.states()[1:], pit.code()) == (["proved", "held"], DeclaredTooLate.code)
        withdraw(pit.store, pit.tenant, Seq(2))
        if first == "withdrawn":
            pit.capture(declared)
        pit.turn()
        assert pit.states() == ["on-ledger", "kept", "kept"]


def test_what_a_lost_try_said_of_goods_is_nothing_once_its_event_is_declared_wrong(
    folder: Path,
) -> None:
    """Proved and lost in a crash, declared wrong, and put right under the same lot number."""
    name = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaa1"
    ore = mined("L2") | {"eventID": name}
    with desk_at(folder) as pit:
        pit.turn()
        pit.capture(ore)
        with (
            mock.patch.object(Pipeline, "_enqueue", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            pit.turn()
        pit.capture(ore | {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}})
        pit.capture(mined("L2", 24601))
        pit.turn()
        assert pit.states() == ["on-ledger", "kept", "kept", "on-ledger"]


# ------------------------------------------------------------------ refused


def test_what_does_not_wait_is_not_withdrawn(folder: Path) -> None:
    with desk_at(folder) as pit:
        for state in ("received", "on-ledger"):
            assert pit.states() == [state]
            with pytest.raises(EventNotWaiting) as refused:
                withdraw(pit.store, pit.tenant, Seq(1))
            assert (refused.value.event, refused.value.state) == (1, state)
            pit.turn()
        with pytest.raises(EventUnknown):
            withdraw(pit.store, pit.tenant, Seq(2))
        assert pit.states() == ["on-ledger"]


def test_nobody_withdraws_another_tenant_s_event(folder: Path) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        mallory = pit.store.tenant(TenantName("mallory"))
        for decide in (withdraw, retry, keep):
            with pytest.raises(EventUnknown):
                decide(pit.store, mallory, Seq(1))
        assert pit.states() == ["proved"]


def test_what_may_be_on_its_way_is_not_withdrawn(folder: Path) -> None:
    """While an entry is being handed in, and after a hand-in of which nobody knows the end."""
    tried: list[int] = []

    def slow(session: Session, entry: Entry) -> Receipt:
        with pytest.raises(EntryOnItsWay) as refused:
            withdraw(pit.store, pit.tenant, Seq(1))
        tried.append(refused.value.event)
        del session, entry
        raise LedgerNotWritten("ledger.db", "away")

    with desk_at(folder) as pit:
        with (
            mock.patch.object(Session, "submit", slow),
            mock.patch("lodeline.node.events.pipeline.is_embedded", return_value=False),
        ):
            pit.turn()
        assert tried == [1]
        with pytest.raises(EntryOnItsWay):
            withdraw(pit.store, pit.tenant, Seq(1))
        assert (pit.states(), promised(pit) > 0) == (["proved"], True)


def test_what_an_embedded_ledger_did_not_take_can_be_withdrawn(folder: Path) -> None:
    with desk_at(folder) as pit:
        with ledger_away():
            pit.turn()
        withdraw(pit.store, pit.tenant, Seq(1))
        assert (pit.turn().sent, pit.states(), promised(pit)) == (0, ["held"], 0)


def test_a_worker_that_has_read_the_row_before_hands_nothing_in(folder: Path) -> None:
    """Withdrawn while the worker has the others sign: what it has is old."""
    with desk_at(folder) as pit:

        class Slow(HouseRound):
            def signed(self, own: object, request: Request) -> Request:
                withdraw(pit.store, pit.tenant, Seq(1))
                return super().signed(own, request)  # type: ignore[arg-type] # as it was given

        pit.round = Slow()
        size = pit.bench.session.ledger.size
        assert (pit.turn().sent, pit.states()) == (0, ["held"])
        assert pit.bench.session.ledger.size == size
        pit.turn()
        assert promised(pit) == 0


def test_withdrawn_and_begun_anew_within_one_turn_it_is_freed_before_it_is_proved(
    folder: Path,
) -> None:
    """The turn is past the point where it frees lots, and finds the event received."""
    with unsigned(folder) as pit:
        pit.turn()
        pit.round = HouseRound()

        def meanwhile(pipeline: Pipeline) -> Iterator[object]:
            withdraw(pit.store, pit.tenant, Seq(1))
            retry(pit.store, pit.tenant, Seq(1))
            yield from unfinished(pipeline)

        unfinished = Pipeline._unfinished
        with mock.patch.object(Pipeline, "_unfinished", meanwhile):
            pit.turn()
        assert (pit.states(), ores(pit)) == (["on-ledger"], [LotStatus.UNSPENT])
        pit.capture(shipped("L1"))
        pit.turn()
        assert pit.states() == ["on-ledger", "on-ledger"]


def test_a_worker_that_proves_while_a_person_decides_brings_nothing_on(folder: Path) -> None:
    """Held, begun anew by the worker, and left aside by a person before it is proved."""
    with desk_at(folder) as pit:
        pit.capture(shipped("L7"))
        pit.turn()
        assert pit.states() == ["on-ledger", "held"]
        pit.capture(mined("L7"))
        pit.turn()

        def slow(*args: object) -> object:
            keep(pit.store, pit.tenant, Seq(2))
            return offer_drafts(*args)  # type: ignore[arg-type] # as it was given

        with mock.patch("lodeline.node.events.pipeline.offer_drafts", slow):
            pit.turn()
        assert pit.states() == ["on-ledger", "kept", "on-ledger"]
        assert (rows_of(pit.store, pit.tenant, Seq(2)), promised(pit)) == ([], 0)
        pit.capture(shipped("L7", hour=12))
        pit.turn()
        assert pit.states()[3] == "on-ledger"


# ------------------------------------------------------------------ in the log after all


def handed_in_by_a_signer(pit: Desk, request: Request) -> None:
    session = pit.bench.session
    for name in ("scales", "verifier"):
        request = co_sign(session, request, MemberId(name)).request
    submit_request(session, request)


@pytest.mark.parametrize("freed", [False, True], ids=["before it is freed", "after"])
@pytest.mark.parametrize("decide", [None, retry, keep], ids=["held", "anew", "aside"])
def test_a_signer_who_sends_a_withdrawn_request_makes_the_ore_once(
    folder: Path, decide: Callable[..., None] | None, *, freed: bool
) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        (row,) = waiting_rows(pit.store, pit.tenant)
        withdraw(pit.store, pit.tenant, Seq(1))
        if freed:
            pit.turn()
        if decide is not None:
            decide(pit.store, pit.tenant, Seq(1))
        handed_in_by_a_signer(pit, row.request)
        pit.round = HouseRound()
        pit.turn()
        if decide is keep and freed:
            assert pit.states() == ["kept"]
            return
        assert (pit.states(), ores(pit)) == (["on-ledger"], [LotStatus.UNSPENT])
        pit.capture(shipped("L1"))
        pit.turn()
        assert pit.states() == ["on-ledger", "on-ledger"]


def test_sent_by_a_signer_while_the_next_try_waits_it_is_made_once(folder: Path) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        (row,) = waiting_rows(pit.store, pit.tenant)
        withdraw(pit.store, pit.tenant, Seq(1))
        pit.turn()
        retry(pit.store, pit.tenant, Seq(1))
        pit.turn()
        assert pit.states() == ["proved"]
        handed_in_by_a_signer(pit, row.request)
        pit.round = HouseRound()
        pit.turn()
        pit.turn()
        assert (pit.states(), ores(pit)) == (["on-ledger"], [LotStatus.UNSPENT])
        states = [each.state for each in rows_of(pit.store, pit.tenant, Seq(1))]
        assert states == [RowState.DONE, RowState.REFUSED]


# ------------------------------------------------------------------ several entries


def test_a_part_whose_offer_is_refused_can_be_offered_again(folder: Path) -> None:
    """The split before the offer is in the log: its lots stand for the goods."""

    def no_offers(session: Session, entry: Entry) -> Receipt:
        if isinstance(entry, Offer):
            raise LotRecalled(LotId(bytes(32)), ())
        return submit(session, entry)

    submit = Session.submit
    with desk_at(folder) as pit:
        pit.turn()
        pit.capture(shipped("L1", 12300))
        with mock.patch.object(Session, "submit", no_offers):
            pit.turn()
        assert (pit.states(), promised(pit)) == (["on-ledger", "refused"], 0)
        retry(pit.store, pit.tenant, Seq(2))
        pit.turn()
        assert pit.states() == ["on-ledger", "on-ledger"]
        pit.capture(shipped("L1", 12300, hour=11))
        pit.turn()
        assert pit.states()[2] == "on-ledger"
        with pit.bench.at("trader") as own:
            assert len(own.vault.offers()) == 2


def test_a_settlement_that_is_withdrawn_leaves_what_was_bought(folder: Path) -> None:
    """The sender's figures stand, and nothing is bought twice."""
    with desk_at(folder) as pit:
        pit.capture(shipped("L1"))
        pit.turn()
        store = pit.store
        trader = Desk(pit.bench, store, "trader", FolderRound(folder / "requests"))
        found = [report(COBALT, 0.518), report(COPPER, 2.1), report(WATER, 12.4)]
        trader.capture(received("L1", reports=found))
        trader.turn()
        event = store.last_seq()

        def states() -> str:
            return state_of(store, trader.tenant, event).state

        assert states() == "proved"
        withdraw(store, trader.tenant, event)
        trader.turn()
        assert states() == "held"
        keep(store, trader.tenant, event)
        assert states() == "on-ledger"
        with pit.bench.at("trader") as own:
            (ore,) = own.unspent()
            assert ore.contents.amount(CO) == 112_057_920
        with pytest.raises(EventNotStopped):
            retry(store, trader.tenant, event)


# ------------------------------------------------------------------ killed


@pytest.fixture(scope="module")
def withdrawn(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A withdrawn event whose lots are still promised."""
    folder = tmp_path_factory.mktemp("withdrawn") / "home"
    shutil.copytree(template, folder)
    with unsigned(folder) as pit:
        pit.turn()
        withdraw(pit.store, pit.tenant, Seq(1))
    return folder


@pytest.mark.crash
def test_killed_while_lots_are_freed_they_are_free_in_the_end(
    withdrawn: Path, tmp_path: Path
) -> None:
    for folder in every_kill(withdrawn, tmp_path, EVERY_WRITE, 4):
        with desk_at(folder) as pit:
            pit.turn()
            assert (pit.states(), promised(pit)) == (["held"], 0)
            retry(pit.store, pit.tenant, Seq(1))
            pit.turn()
            assert (pit.states(), ores(pit)) == (["on-ledger"], [LotStatus.UNSPENT])


@pytest.mark.crash
def test_killed_while_a_refused_event_is_given_up_it_is_refused_and_its_lots_free(
    template: Path, tmp_path: Path
) -> None:
    """The ledger refuses once: whoever comes after the crash must not bring half of it on."""

    def refusing(session: Session, entry: Entry) -> Receipt:
        del session, entry
        raise LotRecalled(LotId(bytes(32)), ())

    found: list[EventState] = []
    submit = Session.submit
    with mock.patch.object(Session, "submit", refusing):
        kills = every_kill(template, tmp_path, EVERY_WRITE)
        while (folder := next(kills, None)) is not None:
            with mock.patch.object(Session, "submit", submit), desk_at(folder) as pit:
                found.append(_finished(pit))
    assert EventState.REFUSED in found


def _finished(pit: Desk) -> EventState:
    """Let a turn finish what a killed one began; what it finds fits together."""
    pit.turn()
    (state,) = pit.states()
    assert promised(pit) == 0
    pit.capture(shipped("L1"))
    pit.turn()
    sold = pit.states()[1]
    assert (state, sold) in {("on-ledger", "on-ledger"), ("refused", "held")}
    return EventState(state)


def test_an_event_that_is_forgotten_meanwhile_stops_nobody(folder: Path) -> None:
    with unsigned(folder) as pit:
        pit.turn()
        (row,) = waiting_rows(pit.store, pit.tenant)
        withdraw(pit.store, pit.tenant, Seq(1))
        handed_in_by_a_signer(pit, row.request)
        with mock.patch("lodeline.node.events.pipeline.states_of", return_value=[]):
            pit.turn()
        assert pit.states() == ["held"]
