"""Mappings: read strictly, every name checked; measures exact; rules by the events before."""

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.benches import Bench
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json, document
from tests.node.events.trade import (
    BAG,
    CARBON_DIOXIDE,
    COBALT,
    ORE_CLASS,
    PIT_MAPPING,
    SEAL,
    WATER,
    mined,
    packed,
    quantity,
    report,
    shipped,
)

from lodeline.custody.yaml_text import TableRefused
from lodeline.exchange.epcis.document import EpcisUri, Event, Quantity
from lodeline.exchange.epcis.json_in import read_json
from lodeline.exchange.epcis.value import parse_number
from lodeline.exchange.marked import FileRefused, KeyMissing, KeyUnknown, ValueRefused, ValueWrong
from lodeline.exchange.substances import SUBSTANCES, substance_uri
from lodeline.exchange.transform_file import WeighedMass
from lodeline.kernel.ids import MemberId
from lodeline.node.events.capture import capture
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.goods_book import Memo, ReadMemo, read_memo
from lodeline.node.events.jobs import Who
from lodeline.node.events.mapping import Doing, MappingValueWrong, read_mapping
from lodeline.node.events.meaning import Counted, Keeping, Making, Meaning, Shipping, meaning_of
from lodeline.node.events.measures import found_in, mass_of
from lodeline.node.events.missed_refusals import (
    PlaceNotMapped,
    StepMissed,
    ThingNotMapped,
)
from lodeline.node.events.moments import Micros, moment_text
from lodeline.node.events.reading import Offered
from lodeline.node.events.rules import History, check_packing, event_of
from lodeline.node.events.store import EventStore, Seq, StoredEvent, Tenant, TenantName
from lodeline.node.events.terms import term_value
from lodeline.node.events.trade_refusals import (
    AssayAmbiguous,
    GoodsNamedTwice,
    GoodsUnknown,
    MeasureTooFine,
    PartyMissing,
    SealUsedTwice,
    UnitNotUnderstood,
)
from lodeline.node.events.working import (
    MappingNameUnknown,
    MappingOfAnother,
    faults_of,
    use_mapping,
)

MAPPINGS = files("lodeline.exchange.data") / "mappings"


def read_event(value: Json) -> Event:
    (event,) = read_json(document(value)).events
    return event


def means(value: Json, mapping: str = PIT_MAPPING) -> Meaning:
    return meaning_of(read_mapping("pit.yaml", mapping), read_event(value), lambda _: ())


# ------------------------------------------------------------------ reading


def test_shipped_mappings_are_read() -> None:
    found = [each for each in MAPPINGS.iterdir() if each.name.endswith(".yaml")]
    assert len(found) == 12
    for each in found:
        mapping = read_mapping(each.name, each.read_text(encoding="utf-8"))
        assert f"{mapping.company}.yaml" == each.name
        assert mapping.goods
        assert any(step.do is Doing.OFFER for step in mapping.steps)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("company: pit\n", "", KeyMissing),
        ("seals:", "sealing:", KeyUnknown),
        ("do: make", "do: mine", MappingValueWrong),
        ("type: ObjectEvent", "type: ObjektEvent", MappingValueWrong),
        ("action: ADD", "action: add", MappingValueWrong),
        ("days: 14", "days: 0", MappingValueWrong),
        ("days: 14", "days: soon", MappingValueWrong),
        ("    recipe: mine-copper-cobalt\n", "", KeyMissing),
        ("2 kg CO2e/kg", "2 kg", ValueRefused),
        ("form: copper-cobalt-ore", "form: Copper Ore", ValueRefused),
        ("lgtin:4012345.011111.*", "lgtin:4012345.*.1*", ValueRefused),
        ("claims: [IRMA-75]", "claim: [IRMA-75]", KeyUnknown),
        ("do: offer", "do: offer, until: 3", KeyUnknown),
        ("steps:", "steps: 7\nold:", KeyUnknown),
        ("company: pit", "company: [pit]", ValueWrong),
        ("company: pit", "company: pit\ncompany: pit", TableRefused),
    ],
)
def test_what_is_wrong_in_a_mapping_is_told_with_its_line(
    before: str, after: str, reason: type[FileRefused | TableRefused]
) -> None:
    assert before in PIT_MAPPING
    with pytest.raises(reason):
        read_mapping("pit.yaml", PIT_MAPPING.replace(before, after, 1))


