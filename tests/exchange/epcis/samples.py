"""Events for tests: one small event, one document, and how to change them."""

import json
from pathlib import Path

from lodeline.exchange.epcis import Event, read_json

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "examples").glob("*.jsonld"))
VECTORS = HERE / "vectors"
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

REFUSED_EXAMPLES = {
    "AssociationEvent-h.jsonld": "epcis-json-key-twice",  # two eventIDs in one event
    "transformation_event_all_possible_fields.jsonld": "epcis-context-refused",  # other cbvmda
}
"""Examples of GS1 that break a rule of the standards themselves."""


def event(**changes: object) -> dict[str, object]:
    """An object event; a change of None leaves the field out."""
    fields: dict[str, object] = {
        "type": "ObjectEvent",
        "eventTime": "2026-03-01T08:30:00.000+01:00",
        "eventTimeZoneOffset": "+01:00",
        "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"],
        "action": "OBSERVE",
        "bizStep": "shipping",
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def extended(**changes: object) -> dict[str, object]:
    """An event with a namespace for extensions; ``x_`` before a name makes it one of them."""
    named = {f"x:{n[2:]}" if n.startswith("x_") else n: value for n, value in changes.items()}
    return {"@context": {"x": "https://ns.example.com/x/"}, **event(**named)}


def document(*events: dict[str, object], context: object = None) -> bytes:
    """A document around events."""
    return json.dumps(
        {
            "@context": context or [CONTEXT, {"x": "https://ns.example.com/x/"}],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-03-01T09:00:00Z",
            "epcisBody": {"eventList": list(events)},
        }
    ).encode()


def read_one(value: dict[str, object]) -> Event:
    """The one event of a bare list."""
    (found,) = read_json(json.dumps([value]).encode()).events
    return found


def xml(body: str, *, version: int = 2, head: str = "") -> bytes:
    """An XML document around events."""
    return (
        f'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{version}"'
        ' xmlns:x="https://ns.example.com/x/" xmlns:cbvmda="urn:epcglobal:cbv:mda"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' schemaVersion="{version}.0" creationDate="2026-03-01T09:00:00Z">{head}'
        f"<EPCISBody><EventList>{body}</EventList></EPCISBody></epcis:EPCISDocument>"
    ).encode()


WHEN = (
    "<eventTime>2026-03-01T08:30:00.000+01:00</eventTime>"
    "<eventTimeZoneOffset>+01:00</eventTimeZoneOffset>"
)
