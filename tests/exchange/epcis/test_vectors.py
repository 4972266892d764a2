"""Hash ids against published programs: where they agree, and why each of the others does not."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.exchange.epcis.samples import EXAMPLES, REFUSED_EXAMPLES, VECTORS

from lodeline.exchange.epcis import Event, event_hash_id, pre_hash, read_json, read_xml

CURRENT: dict[str, list[str]] = json.loads((VECTORS / "program-2026.json").read_text())
RELEASED: dict[str, list[str]] = json.loads((VECTORS / "program-1.9.3.json").read_text())
FILES = {path.name: path for path in [*EXAMPLES, *sorted(VECTORS.glob("*.jsonld"))]}
CBV = "https://ref.gs1.org/cbv/"

SENSORS = "the release writes the name of the list before sensor elements, and gs1.org for measures"
INSIDE = "the release leaves an extension of a place inside it"
ORDER = "lists stand in the order of the release's spelling, not of the standard's table"
CERTIFICATE = "the release hashes certification info; the table leaves it out"
PARENT = "the release has the parent before the list; the table after it"
TRUTH = "the release writes True where XML and JSON have true"
FLOAT = "the release takes 24 digits of text through a float"
RULES = "the release moves the business rules of a report to the end"

DIFFERENT: dict[tuple[str, int], set[str]] = {
    ("AssociationEvent-f.jsonld", 0): {SENSORS, ORDER},
    ("Example-Type-sourceOrDestination,measurement,bizTransaction.jsonld", 0): {SENSORS, ORDER},
    ("Example_9.6.2-ObjectEvent.jsonld", 0): {ORDER},
    ("Example_9.6.2-ObjectEventWithDigitalLink.jsonld", 0): {ORDER},
    ("PersistentDisposition-example.jsonld", 0): {ORDER},
    ("PersistentDisposition-example.jsonld", 1): {ORDER},
    **{
        (f"SensorDataExample{name}.jsonld", 0): {SENSORS}
        for name in ("1", "1b", "2", "3", "4", "5", "6", "10", "13", "14", "15", "17")
    },
    ("SensorDataExample7.jsonld", 0): {SENSORS, TRUTH, FLOAT},
    ("SensorDataExample8.jsonld", 0): {SENSORS, RULES},
    ("SensorDataExample9.jsonld", 0): {SENSORS, TRUTH},
    ("SensorDataExample11.jsonld", 0): {SENSORS, ORDER},
    ("SensorDataExample12.jsonld", 0): {SENSORS, ORDER},
    ("aggregation_event_all_possible_fields.jsonld", 0): {SENSORS, ORDER, CERTIFICATE, TRUTH},
    ("association_event_all_possible_fields.jsonld", 0): {SENSORS, ORDER, CERTIFICATE, TRUTH},
    ("object_event_all_possible_fields.jsonld", 0): {SENSORS, ORDER, CERTIFICATE, TRUTH},
    ("transaction_event_all_possible_fields.jsonld", 0): {
        *(SENSORS, ORDER, CERTIFICATE, PARENT, TRUTH)
    },
    ("ReferenceEventHashAlgorithm3.jsonld", 0): {INSIDE, ORDER},
    ("TimeStampRoundOff.jsonld", 2): {SENSORS, CERTIFICATE},
}


@pytest.mark.parametrize("name", CURRENT)
def test_every_id_of_the_current_program_is_ours(name: str) -> None:
    read = read_xml if name.endswith(".xml") else read_json
    events = read((VECTORS / name).read_bytes()).events
    assert [event_hash_id(event) for event in events] == CURRENT[name]


def test_the_current_program_was_asked_about_eleven_events() -> None:
    assert sum(map(len, CURRENT.values())) == 11


def _released() -> list[tuple[str, int, Event, str]]:
    return [
        (name, at, event, RELEASED[name][at])
        for name, path in FILES.items()
        if name in RELEASED and name not in REFUSED_EXAMPLES
        for at, event in enumerate(read_json(path.read_bytes()).events)
    ]


def test_25_of_54_ids_of_the_release_agree_and_the_rest_is_accounted_for() -> None:
    compared = _released()
    assert len(compared) == 54
    differing = {(name, at) for name, at, event, told in compared if event_hash_id(event) != told}
    assert differing == set(DIFFERENT)
    assert len(compared) - len(differing) == 25


@pytest.mark.parametrize(("name", "at"), DIFFERENT)
def test_a_difference_has_the_field_that_explains_it(name: str, at: int) -> None:
    event = read_json(FILES[name].read_bytes()).events[at]
    text = pre_hash(event)
    reasons = DIFFERENT[name, at]
    lists = {"bizTransactionList", "sourceList", "destinationList", "sensorElementList", "ilmd"}
    place = event.value["readPoint"]
    assert (SENSORS in reasons) == ("sensorElementList" in event.value)
    assert (INSIDE in reasons) == (isinstance(place, dict) and len(place) > 1)
    assert (ORDER in reasons) <= (len(lists & event.value.keys()) > 1)
    assert (CERTIFICATE in reasons) == ("certificationInfo" in event.value)
    assert (PARENT in reasons) <= ({"parentID", "epcList"} <= event.value.keys())
    assert (TRUTH in reasons) <= ("booleanValue=true" in text)
    assert (FLOAT in reasons) <= ("stringValue=111100001111000011110000" in text)
    assert (RULES in reasons) <= ("bizRules=" in text)


def test_the_published_text_of_the_third_reference_event() -> None:
    (event,) = read_json((VECTORS / "ReferenceEventHashAlgorithm3.jsonld").read_bytes()).events
    assert pre_hash(event) == (
        "eventType=ObjectEventeventTime=2020-03-04T10:00:30.000ZeventTimeZoneOffset=+01:00"
        "epcListepc=https://id.gs1.org/01/00614141111114/21/987action=OBSERVE"
        f"bizStep={CBV}BizStep-departingdisposition={CBV}Disp-in_transit"
        "readPointid=https://id.gs1.org/414/4012345000115"
        f"bizTransactionListtype={CBV}BTT-po"
        "bizTransaction=https://id.gs1.org/253/4012345111118123"
        f"sourceListtype={CBV}SDT-owning_partysource=https://id.gs1.org/417/4012345000009"
        f"destinationListtype={CBV}SDT-owning_party"
        "destination=https://id.gs1.org/417/0614141000005"
        "readPoint{https://ns.example.com/epcis/}myField1=AB-12"
        "{https://ns.example.com/epcis/}userExt=CD-34"
    )


OF_2021 = {
    ("Example_9.6.1-ObjectEvent.jsonld", 0): (
        "eventType=ObjectEventeventTime=2005-04-04T02:33:31.116ZeventTimeZoneOffset=-06:00"
        "epcListepc=urn:epc:id:sgtin:0614141.107346.2017epc=urn:epc:id:sgtin:0614141.107346.2018"
        "action=OBSERVEbizStep=urn:epcglobal:cbv:bizstep:shipping"
        "disposition=urn:epcglobal:cbv:disp:in_transitreadPointid=urn:epc:id:sgln:0614141.07346.1234"
        "bizTransactionListbizTransaction=http://transaction.acme.com/po/12345678"
        "type=urn:epcglobal:cbv:btt:po"
    ),
    ("Example_9.6.1-ObjectEvent.jsonld", 1): (
        "eventType=ObjectEventeventTime=2005-04-05T02:33:31.116ZeventTimeZoneOffset=-06:00"
        "epcListepc=urn:epc:id:sgtin:0614141.107346.2018"
        "action=OBSERVEbizStep=urn:epcglobal:cbv:bizstep:receiving"
        "disposition=urn:epcglobal:cbv:disp:in_progressreadPointid=urn:epc:id:sgln:0012345.11111.400"
        "bizLocationid=urn:epc:id:sgln:0012345.11111.0"
        "bizTransactionListbizTransaction=http://transaction.acme.com/po/12345678"
        "type=urn:epcglobal:cbv:btt:po"
        "bizTransaction=urn:epcglobal:cbv:bt:0614141073467:1152type=urn:epcglobal:cbv:btt:desadv"
        "http://ns.example.com/epcis/myField=Example of a vendor/user extension"
    ),
    ("Example_9.6.1-with-comment.jsonld", 0): (
        "eventType=ObjectEventeventTime=2005-04-04T02:33:31.116ZeventTimeZoneOffset=-06:00"
        "epcListepc=urn:epc:id:sgtin:0614141.107346.2017epc=urn:epc:id:sgtin:0614141.107346.2018"
        "action=OBSERVEbizStep=https://ns.gs1.org/voc/Bizstep-shipping"
        "disposition=https://ns.gs1.org/voc/Disp-in_transit"
        "readPointid=urn:epc:id:sgln:0614141.07346.1234"
        "bizTransactionListbizTransaction=http://transaction.acme.com/po/12345678"
        "type=https://ns.gs1.org/voc/BTT-po"
    ),
}
"""What GS1's examples were hashed as: two drafts of early 2021, before CBV 2.0 was ratified."""


