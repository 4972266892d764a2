"""Events that cannot be true: each is refused or held, with words that a dispatcher understands."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.node.benches import START, Bench, at_work, mining_bench
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json
from tests.node.events.test_pipeline import FOUNDERS, MAPPINGS, Desk
from tests.node.events.trade import (
    BAG,
    COBALT,
    ORE_CLASS,
    PIT_MAPPING,
    SEAL,
    WATER,
    mined,
    packed,
    quantity,
    received,
    report,
    shipped,
)

from lodeline.node.clock import ManualClock
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.store import EventStore

HYDROXIDE = "urn:epc:class:lgtin:4012345.011112."
CELLS = "urn:epc:class:lgtin:4012345.055551."
CRATE = "urn:epc:id:sscc:4012345.0000000007"
TRUCK = "urn:epc:id:sscc:4012345.0000000008"
BATTERY = "urn:epc:id:sgtin:4012345.066662.1"
CARS = ("urn:epc:id:giai:4012345.CAR1", "urn:epc:id:giai:4012345.CAR2")
MORE = """
  - when: {type: TransformationEvent, out: [cobalt-hydroxide]}
    do: make
    recipe: leach-cobalt
    co_signers: {laboratory: scales, energy-auditor: verifier}
    process: {intensity: 20 kg CO2e/kg, of: [Co]}
"""
CLASSES = """goods:
  - {class: "urn:epc:idpat:lgtin:4012345.011112.*", form: cobalt-hydroxide}
  - {class: "urn:epc:idpat:lgtin:4012345.055551.*", form: battery-cells, contained: [9.6 g Co]}
