"""Disputes: what each side can do about goods that both found different, and what stays of it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.node.benches import Bench, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json, document
from tests.node.events.test_pipeline import CO, FOUNDERS, MAPPINGS, Desk
from tests.node.events.trade import COBALT, COPPER, WATER, mined, received, report, shipped

from lodeline.exchange.transform_file import ElementAmount, parse_element_amount
from lodeline.holder.records import HeldLot, LotStatus, OfferSide, OfferState
from lodeline.kernel.ids import ElementSymbol, Hash32, MemberId
from lodeline.kernel.units import Milligrams, Ppm
from lodeline.node.cosigning import co_sign
from lodeline.node.events.capture import capture
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.decisions import (
    Decision,
    FiguresMisplaced,
    NotADispute,
    Way,
    decide,
    moment_of,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.reading import Offered
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.settling import differences
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.states import EventState, Move, move_state, reason_of, state_of
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.trade_refusals import WeightsDiffer
from lodeline.node.events.withdrawing import keep, retry, withdraw
from lodeline.node.requests import encode_request, read_request
from lodeline.node.trading import withdraw as withdraw_offer

SENT = 112_057_920
"""Milligrams of cobalt in the sender's ore: 24.6 t, 12.4 % moist, 0.52 % Co."""
COBALT_FOUND = (ElementSymbol("Co"), Milligrams(105_000_000))
FOUND = {0.505: 108_825_480, 0.40: 86_198_400, 0.53: 114_212_880, 0.60: 129_297_600}
"""What the receiver finds by its share of cobalt in per cent."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium in which the pit may mine, with an umpire laboratory."""
    folder = tmp_path_factory.mktemp("disputes") / "home"
    with mining_bench(folder, *FOUNDERS, "referee:Referee Assays:GB:laboratory,umpire"):
        pass
    return folder


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    yield store
    store.close()


def found(share: float) -> list[Json]:
    return [report(COBALT, share), report(COPPER, 2.1), report(WATER, 12.4)]


@pytest.fixture
def disputed(bench: Bench, events: EventStore) -> Callable[[float], tuple[Desk, Desk]]:
    """The pit, and the trader who found another share of cobalt and holds the event."""

    def made(share: float) -> tuple[Desk, Desk]:
        pit = Desk(bench, events, "pit", HouseRound())
        trader = Desk(bench, events, "trader", HouseRound())
        pit.capture(mined("L1"), shipped("L1"))
        pit.turn()
        trader.capture(received("L1", reports=found(share)))
        trader.turn()
        assert (trader.states(), trader.code()) == (["held"], "event-weights-differ")
        return pit, trader

    return made


def decided(desk: Desk, decision: Decision, event: int = 3) -> None:
    decide(desk.store, desk.tenant, Seq(event), decision)
    desk.turn()


def umpire(name: str, figures: list[ElementAmount]) -> Decision:
    return Decision.of(Way.UMPIRE, "ada", MemberId(name), figures)


def lots_of(desk: Desk) -> tuple[HeldLot, ...]:
    with desk.bench.at(desk.name) as own:
        return own.unspent()


