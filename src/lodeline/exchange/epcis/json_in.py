"""EPCIS 2.0 JSON and JSON-LD, read: bytes in, a checked document or a named refusal out.

1 the size is bounded, 2 the text is parsed, duplicate keys and inexact numbers refused, 3 contexts
are resolved against the bundled one, 4 each event is brought into its stored form, 5 document and
events are checked against the schema. Nothing is fetched. Not checked: whether identifiers have
right check digits, whether what the events say is true or allowed.
"""

import json
from typing import NoReturn, cast

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces, names_epcis, read_context
from lodeline.exchange.epcis.document import Document, DocumentKind, Event
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    EventsTooMany,
    JsonBroken,
    JsonKeyTwice,
    NestedTooDeep,
    NumberRefused,
    TopLevelWrong,
)
from lodeline.exchange.epcis.normal import bounded, normalise, prefixes_of
from lodeline.exchange.epcis.schema import check_document, check_event
from lodeline.exchange.epcis.value import (
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_EVENTS,
    MAX_NUMBER_CHARS,
    JsonObject,
    JsonValue,
    parse_integer,
    parse_number,
)

__all__ = ["check_events", "parse_json", "read_json"]

_NO_EXTENSIONS: Namespaces = {}


def read_json(data: bytes, extensions: Namespaces = _NO_EXTENSIONS) -> Document:
    """Return the document, event or list of events that JSON bytes hold.

    Args:
        data: UTF-8 JSON, at most 32 MiB.
        extensions: prefixes declared outside the document, as the ``GS1-Extensions`` header does.

    Raises:
        EpcisRefused: the class says why; see `lodeline.exchange.epcis.errors`.
    """
    value = parse_json(data)
    namespaces = read_context(dict(extensions), BUILT_IN)
    if isinstance(value, list):
        return Document(DocumentKind.BARE, check_events(value, namespaces))
    if not isinstance(value, dict):
        raise TopLevelWrong(type(value).__name__)
    kind = value.get("type")
    if kind == DocumentKind.DOCUMENT:
        return _document(DocumentKind.DOCUMENT, value, namespaces, ("epcisBody",))
    if kind == DocumentKind.QUERY:
        path = ("epcisBody", "queryResults", "resultsBody")
        return _document(DocumentKind.QUERY, value, namespaces, path)
    if not isinstance(kind, str):
        raise TopLevelWrong("an object without type")
    return Document(DocumentKind.BARE, check_events([value], namespaces))


def parse_json(data: bytes) -> JsonValue:
    """Return the JSON value of UTF-8 bytes, numbers exact.

    Raises:
        DocumentTooLarge: more than 32 MiB.
        JsonBroken: the bytes are not JSON, not UTF-8, or escape half a character.
        JsonKeyTwice: an object has a key twice.
        NumberRefused: a number is not finite or too long.
        NestedTooDeep: values are nested deeper than the parser goes.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLarge(len(data), MAX_DOCUMENT_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonBroken(error.start) from None
    try:
        value = cast(JsonValue, _DECODER.decode(text))
        if "\\ud" in text or "\\uD" in text:
            _refuse_half_characters(value)
        return value
    except json.JSONDecodeError as error:
        raise JsonBroken(error.pos) from None
    except RecursionError:
        raise NestedTooDeep(MAX_DEPTH) from None


def _refuse_half_characters(value: JsonValue) -> None:
    """Refuse half of a surrogate pair: it is no character, and no other form can hold it.

    Raises:
        JsonBroken: a text has one.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as error:
        raise JsonBroken(error.start) from None


def check_events(events: list[JsonValue], namespaces: Namespaces) -> tuple[Event, ...]:
    """Return events in their stored form, each checked against the schema.

    Raises:
        EventsTooMany: more events than a document may hold.
        EpcisRefused: an event is refused; the path in the refusal says which.
    """
    if len(events) > MAX_EVENTS:
        raise EventsTooMany(len(events), MAX_EVENTS)
    return tuple(_event(event, namespaces, f"eventList/{at}") for at, event in enumerate(events))


def _event(value: JsonValue, namespaces: Namespaces, where: str) -> Event:
    if not isinstance(value, dict):
        raise TopLevelWrong(type(value).__name__)
    stored = normalise(value, namespaces, where)
    check_event(stored, where)
    return Event(stored)


def _document(
    kind: DocumentKind, value: JsonObject, namespaces: Namespaces, path: tuple[str, ...]
) -> Document:
    """A document whose events lie in the body along a path."""
    context = value.get("@context")
    if context is not None:
        namespaces = read_context(context, namespaces)
        if not names_epcis(context):
            raise ContextRefused("no EPCIS context")
    events, emptied = _without_events(value, path)
    bounded(emptied, "document")
    check_document(emptied)
    head = {name: member for name, member in emptied.items() if name != "@context"}
    used = {prefix: namespaces[prefix] for prefix in prefixes_of(head, namespaces)}
    return Document(kind, check_events(events, namespaces), head, used)


def _without_events(value: JsonObject, path: tuple[str, ...]) -> tuple[list[JsonValue], JsonObject]:
    """The events of a document, and the document with an empty list in their place."""
    if not path:
        events = value.get("eventList")
        if not isinstance(events, list):
            return [], value
        return events, {**value, "eventList": []}
    inner = value.get(path[0])
    if not isinstance(inner, dict):
        return [], value
    events, emptied = _without_events(inner, path[1:])
    return events, {**value, path[0]: emptied}


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonKeyTwice(key)
            seen.add(key)
    return result


def _constant(text: str) -> NoReturn:
    raise NumberRefused(text, MAX_NUMBER_CHARS)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=parse_number,
    parse_int=parse_integer,
    parse_constant=_constant,
)
