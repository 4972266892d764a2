"""Terms and moments: one value for each identity, the order of time, nothing too long to index."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.events.documents import bare, event

from lodeline.exchange.epcis import read_json
from lodeline.exchange.epcis.errors import TimeWithoutZone, TimeWrong
from lodeline.node.events.moments import Micros, SystemMicroClock, micros, moment_text
from lodeline.node.events.terms import (
    MAX_VALUE_BYTES,
    TermKind,
    TermValue,
    expand_curie,
    term_value,
    terms_of,
)

SAME = [
    ("urn:epc:id:sgtin:4012345.011122.25", "https://id.gs1.org/01/04012345111224/21/25"),
    ("urn:epc:class:lgtin:4012345.011111.L1", "https://a.example/x/01/04012345111118/10/L1"),
    ("urn:epc:id:sgln:4012345.00001.0", "https://id.gs1.org/414/4012345000016"),
    ("urn:epc:idpat:sgtin:4012345.011122.*", "https://id.gs1.org/01/04012345111224"),
    ("cbv:BizStep-x", "https://ref.gs1.org/cbv/BizStep-x"),
]


def terms(**changes: object) -> dict[int, list[TermValue]]:
    (one,) = read_json(bare(event(7, **changes))).events
    found: dict[int, list[TermValue]] = {}
    for kind, value in terms_of(one):
        found.setdefault(kind, []).append(value)
    return found


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_thing_have_one_value(one: str, other: str) -> None:
    assert term_value(one) == term_value(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("urn:epc:id:sgtin:4012345.011122.25", "urn:epc:id:sgtin:4012345.011122.025"),
        ("urn:epc:id:sgtin:4012345.011122.25", "urn:epc:idpat:sgtin:4012345.011122.*"),
        ("urn:x:A", "urn:x:a"),
        ("urn:x:" + "a" * 9_000, "urn:x:" + "a" * 9_001),
        ("urn:x:a\0", "urn:x:a\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_two_things_have_two_values(one: str, other: str) -> None:
    assert term_value(one) != term_value(other)


@given(st.text(max_size=2_000))
def test_any_text_has_a_value_that_any_database_can_index(text: str) -> None:
    value = term_value(text)
    assert len(value.encode("utf-8")) <= MAX_VALUE_BYTES
    assert "\0" not in value
    assert term_value(text) == value


@given(st.sampled_from([spelled for pair in SAME for spelled in pair]))
def test_a_value_is_its_own_value(text: str) -> None:
    assert term_value(term_value(text)) == term_value(text)


def test_every_part_of_an_event_that_queries_ask_for_has_its_kind() -> None:
    found = terms(
        sourceList=[{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00001"}],
        destinationList=[{"type": "location", "destination": "urn:epc:id:sgln:4012345.00002.0"}],
        bizTransactionList=[{"type": "po", "bizTransaction": "urn:x:po:1"}],
        bizLocation={"id": "urn:epc:id:sgln:4012345.00003.0"},
        persistentDisposition={"set": ["completeness_verified"], "unset": ["damaged"]},
        errorDeclaration={
            "declarationTime": "2026-03-02T10:00:00Z",
            "reason": "incorrect_data",
            "correctiveEventIDs": ["urn:x:corrective"],
        },
        sensorElementList=[
            {
                "sensorMetadata": {"deviceID": "urn:x:device:1"},
                "sensorReport": [
                    {
                        "type": "Temperature",
                        "deviceID": "urn:x:device:2",
                        "value": 20,
                        "uom": "CEL",
                        "chemicalSubstance": "urn:x:cobalt",
                        "microorganism": "urn:x:none",
                    }
                ],
            }
        ],
    )
    assert found[TermKind.TYPE] == ["ObjectEvent"]
    assert found[TermKind.BIZ_STEP] == ["shipping"]
    assert found[TermKind.DISPOSITION] == ["in_transit"]
    assert found[TermKind.READ_POINT] == [term_value("urn:epc:id:sgln:4012345.00001.0")]
    assert found[TermKind.BIZ_LOCATION] == [term_value("urn:epc:id:sgln:4012345.00003.0")]
    assert found[TermKind.EPC] == [term_value("urn:epc:id:sgtin:4012345.011122.7")]
    assert found[TermKind.EPC_CLASS] == [term_value("urn:epc:class:lgtin:4012345.011111.L1")]
    assert found[TermKind.BIZ_TRANSACTION] == ["urn:x:po:1"]
    assert found[TermKind.SOURCE] == [term_value("urn:epc:id:pgln:4012345.00001")]
    assert found[TermKind.DESTINATION] == [term_value("urn:epc:id:sgln:4012345.00002.0")]
    assert found[TermKind.DISPOSITION_SET] == ["completeness_verified"]
    assert found[TermKind.DISPOSITION_UNSET] == ["damaged"]
    assert found[TermKind.ERROR_REASON] == ["incorrect_data"]
    assert found[TermKind.CORRECTIVE_EVENT] == ["urn:x:corrective"]
    assert found[TermKind.DEVICE] == ["urn:x:device:1", "urn:x:device:2"]
    assert found[TermKind.SENSOR_TYPE] == ["Temperature"]
    assert found[TermKind.CHEMICAL] == ["urn:x:cobalt"]
    assert found[TermKind.MICROORGANISM] == ["urn:x:none"]


def test_parents_inputs_and_outputs_have_kinds_of_their_own() -> None:
    (made,) = read_json(
        bare(
            event(
                1,
                type="TransformationEvent",
                action=None,
                epcList=None,
                quantityList=None,
                transformationID="urn:x:batch:1",
                inputEPCList=["urn:x:in"],
                outputEPCList=["urn:x:out"],
                inputQuantityList=[{"epcClass": "urn:x:ore", "quantity": 1, "uom": "KGM"}],
                outputQuantityList=[{"epcClass": "urn:x:salt", "quantity": 1, "uom": "KGM"}],
            )
        )
    ).events
    (packed,) = read_json(
        bare(
            event(
                1,
                type="AggregationEvent",
                epcList=None,
                quantityList=None,
                parentID="urn:x:box",
                childEPCs=["urn:x:bag"],
                childQuantityList=[{"epcClass": "urn:x:sort", "quantity": 1, "uom": "KGM"}],
            )
        )
    ).events
    assert {
        (TermKind.TRANSFORMATION, "urn:x:batch:1"),
        (TermKind.INPUT_EPC, "urn:x:in"),
        (TermKind.OUTPUT_EPC, "urn:x:out"),
        (TermKind.INPUT_CLASS, "urn:x:ore"),
        (TermKind.OUTPUT_CLASS, "urn:x:salt"),
    } <= set(terms_of(made))
    assert {
        (TermKind.PARENT, "urn:x:box"),
        (TermKind.EPC, "urn:x:bag"),
        (TermKind.EPC_CLASS, "urn:x:sort"),
    } <= set(terms_of(packed))


def test_a_curie_of_the_event_s_own_prefix_is_the_uri_that_it_stands_for() -> None:
    found = terms(**{"@context": {"ex": "https://ex.example/"}, "bizStep": "ex:crushing"})
    assert found[TermKind.BIZ_STEP] == ["https://ex.example/crushing"]
    assert expand_curie("https://x.example/", {"https": "wrong"}) == "https://x.example/"


# ------------------------------------------------------------------ moments


FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Moments of the years 1 to 9999."""


@given(st.integers(FIRST, LAST), st.integers(FIRST, LAST))
def test_moments_read_back_and_their_texts_sort_as_they_do(one: int, other: int) -> None:
    first, second = moment_text(Micros(one)), moment_text(Micros(other))
    assert micros("eventTime", first) == one
    assert (first < second) == (one < other)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("2026-03-01T08:00:00.5-01:30", 1_772_357_400_500_000),
    ],
)
def test_moments_of_any_spelling(text: str, moment: int) -> None:
    assert micros("eventTime", text) == moment


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "soon", "2026-03-01T25:00:00Z", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeWrong) as refused:
        micros("eventTime", text)
    assert (refused.value.field, refused.value.text) == ("eventTime", text)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(TimeWithoutZone):
        micros("eventTime", "2026-03-01T08:00:00")


def test_the_machine_s_clock_runs_in_microseconds() -> None:
    before = Micros(int(datetime.now(UTC).timestamp()) * 1_000_000)
    assert 0 <= SystemMicroClock().now() - before < 60_000_000
