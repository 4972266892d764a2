"""Events that were declared wrong after they were on the ledger: undone, corrected, or held."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.benches import mining_bench
from tests.node.events.documents import Json
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk
from tests.node.events.test_pipeline_breaks import WRITES, desk_at, every_kill, opened_store
from tests.node.events.trade import mined, shipped

from lodeline.holder.records import HeldLot, LotStatus
from lodeline.node.cosigning import co_sign, looked_at
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.store import Seq
from lodeline.node.events.withdrawing import withdraw
from lodeline.node.requests import encode_request, missing, read_request

WRONG = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaa1"
RIGHT = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaa2"


def wrong(event: Json) -> Json:
    return event | {"eventID": WRONG}


def declared(event: Json, *correctives: str) -> Json:
    """The same event once more, declared wrong."""
    error: Json = {"declarationTime": "2026-10-12T18:00:00Z", "reason": "incorrect_data"}
    if correctives:
        error["correctiveEventIDs"] = list(correctives)
    return wrong(event) | {"errorDeclaration": error}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium in which the wrong weight of ore is on the ledger already."""
    folder = tmp_path_factory.mktemp("declared") / "home"
    with mining_bench(folder, *FOUNDERS) as bench, opened_store(folder) as store:
        pit = Desk(bench, store, "pit", HouseRound())
        pit.capture(wrong(mined("L1", 26400)))
        pit.turn()
        assert pit.states() == ["on-ledger"]
    return folder


@pytest.fixture
def pit(template: Path, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    with desk_at(folder) as found:
        yield found


def ores(desk: Desk) -> list[HeldLot]:
    with desk.bench.at(desk.name) as own:
        return [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]


def test_a_wrong_weight_is_undone_and_the_right_one_takes_its_place(pit: Desk) -> None:
    pit.capture(declared(mined("L1", 26400), RIGHT), mined("L1", 24600) | {"eventID": RIGHT})
    pit.turn()
    assert pit.states() == ["refused", "on-ledger", "on-ledger"]
    assert pit.code(0) == "event-undone-as-wrong"
    assert pit.state(1).reference == pit.state(0).reference
    (ore,) = ores(pit)
    assert ore.contents.amount(CO) == 112_057_920
    pit.capture(shipped("L1", 24600))
    pit.turn()
    assert pit.states()[3] == "on-ledger"


def test_the_right_event_needs_no_name_and_may_come_first(pit: Desk) -> None:
    pit.capture(mined("L1", 24600))
    pit.turn()
    assert (pit.states(), pit.code()) == (["on-ledger", "refused"], "event-goods-twice")
    hash_id = pit.store.events_after(pit.tenant, Seq(1), 1)[0].event_id
    pit.capture(declared(mined("L1", 26400), hash_id))
    pit.turn()
    pit.turn()
    assert pit.states() == ["refused", "on-ledger", "on-ledger"]
    assert [ore.contents.amount(CO) for ore in ores(pit)] == [112_057_920]


def test_the_right_event_waits_for_the_signatures_of_the_reversal(pit: Desk) -> None:
    requests = pit.bench.folder / "requests"
    slow = Desk(pit.bench, pit.store, "pit", FolderRound(requests))
    slow.capture(declared(mined("L1", 26400)), mined("L1", 24600))
    slow.turn()
    assert slow.states() == ["on-ledger", "proved", "held"]
    assert slow.code() == "event-waits-for-undoing"
    (file,) = requests.iterdir()
    request = read_request(file.read_bytes())
    session = pit.bench.session
    for member in missing(session.state, request):
        seen = looked_at(session, request, member)
        assert [(one.kind, one.contents is not None) for one in seen] == [("given-up", True)]
        request = co_sign(session, request, member).request
    file.write_bytes(encode_request(request))
    slow.turn()
    assert slow.states() == ["refused", "on-ledger", "proved"]


def test_a_declaration_that_waits_for_signatures_is_withdrawn(pit: Desk) -> None:
    slow = Desk(pit.bench, pit.store, "pit", FolderRound(pit.bench.folder / "requests"))
    slow.capture(declared(mined("L1", 26400)))
    slow.turn()
    assert (slow.states(), ores(pit)) == (["on-ledger", "proved"], [])
    withdraw(pit.store, pit.tenant, Seq(2))
    slow.turn()
    assert slow.states() == ["on-ledger", "kept"]
    assert len(ores(pit)) == 1


@pytest.mark.crash
def test_killed_at_any_write_a_step_is_undone_once(template: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    shutil.copytree(template, start)
    with desk_at(start) as pit:
        pit.capture(declared(mined("L1", 26400)), mined("L1", 24600))
        size = pit.bench.session.ledger.size
    for folder in every_kill(start, tmp_path, WRITES):
        with desk_at(folder) as pit:
            pit.turn()
            assert pit.states() == ["refused", "on-ledger", "on-ledger"]
            assert pit.bench.session.ledger.size == size + 2
            assert [ore.contents.amount(CO) for ore in ores(pit)] == [112_057_920]
            with pit.bench.at("pit") as own:
                assert not own.vault.lots(LotStatus.RESERVED)
