"""Events for queries: many random ones over few values, so that everything meets something.

The same thing is written now as an EPC URI and now as a Digital Link; the same namespace has two
prefixes. `SAME` says what is the same, for a reference that must not ask the code under test.
"""

import json
import random
from typing import Any

from tests.node.events.documents import CONTEXT, Json

from lodeline.exchange.epcis.fields import EVENT_TYPES
from lodeline.exchange.gs1.urn import read_urn

NAMESPACE = "https://ns.example.com/epcis/"
PREFIXES = ("example", "ex")

_URNS = {
    "epcs": [
        f"urn:epc:id:sgtin:4012345.0{item}.{serial}"
        for item in (11122, 22233)
        for serial in (1, 2, 12)
    ]
    + ["urn:epc:id:sscc:4012345.0000000111", "urn:epc:id:sscc:4099999.0000000222"],
    "classes": [
        "urn:epc:class:lgtin:4012345.011122.L1",
        "urn:epc:class:lgtin:4012345.011122.L12",
        "urn:epc:class:lgtin:4012345.022233.L1",
        "urn:epc:idpat:sgtin:4012345.011122.*",
    ],
    "places": [
        "urn:epc:id:sgln:4012345.00001.0",
        "urn:epc:id:sgln:4012345.00001.9",
        "urn:epc:id:sgln:4012345.00002.0",
        "urn:epc:id:sgln:4099999.00003.0",
    ],
    "parties": ["urn:epc:id:pgln:4012345.00001", "urn:epc:id:pgln:4099999.00002"],
    "devices": ["urn:epc:id:giai:4012345.100", "urn:epc:id:giai:4012345.200"],
}
WORLD: dict[str, list[tuple[str, str]]] = {
    kind: [
        (urn, read_urn(urn).link().replace("https://id.gs1.org", "https://shop.example.com/x"))
        for urn in urns
    ]
    for kind, urns in _URNS.items()
}
"""Each thing in both spellings."""
SAME: dict[str, str] = {
    spelling: pair[0] for pairs in WORLD.values() for pair in pairs for spelling in pair
}

STEPS = ["shipping", "receiving", "https://ns.example.com/epcis/melting"]
DISPOSITIONS = ["in_transit", "active", "damaged"]
TIMES = [
    f"2026-03-0{day}T0{hour}:00:00.000+0{zone}:00"
    for day in (1, 2, 3)
    for hour in (1, 5)
    for zone in (0, 4)
]
UNITS = ["KGM", "GRM", "TNE", "LBR"]
AMOUNTS = [0, 1, 2.5, 1000, 2500]
WORDS = ["007", "7", "red", "https://ns.example.com/epcis/blue"]
TRANSACTIONS = ["urn:epcglobal:cbv:bt:4012345000016:A1", "urn:epcglobal:cbv:bt:4012345000016:A2"]
METHODS = ["https://example.com/methods/mean", "https://example.com/methods/max"]
CITY, SIZE = "urn:epcglobal:cbv:mda:city", "urn:epcglobal:cbv:mda:size"


def spelling(chosen: random.Random, kind: str) -> str:
    return chosen.choice(chosen.choice(WORLD[kind]))


def spellings(chosen: random.Random, kind: str, most: int = 3) -> list[str]:
    picked = chosen.sample(WORLD[kind], k=chosen.randint(1, min(most, len(WORLD[kind]))))
    return [chosen.choice(pair) for pair in picked]


def quantities(chosen: random.Random) -> list[Json]:
    found: list[Json] = []
    for name in spellings(chosen, "classes", 2):
        member: Json = {"epcClass": name}
        if chosen.random() < 0.8:
            member["quantity"] = chosen.choice(AMOUNTS)
            if chosen.random() < 0.8:
                member["uom"] = chosen.choice(UNITS)
        found.append(member)
    return found


def extension(chosen: random.Random, prefix: str) -> Any:
    return chosen.choice(
        [
            *WORDS,
            f"{prefix}:blue",
            chosen.choice(AMOUNTS),
            chosen.choice(TIMES),
            chosen.random() < 0.5,
            ["red", "green"],
            {f"{prefix}:inner": chosen.choice(WORDS)},
            {f"{prefix}:box": {f"{prefix}:inner": chosen.choice(AMOUNTS)}},
        ]
    )


def extended(chosen: random.Random, prefix: str, value: Json, share: float = 0.4) -> Json:
    for name in ("colour", "weight"):
        if chosen.random() < share:
            value[f"{prefix}:{name}"] = extension(chosen, prefix)
    return value


def sensors(chosen: random.Random, prefix: str) -> list[Json]:
    metadata: Json = {"time": chosen.choice(TIMES), "deviceID": spelling(chosen, "devices")}
    if chosen.random() < 0.5:
        metadata |= {"startTime": chosen.choice(TIMES), "endTime": chosen.choice(TIMES)}
        metadata |= {"bizRules": chosen.choice(METHODS)}
    report: Json = {
        "type": chosen.choice(["Temperature", "Mass"]),
        "value": chosen.choice([0, 20, 20.5]),
        "uom": "CEL",
    }
    if report["type"] == "Mass":
        report |= {"value": chosen.choice(AMOUNTS), "uom": chosen.choice(UNITS)}
    if chosen.random() < 0.5:
        report |= {name: chosen.choice(AMOUNTS) for name in ("minValue", "maxValue", "meanValue")}
        report |= {"sDev": chosen.choice(AMOUNTS), "percRank": chosen.choice([5, 50])}
        report |= {"percValue": chosen.choice(AMOUNTS)}
    if chosen.random() < 0.5:
        report |= {"dataProcessingMethod": chosen.choice(METHODS), "stringValue": "SomeString"}
        report |= {"booleanValue": chosen.random() < 0.5, "hexBinaryValue": "f0f0f0"}
        report |= {"uriValue": spelling(chosen, "epcs"), "time": chosen.choice(TIMES)}
        report |= {"chemicalSubstance": METHODS[0], "microorganism": METHODS[1]}
    element = {
        "sensorMetadata": extended(chosen, prefix, metadata, 0.2),
        "sensorReport": [extended(chosen, prefix, report, 0.2)],
    }
    return [extended(chosen, prefix, element, 0.2)]


