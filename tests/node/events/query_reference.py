"""Queries answered the slow way: every event is looked at, every parameter read from its name.

Written from the standard and from `query_world.SAME` alone; nothing of the code under test is
asked, but for the events that the store has kept.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from tests.node.events.documents import Json
from tests.node.events.query_world import CITY, MASTER, NAMESPACE, PREFIXES, SAME, SIZE

KILOGRAMS = {
    "KGM": Fraction(1),
    "GRM": Fraction(1, 1000),
    "TNE": Fraction(1000),
    "LBR": Fraction("0.45359237"),
}
OPERATORS: dict[str, Any] = {
    "EQ": lambda one, other: one == other,
    "GT": lambda one, other: one > other,
    "GE": lambda one, other: one >= other,
    "LT": lambda one, other: one < other,
    "LE": lambda one, other: one <= other,
}
EPC_FIELDS = {
    "epc": ["epcList", "childEPCs"],
    "parentID": ["parentID"],
    "inputEPC": ["inputEPCList"],
    "outputEPC": ["outputEPCList"],
    "anyEPC": ["epcList", "childEPCs", "parentID", "inputEPCList", "outputEPCList"],
    "epcClass": ["quantityList", "childQuantityList"],
    "inputEPCClass": ["inputQuantityList"],
    "outputEPCClass": ["outputQuantityList"],
    "anyEPCClass": [
        "quantityList",
        "childQuantityList",
        "inputQuantityList",
        "outputQuantityList",
    ],
}
QUANTITIES = EPC_FIELDS["anyEPCClass"]
SCOPES = {
    "ILMD": ["ilmd"],
    "ERROR_DECLARATION": ["errorDeclaration"],
    "SENSORELEMENT": ["sensorElementList"],
    "SENSORMETADATA": ["sensorElementList", "sensorMetadata"],
    "SENSORREPORT": ["sensorElementList", "sensorReport"],
    "readPoint": ["readPoint"],
    "bizLocation": ["bizLocation"],
}
REPORTED = {"type", "microorganism", "chemicalSubstance", "stringValue", "uriValue"}
BOTH = {"deviceID", "dataProcessingMethod", "bizRules"}


def same(text: str) -> str:
    """One spelling of what a text means."""
    for prefix in PREFIXES:
        if text.startswith(f"{prefix}:"):
            text = NAMESPACE + text.partition(":")[2]
    return SAME.get(text, text)


def moment(text: Any) -> datetime | None:
    if not isinstance(text, str) or re.match(r"\d{4}-\d\d-\d\dT\d\d:", text) is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def members(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def at(event: Json, *path: str) -> list[Any]:
    found: list[Any] = [event]
    for name in path:
        found = [inner for each in found if name in each for inner in members(each[name])]
    return found


def matches_epc(found: str, wanted: str) -> bool:
    if not wanted.endswith("*"):
        return same(found) == same(wanted)
    urn = same(found)
    wanted_parts = wanted.rsplit(":", maxsplit=1)[-1].split(".")
    scheme = wanted.split(":")[3]
    if urn.split(":")[3] != scheme:
        return False
    found_parts = urn.split(":", 4)[4].split(".", len(wanted_parts) - 1)
    return all(w in {"*", f} for w, f in zip(wanted_parts, found_parts, strict=True))


def number(value: Any) -> Fraction | None:
    return None if isinstance(value, (bool, str, list, dict)) else Fraction(str(value))


def numeric_text(value: Any) -> Fraction | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return Fraction(value)
    return number(value) if value is not None else None


def compares(operator: str, found: Any, wanted: Any) -> bool:
    """An extension's value and one of a query."""
    compare = OPERATORS[operator]
    if isinstance(found, bool):
        return operator == "EQ" and str(found).lower() == str(wanted).lower()
    if isinstance(found, (list, dict)):
        return False
    one, other = moment(found), moment(wanted)
    if one is not None and other is not None:
        return bool(compare(one, other))
    if isinstance(found, str) and isinstance(wanted, str) and operator == "EQ":
        return same(found) == same(wanted)
    a, b = numeric_text(found), numeric_text(wanted)
    return a is not None and b is not None and bool(compare(a, b))


