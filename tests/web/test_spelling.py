"""Identifiers respelled: an event says the same in every spelling, and its hash id is the same."""

import json
from pathlib import Path

import pytest
from tests.node.events.documents import bare, event

from lodeline.exchange.epcis import Event, event_bytes, event_hash_id, read_json
from lodeline.exchange.epcis.value import JsonObject
from lodeline.web.negotiation import CbvFormat, EpcFormat
from lodeline.web.spelling import Spelling

EXAMPLES = sorted(Path(__file__).parents[1].rglob("*.jsonld"))
PREFIXES = ("4012345",)
WHOLE = event(
    1,
    eventID="urn:example:1",
    sourceList=[{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
    bizTransactionList=[{"type": "po", "bizTransaction": "urn:epc:id:gdti:4012345.06012.1234"}],
    bizLocation={"id": "urn:epc:id:sgln:4012345.00005.0"},
    sensorElementList=[
        {
            "sensorMetadata": {"deviceID": "urn:epc:id:giai:4012345.111"},
            "sensorReport": [
                {"type": "Temperature", "value": 26.5, "uom": "CEL"},
            ],
        }
    ],
    persistentDisposition={"set": ["completeness_verified"], "unset": ["damaged"]},
)


def stored(value: JsonObject) -> str:
    (read,) = read_json(bare(value)).events
    return event_bytes(read).decode()


def read(text: str) -> Event:
    (found,) = read_json(text.encode()).events
    return found


def test_links_and_urns_lead_back_to_one_another() -> None:
    body = stored(WHOLE)
    links = Spelling(EpcFormat.LINK).json(body)
    assert "urn:epc:" not in links
    urns = Spelling(EpcFormat.URN, prefixes=PREFIXES).json(links)
    assert "id.gs1.org" not in urns
    assert json.loads(urns) == json.loads(body)


@pytest.mark.parametrize("epcs", EpcFormat)
@pytest.mark.parametrize("words", CbvFormat)
def test_an_event_is_the_same_in_every_spelling(epcs: EpcFormat, words: CbvFormat) -> None:
    body = stored(WHOLE)
    spelling = Spelling(epcs, words, PREFIXES)
    expected = event_hash_id(read(body))
    assert event_hash_id(read(spelling.json(body))) == expected
    respelled = event_bytes(spelling.event(body)).decode()
    assert event_hash_id(read(respelled)) == expected


def test_no_digit_of_a_number_is_lost() -> None:
    body = stored(event(1, **{"ex:n": 0, "@context": {"ex": "https://example.com/"}}))
    exact = body.replace('"ex:n":0', '"ex:n":1.0000000000000000000000000001')
    assert "1.0000000000000000000000000001" in Spelling(EpcFormat.LINK).json(exact)


def test_links_of_others_stay_links() -> None:
    link = "https://id.gs1.org/01/09521234543213/21/1"
    assert Spelling(EpcFormat.URN, prefixes=PREFIXES).text(link) == link


@pytest.mark.parametrize(
    "text",
    ["urn:epc:id:gid:1.2.3", "urn:epc:id:sgtin:nonsense", "urn:example:1", "https://example.com"],
)
def test_what_is_no_key_stays_as_it_is(text: str) -> None:
    assert Spelling(EpcFormat.LINK).text(text) == text
    assert Spelling(EpcFormat.URN, prefixes=PREFIXES).text(text) == text