"""
PIT = PIT_MAPPING.replace("goods:\n", CLASSES) + MORE
Told = tuple[str, Json]
"""By whom, and what happened."""


def at(event: Json, moment: str) -> Json:
    return event | {"eventTime": moment}


def leached(ore: str, hydroxide: str, kilograms: float) -> Json:
    """Ore that becomes hydroxide of 35 % cobalt."""
    event = mined(ore) | {
        "type": "TransformationEvent",
        "eventTime": "2026-10-12T11:00:00.000Z",
        "inputQuantityList": quantity(ore, 24600),
        "outputQuantityList": [
            {"epcClass": HYDROXIDE + hydroxide, "quantity": kilograms, "uom": "KGM"}
        ],
        "sensorElementList": [{"sensorReport": [report(COBALT, 35)]}],
    }
    return {key: value for key, value in event.items() if key not in {"action", "quantityList"}}


def associated(vehicle: str, hour: int = 9) -> Json:
    event = packed(vehicle, BATTERY, eventTime=f"2026-10-12T{hour:02d}:00:00.000Z")
    return event | {"type": "AssociationEvent", "bizStep": "assembling"}


@dataclass(frozen=True)
class Untrue:
    """What happened before, what cannot be, and how it is said."""

    name: str
    before: tuple[Told, ...]
    event: Told
    state: str
    code: str
    en: str
    fr: str


SHIPPED = (("pit", mined("L1")), ("pit", shipped("L1")))
LEAN = [report(COBALT, 0.4), report(WATER, 12.4)]
BOTH = quantity("L1", 24600) + quantity("L2", 100)
CASES = (
    Untrue(
        "more comes out than went in",
        (("pit", mined("L1")),),
        ("pit", leached("L1", "H1", 1000)),
        "refused",
        "plan-more-out-than-in",
        "come out",
        "sort",
    ),
    Untrue(
        "more is shipped than there is",
        (("pit", mined("L1")),),
        ("pit", shipped("L1", 24600.5)),
        "refused",
        "event-more-used-than-there",
        "24600 kg are left, and the event takes 24600.5 kg",
        "il reste 24600 kg, et l'événement prend 24600,5 kg",
    ),
    Untrue(
        "a lot that nobody made or received",
        (),
        ("pit", shipped("L9")),
        "held",
        "event-lot-never-received",
        "was never made or received here",
        "n'a jamais été produit ni reçu ici",
    ),
    Untrue(
        "a seal on a second bag",
        (("pit", packed(BAG, SEAL + "1")),),
        ("pit", packed(CRATE, SEAL + "1")),
        "refused",
        "event-seal-used-twice",
        f"is put on {CRATE}, and was on {BAG}",
        f"est posé sur {CRATE}, et fut sur {BAG}",
    ),
    Untrue(
        "received before it was shipped",
        SHIPPED,
        ("trader", received("L1", hour=9)),
        "refused",
        "event-received-before-shipped",
        "is received at 2026-10-12T09:00",
        "est reçu le 2026-10-12T09:00",
    ),
    Untrue(
        "shipped before it was mined",
        (("pit", mined("L1")),),
        ("pit", shipped("L1", hour=7)),
        "refused",
        "event-used-before-there",
        "goes at 2026-10-12T07:00",
        "part le 2026-10-12T07:00",
    ),
    Untrue(
        "of next year",
        (),
        ("pit", at(mined("L1"), "2027-10-12T08:00:00.000Z")),
        "held",
        "event-in-future",
        "dated 2027-10-12",
        "daté du 2027-10-12",
    ),
    Untrue(
        "a weight without its unit",
        (),
        ("pit", mined("L1") | {"quantityList": [{"epcClass": ORE_CLASS + "L1", "quantity": 24.6}]}),
        "refused",
        "event-unit-missing",
        "24.6 without a unit",
        "24.6 sans unité",
    ),
    Untrue(
        "a part shipped without its unit",
        (("pit", mined("L1")),),
        ("pit", shipped("L1", quantityList=[{"epcClass": ORE_CLASS + "L1", "quantity": 24600}])),
        "refused",
        "event-unit-missing",
        "24600 without a unit",
        "24600 sans unité",
    ),
    Untrue(
        "cells by weight",
        (),
        (
            "pit",
            shipped("C1", quantityList=[{"epcClass": CELLS + "1", "quantity": 5, "uom": "KGM"}]),
        ),
        "refused",
        "event-unit-not-expected",
        "counted by the piece, and given as 5 KGM",
        "se compte à la pièce, et est donné comme 5 KGM",
    ),
    Untrue(
        "ore in litres",
        (),
        ("pit", mined("L1") | {"quantityList": quantity("L1", 5, "LTR")}),
        "refused",
        "event-unit-not-understood",
        "given in LTR, which is not",
        "donné en LTR, ce qui n'est pas",
    ),
    Untrue(
        "ore in a unit that nobody knows",
        (),
        ("pit", mined("L1") | {"quantityList": quantity("L1", 5, "XQ9")}),
        "refused",
        "event-unit-not-understood",
        "given in XQ9",
        "donné en XQ9",
    ),
    Untrue(
        "a fraction of a milligram",
        (),
        ("pit", mined("L1", 1.0000001)),
        "refused",
        "event-measure-too-fine",
        "no whole number of mg",
        "pas un nombre entier de mg",
    ),
    Untrue(
        "at somebody else's site",
        (),
        ("pit", mined("L1") | {"readPoint": {"id": "urn:epc:id:sgln:4099999.00001.0"}}),
        "refused",
        "event-site-not-mapped",
        "4099999.00001.0 is no site",
        "4099999.00001.0 n'est pas un site",
    ),
    Untrue(
        "commissioned a second time",
        (("pit", mined("L1")),),
        ("pit", mined("L1", 24601)),
        "refused",
        "event-goods-twice",
        "came into being before, in event 1",
        "existe déjà, depuis l'événement 1",
    ),
    Untrue(
        "shipped a second time",
        SHIPPED,
        ("pit", shipped("L1", hour=12)),
        "refused",
        "event-goods-gone",
        "all of it went with event 2",
        "tout est parti avec l'événement 2",
    ),
    Untrue(
        "used up after it was shipped",
        SHIPPED,
        ("pit", leached("L1", "H1", 300)),
        "refused",
        "event-goods-gone",
        "all of it went with event 2",
        "tout est parti avec l'événement 2",
    ),
    Untrue(
        "received a second time",
        (*SHIPPED, ("trader", received("L1"))),
        ("trader", received("L1", hour=15)),
        "held",
        "event-received-twice",
        "was received in event 3",
        "fut reçu par l'événement 3",
    ),
    Untrue(
        "received and never shipped",
        (),
        ("trader", received("L1")),
        "held",
        "event-not-shipped-yet",
        "nobody has offered it",
        "personne ne l'a offert",
    ),
    Untrue(
        "only a part of what came together",
        (
            ("pit", mined("L1")),
            ("pit", mined("L2", 100)),
            ("pit", shipped("L1", quantityList=BOTH)),
        ),
        ("trader", received("L1")),
        "held",
        "event-not-all-received",
        "which did not arrive with it",
        "qui n'est pas arrivé en même temps",
    ),
    Untrue(
        "weighed too far apart",
        SHIPPED,
        ("trader", received("L1", reports=LEAN)),
        "held",
        "event-weights-differ",
        "the sender says 112.05792 kg Co, the receiver found 86.1984 kg; that is more than 0.6 %",
        "dit 112,05792 kg Co, le destinataire a trouvé 86,1984 kg ; l'écart dépasse 0,6 %",
    ),
    Untrue(
        "for a party whom nobody knows",
        (("pit", mined("L1")),),
        (
            "pit",
            shipped("L1", destinationList=[{"type": "owning_party", "destination": "urn:x:y"}]),
        ),
        "refused",
        "event-party-unknown",
        "the party urn:x:y is no member",
        "la partie urn:x:y n'est pas un membre",
    ),
    Untrue(
        "for nobody",
        (("pit", mined("L1")),),
        ("pit", shipped("L1", destinationList=[])),
        "refused",
        "event-party-missing",
        "does not say to whom",
        "ne dit pas à qui",
    ),
    Untrue(
        "a bag in two crates",
        (("pit", packed(CRATE, BAG)),),
        ("pit", packed(TRUCK, BAG, eventTime="2026-10-12T10:00:00.000Z")),
        "held",
        "event-thing-elsewhere",
        f"is put into {TRUCK}, and lies in {CRATE} since event 1",
        f"est mis dans {TRUCK}, et se trouve dans {CRATE} depuis l'événement 1",
    ),
    Untrue(
        "a crate within itself",
        (("pit", packed(CRATE, BAG)),),
        ("pit", packed(BAG, CRATE, eventTime="2026-10-12T10:00:00.000Z")),
        "refused",
        "event-container-in-itself",
        f"{CRATE} is put into {BAG}, which lies in it",
        f"{CRATE} est mis dans {BAG}, qui s'y trouve",
    ),
    Untrue(
        "a battery in two vehicles",
        (("pit", associated(CARS[0])),),
        ("pit", associated(CARS[1], hour=10)),
        "held",
        "event-thing-elsewhere",
        f"lies in {CARS[0]} since event 1",
        f"se trouve dans {CARS[0]} depuis l'événement 1",
    ),
    Untrue(
        "packed after it was shipped",
        (
            ("pit", mined("L1")),
            ("pit", packed(BAG, lots=quantity("L1", 24600))),
            ("pit", shipped("L1", quantityList=[], epcList=[BAG])),
        ),
        ("pit", packed(CRATE, BAG, eventTime="2026-10-12T11:00:00.000Z")),
        "held",
        "event-thing-shipped",
        "was shipped before, in event 3",
        "fut expédié avant, par l'événement 3",
    ),
    Untrue(
        "a container of which nobody says what is in it",
        (),
        ("pit", shipped("L1", quantityList=[], epcList=[CRATE])),
        "refused",
        "event-goods-unknown",
        f"{CRATE} is no class of goods",
        f"{CRATE} n'est d'aucune classe",
    ),
    Untrue(
        "the same lot twice in one event",
        (("pit", mined("L1")),),
        ("pit", shipped("L1", quantityList=quantity("L1", 5) + quantity("L1", 6))),
        "refused",
        "event-goods-named-twice",
        "stands in the event twice",
        "figure deux fois",
    ),
    Untrue(
        "ore of which nobody says what is in it",
        (),
        ("pit", mined("L1", reports=[report(WATER, 12.4)])),
        "refused",
        "event-assay-missing",
        "nothing says how much metal is in",
        "rien ne dit combien de métal",
    ),
    Untrue(
        "two assays of one metal",
        (),
        ("pit", mined("L1", reports=[report(COBALT, 0.5), report(COBALT, 0.6)])),
        "refused",
        "event-assay-ambiguous",
        "says Co twice",
        "dit Co deux fois",
    ),
    Untrue(
        "more than the licence allows",
        (),
        ("pit", mined("L1", 900_000_000)),
        "held",
        "plan-assurance-too-small",
        "the assurance covers",
        "l'attestation couvre",
    ),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    folder = tmp_path_factory.mktemp("untrue") / "home"
    with mining_bench(folder, *FOUNDERS):
        pass
    return folder


@pytest.fixture
def desks(template: Path, tmp_path: Path) -> Iterator[dict[str, Desk]]:
    """The desks of pit and trader on a bench of their own."""
    shutil.copytree(template, tmp_path / "home")
    clock = ManualClock(START)
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    with at_work(tmp_path / "home", clock) as session, pytest.MonkeyPatch.context() as patch:
        patch.setitem(MAPPINGS, "pit", PIT)
        bench = Bench(session, clock)
        yield {name: Desk(bench, store, name, HouseRound()) for name in MAPPINGS}
    store.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_cannot_be_true_is_stopped_with_its_reason(
    desks: dict[str, Desk], case: Untrue
) -> None:
    for name, event in case.before:
        desks[name].capture(event)
        desks[name].turn()
        assert desks[name].states()[-1] in {"on-ledger", "kept"}, desks[name].state()
    name, event = case.event
    desk = desks[name]
    size = desk.bench.session.ledger.size
    desk.capture(event)
    desk.turn()
    found = desk.state()
    assert found.reason is not None
    assert (found.state.value, found.reason.code) == (case.state, case.code)
    assert case.en in found.reason.en, found.reason.en
    assert case.fr in found.reason.fr, found.reason.fr
    for text in (found.reason.advice_en, found.reason.advice_fr):
        assert "{" not in text
        assert len(text) > 10
    assert found.reason.en != found.reason.fr
    assert desk.bench.session.ledger.size == size
    desk.turn()
    assert desk.state().state is found.state


def test_a_bag_that_was_taken_out_may_be_packed_again(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    pit.capture(packed(CRATE, BAG))
    pit.turn()
    pit.capture(packed(TRUCK, BAG, eventTime="2026-10-12T11:00:00.000Z"))
    pit.turn()
    assert pit.code() == "event-thing-elsewhere"
    late = packed(CRATE, BAG, eventTime="2026-10-12T10:00:00.000Z") | {"action": "DELETE"}
    pit.capture(late)
    pit.turn()
    pit.turn()
    assert pit.states() == ["kept"] * 3


def test_a_crate_that_was_emptied_holds_nothing_back(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    emptied = packed(CRATE, eventTime="2026-10-12T10:00:00.000Z") | {"action": "DELETE"}
    pit.capture(packed(CRATE, BAG), emptied)
    pit.capture(packed(TRUCK, BAG, eventTime="2026-10-12T11:00:00.000Z"))
    pit.turn()
    assert pit.states() == ["kept"] * 3


def test_what_is_stopped_itself_says_nothing_of_where_things_are(desks: dict[str, Desk]) -> None:
    pit = desks["pit"]
    pit.capture(mined("L1"), packed(BAG, SEAL + "1", lots=quantity("L1", 24600)))
    pit.turn()
    wrong = packed(CRATE, SEAL + "1", lots=quantity("L1", 24600))
    pit.capture(wrong, shipped("L1", quantityList=[], epcList=[CRATE]))
    pit.turn()
    assert pit.states() == ["on-ledger", "kept", "refused", "refused"]
    assert pit.code() == "event-goods-unknown"
