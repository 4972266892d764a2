"""Events of a mine and a trader for tests, and their mappings."""

from typing import Any

from tests.node.events.documents import CONTEXT, Json

ORE_CLASS = "urn:epc:class:lgtin:4012345.011111."
PIT_PLACE = "urn:epc:id:sgln:4012345.00001.0"
PIT_PARTY = "urn:epc:id:pgln:4012345.00000"
TRADER_PARTY = "urn:epc:id:pgln:4099999.00000"
SEAL = "urn:epc:id:giai:4012345.SEAL"
BAG = "urn:epc:id:sscc:4012345.0000000001"
INCHI = "https://identifiers.org/inchikey:"
COBALT = f"{INCHI}GUTLYIVDDKVIGB-UHFFFAOYSA-N"
COPPER = f"{INCHI}RYGMFSIKBFXOCR-UHFFFAOYSA-N"
WATER = f"{INCHI}XLYOFNOQVPJJNP-UHFFFAOYSA-N"
CARBON_DIOXIDE = f"{INCHI}CURLTUGMZLYLDI-UHFFFAOYSA-N"

PIT_MAPPING = """
company: pit
sites: {"urn:epc:id:sgln:4012345.00001.0": kolwezi-pit}
parties:
  "urn:epc:id:pgln:4099999.00000": trader
  "urn:epc:id:pgln:4012345.00000": pit
goods:
  - {class: "urn:epc:idpat:lgtin:4012345.011111.*", form: copper-cobalt-ore, claims: [IRMA-75]}
seals: ["https://id.gs1.org/8004/4012345SEAL"]
steps:
  - when: {type: ObjectEvent, action: ADD, step: commissioning, out: [copper-cobalt-ore]}
    do: make
    recipe: mine-copper-cobalt
    process: {intensity: 2 kg CO2e/kg, of: [Co]}
  - {when: {step: shipping}, do: offer, days: 14}
"""
TRADER_MAPPING = """
company: trader
parties: {"urn:epc:id:pgln:4012345.00000": pit}
goods:
  - {class: "urn:epc:idpat:lgtin:4012345.011111.*", form: copper-cobalt-ore}
steps:
  - {when: {step: receiving}, do: accept, tolerance: 0.6 %, settle: 0.05 %}
"""


def report(substance: str, value: float | int, uom: str = "P1") -> Json:
    kind = "Mass" if uom == "KGM" else "Dimensionless"
    return {"type": kind, "chemicalSubstance": substance, "value": value, "uom": uom}


ASSAY = [report(COBALT, 0.52), report(COPPER, 2.1), report(WATER, 12.4)]


def _event(kind: str, hour: int, step: str, **more: Any) -> Json:
    return {
        "@context": [CONTEXT],
        "type": kind,
        "eventTime": f"2026-10-12T{hour:02d}:00:00.000Z",
        "eventTimeZoneOffset": "+02:00",
        "bizStep": step,
        **more,
    }


def quantity(lot: str, kilograms: float | int, uom: str = "KGM") -> list[Json]:
    return [{"epcClass": ORE_CLASS + lot, "quantity": kilograms, "uom": uom}]


def mined(lot: str, kilograms: float | int = 24600, reports: list[Json] | None = None) -> Json:
    """Ore that comes out of the pit."""
    return _event(
        "ObjectEvent",
        8,
        "commissioning",
        action="ADD",
        readPoint={"id": PIT_PLACE},
        quantityList=quantity(lot, kilograms),
        sensorElementList=[{"sensorReport": ASSAY if reports is None else reports}],
    )


def shipped(lot: str, kilograms: float | int = 24600, hour: int = 10, **more: Any) -> Json:
    """Ore that leaves for the trader."""
    return _event(
        "ObjectEvent",
        hour,
        "shipping",
        **{
            "action": "OBSERVE",
            "quantityList": quantity(lot, kilograms),
            "destinationList": [{"type": "owning_party", "destination": TRADER_PARTY}],
            **more,
        },
    )


def received(
    lot: str, kilograms: float | int = 24600, hour: int = 14, reports: list[Json] | None = None
) -> Json:
    """Ore that arrives at the trader, weighed and perhaps assayed there."""
    more = {} if reports is None else {"sensorElementList": [{"sensorReport": reports}]}
    return _event(
        "ObjectEvent",
        hour,
        "receiving",
        action="OBSERVE",
        quantityList=quantity(lot, kilograms),
        sourceList=[{"type": "owning_party", "source": PIT_PARTY}],
        **more,
    )


def packed(parent: str, *children: str, lots: list[Json] | None = None, **more: Any) -> Json:
    """Things and lots that are put into a container."""
    inside = {} if lots is None else {"childQuantityList": lots}
    return _event(
        "AggregationEvent",
        9,
        "packing",
        **{"action": "ADD", "parentID": parent, "childEPCs": list(children), **inside, **more},
    )
