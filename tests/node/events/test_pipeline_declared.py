"""Events that were declared wrong after they were on the ledger: undone, corrected, or held."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.benches import mining_bench
from tests.node.events.documents import Json
from tests.node.events.story import assays, lot, told
from tests.node.events.test_pipeline import CO, FOUNDERS, Desk
from tests.node.events.test_pipeline_breaks import WRITES, desk_at, every_kill, opened_store
from tests.node.events.test_pipeline_chain import GRANTS, ORE
from tests.node.events.trade import mined, received, shipped

from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.holder.records import HeldLot, LotStatus, OfferState
from lodeline.holder.vault import LotNotFree
from lodeline.kernel.ids import MemberId
from lodeline.node.correcting import (
    MoreThanBefore,
    StepUnknown,
    correct,
    prepare_correction,
    step_named,
)
from lodeline.node.cosigning import co_sign, looked_at
from lodeline.node.events.goods_book import goods_in
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.store import Seq
from lodeline.node.events.withdrawing import withdraw
from lodeline.node.requests import encode_request, missing, read_request
from lodeline.node.transforming import prove_chain
from lodeline.node.undoing import Undoing, go_on, reverse

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


def corrected(desk: Desk, mass: str, step: str | None, *signers: str) -> Receipt:
    """Correct the ore that a company has, as the command does, and have others sign it."""
    with desk.bench.at(desk.name) as own:
        lot = max(own.unspent(), key=lambda each: each.contents.amount(CO))
        found = parse_element_amount(mass)
        wrong = None if step is None else step_named(own, step)
        right = {found.element: found.mass}
        plan = prepare_correction(own, lot, right, wrong, MemberId("seal"))
        sent = correct(own, plan, prove_chain(own, plan.prepared.chain)[-1])
        with pytest.raises(LotNotFree):
            own.vault.free_lot(lot.lot_id)
    return desk.bench.signed_by(sent, *signers)


def test_a_correction_takes_the_place_of_a_step_whose_licence_was_used_since(pit: Desk) -> None:
    pit.capture(mined("L2", 100))
    pit.turn()
    pit.capture(declared(mined("L1", 26400)), mined("L1", 24600))
    pit.turn()
    assert pit.states() == ["on-ledger", "on-ledger", "held", "held"]
    assert (pit.code(2), pit.code(3)) == ("event-right-used-since", "event-waits-for-undoing")
    assert len(ores(pit)) == 2
    receipt = corrected(pit, "112.05792 kg Co", None, "seal")
    pit.turn()
    assert pit.states() == ["refused", "on-ledger", "on-ledger", "on-ledger"]
    assert pit.code(0) == "event-corrected-as-wrong"
    assert pit.code(3) == "event-stands-by-correction"
    assert pit.bench.session.ledger.size == receipt.index + 1
    assert max(ore.contents.amount(CO) for ore in ores(pit)) == 112_057_920
    pit.capture(shipped("L1", 12300), shipped("L1", 13000, hour=11))
    pit.turn()
    assert pit.states()[4:] == ["on-ledger", "refused"]
    assert pit.code() == "event-more-used-than-there"


def test_what_was_sold_is_corrected_by_its_buyer_issuer_and_auditor(pit: Desk) -> None:
    trader = Desk(pit.bench, pit.store, "trader", HouseRound())
    pit.capture(shipped("L1", 26400))
    pit.turn()
    trader.capture(received("L1", 26400))
    trader.turn()
    pit.capture(declared(mined("L1", 26400)), mined("L1", 24600))
    pit.turn()
    assert pit.states() == ["on-ledger", "on-ledger", "held", "held"]
    reason = pit.state(2).reason
    assert reason is not None
    assert reason.code == "event-goods-moved-on"
    assert "trader" in reason.en
    assert "event 2" in reason.en
    step = reason.advice_en.partition("--step ")[2].split()[0]
    corrected(trader, "112.05792 kg Co", step, "pit", "seal")
    pit.turn()
    assert pit.states() == ["refused", "on-ledger", "on-ledger", "on-ledger"]
    (ore,) = ores(trader)
    assert ore.contents.amount(CO) == 112_057_920
    with trader.bench.at("trader") as own:
        pages = [page for _, page in goods_in(own.vault)]
        assert [lot.lot_id for page in pages for lot in page.free(own)] == [ore.lot_id]


def test_a_wrong_shipping_is_withdrawn_while_nobody_has_accepted_it(pit: Desk) -> None:
    pit.capture(shipped("L1", 26000) | {"eventID": RIGHT})
    pit.turn()
    error = {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}}
    again = shipped("L1", 12000, hour=11)
    pit.capture(shipped("L1", 26000) | {"eventID": RIGHT} | error, again)
    pit.turn()
    pit.turn()
    assert pit.states() == ["on-ledger", "refused", "on-ledger", "on-ledger"]
    assert pit.code(1) == "event-undone-as-wrong"
    with pit.bench.at("trader") as own:
        offers = [offer.state for offer in own.vault.offers()]
    assert offers == [OfferState.WITHDRAWN, OfferState.OPEN]


def test_a_wrong_shipping_that_was_accepted_is_held(pit: Desk) -> None:
    trader = Desk(pit.bench, pit.store, "trader", HouseRound())
    sold = shipped("L1", 26400) | {"eventID": RIGHT}
    error = {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}}
    pit.capture(sold)
    pit.turn()
    bought = received("L1", 26400) | {"eventID": WRONG}
    trader.capture(bought)
    trader.turn()
    pit.capture(sold | error)
    trader.capture(bought | error)
    pit.turn()
    trader.turn()
    assert (pit.states()[-1], pit.code()) == ("held", "event-goods-sold")
    assert (trader.states()[-1], trader.code()) == ("held", "event-goods-bought")
    with trader.bench.at("trader") as own:
        (lot,) = own.unspent()
        begun = reverse(own, lot)
    assert isinstance(begun, Undoing)
    with pit.bench.at("pit") as own:
        agreed = go_on(own, begun)
    assert isinstance(agreed, Undoing)
    with trader.bench.at("trader") as own:
        assert isinstance(go_on(own, agreed), Receipt)
    pit.turn()
    trader.turn()
    assert pit.states() == ["on-ledger", "refused", "on-ledger"]
    assert trader.states() == ["refused", "on-ledger"]
    pit.capture(shipped("L1", 26400, hour=11))
    pit.turn()
    assert pit.states()[-1] == "on-ledger"


def test_a_correction_only_takes_away_and_only_from_what_is_there(pit: Desk) -> None:
    with pytest.raises(MoreThanBefore) as refused:
        corrected(pit, "1 t Co", None)
    assert refused.value.had == 120_257_280
    with pytest.raises(MoreThanBefore):
        corrected(pit, "1 kg Ni", None)
    with pytest.raises(StepUnknown):
        corrected(pit, "1 kg Co", "ffffff")


@pytest.mark.slow
def test_ore_that_was_leached_and_sold_is_corrected_where_it_is_now(tmp_path: Path) -> None:
    with told(tmp_path, *GRANTS) as story:
        ore = {"quantityList": [lot("ore", 24.6, "TNE")], "sensorElementList": [ORE]}
        mining = story.event("mwinda", "ObjectEvent", "commissioning", action="ADD", **ore)
        mining["eventID"] = WRONG
        assert story.take("mwinda", mining).state.value == "on-ledger"
        made = [lot("hydroxide", 300), lot("copper", 445), lot("residue")]
        found = assays("hydroxide", Co=35, H2O=5)
        story.make("mwinda", [lot("ore", 24600)], made, found)
        story.sell("mwinda", "aare", lot("hydroxide", 300))
        held = story.take("mwinda", declared(mining))
        assert (held.state.value, held.reason and held.reason.code) == (
            "held",
            "event-goods-moved-on",
        )
        assert held.reason is not None
        assert "aare" in held.reason.en
        step = held.reason.advice_en.partition("--step ")[2].split()[0]
        with story.bench.at("aare") as own:
            (hydroxide,) = own.unspent()
            right = {
                parse_element_amount("90 kg Co").element: parse_element_amount("90 kg Co").mass
            }
            wrong_step, auditor = step_named(own, step), MemberId("ledgerwell")
            plan = prepare_correction(own, hydroxide, right, wrong_step, auditor)
            sent = correct(own, plan, prove_chain(own, plan.prepared.chain)[-1])
        story.bench.signed_by(sent, "mwinda", "ledgerwell")
        assert story.go_on("mwinda").state.value == "on-ledger"
        assert story.held("aare", "cobalt-hydroxide").contents.amount(CO) == 90_000_000
