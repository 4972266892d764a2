"""Assays that come by events of their own: before, after, again, or declared wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.benches import Bench, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json
from tests.node.events.test_pipeline import CO, FOUNDERS, MAPPINGS, Desk
from tests.node.events.trade import (
    COBALT,
    COPPER,
    PIT_MAPPING,
    TRADER_MAPPING,
    WATER,
    mined,
    received,
    report,
    shipped,
)

from lodeline.holder.records import HeldLot
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.store import EventStore

LABORATORY = "  - {when: {step: inspecting}, do: assay}\n"
WAITING = "settle: 0.05 %, wait_for_assay: true"
BARE = {"sensorElementList": [{"sensorReport": [report(WATER, 12.4)]}]}
LABORATORY_URI = "urn:epc:id:pgln:4012345.00001"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium in which the pit may mine, and sign settlements with its buyer."""
    folder = tmp_path_factory.mktemp("assays") / "home"
    with mining_bench(folder, *FOUNDERS):
        pass
    return folder


@pytest.fixture
def desks(bench: Bench, tmp_path: Path) -> Iterator[dict[str, Desk]]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MAPPINGS, "pit", PIT_MAPPING + LABORATORY)
        trader = TRADER_MAPPING.replace("settle: 0.05 %", WAITING) + LABORATORY
        patch.setitem(MAPPINGS, "trader", trader)
        yield {name: Desk(bench, store, name, HouseRound()) for name in MAPPINGS}
    store.close()


def assayed(lot: str, share: float, hour: int = 16) -> Json:
    """What a laboratory found in a lot, in an event of its own."""
    found = [report(COBALT, share), report(COPPER, 2.1), report(WATER, 12.4)]
    element = {"sensorMetadata": {"deviceID": LABORATORY_URI}, "sensorReport": found}
    event = shipped(lot, hour=hour, sensorElementList=[element]) | {"bizStep": "inspecting"}
    return {key: value for key, value in event.items() if key != "destinationList"}


def held(desk: Desk) -> HeldLot:
    with desk.bench.at(desk.name) as own:
        (lot,) = [each for each in own.unspent() if each.public.form == "copper-cobalt-ore"]
    return lot


def test_ore_waits_for_its_laboratory_and_goes_on_by_itself(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    pit.capture(mined("L1") | BARE)
    pit.turn()
    assert (pit.states(), pit.code()) == (["held"], "event-assay-awaited")
    pit.capture(assayed("L2", 0.9), assayed("L1", 0.52))
    pit.turn()
    assert pit.states() == ["on-ledger", "kept", "kept"]
    ore = held(pit)
    assert ore.contents.amount(CO) == 112_057_920
    with pit.bench.at("pit") as own:
        facts = own.vault.facts(ore.lot_id)
    assert facts is not None
    assert {each.laboratory for each in facts.assays} == {LABORATORY_URI}


def test_the_last_assay_counts_and_none_that_was_declared_wrong(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    wrong = assayed("L1", 0.9, hour=18) | {
        "eventID": "urn:uuid:831c0292-4de1-430a-8255-2aca821abaab"
    }
    declared = wrong | {"errorDeclaration": {"declarationTime": "2026-10-12T19:00:00Z"}}
    pit.capture(assayed("L1", 0.5), wrong)
    pit.capture(declared, assayed("L1", 0.52, hour=17))
    pit.capture(mined("L1") | BARE)
    pit.turn()
    assert pit.states() == ["kept"] * 4 + ["on-ledger"]
    assert held(pit).contents.amount(CO) == 112_057_920


def test_what_an_event_says_itself_comes_first(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    pit.capture(assayed("L1", 0.9), mined("L1"))
    pit.turn()
    assert held(pit).contents.amount(CO) == 112_057_920


def test_a_receiver_waits_for_his_laboratory_before_he_accepts(desks: dict[str, Desk]) -> None:
    pit, trader = desks["pit"], desks["trader"]
    pit.capture(mined("L1"), shipped("L1"))
    pit.turn()
    trader.capture(received("L1"))
    trader.turn()
    assert (trader.states(), trader.code()) == (["held"], "event-assay-awaited")
    trader.capture(assayed("L1", 0.4))
    trader.turn()
    assert trader.states() == ["held", "kept"]
    assert trader.code(0) == "event-weights-differ"
    trader.capture(assayed("L1", 0.518, hour=17))
    trader.turn()
    assert trader.states() == ["on-ledger", "kept", "kept"]
    assert held(trader).contents.amount(CO) == (112_057_920 + 111_626_928) // 2


def test_without_a_step_for_laboratories_nothing_waits_for_them(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    MAPPINGS["pit"] = PIT_MAPPING
    pit.capture(assayed("L1", 0.52), mined("L1") | BARE)
    pit.turn()
    assert (pit.states(), pit.code()) == (["kept", "refused"], "event-assay-missing")