def test_names_that_the_consortium_does_not_have_are_told(bench: Bench, tmp_path: Path) -> None:
    wrong = (
        PIT_MAPPING.replace(": trader", ": nobody")
        .replace(": kolwezi-pit", ": elsewhere")
        .replace("recipe: mine-copper-cobalt", "recipe: mine-gold")
        .replace("form: copper-cobalt-ore", "form: gold-ore")
    )
    faults = list(faults_of(bench.session.state, read_mapping("m.yaml", wrong)))
    unknown = [fault for fault in faults if isinstance(fault, MappingNameUnknown)]
    assert {(fault.what, fault.name) for fault in unknown} == {
        ("site", "elsewhere"),
        ("member", "nobody"),
        ("recipe", "mine-gold"),
        ("form", "gold-ore"),
    }
    file = tmp_path / "m.yaml"
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(MappingNameUnknown):
        use_mapping(bench.session, MemberId("pit"), file)
    with pytest.raises(MappingOfAnother) as refused:
        use_mapping(bench.session, MemberId("trader"), file)
    assert (refused.value.company, refused.value.member) == ("pit", "trader")


# ------------------------------------------------------------------ meaning


def test_a_link_and_an_epc_uri_are_the_same_goods() -> None:
    by_link = mined("L1")
    by_link["quantityList"][0]["epcClass"] = "https://example.com/01/04012345111118/10/L1"
    one, other = means(mined("L1")), means(by_link)
    assert isinstance(one, Making)
    assert isinstance(other, Making)
    assert one.made[0].goods.key == other.made[0].goods.key
    assert isinstance(other.made[0].content, WeighedMass)


def test_emissions_are_reported_or_reckoned() -> None:
    reckoned = means(mined("L1"))
    assert isinstance(reckoned, Making)
    assert reckoned.process is not None
    assert reckoned.process.emissions == 224_116  # 112.05792 kg Co at 2 kg CO2e/kg, rounded up
    measured = mined("L1")
    measured["sensorElementList"].append(
        {"sensorReport": [report(CARBON_DIOXIDE, 0.31, "TNE"), report(CARBON_DIOXIDE, 1, "KGM")]}
    )
    found = means(measured)
    assert isinstance(found, Making)
    assert found.process is not None
    assert (found.process.emissions, found.process.primary) == (311_000, 311_000)


def test_what_no_step_is_for_is_kept() -> None:
    for value in (packed(BAG, SEAL + "1"), mined("L1") | {"bizStep": "inspecting"}):
        assert means(value) == Keeping()
    to_itself = shipped(
        "L1",
        destinationList=[{"type": "owning_party", "destination": "urn:epc:id:pgln:4012345.00000"}],
    )
    assert means(to_itself) == Keeping()


def test_goods_go_to_the_owner_not_to_whoever_carries_them() -> None:
    parties = [
        {"type": "possessing_party", "destination": "urn:epc:id:pgln:4012345.00000"},
        {"type": "owning_party", "destination": "urn:epc:id:pgln:4099999.00000"},
    ]
    found = means(shipped("L1", destinationList=parties))
    assert isinstance(found, Shipping)
    assert found.to == "trader"
    with pytest.raises(PartyMissing):
        means(shipped("L1", destinationList=[]))
    with pytest.raises(GoodsUnknown):
        means(shipped("L1", quantityList=[], epcList=[BAG]))
    with pytest.raises(GoodsNamedTwice):
        means(shipped("L1", quantityList=[*quantity("L1", 5), *quantity("L1", 5)]))


# ------------------------------------------------------------------ measures