@pytest.mark.parametrize(
    ("way", "share", "cobalt"),
    [
        (Way.THEIRS, 0.505, SENT),
        (Way.THEIRS, 0.40, SENT),
        (Way.OURS, 0.505, FOUND[0.505]),
        (Way.OURS, 0.53, FOUND[0.53]),
        (Way.MEAN, 0.505, (SENT + FOUND[0.505]) // 2),
        (Way.MEAN, 0.40, (SENT + FOUND[0.40]) // 2),
    ],
)
def test_a_figure_is_agreed_and_both_sides_figures_stay(
    disputed: Callable[[float], tuple[Desk, Desk]], way: Way, share: float, cobalt: int
) -> None:
    _, trader = disputed(share)
    decided(trader, Decision(way, "ada"))
    assert trader.states() == ["on-ledger"], trader.state()
    (ore,) = lots_of(trader)
    assert ore.contents.amount(CO) == cobalt
    with trader.bench.at("trader") as own:
        facts = own.vault.facts(ore.lot_id)
        assert facts is not None
        shares = {str(each.element): each.share for each in facts.assays}
        assert shares["Co"] == round(share * 10_000)
        bought = [lot for lot in own.vault.lots() if lot.contents.amount(CO) == SENT]
        assert bought, "the sender's figures stay in the lot that was bought"
        assert trader.turn().moved == {}


def test_more_than_the_senders_reserve_is_not_accepted_and_may_be_decided_otherwise(
    disputed: Callable[[float], tuple[Desk, Desk]],
) -> None:
    _, trader = disputed(0.60)
    size = trader.bench.session.ledger.size
    decided(trader, Decision(Way.OURS, "ada"))
    assert (trader.states(), trader.code()) == (["held"], "event-figure-out-of-reach")
    assert trader.bench.session.ledger.size == size
    decided(trader, Decision(Way.THEIRS, "ada"))
    assert trader.states() == ["on-ledger"]


def test_an_umpire_settles_alone(disputed: Callable[[float], tuple[Desk, Desk]]) -> None:
    _, trader = disputed(0.40)
    figure = parse_element_amount("105 kg Co")
    decided(trader, umpire("scales", [figure]))
    assert (trader.states(), trader.code()) == (["held"], "role-missing")
    decided(trader, umpire("nobody", [figure]))
    assert (trader.states(), trader.code()) == (["held"], "unknown-member")
    gold = parse_element_amount("1 kg W")
    decided(trader, umpire("referee", [gold]))
    assert (trader.states(), trader.code()) == (["held"], "event-figure-out-of-reach")
    assert not lots_of(trader)
    decided(trader, umpire("referee", [figure]))
    assert trader.states() == ["on-ledger"]
    (ore,) = lots_of(trader)
    assert ore.contents.amount(CO) == 105_000_000
    making = trader.bench.session.state.makings.get(Hash32(ore.maker))
    assert making is not None
    assert making.signers == ("referee",)


def test_what_is_declined_is_the_senders_again_and_may_be_offered_anew(
    disputed: Callable[[float], tuple[Desk, Desk]],
) -> None:
    pit, trader = disputed(0.40)
    decided(trader, Decision(Way.DECLINE, "ada", reason="wet"))
    assert trader.states() == ["on-ledger"]
    assert not lots_of(trader)
    with trader.bench.at("trader") as own:
        (offer,) = own.vault.offers(OfferSide.RECEIVED)
        assert (offer.state, offer.reason) == (OfferState.DECLINED, "wet")
    pit.turn()
    assert (pit.states(), pit.code()) == (["on-ledger", "held"], "event-offer-declined")
    size = pit.bench.session.ledger.size
    pit.turn()
    assert pit.bench.session.ledger.size == size
    retry(pit.store, pit.tenant, Seq(2))
    pit.turn()
    assert pit.states() == ["on-ledger", "on-ledger"]
    trader.capture(received("L1", hour=18, reports=found(0.52)))
    trader.turn()
    assert trader.states() == ["on-ledger", "on-ledger"]
    (ore,) = lots_of(trader)
    assert ore.contents.amount(CO) == SENT


def test_a_part_that_is_declined_goes_on_beside_the_rest(bench: Bench, events: EventStore) -> None:
    pit = Desk(bench, events, "pit", HouseRound())
    trader = Desk(bench, events, "trader", HouseRound())
    pit.capture(mined("L1"), shipped("L1", 12300))
    pit.turn()
    trader.capture(received("L1", 12300, reports=found(0.4)))
    trader.turn()
    decided(trader, Decision(Way.DECLINE, "ada"))
    pit.turn()
    keep(pit.store, pit.tenant, Seq(2))
    pit.capture(shipped("L1", 24600, hour=16))
    pit.turn()
    assert pit.states() == ["on-ledger", "kept", "on-ledger"], pit.state()
    with bench.at("pit") as own:
        reserved = own.vault.lots(LotStatus.RESERVED)
        assert sum(lot.contents.amount(CO) for lot in reserved) == SENT


def test_the_sender_takes_his_offer_back_and_ships_with_right_figures(
    disputed: Callable[[float], tuple[Desk, Desk]],
) -> None:
    pit, trader = disputed(0.40)
    with pit.bench.at("pit") as own:
        (offer,) = own.vault.offers(OfferSide.MADE)
        withdraw_offer(own, offer)
    pit.turn()
    assert pit.code() == "event-offer-withdrawn"
    trader.turn()
    assert (trader.states(), trader.code()) == (["held"], "event-not-shipped-yet")
    keep(pit.store, pit.tenant, Seq(2))
    pit.capture(shipped("L1", 24600, hour=11))
    pit.turn()
    trader.turn()
    assert trader.code() == "event-weights-differ"


def test_a_receiver_who_was_wrong_says_so_by_events(
    disputed: Callable[[float], tuple[Desk, Desk]],
) -> None:
    _, trader = disputed(0.40)
    wrong = received("L1", reports=found(0.40))
    trader.capture(wrong | {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}})
    trader.capture(received("L1", hour=15, reports=found(0.52)))
    trader.turn()
    assert trader.states() == ["kept", "kept", "on-ledger"]
    (ore,) = lots_of(trader)
    assert ore.contents.amount(CO) == SENT


def test_a_sender_who_does_not_sign_leaves_the_receiver_his_choice(
    disputed: Callable[[float], tuple[Desk, Desk]], tmp_path: Path
) -> None:
    _, trader = disputed(0.505)
    folder = tmp_path / "requests"
    trader.round = FolderRound(folder)
    decided(trader, Decision(Way.OURS, "ada"))
    assert trader.states() == ["proved"]
    assert not lots_of(trader), "the accepted lot is promised to its settlement"
    with pytest.raises(NotADispute):
        decide(trader.store, trader.tenant, Seq(3), Decision(Way.THEIRS, "ada"))
    withdraw(trader.store, trader.tenant, Seq(3))
    trader.turn()
    decided(trader, Decision(Way.MEAN, "ada"))
    (file,) = folder.iterdir()
    request = read_request(file.read_bytes())
    signed = co_sign(trader.bench.session, request, MemberId("pit")).request
    file.write_bytes(encode_request(signed))
    trader.turn()
    assert trader.states() == ["on-ledger"]
    (ore,) = lots_of(trader)
    assert ore.contents.amount(CO) == (SENT + FOUND[0.505]) // 2


def test_both_sides_figures_are_read_side_by_side(
    disputed: Callable[[float], tuple[Desk, Desk]],
) -> None:
    _, trader = disputed(0.40)
    mapping = read_mapping("trader.yaml", MAPPINGS["trader"])
    with trader.bench.at("trader") as own:
        rows = differences(own, trader.store, mapping, Seq(3))
    assert [(row.element, row.sent, row.found) for _, row in rows] == [
        ("Co", SENT, FOUND[0.40]),
        ("Cu", 452_541_600, 452_541_600),
    ]


def test_only_a_dispute_is_decided(disputed: Callable[[float], tuple[Desk, Desk]]) -> None:
    pit, trader = disputed(0.40)
    for event in (1, 2):
        with pytest.raises(NotADispute) as refused:
            decide(pit.store, pit.tenant, Seq(event), Decision(Way.THEIRS, "eve"))
        assert (refused.value.event, refused.value.state) == (event, "on-ledger")
    for wrong in (
        Decision(Way.UMPIRE, "ada"),
        Decision(Way.MEAN, "ada", umpire=MemberId("referee")),
        umpire("referee", []),
    ):
        with pytest.raises(FiguresMisplaced):
            decide(trader.store, trader.tenant, Seq(3), wrong)
    assert trader.states() == ["held"]


def test_a_decision_is_kept_on_either_database_and_a_later_one_takes_its_place(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    job = capture(store, miner, Offered(document(mined("L1"))), who=Who("clerk"))
    assert job.success
    (event,) = store.events_after(miner, Seq(0), 9)
    why = reason_of(WeightsDiffer("L1", ElementSymbol("Co"), Milligrams(9), Milligrams(7), Ppm(5)))
    held = Move(EventState.HELD, store.clock.now(), why)
    for decision in (Decision(Way.OURS, "ada"), umpire("referee", [ElementAmount(*COBALT_FOUND)])):
        assert moment_of(store, miner, event).decision != decision
        store.write(partial(move_state, tenant=miner, seqs=[event.seq], move=held))
        with pytest.raises(EventUnknown):
            decide(store, refiner, event.seq, decision)
        decide(store, miner, event.seq, decision)
        assert moment_of(store, miner, event).decision == decision
        assert moment_of(store, refiner, event).decision is None
        assert state_of(store, miner, event.seq).state is EventState.RECEIVED
