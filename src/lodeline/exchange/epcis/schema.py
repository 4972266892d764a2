"""The bundled EPCIS 2.0 JSON Schema, compiled once: one validator for events, one for documents.

Source: GS1, EPCIS-JSON-Schema.json; see the README beside it for provenance and licence.
"""

import json
from functools import cache
from importlib import resources

import jsonschema_rs

from lodeline.exchange.epcis.errors import SchemaBroken
from lodeline.exchange.epcis.value import JsonObject

__all__ = ["check_document", "check_event"]

_RULE_PARTS = 8
"""Parts of a rule's path in the schema that a refusal shows, the last ones."""


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
        path = "/".join([where, *map(str, error.instance_path)])
        rule = "/".join(map(str, error.schema_path[-_RULE_PARTS:]))
        raise SchemaBroken(path, rule) from None


@cache
def _validator(definition: str) -> jsonschema_rs.Draft7Validator:
    text = resources.files("lodeline.exchange").joinpath("data/epcis/EPCIS-JSON-Schema.json")
    schema = json.loads(text.read_text("utf-8"))
    return jsonschema_rs.Draft7Validator(
        {
            "$schema": schema["$schema"],
            "definitions": schema["definitions"],
            "$ref": f"#/definitions/{definition}",
        },
        validate_formats=True,
    )