@given(st.integers(0, 10**12))
def test_masses_are_exact_to_the_milligram(milligrams: int) -> None:
    for unit, digits in (("MGM", 0), ("GRM", 3), ("KGM", 6), ("TNE", 9)):
        text = f"{milligrams // 10**digits}.{milligrams % 10**digits:0{max(1, digits)}d}"
        number = parse_number(text if digits else str(milligrams))
        assert mass_of(Quantity(EpcisUri("urn:x"), number, unit)) == milligrams


@pytest.mark.parametrize(
    ("number", "unit", "reason"),
    [
        ("1", "LTR", UnitNotUnderstood),
        ("1", "stone", UnitNotUnderstood),
        ("0.0000001", "KGM", MeasureTooFine),
        ("1", "LBR", MeasureTooFine),
        ("1e30", "KGM", MeasureTooFine),
        ("-1", "KGM", MeasureTooFine),
    ],
)
def test_masses_that_cannot_be_counted_are_refused(
    number: str, unit: str, reason: type[Exception]
) -> None:
    with pytest.raises(reason):
        mass_of(Quantity(EpcisUri("urn:x"), parse_number(number), unit))


def test_an_assay_belongs_to_the_lot_that_it_names() -> None:
    value = mined("L1")
    value["@context"].append({"l": "urn:lodeline:epcis:", "other": "urn:other:"})
    value["sensorElementList"] = [
        {
            "sensorMetadata": {"l:lot": ORE_CLASS + "L1"},
            "sensorReport": [report(COBALT, 1), report(WATER, 20_000, "59")],
        },
        {"sensorMetadata": {"l:lot": ORE_CLASS + "L2"}, "sensorReport": [report(COBALT, 2)]},
    ]
    event = read_event(value)
    first = found_in(event, term_value(ORE_CLASS + "L1"), 2, SUBSTANCES)
    assert ([(each.element, each.share) for each in first.assays], first.moisture) == (
        [("Co", 10_000)],
        20_000,
    )
    value["sensorElementList"][1]["sensorMetadata"] = {"other:lot": ORE_CLASS + "L2"}
    with pytest.raises(AssayAmbiguous) as refused:
        found_in(read_event(value), term_value(ORE_CLASS + "L1"), 2, SUBSTANCES)
    assert (refused.value.substance, refused.value.lots) == ("Co", 2)


def test_every_element_has_a_substance() -> None:
    assert len(SUBSTANCES) == 11
    for uri, symbol in SUBSTANCES.items():
        assert substance_uri(symbol) == uri


@given(st.text(st.characters(exclude_characters="|", categories=["L", "N"]), max_size=40))
def test_a_memo_names_goods_and_leaves_the_rest(rest: str) -> None:
    when = Micros(1_772_352_000_000_000)
    found = read_memo(Memo(ORE_CLASS + "L1", when, Counted(7)).text(rest))
    assert found == ReadMemo(term_value(ORE_CLASS + "L1"), moment_text(when), Counted(7))
    assert read_memo(rest) is None or rest.startswith("goods ")


# ------------------------------------------------------------------ history


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())


def take(store: EventStore, name: str, *events: Json) -> tuple[Tenant, list[StoredEvent]]:
    tenant = store.tenant(TenantName(name))
    job = capture(store, tenant, Offered(document(*events)), who=Who("clerk"))
    assert job.success, job.errors
    return tenant, list(store.events_after(tenant, Seq(0), 100))


def at(hour: int) -> str:
    return f"2026-10-12T{hour:02d}:00:00.000Z"