def _what(chosen: random.Random, kind: str) -> Json:
    """What an event of a kind is about."""
    if kind == "ObjectEvent":
        return {"epcList": spellings(chosen, "epcs"), "quantityList": quantities(chosen)}
    if kind == "TransformationEvent":
        return {
            "inputEPCList": spellings(chosen, "epcs"),
            "inputQuantityList": quantities(chosen),
            "outputEPCList": spellings(chosen, "epcs"),
            "outputQuantityList": quantities(chosen),
            "transformationID": chosen.choice(["urn:example:t:1", "urn:example:t:2"]),
        }
    parent = {"parentID": spelling(chosen, "epcs")}
    if kind == "TransactionEvent":
        return {**parent, "epcList": spellings(chosen, "epcs")}
    return {
        **parent,
        "childEPCs": spellings(chosen, "epcs"),
        "childQuantityList": quantities(chosen),
    }


def _place(chosen: random.Random, prefix: str) -> Json:
    return extended(chosen, prefix, {"id": spelling(chosen, "places")}, 0.2)


def _context(chosen: random.Random, prefix: str) -> Json:
    """Where and why an event happened: each part now and then."""
    parts: list[Json] = [
        {"bizStep": chosen.choice(STEPS)},
        {"disposition": chosen.choice(DISPOSITIONS)},
        {"readPoint": _place(chosen, prefix)},
        {"bizLocation": _place(chosen, prefix)},
        {"sourceList": [{"type": "owning_party", "source": spelling(chosen, "parties")}]},
        {
            "destinationList": [
                {
                    "type": chosen.choice(["owning_party", "location"]),
                    "destination": spelling(chosen, "parties"),
                }
            ]
        },
        {
            "persistentDisposition": {
                "set": chosen.sample(DISPOSITIONS, k=2),
                "unset": [chosen.choice(DISPOSITIONS)],
            }
        },
        {"sensorElementList": sensors(chosen, prefix)},
    ]
    found: Json = {}
    for part in parts:
        if chosen.random() < 0.6:
            found |= part
    return found


def random_event(chosen: random.Random, number: int) -> Json:
    """One event; its number makes it another than all before."""
    kind = chosen.choice(EVENT_TYPES)
    prefix = chosen.choice(PREFIXES)
    value: Json = {
        "type": kind,
        "@context": {prefix: NAMESPACE},
        "eventTime": chosen.choice(TIMES),
        "eventTimeZoneOffset": "+00:00",
        f"{prefix}:number": number,
        **_what(chosen, kind),
        **_context(chosen, prefix),
    }
    if kind != "TransformationEvent":
        value["action"] = chosen.choice(["ADD", "OBSERVE", "DELETE"])
    if kind == "TransactionEvent" or chosen.random() < 0.4:
        pair = {"bizTransaction": chosen.choice(TRANSACTIONS)}
        value["bizTransactionList"] = [{**pair, "type": chosen.choice(["po", "inv"])}]
    if kind not in {"ObjectEvent", "TransformationEvent"}:
        value.pop("persistentDisposition", None)  # as the schema wants it
    elif value.get("action", "ADD") == "ADD":
        value["ilmd"] = extended(chosen, prefix, {f"{prefix}:lot": "L1"})
    if chosen.random() < 0.4:
        value["eventID"] = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    if chosen.random() < 0.3:
        value["errorDeclaration"] = extended(
            chosen,
            prefix,
            {
                "declarationTime": chosen.choice(TIMES),
                "reason": chosen.choice(["incorrect_data", "did_not_occur"]),
                "correctiveEventIDs": [f"urn:example:event:{chosen.randint(1, 2)}"],
            },
        )
    return extended(chosen, prefix, value)


MASTER: Json = {
    "epcisMasterData": {
        "vocabularyList": [
            {
                "type": f"urn:epcglobal:epcis:vtype:{kind}",
                "vocabularyElementList": [
                    {
                        "id": WORLD["places"][0][0],
                        "attributes": [{"id": CITY, "attribute": "Kolwezi"}],
                        "children": [WORLD["places"][1][1]],
                    },
                    {
                        "id": WORLD["places"][1][0],
                        "attributes": [{"id": SIZE, "attribute": "small"}],
                        "children": [WORLD["places"][0][0], WORLD["places"][3][0]],
                    },
                    {
                        "id": WORLD["places"][2][1],
                        "attributes": [{"id": CITY, "attribute": "Antwerp"}],
                    },
                ],
            }
            for kind in ("ReadPoint", "BusinessLocation")
        ]
    }
}
"""Places within places, in a circle, and what is known of them."""


def document_of(events: list[Json], header: Json | None = None) -> bytes:
    value: Json = {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T08:30:00.000Z",
        "epcisBody": {"eventList": events},
    }
    if header is not None:
        value["epcisHeader"] = header
    return json.dumps(value).encode()
