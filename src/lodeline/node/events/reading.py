"""Documents as they are offered, read so that one bad event does not hide the others.

A document is read as a whole first, which nearly always succeeds. Where that is refused, its events
are read one by one, to say of each why it is refused and to let the others be taken. What is wrong
with the document itself, before any event, is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

from lxml import etree

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces, names_epcis, read_context
from lodeline.exchange.epcis.document import Document, DocumentKind, Event
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    EpcisRefused,
    EventsTooMany,
    NestedTooDeep,
    XmlBroken,
    XmlDeclaresEntities,
)
from lodeline.exchange.epcis.identifiers import verify_check_digits
from lodeline.exchange.epcis.json_in import check_events, parse_json, read_json
from lodeline.exchange.epcis.schema import check_document
from lodeline.exchange.epcis.value import (
    MAX_DOCUMENT_BYTES,
    MAX_EVENTS,
    JsonObject,
    JsonValue,
)
from lodeline.exchange.epcis.xml_in import read_xml
from lodeline.exchange.epcis.xml_names import local_name
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.preparing import PreparedEvent, prepare
from lodeline.node.events.refusals import ContentTypeUnknown, DocumentEmpty, EventsOverLimit

__all__ = [
    "CaptureLimits",
    "CheckDigits",
    "ContentType",
    "Offered",
    "ReadDocument",
    "content_type",
    "read_offered",
]


class ContentType(StrEnum):
    """The forms in which events are taken."""

    JSON = "application/json"
    XML = "application/xml"


_TYPES: Final[Mapping[str, ContentType]] = {
    "application/json": ContentType.JSON,
    "application/ld+json": ContentType.JSON,
    "application/xml": ContentType.XML,
    "text/xml": ContentType.XML,
}
_NO_EXTENSIONS: Final[Namespaces] = {}
_HEADER: Final = "EPCISHeader"
_MOST_AGAIN: Final = 64 * 1024 * 1024
"""Bytes around the events of an XML document that are read again, once for each event; a document
that has more is refused as a whole."""
_OF_THE_TEXT: Final = (DocumentTooLarge, NestedTooDeep, XmlBroken, XmlDeclaresEntities)
"""Refusals after which an XML text is not looked into again: it may be made to harm a parser."""


class CheckDigits(StrEnum):
    """What becomes of an event in which a GS1 key has a wrong check digit."""

    REFUSE = "refuse"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """How much is taken at once, never more than the reader's own limits; and how strictly."""

    events: int = MAX_EVENTS
    bytes: int = MAX_DOCUMENT_BYTES
    check_digits: CheckDigits = CheckDigits.REFUSE


@dataclass(frozen=True, slots=True)
class Offered:
    """A document, one event or a list of events, as somebody sent it."""

    data: bytes
    content_type: ContentType = ContentType.JSON
    extensions: Namespaces = field(default_factory=lambda: _NO_EXTENSIONS)
    """Prefixes declared outside the document (``GS1-Extensions``)."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What a document holds: events in their order, or why one of them is none."""

    events: tuple[PreparedEvent | LodelineError, ...]
    master_data: JsonValue
    """The vocabulary list of the header, as it came."""


def content_type(text: str) -> ContentType:
    """Return the form that a media type names; its parameters do not matter.

    Raises:
        ContentTypeUnknown: it is neither JSON nor XML.
    """
    media = text.partition(";")[0].strip().lower()
    if media not in _TYPES:
        raise ContentTypeUnknown(media)
    return _TYPES[media]


def read_offered(offered: Offered, limits: CaptureLimits) -> ReadDocument:
    """Return the events of what was offered, each ready for the store or refused by itself.

    Raises:
        EventsOverLimit: there is more than is taken at once.
        DocumentEmpty: there is nothing to take.
        EpcisRefused: the document itself is refused.
    """
    if len(offered.data) > limits.bytes:
        raise EventsOverLimit(len(offered.data), limits.bytes, "bytes")
    try:
        document = _read(offered)
    except EventsTooMany as refused:
        raise EventsOverLimit(refused.found, limits.events, "events") from refused
    except EpcisRefused as refused:
        events, master = _one_by_one(offered, refused)
    else:
        events, master = list(document.events), document.master_data
    if len(events) > limits.events:
        raise EventsOverLimit(len(events), limits.events, "events")
    if not events and not master:
        raise DocumentEmpty
    prepared = (_prepared(event, at, limits.check_digits) for at, event in enumerate(events))
    return ReadDocument(tuple(prepared), master)


