"""Hash ids against published programs: how many agree, and why each of the others does not."""

import json
from pathlib import Path

import pytest
from tests.exchange.epcis.samples import EXAMPLES, REFUSED_EXAMPLES, VECTORS

from lodeline.exchange.epcis import Event, event_hash_id, pre_hash, read_json

PROGRAM: dict[str, list[str]] = json.loads((VECTORS / "program-1.9.3.json").read_text())
FILES = {path.name: path for path in [*EXAMPLES, *sorted(VECTORS.glob("*.jsonld"))]}

ORDER = "lists stand in the order of the program's spelling, not of the standard's table"
CERTIFICATE = "the program hashes certification info; the table leaves it out"
PARENT = "the program has the parent before the list; the table after it"
TRUTH = "the program writes True where XML and JSON have true"
FLOAT = "the program takes 24 digits of text through a float"
RULES = "the program moves the business rules of a report to the end"

DIFFERENT: dict[tuple[str, int], set[str]] = {
    ("AssociationEvent-f.jsonld", 0): {ORDER},
    ("Example-Type-sourceOrDestination,measurement,bizTransaction.jsonld", 0): {ORDER},
    ("Example_9.6.2-ObjectEvent.jsonld", 0): {ORDER},
    ("Example_9.6.2-ObjectEventWithDigitalLink.jsonld", 0): {ORDER},
    ("PersistentDisposition-example.jsonld", 0): {ORDER},
    ("PersistentDisposition-example.jsonld", 1): {ORDER},
    ("SensorDataExample7.jsonld", 0): {TRUTH, FLOAT},
    ("SensorDataExample8.jsonld", 0): {RULES},
    ("SensorDataExample9.jsonld", 0): {TRUTH},
    ("SensorDataExample11.jsonld", 0): {ORDER},
    ("SensorDataExample12.jsonld", 0): {ORDER},
    ("aggregation_event_all_possible_fields.jsonld", 0): {ORDER, CERTIFICATE, TRUTH},
    ("association_event_all_possible_fields.jsonld", 0): {ORDER, CERTIFICATE, TRUTH},
    ("object_event_all_possible_fields.jsonld", 0): {ORDER, CERTIFICATE, TRUTH},
    ("transaction_event_all_possible_fields.jsonld", 0): {ORDER, CERTIFICATE, PARENT, TRUTH},
    ("ReferenceEventHashAlgorithm3.jsonld", 0): {ORDER},
    ("TimeStampRoundOff.jsonld", 2): {CERTIFICATE},
}


def _events() -> list[tuple[str, int, Event, str]]:
    return [
        (name, at, event, PROGRAM[name][at])
        for name, path in FILES.items()
        if name in PROGRAM and name not in REFUSED_EXAMPLES
        for at, event in enumerate(read_json(path.read_bytes()).events)
    ]


def test_38_of_55_agree_and_the_rest_is_accounted_for() -> None:
    compared = _events()
    assert len(compared) == 55
    differing = {(name, at) for name, at, event, told in compared if event_hash_id(event) != told}
    assert differing == set(DIFFERENT)
    assert len(compared) - len(differing) == 38


@pytest.mark.parametrize(("name", "at"), DIFFERENT)
def test_a_difference_has_the_field_that_explains_it(name: str, at: int) -> None:
    event = read_json(FILES[name].read_bytes()).events[at]
    text = pre_hash(event)
    reasons = DIFFERENT[name, at]
    lists = {"bizTransactionList", "sourceList", "destinationList", "sensorElementList", "ilmd"}
    assert (ORDER in reasons) <= (len(lists & event.value.keys()) > 1)
    assert (CERTIFICATE in reasons) == ("certificationInfo" in event.value)
    assert (PARENT in reasons) <= ({"parentID", "epcList"} <= event.value.keys())
    assert (TRUTH in reasons) <= ("booleanValue=true" in text)
    assert (FLOAT in reasons) <= ("stringValue=111100001111000011110000" in text)
    assert (RULES in reasons) <= ("bizRules=" in text)


def test_the_published_text_of_the_third_reference_event_up_to_its_order() -> None:
    (event,) = read_json((VECTORS / "ReferenceEventHashAlgorithm3.jsonld").read_bytes()).events
    cbv = "https://ref.gs1.org/cbv/"
    assert pre_hash(event) == (
        "eventType=ObjectEventeventTime=2020-03-04T10:00:30.000ZeventTimeZoneOffset=+01:00"
        "epcListepc=https://id.gs1.org/01/00614141111114/21/987action=OBSERVE"
        f"bizStep={cbv}BizStep-departingdisposition={cbv}Disp-in_transit"
        "readPointid=https://id.gs1.org/414/4012345000115"
        "{https://ns.example.com/epcis/}myField1=AB-12"
        f"bizTransactionListtype={cbv}BTT-po"
        "bizTransaction=https://id.gs1.org/253/4012345111118123"
        f"sourceListtype={cbv}SDT-owning_partysource=https://id.gs1.org/417/4012345000009"
        f"destinationListtype={cbv}SDT-owning_party"
        "destination=https://id.gs1.org/417/0614141000005"
        "{https://ns.example.com/epcis/}userExt=CD-34"
    )


def test_published_ids_of_rounded_times() -> None:
    document = read_json((VECTORS / "TimeStampRoundOff.jsonld").read_bytes())
    first, second = (event_hash_id(event) for event in document.events[:2])
    assert first.startswith("ni:///sha-256;af7658e711574363633f20b3dadc7bc4c13c6f612cf96d95")
    assert second.startswith("ni:///sha-256;0550df44527332c1fe417c5837fe61b9e71eaa93307b8851")


def test_an_event_in_links_has_the_id_of_the_event_in_urns() -> None:
    # The other pairs of GS1's examples are of different trade items.
    example = "Example_9.6.4-TransformationEvent"
    urns = read_json(FILES[f"{example}.jsonld"].read_bytes()).events
    links = read_json(FILES[f"{example}WithDigitalLink.jsonld"].read_bytes()).events
    assert [event_hash_id(event) for event in urns] == [event_hash_id(event) for event in links]


def test_every_example_is_there() -> None:
    assert len(EXAMPLES) == 47
    assert all(Path(path).stat().st_size for path in EXAMPLES)
