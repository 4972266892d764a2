"""From event to ledger: each event once, and refusals in the words of a dispatcher."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs
from tests.node.benches import FOUNDERS as BENCH_FOUNDERS
from tests.node.benches import Bench, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json, document
from tests.node.events.trade import (
    BAG,
    COBALT,
    COPPER,
    ORE_CLASS,
    PIT_MAPPING,
    SEAL,
    TRADER_MAPPING,
    WATER,
    mined,
    packed,
    quantity,
    received,
    report,
    shipped,
)

from lodeline.custody.strands import Strand
from lodeline.holder.records import LotStatus
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.ids import MemberId, SignatureBytes
from lodeline.ledger.entries import MemberSignature
from lodeline.ledger.refusals_entries import MemberSignatureInvalid
from lodeline.node.cosigning import co_sign
from lodeline.node.events.capture import capture
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.outbox import ON_THE_WAY, Row, rows_of
from lodeline.node.events.pipeline import Pipeline, Turn
from lodeline.node.events.reading import Offered
from lodeline.node.events.signing_round import FolderRound, HouseRound, Round
from lodeline.node.events.states import EventState, StateOf, state_of, states_of
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName
from lodeline.node.requests import encode_request, read_request

MAPPINGS = {"pit": PIT_MAPPING, "trader": TRADER_MAPPING}
CO = Strand.parse("Co")
FORGED = (MemberSignature(MemberId("scales"), SignatureBytes(bytes(64))),)


@dataclass
class Desk:
    """One company's events beside the bench's ledger."""

    bench: Bench
    store: EventStore
    name: str
    round: Round

    @property
    def tenant(self) -> Tenant:
        return self.store.tenant(TenantName(self.name))

    def capture(self, *events: Json) -> None:
        job = capture(self.store, self.tenant, Offered(document(*events)), who=Who("clerk"))
        assert job.success, job.errors

    def turn(self) -> Turn:
        mapping = read_mapping(f"{self.name}.yaml", MAPPINGS[self.name])
        pipeline = Pipeline(self.store, self.tenant, mapping, self.round, self.bench.folder)
        with self.bench.at(self.name) as own:
            return pipeline.turn(own)

    def states(self) -> list[str]:
        everything = range(1, self.store.last_seq() + 1)
        found = states_of(self.store, self.tenant, [Seq(seq) for seq in everything])
        return [each.state.value for each in found]

    def state(self, number: int = -1) -> StateOf:
        everything = range(1, self.store.last_seq() + 1)
        return states_of(self.store, self.tenant, [Seq(seq) for seq in everything])[number]

    def code(self, number: int = -1) -> str:
        reason = self.state(number).reason
        return "" if reason is None else reason.code


def waiting_rows(store: EventStore, tenant: Tenant) -> list[Row]:
    """What has still to reach the ledger, in order."""
    events = range(1, store.last_seq() + 1)
    found = [row for seq in events for row in rows_of(store, tenant, Seq(seq))]
    return [row for row in found if row.state in ON_THE_WAY]


FOUNDERS = ("pit:Kolwezi Pit SA:CD:counterparty,miner", *BENCH_FOUNDERS[1:])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium in which the pit may mine, and sign settlements with its buyer."""
    folder = tmp_path_factory.mktemp("trade") / "home"
    with mining_bench(folder, *FOUNDERS):
        pass
    return folder


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    yield store
    store.close()


@pytest.fixture
def desk(bench: Bench, events: EventStore) -> Callable[[str], Desk]:
    return lambda name: Desk(bench, events, name, HouseRound())


