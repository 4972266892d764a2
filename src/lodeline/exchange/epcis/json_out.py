"""EPCIS 2.0 JSON-LD, written: one document has one text, whatever order its fields came in."""

from decimal import Decimal
from typing import cast

import orjson

from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.exchange.epcis.document import Document, DocumentKind, Event
from lodeline.exchange.epcis.value import JsonObject, JsonValue, number_text

__all__ = ["event_bytes", "write_json"]


def write_json(document: Document) -> bytes:
    """Return a document as JSON-LD in UTF-8, keys sorted; bare events as a list.

    Each event keeps its own ``@context`` of extensions, so that prefixes of two partners cannot
    meet; reading the bytes again gives an equal document.
    """
    events: list[JsonValue] = [event.value for event in document.events]
    if document.kind is DocumentKind.BARE:
        return _dump(events)
    context: list[JsonValue] = [EPCIS_CONTEXT]
    if document.namespaces:
        context.append(dict(document.namespaces))
    value: JsonObject = {"@context": context, **document.head}
    body = dict(cast(JsonObject, value["epcisBody"]))
    if document.kind is DocumentKind.DOCUMENT:
        body["eventList"] = events
    else:
        results = cast(JsonObject, body["queryResults"])
        inner = cast(JsonObject, results["resultsBody"])
        body["queryResults"] = {**results, "resultsBody": {**inner, "eventList": events}}
    value["epcisBody"] = body
    return _dump(value)


def event_bytes(event: Event) -> bytes:
    """Return one event as canonical JSON: equal events have equal bytes."""
    return _dump(event.value)


def _dump(value: JsonValue) -> bytes:
    return orjson.dumps(value, default=_exact, option=orjson.OPT_SORT_KEYS)


def _exact(value: object) -> orjson.Fragment:
    """A number with every digit."""
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value).encode("ascii"))
    raise TypeError(type(value).__name__)