@pytest.mark.parametrize(("name", "at"), OF_2021)
def test_ids_in_gs1s_examples_are_of_drafts_of_2021(name: str, at: int) -> None:
    event = read_json(FILES[name].read_bytes()).events[at]
    digest = hashlib.sha256(OF_2021[name, at].encode()).hexdigest()
    assert event.event_id == f"ni:///sha-256;{digest}?ver=CBV2.0"
    assert event_hash_id(event) != event.event_id


def test_no_id_in_gs1s_examples_is_of_the_ratified_standard() -> None:
    printed = [
        (event.event_id, event_hash_id(event))
        for path in EXAMPLES
        if path.name not in REFUSED_EXAMPLES
        for event in read_json(path.read_bytes()).events
        if (event.event_id or "").startswith("ni:")
    ]
    assert len(printed) == 44
    assert all(told != ours for told, ours in printed)


def test_an_event_in_links_has_the_id_of_the_event_in_urns() -> None:
    # The other pairs of GS1's examples are of different trade items.
    example = "Example_9.6.4-TransformationEvent"
    urns = read_json(FILES[f"{example}.jsonld"].read_bytes()).events
    links = read_json(FILES[f"{example}WithDigitalLink.jsonld"].read_bytes()).events
    assert [event_hash_id(event) for event in urns] == [event_hash_id(event) for event in links]


def test_every_example_is_there() -> None:
    assert len(EXAMPLES) == 47
    assert all(Path(path).stat().st_size for path in EXAMPLES)