def test_ore_that_is_commissioned_is_mined_on_the_ledger(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit = desk("pit")
    pit.capture(mined("L1"))
    turn = pit.turn()
    assert turn.moved[EventState.ON_LEDGER] == 1
    assert pit.states() == ["on-ledger"]
    with bench.at("pit") as own:
        (ore,) = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
        assert ore.contents.amount(CO) == 112_057_920
    size = bench.session.ledger.size
    pit.turn()
    assert bench.session.ledger.size == size


def test_a_lot_is_shipped_received_and_settled_at_the_mean(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    pit.capture(mined("L1"), shipped("L1"))
    pit.turn()
    assert pit.states() == ["on-ledger", "on-ledger"]
    found = [report(COBALT, 0.518), report(COPPER, 2.1), report(WATER, 12.4)]
    trader.capture(received("L1", reports=found))
    trader.turn()
    assert trader.states() == ["on-ledger"]
    with bench.at("trader") as own:
        (ore,) = own.unspent()
        assert ore.contents.amount(CO) == (112_057_920 + 111_626_928) // 2
        facts = own.vault.facts(ore.lot_id)
        assert facts is not None
        assert {each.element: each.share for each in facts.assays} == {"Co": 5180, "Cu": 21000}
        (bought,) = own.vault.lots(LotStatus.SPENT)
        assert bought.contents.amount(CO) == 112_057_920


def test_a_part_of_a_lot_is_shipped_and_the_rest_stays_under_its_number(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    pit.capture(mined("L1"), shipped("L1", 6150), shipped("L1", 18450, hour=11))
    pit.turn()
    assert pit.states() == ["on-ledger"] * 3
    trader.capture(received("L1", 6150), received("L1", 18440, hour=15))
    trader.turn()
    assert trader.states() == ["on-ledger"] * 2
    with bench.at("trader") as own:
        bought = [lot.contents.amount(CO) for lot in own.unspent()]
        assert bought == [28_014_480, 84_043_440]
        first, second = own.vault.offers()
        assert first.leaf < second.leaf
    pit.capture(shipped("L1", 1, hour=12))
    pit.turn()
    assert pit.code() == "event-goods-gone"


def test_a_dispute_is_held_and_nothing_is_accepted(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    pit.capture(mined("L1"), shipped("L1"))
    pit.turn()
    found = [report(COBALT, 0.4), report(WATER, 12.4)]
    trader.capture(received("L1", reports=found))
    trader.turn()
    assert trader.states() == ["held"]
    assert trader.code() == "event-weights-differ"
    with bench.at("trader") as own:
        assert not own.unspent()


def test_what_arrives_before_it_is_offered_waits_for_the_offer(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    trader.capture(received("L1"))
    trader.turn()
    assert (trader.states(), trader.code()) == (["held"], "event-not-shipped-yet")
    pit.capture(mined("L1"), shipped("L1"))
    pit.turn()
    trader.turn()
    assert trader.states() == ["on-ledger"]


def test_received_before_shipped_is_refused(bench: Bench, desk: Callable[[str], Desk]) -> None:
    pit, trader = desk("pit"), desk("trader")
    pit.capture(mined("L1"), shipped("L1", hour=10))
    pit.turn()
    trader.capture(received("L1", hour=9))
    trader.turn()
    assert (trader.states(), trader.code()) == (["refused"], "event-received-before-shipped")


def test_a_lot_that_was_never_received_is_held_until_it_is(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit = desk("pit")
    pit.capture(shipped("L1"))
    pit.turn()
    assert (pit.states(), pit.code()) == (["held"], "event-lot-never-received")
    pit.capture(mined("L1"))
    pit.turn()
    pit.turn()
    assert pit.states() == ["on-ledger", "on-ledger"]


def test_a_lot_does_not_come_into_being_twice(bench: Bench, desk: Callable[[str], Desk]) -> None:
    pit = desk("pit")
    pit.capture(mined("L1"), mined("L1", 24601))
    pit.turn()
    assert pit.states() == ["on-ledger", "refused"]
    assert pit.code() == "event-goods-twice"


def test_more_than_the_licence_is_held(bench: Bench, desk: Callable[[str], Desk]) -> None:
    pit = desk("pit")
    pit.capture(mined("L1", 900_000_000))
    pit.turn()
    assert (pit.states(), pit.code()) == (["held"], "plan-assurance-too-small")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (mined("L1", reports=[report(WATER, 12.4)]), "event-assay-missing"),
        (mined("L1", reports=[report(COBALT, 0.52, "CEL")]), "event-unit-not-understood"),
        (mined("L1", reports=[report(COBALT, 0.520001)]), "event-measure-too-fine"),
        (mined("L1", reports=[report(COBALT, 0.5), report(COBALT, 0.6)]), "event-assay-ambiguous"),
        (mined("L1") | {"quantityList": quantity("L1", 5, "LTR")}, "event-unit-not-understood"),
        (
            mined("L1") | {"readPoint": {"id": "urn:epc:id:sgln:4012345.00009.0"}},
            "event-site-not-mapped",
        ),
        (
            mined("L1") | {"epcList": ["urn:epc:id:sgtin:4012345.022222.1"]},
            "event-goods-unknown",
        ),
        (
            shipped("L1", destinationList=[{"type": "owning_party", "destination": "urn:x:y"}]),
            "event-party-unknown",
        ),
    ],
)
def test_what_cannot_be_understood_is_refused(
    bench: Bench, desk: Callable[[str], Desk], wrong: Json, code: str
) -> None:
    pit = desk("pit")
    pit.capture(wrong)
    pit.turn()
    assert (pit.states(), pit.code()) == (["refused"], code)


def test_a_seal_is_used_once(bench: Bench, desk: Callable[[str], Desk]) -> None:
    pit = desk("pit")
    other = "urn:epc:id:sscc:4012345.0000000002"
    pit.capture(packed(BAG, SEAL + "1"), packed(other, SEAL + "1"), packed(other, SEAL + "2"))
    pit.turn()
    assert pit.states() == ["kept", "refused", "kept"]
    assert pit.code(1) == "event-seal-used-twice"


def test_what_lies_in_a_container_is_shipped_with_it(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit = desk("pit")
    pit.capture(
        mined("L1"),
        packed(BAG, SEAL + "1", lots=quantity("L1", 24600)),
        shipped("L1", quantityList=[], epcList=[BAG]),
    )
    pit.turn()
    assert pit.states() == ["on-ledger", "kept", "on-ledger"]
    with bench.at("trader") as own:
        (offer,) = own.vault.offers()
        assert ORE_CLASS + "L1" in offer.taken[0].memo


def test_requests_go_round_as_files_and_come_back(
    bench: Bench, events: EventStore, tmp_path: Path
) -> None:
    folder = tmp_path / "requests"
    pit = Desk(bench, events, "pit", FolderRound(folder))
    pit.capture(mined("L1"))
    pit.turn()
    assert pit.states() == ["proved"]
    assert len(list(folder.iterdir())) == 1
    (file,) = folder.iterdir()
    request = read_request(file.read_bytes())
    for content, reason in (
        (b"no request", CborError),
        (encode_request(structs.replace(request, signatures=FORGED)), MemberSignatureInvalid),
    ):
        file.write_bytes(content)
        (trouble,) = pit.turn().troubles
        assert isinstance(trouble, reason)
        assert pit.states() == ["proved"]
    signed = co_sign(bench.session, request, MemberId("scales")).request
    file.write_bytes(encode_request(signed))
    assert not pit.turn().troubles
    file.unlink()
    pit.turn()
    half = read_request(file.read_bytes())
    assert [each.member for each in half.signatures] == ["scales"]
    file.write_bytes(encode_request(co_sign(bench.session, half, MemberId("verifier")).request))
    assert pit.turn().sent == 1
    assert pit.states() == ["on-ledger"]
    assert not list(folder.iterdir())
    assert state_of(events, pit.tenant, Seq(1)).reference is not None


def test_what_was_offered_together_is_received_together(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    both = quantity("L1", 24600) + quantity("L2", 100)
    pit.capture(mined("L1"), mined("L2", 100), shipped("L1", quantityList=both))
    pit.turn()
    assert pit.states() == ["on-ledger"] * 3
    trader.capture(received("L1"))
    trader.turn()
    assert (trader.states(), trader.code()) == (["held"], "event-not-all-received")
    trader.capture(received("L1") | {"quantityList": both})
    trader.turn()
    assert trader.states()[1] == "on-ledger"


def test_an_event_is_declared_wrong_before_and_after_it_is_on_the_ledger(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit = desk("pit")
    names = [f"urn:uuid:831c0292-4de1-430a-8255-2aca821abaa{digit}" for digit in "12"]
    first, second = mined("L1") | {"eventID": names[0]}, mined("L2") | {"eventID": names[1]}
    declared = {"errorDeclaration": {"declarationTime": "2026-10-12T18:00:00Z"}}
    pit.capture(first)
    pit.capture(first | declared)
    pit.turn()
    assert pit.states() == ["kept", "kept"]
    pit.capture(second)
    pit.turn()
    pit.capture(second | declared)
    pit.turn()
    assert pit.states() == ["kept", "kept", "refused", "on-ledger"]
    assert pit.code(2) == "event-undone-as-wrong"


def test_a_settlement_that_waits_for_its_mapping_does_not_buy_twice(
    bench: Bench, desk: Callable[[str], Desk]
) -> None:
    pit, trader = desk("pit"), desk("trader")
    pit.capture(mined("L1"), shipped("L1"))
    pit.turn()
    found = [report(COBALT, 0.518), report(COPPER, 2.1), report(WATER, 12.4)]
    trader.capture(received("L1", reports=found))
    right = MAPPINGS["trader"]
    MAPPINGS["trader"] = right.replace("settle: 0.05 %", "settle: 0.05 %, settlement: nothing")
    try:
        trader.turn()
    finally:
        MAPPINGS["trader"] = right
    assert trader.states() == ["held"]
    size = bench.session.ledger.size
    trader.turn()
    assert trader.states() == ["on-ledger"]
    assert bench.session.ledger.size == size + 1