def extensions(scope: Any, name: str, *, inner: bool) -> Iterator[Any]:
    local = (
        name.split(":", 1)[1] if not name.startswith("http") else name.rsplit("#", maxsplit=1)[-1]
    )
    wanted = {f"{prefix}:{local}" for prefix in PREFIXES}

    def below(value: Any) -> Iterator[Any]:
        for each in members(value):
            if isinstance(each, dict):
                for key, member in each.items():
                    if key in wanted:
                        yield from members(member)
                    yield from below(member)

    for key, value in scope.items():
        if ":" in key and inner:
            yield from below(value)
        elif key in wanted:
            yield from members(value)


def extension_values(event: Json, rest: str) -> list[Any]:
    inner = rest.startswith("INNER_")
    rest = rest.removeprefix("INNER_")
    path: list[str] = []
    for head, names in SCOPES.items():
        if rest.startswith(f"{head}_"):
            rest, path = rest.removeprefix(f"{head}_"), names
    return [value for scope in at(event, *path) for value in extensions(scope, rest, inner=inner)]


def places_within(roots: list[str]) -> set[str]:
    elements = MASTER["epcisMasterData"]["vocabularyList"][0]["vocabularyElementList"]
    children = {same(each["id"]): [same(c) for c in each.get("children", [])] for each in elements}
    found = {same(root) for root in roots}
    for _ in range(10):
        found |= {child for place in found for child in children.get(place, [])}
    return found


def places_with(name: str, values: list[str] | None) -> set[str]:
    elements = MASTER["epcisMasterData"]["vocabularyList"][0]["vocabularyElementList"]
    return {
        same(each["id"])
        for each in elements
        for attribute in each["attributes"]
        if attribute["id"] == name and (values is None or attribute["attribute"] in values)
    }


def plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def bare(text: str) -> str:
    return re.sub(
        r"^(urn:epcglobal:cbv:(bizstep|disp|er):|https://ref.gs1.org/cbv/\w+-|cbv:\w+-)", "", text
    )


def holds(event: Json, name: str, value: Any) -> bool:
    """Whether one parameter holds of an event."""
    wanted = members(value)
    family, _, rest = name.partition("_")
    if name == "eventType":
        return event["type"] in wanted
    if family == "MATCH":
        found = [
            each["epcClass"] if isinstance(each, dict) else each
            for field in EPC_FIELDS[rest]
            for each in at(event, field)
        ]
        return any(matches_epc(each, one) for each in found for one in wanted)
    if family == "EXISTS":
        if rest in {"errorDeclaration", "sensorElementList"}:
            return not value or rest in event
        return not value or bool(extension_values(event, rest))
    if family == "WD":
        within = places_within(wanted)
        return any(same(each["id"]) in within for each in at(event, rest))
    if family == "HASATTR":
        known = {place for each in wanted for place in places_with(each, None)}
        return any(same(place["id"]) in known for place in at(event, rest))
    if family == "EQATTR":
        field, attribute = rest.split("_", 1)
        full = {"cbvmda:city": CITY, "cbvmda:size": SIZE}[attribute]
        return any(same(each["id"]) in places_with(full, wanted) for each in at(event, field))
    return fields_hold(event, family, rest, wanted)


def fields_hold(event: Json, operator: str, rest: str, wanted: list[Any]) -> bool:
    times = {
        "eventTime": [["eventTime"]],
        "recordTime": [["recordTime"]],
        "errorDeclarationTime": [["errorDeclaration", "declarationTime"]],
        "errorDeclaration_Time": [["errorDeclaration", "declarationTime"]],
        "time": [
            ["sensorElementList", "sensorMetadata", "time"],
            ["sensorElementList", "sensorReport", "time"],
        ],
        "startTime": [["sensorElementList", "sensorMetadata", "startTime"]],
        "endTime": [["sensorElementList", "sensorMetadata", "endTime"]],
    }
    if rest in times:
        limit = moment(wanted[0])
        return any(
            OPERATORS[operator](moment(each), limit)
            for path in times[rest]
            for each in at(event, *path)
        )
    texts = text_values(event, rest)
    if texts is not None:
        return any(same(bare(plain(one))) == same(str(each)) for each in texts for one in wanted)
    return measures_hold(event, operator, rest, wanted)