def test_a_container_holds_what_was_put_in_and_not_taken_out(store: EventStore) -> None:
    inner = "urn:epc:id:sscc:4012345.0000000009"
    tenant, found = take(
        store,
        "pit",
        packed(BAG, inner, lots=quantity("L1", 5)),
        packed(inner, lots=quantity("L2", 7), eventTime=at(7)),
        packed(inner, lots=quantity("L3", 1), eventTime=at(8)),
        packed(inner, lots=quantity("L3", 1), eventTime=at(9), action="DELETE"),
        packed(BAG, eventTime=at(12), action="DELETE") | {"childEPCs": []},
        shipped("L1", hour=10),
        shipped("L1", hour=13),
    )
    before, after = (History(store, tenant, each) for each in found[-2:])
    held = [quantity.epc_class for quantity in before.unpacked(EpcisUri(BAG))]
    assert sorted(held) == [ORE_CLASS + "L1", ORE_CLASS + "L2"]
    assert after.unpacked(EpcisUri(BAG)) == ()


def test_containers_that_hold_one_another_come_to_an_end(store: EventStore) -> None:
    other = "urn:epc:id:sscc:4012345.0000000002"
    tenant, found = take(store, "pit", packed(BAG, other), packed(other, BAG), shipped("L1"))
    assert len(History(store, tenant, found[-1]).unpacked(EpcisUri(BAG))) == 1


def test_a_seal_that_was_broken_is_not_used_again(store: EventStore) -> None:
    seal = SEAL + "7"
    mapping = read_mapping("pit.yaml", PIT_MAPPING)
    tenant, found = take(
        store,
        "pit",
        packed(BAG, seal),
        packed(BAG, seal, eventTime=at(10), action="DELETE"),
        packed(BAG, seal, eventTime=at(11)),
    )
    check_packing(mapping, event_of(found[0]), History(store, tenant, found[0]))
    with pytest.raises(SealUsedTwice) as refused:
        check_packing(mapping, event_of(found[2]), History(store, tenant, found[2]))
    assert (refused.value.seal, refused.value.event) == (seal, found[1].seq)


def test_another_tenants_seals_and_containers_are_not_seen(store: EventStore) -> None:
    seal = SEAL + "8"
    take(store, "trader", packed(BAG, seal, lots=quantity("L1", 5)))
    other = "urn:epc:id:sscc:4012345.0000000002"
    tenant, found = take(store, "pit", packed(other, seal))
    history = History(store, tenant, found[0])
    check_packing(read_mapping("pit.yaml", PIT_MAPPING), event_of(found[0]), history)
    assert history.unpacked(EpcisUri(BAG)) == ()


def test_events_that_were_declared_wrong_do_not_count(store: EventStore) -> None:
    seal = SEAL + "9"
    other = "urn:epc:id:sscc:4012345.0000000002"
    wrong = packed(BAG, seal) | {"eventID": "urn:uuid:831c0292-4de1-430a-8255-2aca821abaab"}
    declared = wrong | {"errorDeclaration": {"declarationTime": at(12)}}
    tenant, _ = take(store, "pit", wrong)
    take(store, "pit", declared)
    _, found = take(store, "pit", packed(other, seal, eventTime=at(13)))
    history = History(store, tenant, found[-1])
    check_packing(read_mapping("pit.yaml", PIT_MAPPING), event_of(found[-1]), history)


# ------------------------------------------------------------------ nearly a step

AT_THE_PIT = PIT_MAPPING.replace("step: commissioning,", "step: commissioning, site: kolwezi-pit,")
OTHER_LOT: Json = {"epcClass": "urn:epc:class:lgtin:4012345.099999.H1", "quantity": 1, "uom": "KGM"}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"readPoint": {"id": "urn:epc:id:sgln:4012345.00009.0"}}, PlaceNotMapped),
        ({"quantityList": [OTHER_LOT]}, ThingNotMapped),
    ],
)
def test_a_mistyped_place_or_lot_is_kept_with_what_it_lacks(
    changes: Json, missed: type[StepMissed]
) -> None:
    assert isinstance(means(mined("H1"), AT_THE_PIT), Making)
    found = means(mined("H1") | changes, AT_THE_PIT)
    assert isinstance(found, Keeping)
    assert type(found.why) is missed


def test_an_event_of_which_no_step_speaks_is_kept_in_silence() -> None:
    assert means(mined("H1") | {"bizStep": "inspecting", "action": "OBSERVE"}) == Keeping()