def _read(offered: Offered) -> Document:
    if offered.content_type is ContentType.XML:
        return read_xml(offered.data)
    return read_json(offered.data, offered.extensions)


def _prepared(
    event: Event | LodelineError, at: int, check_digits: CheckDigits
) -> PreparedEvent | LodelineError:
    if isinstance(event, LodelineError):
        return event
    try:
        prepared = prepare(event)
        # Most events have EPC URIs, which have no check digit, and need no second walk.
        if check_digits is CheckDigits.REFUSE and '"http' in prepared.body:
            verify_check_digits(event, f"eventList/{at}")
        return prepared
    except LodelineError as refused:
        return refused


# ------------------------------------------------------------------ one by one


def _one_by_one(
    offered: Offered, refused: EpcisRefused
) -> tuple[list[Event | LodelineError], JsonValue]:
    """Events and refusals of a document that was refused as a whole, and its master data.

    Raises:
        EpcisRefused: it is not one of the events that is wrong.
    """
    is_xml = offered.content_type is ContentType.XML
    if is_xml and isinstance(refused, _OF_THE_TEXT):
        raise refused
    split = _split_xml if is_xml else _split_json
    events, head = split(offered)
    read = [_numbered(event, at) for at, event in enumerate(events)]
    if not any(isinstance(event, LodelineError) for event in read):
        raise refused
    return read, head.master_data


def _numbered(read: Event | EpcisRefused, at: int) -> Event | LodelineError:
    """A refusal of an event that was read alone, with its place in the document."""
    if isinstance(read, Event):
        return read
    fields = read.fields()
    for name, value in fields.items():
        if isinstance(value, str) and value.startswith("eventList/0"):
            fields[name] = f"eventList/{at}{value.removeprefix('eventList/0')}"
    return type(read)(**fields)


def _alone(value: JsonValue, namespaces: Namespaces) -> Event | EpcisRefused:
    try:
        (event,) = check_events([value], namespaces)
    except EpcisRefused as refused:
        return refused
    return event


def _split_json(offered: Offered) -> tuple[list[Event | EpcisRefused], Document]:
    value = parse_json(offered.data)
    if not isinstance(value, dict | list):
        return [], Document(DocumentKind.BARE, ())
    namespaces: Namespaces = read_context(dict(offered.extensions), BUILT_IN)
    if not isinstance(value, dict) or value.get("type") not in set(DocumentKind):
        events = value if isinstance(value, list) else [value]
        return [_alone(event, namespaces) for event in events], Document(DocumentKind.BARE, ())
    context = value.get("@context")
    if context is not None:
        namespaces = read_context(context, namespaces)
        if not names_epcis(context):
            raise ContextRefused("no EPCIS context")
    events, head = _emptied(value)
    check_document(head)
    kind = DocumentKind(cast(str, value["type"]))
    return [_alone(event, namespaces) for event in events], Document(kind, (), head)


def _emptied(value: JsonObject) -> tuple[list[JsonValue], JsonObject]:
    """The first list of events within a document, and the document with an empty one instead."""
    events = value.get("eventList")
    if isinstance(events, list):
        return events, {**value, "eventList": []}
    for name in ("epcisBody", "queryResults", "resultsBody"):
        inner = value.get(name)
        if isinstance(inner, dict):
            found, emptied = _emptied(inner)
            return found, {**value, name: emptied}
    return [], value


def _split_xml(offered: Offered) -> tuple[list[Event | EpcisRefused], Document]:
    """Read an XML document once for each event, with the others taken out."""
    lists = [found for found in _parsed(offered.data).iter() if _is_list(found)]
    if not lists:
        return [], read_xml(offered.data)
    root = lists[0].getroottree().getroot()
    elements = [element for listed in lists for element in listed]
    for listed in lists:
        listed.clear()
    head = read_xml(etree.tostring(root))
    for header in [child for child in root if local_name(child.tag) == _HEADER]:
        root.remove(header)
    if len(etree.tostring(root)) * len(elements) > _MOST_AGAIN:
        return [], head
    return list(_each_xml(root, lists[0], elements)), head


def _each_xml(
    root: etree._Element, listed: etree._Element, elements: list[etree._Element]
) -> Iterator[Event | EpcisRefused]:
    for element in elements:
        listed.append(element)
        try:
            (event,) = read_xml(etree.tostring(root)).events
        except EpcisRefused as refused:
            yield refused
        else:
            yield event
        listed.remove(element)


def _parsed(data: bytes) -> etree._Element:
    """The elements of a text that the reader has found to be free of entities and shallow."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(data, parser)


def _is_list(element: etree._Element) -> bool:
    return local_name(element.tag) == "EventList"