def text_values(event: Json, rest: str) -> list[Any] | None:
    """Values of a field that is compared as text, or nothing for any other."""
    if rest in {"action", "bizStep", "disposition", "transformationID", "eventID"}:
        return at(event, rest)
    if rest in {"readPoint", "bizLocation"}:
        return at(event, rest, "id")
    if rest in {"persistentDisposition_set", "persistentDisposition_unset"}:
        return at(event, "persistentDisposition", rest.split("_")[1])
    if rest in {"errorReason", "correctiveEventID"}:
        field = {"errorReason": "reason", "correctiveEventID": "correctiveEventIDs"}[rest]
        return at(event, "errorDeclaration", field)
    reports = at(event, "sensorElementList", "sensorReport")
    if rest in REPORTED:
        return [each[rest] for each in reports if rest in each]
    if rest == "booleanValue":
        return [str(each[rest]).lower() for each in reports if rest in each]
    if rest == "hexBinaryValue":
        return [each[rest].lower() for each in reports if rest in each]
    if rest in BOTH:
        metadata = at(event, "sensorElementList", "sensorMetadata")
        return [each[rest] for each in [*reports, *metadata] if rest in each]
    typed = re.fullmatch(r"(bizTransaction|source|destination)_(\w+)", rest)
    if typed is None:
        return None
    pairs = at(event, f"{typed[1]}List")
    return [each[typed[1]] for each in pairs if each["type"] == typed[2]]


def measures_hold(event: Json, operator: str, rest: str, wanted: list[Any]) -> bool:
    reports = at(event, "sensorElementList", "sensorReport")
    quantities = [each for name in QUANTITIES for each in at(event, name)]
    compare = OPERATORS[operator]
    if rest in {"quantity", "percRank"}:
        found = [number(each[rest]) for each in [*quantities, *reports] if rest in each]
        return any(compare(each, number(one)) for each in found for one in wanted)
    measured = re.fullmatch(r"([a-zA-Z]+)_(KGM|GRM|TNE|LBR|CEL|KEL|FAH)", rest)
    if measured is None:
        return any(
            compares(operator, each, one)
            for each in extension_values(event, rest)
            for one in wanted
        )
    field, unit = measured[1], measured[2]
    for each in quantities if field == "quantity" else reports:
        if field not in each or "uom" not in each:
            continue
        amount, one = number(each[field]), number(wanted[0])
        assert amount is not None
        assert one is not None
        if each["uom"] in KILOGRAMS and unit in KILOGRAMS:
            if any(
                compare(amount * KILOGRAMS[each["uom"]], Fraction(str(w)) * KILOGRAMS[unit])
                for w in wanted
            ):
                return True
        elif (
            each["uom"] == "CEL"
            and unit in {"CEL", "KEL", "FAH"}
            and compare(in_unit(amount, unit, spread=field == "sDev"), one)
        ):
            return True
    return False


def in_unit(celsius: Fraction, unit: str, *, spread: bool) -> Fraction:
    if unit == "KEL":
        return celsius if spread else celsius + Fraction("273.15")
    if unit == "FAH":
        return celsius * Fraction(9, 5) + (0 if spread else 32)
    return celsius


def answers(events: list[Json], parameters: Json) -> list[Json]:
    """Every event for which all parameters hold, in the order given."""
    ordering = {"orderBy", "orderDirection", "eventCountLimit", "maxEventCount", "@context"}
    asked = {name: value for name, value in parameters.items() if name not in ordering}
    return [
        event for event in events if all(holds(event, name, value) for name, value in asked.items())
    ]
