"""Disputes that end in the middle of a crash: killed at every write, each ends once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.node.benches import mining_bench
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk
from tests.node.events.test_pipeline_breaks import desk_at, every_kill, opened_store
from tests.node.events.trade import COBALT, COPPER, WATER, mined, received, report, shipped

from lodeline.holder.records import LotStatus, OfferSide, OfferState
from lodeline.node.events.decisions import Decision, Way, decide
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.store import Seq
from lodeline.node.events.withdrawing import retry

SENT, FOUND = 112_057_920, 108_825_480
"""Milligrams of cobalt in the ore: as the sender says, and as the receiver finds."""
Start = Callable[[Way], Path]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Start:
    """A folder in which a dispute was decided, and no turn has acted on it."""

    def made(way: Way) -> Path:
        folder = tmp_path_factory.mktemp("decided") / "home"
        with mining_bench(folder, *FOUNDERS) as bench, opened_store(folder) as store:
            pit = Desk(bench, store, "pit", HouseRound())
            trader = Desk(bench, store, "trader", HouseRound())
            pit.capture(mined("L1"), shipped("L1"))
            pit.turn()
            found = [report(COBALT, 0.505), report(COPPER, 2.1), report(WATER, 12.4)]
            trader.capture(received("L1", reports=found))
            trader.turn()
            assert trader.code() == "event-weights-differ"
            decide(store, trader.tenant, Seq(3), Decision(way, "ada"))
        return folder

    return made


@pytest.mark.crash
def test_killed_at_any_write_goods_are_settled_once(start: Start, tmp_path: Path) -> None:
    for folder in every_kill(start(Way.OURS), tmp_path, who="trader"):
        with desk_at(folder, "trader") as trader:
            trader.turn()
            assert trader.states() == ["on-ledger"]
            with trader.bench.at("trader") as own:
                (ore,) = own.unspent()
                assert ore.contents.amount(CO) == FOUND
                assert not own.vault.lots(LotStatus.RESERVED)


@pytest.mark.crash
def test_killed_at_any_write_goods_are_declined_once(start: Start, tmp_path: Path) -> None:
    for folder in every_kill(start(Way.DECLINE), tmp_path, least=5, who="trader"):
        with desk_at(folder, "trader") as trader:
            trader.turn()
            assert trader.states() == ["on-ledger"]
            with trader.bench.at("trader") as own:
                (offer,) = own.vault.offers(OfferSide.RECEIVED)
                assert offer.state is OfferState.DECLINED
                assert not own.unspent()


@pytest.mark.crash
def test_killed_at_any_write_goods_come_back_once(start: Start, tmp_path: Path) -> None:
    declined = start(Way.DECLINE)
    with desk_at(declined, "trader") as trader:
        trader.turn()
    for folder in every_kill(declined, tmp_path, least=4):
        with desk_at(folder) as pit:
            pit.turn()
            assert (pit.states(), pit.code()) == (["on-ledger", "held"], "event-offer-declined")
            with pit.bench.at("pit") as own:
                (ore,) = [each for each in own.unspent() if each.contents.amount(CO) == SENT]
            retry(pit.store, pit.tenant, Seq(2))
            pit.turn()
            assert pit.states() == ["on-ledger", "on-ledger"]
            with pit.bench.at("pit") as own:
                assert own.vault.lot(ore.lot_id).status is LotStatus.RESERVED
