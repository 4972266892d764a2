"""Documents for tests: small, right, and made wrong on purpose."""

import json
from typing import Any

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

Json = dict[str, Any]


def event(serial: int = 1, **changes: Any) -> Json:
    """An observation of one thing; fields of another value, or None to leave one out."""
    value: Json = {
        "type": "ObjectEvent",
        "eventTime": f"2026-03-01T08:00:{serial % 60:02d}.000Z",
        "eventTimeZoneOffset": "+02:00",
        "epcList": [f"urn:epc:id:sgtin:4012345.011122.{serial}"],
        "action": "OBSERVE",
        "bizStep": "shipping",
        "disposition": "in_transit",
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"},
        "quantityList": [
            {"epcClass": "urn:epc:class:lgtin:4012345.011111.L1", "quantity": 10.5, "uom": "KGM"}
        ],
        **changes,
    }
    return {name: member for name, member in value.items() if member is not None}


def document(*events: Json, header: Json | None = None) -> bytes:
    """A document of events as JSON-LD."""
    value: Json = {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T08:30:00.000Z",
        "epcisBody": {"eventList": list(events)},
    }
    if header is not None:
        value["epcisHeader"] = header
    return json.dumps(value).encode()


def bare(value: Json) -> bytes:
    """One event, or anything else, as it is."""
    return json.dumps(value).encode()


BROKEN = event(999, action="SOMETIMES")
"""Breaks a rule of the schema."""

XML = """<?xml version="1.0" encoding="UTF-8"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0"
    creationDate="2026-03-01T08:30:00.000Z">
  <EPCISBody><EventList>{events}</EventList></EPCISBody>
</epcis:EPCISDocument>"""


def xml_event(serial: int = 1, action: str = "OBSERVE") -> str:
    """The observation of `event` as XML."""
    return f"""<ObjectEvent>
      <eventTime>2026-03-01T08:00:{serial % 60:02d}.000Z</eventTime>
      <eventTimeZoneOffset>+02:00</eventTimeZoneOffset>
      <epcList><epc>urn:epc:id:sgtin:4012345.011122.{serial}</epc></epcList>
      <action>{action}</action>
      <bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>
      <disposition>urn:epcglobal:cbv:disp:in_transit</disposition>
      <readPoint><id>urn:epc:id:sgln:4012345.00001.0</id></readPoint>
      <quantityList><quantityElement>
        <epcClass>urn:epc:class:lgtin:4012345.011111.L1</epcClass>
        <quantity>10.5</quantity><uom>KGM</uom>
      </quantityElement></quantityList>
    </ObjectEvent>"""


def xml_document(*events: str) -> bytes:
    """A document of events as XML."""
    return XML.format(events="".join(events)).encode()
