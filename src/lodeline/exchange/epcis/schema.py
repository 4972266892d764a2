"""The bundled EPCIS 2.0 JSON Schema, compiled once: one validator for events, one for documents.

Source: GS1, EPCIS-JSON-Schema.json; see the README beside it for provenance and licence.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from lodeline.exchange.epcis.errors import (
    FieldMissing,
    FieldUnknown,
    SchemaBroken,
    ValueNotAllowed,
)
from lodeline.exchange.epcis.value import JsonObject

__all__ = ["check_document", "check_event"]

_RULE_PARTS = 8
"""Parts of a rule's path in the schema that a refusal shows, the last ones."""
_SHOWN = 80
"""Characters of a value that a refusal shows."""
_FEW = 6
_NEAR = 3
_OF_TYPE = {
    "number": "24600.5",
    "integer": "3",
    "string": '"…"',
    "boolean": "true, false",
    "array": "[…]",
    "object": "{…}",
}
_OF_FORMAT = {
    "date-time": "2026-03-01T08:30:00+02:00",
    "uri": "urn:epc:id:sgln:4012345.00001.0, https://id.gs1.org/414/4012345000016",
}
_OF_FIELD = {
    "type": "ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent, "
    "AssociationEvent",
    "uom": "KGM, TNE, GRM",
    "eventTimeZoneOffset": "+02:00, -05:00",
}


def check_event(event: JsonObject, where: str) -> None:
    """Refuse an event that breaks the schema.

    Args:
        event: an event whose vocabulary is in the bare form.
        where: path of the event in its document, for the refusal.

    Raises:
        SchemaBroken: the first rule that is broken, and where.
    """
    _check(_validator("EPCIS-Document-Event"), event, where)


def check_document(document: JsonObject) -> None:
    """Refuse a document, emptied of its events, that breaks the schema.

    Raises:
        SchemaBroken: the first rule that is broken, and where.
    """
    definition = {"EPCISDocument": "epcisDocument"}.get(str(document.get("type")))
    _check(_validator(definition or "epcisQueryDocument"), document, "document")


def _check(validator: jsonschema_rs.Draft7Validator, value: JsonObject, where: str) -> None:
    if validator.is_valid(value):
        return
    try:
        # Only the first error is asked for: to collect all of them costs without bound.
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        raise _refusal(error, where) from None


def _refusal(error: jsonschema_rs.ValidationError, where: str) -> SchemaBroken:
    """What is wrong in the words of whoever wrote the event; by the rule where there are none."""
    path = "/".join([where, *map(str, error.instance_path)])
    rule = "/".join(map(str, error.schema_path[-_RULE_PARTS:]))
    kind = error.kind
    if isinstance(kind, Kind.Required):
        return FieldMissing(path, rule, _shown(kind.property))
    if isinstance(kind, Kind.PropertyNames):
        return FieldUnknown(path, rule, _shown(str(kind.error.instance)))
    if isinstance(kind, Kind.AdditionalProperties):
        return FieldUnknown(path, rule, _shown(", ".join(kind.unexpected)))
    allowed = _allowed(error)
    if allowed is None:
        return SchemaBroken(path, rule)
    return ValueNotAllowed(path, rule, _shown(_written(error.instance)), allowed)


def _allowed(error: jsonschema_rs.ValidationError) -> str | None:
    """What could stand in place of a value, as examples, which every language reads alike."""
    kind = error.kind
    field = next((str(part) for part in reversed(error.instance_path) if isinstance(part, str)), "")
    if isinstance(kind, Kind.Enum) and isinstance(kind.options, list):
        return _nearest(error.instance, [str(option) for option in kind.options])
    if isinstance(kind, Kind.AnyOf) and field in _words():
        return _nearest(error.instance, _words()[field])
    if isinstance(kind, Kind.Type):
        return _OF_TYPE.get(str(kind.types[0]) if kind.types else "")
    if isinstance(kind, Kind.Format | Kind.Pattern) and field in _OF_FIELD:
        return _OF_FIELD[field]
    return _OF_FORMAT.get(kind.format) if isinstance(kind, Kind.Format) else None


def _nearest(found: object, words: Sequence[str]) -> str:
    """The words that are spelled most like what was found; all of them where they are few."""
    if len(words) <= _FEW:
        return ", ".join(words)
    near = difflib.get_close_matches(str(found)[:_SHOWN], words, n=_NEAR)
    return ", ".join(near or [*words[:_NEAR], "…"])


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@cache
def _words() -> Mapping[str, Sequence[str]]:
    """Words of the vocabulary that a field may have, besides URIs."""
    found: dict[str, list[str]] = {}
    for field in ("bizStep", "disposition"):
        for choice in _schema()["definitions"][field]["anyOf"]:
            for word in choice.get("enum", ()):
                found.setdefault(field, []).append(str(word))
    return found


@cache
def _validator(definition: str) -> jsonschema_rs.Draft7Validator:
    schema = _schema()
    return jsonschema_rs.Draft7Validator(
        {
            "$schema": schema["$schema"],
            "definitions": schema["definitions"],
            "$ref": f"#/definitions/{definition}",
        },
        validate_formats=True,
    )


@cache
def _schema() -> dict[str, Any]:
    text = resources.files("lodeline.exchange").joinpath("data/epcis/EPCIS-JSON-Schema.json")
    loaded: dict[str, Any] = json.loads(text.read_text("utf-8"))
    return loaded
