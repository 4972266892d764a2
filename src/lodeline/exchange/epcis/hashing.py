"""Hash ids of events: the same id for the same event, however it was written.

The event is spelled out as one text in a fixed order, and that text is hashed (CBV 2.0, section
8.9; RFC 6920 for the form of the id). Left out are the time of recording, the event's id, its
error declaration and its certification info. What stands inside a place or a sensor element and
is not of the standard comes behind everything that is, under the names of what it stood in.
Published programs disagree with one another; `docs/epcis.md` says which one is followed where.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import cast

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Event, EventId
from lodeline.exchange.epcis.fields import MEMBERS, TIMES, WORDS
from lodeline.exchange.epcis.normal import RDF_VALUE
from lodeline.exchange.epcis.times import utc_milliseconds
from lodeline.exchange.epcis.value import JsonObject, JsonValue, number_text, parse_number
from lodeline.exchange.epcis.vocabulary import web_uri_of_urn
from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.link import canonical_link

__all__ = ["ALGORITHM_VERSION", "content_id", "event_hash_id", "pre_hash"]

ALGORITHM_VERSION = "CBV2.0"

_ORDER = (
    "eventTime",
    "eventTimeZoneOffset",
    "epcList",
    "parentID",
    "inputEPCList",
    "childEPCs",
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "action",
    "transformationID",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "ilmd",
)
"""Canonical property order (CBV 2.0, table in 8.9.2)."""
_LEFT_OUT = frozenset(
    {"@context", "type", "recordTime", "eventID", "errorDeclaration", "certificationInfo"}
    | {"rdfs:comment"}
)
_ELEMENTS = {
    **dict.fromkeys(("epcList", "childEPCs", "inputEPCList", "outputEPCList"), "epc"),
    **dict.fromkeys(
        ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"),
        "quantityElement",
    ),
    "bizTransactionList": "",
    "sourceList": "",
    "destinationList": "",
}
"""What stands before each member of a list."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
"""Texts that JSON would write as a number, without an exponent."""
_MDA = "urn:epcglobal:cbv:mda"
"""Namespace of master data attributes in XML; the JSON-LD context ends it in a colon."""
_GS1 = "https://ref.gs1.org/voc/"
"""What ``gs1`` and bare words of GS1's web vocabulary stand for; the context says ``gs1.org``."""
_GS1_WORDS = frozenset({("sensorReport", "type"), ("sensorReport", "exception")})
_KNOWN = {**BUILT_IN, "gs1": _GS1}


def event_hash_id(event: Event) -> EventId:
    """Return the hash id of an event, ``ni:///sha-256;…?ver=CBV2.0``.

    Raises:
        TimeWithoutZone, TimeWrong: a time cannot be brought to UTC.
    """
    digest = hashlib.sha256(pre_hash(event).encode("utf-8")).hexdigest()
    return EventId(f"ni:///sha-256;{digest}?ver={ALGORITHM_VERSION}")


def content_id(event: Event) -> EventId:
    """Return by what two events are the same: the hash id, made sharper where that is blind.

    The hashed text does not say which sensor report an extension belongs to. Where there are
    several to choose from, a digest of that follows as a fragment.

    Raises:
        TimeWithoutZone, TimeWrong: a time cannot be brought to UTC.
    """
    name = event_hash_id(event)
    elements = event.value.get("sensorElementList")
    if not isinstance(elements, list):
        return name
    attached = _Spelling(event.namespaces).attached(cast(list[JsonObject], elements))
    if attached is None:
        return name
    digest = hashlib.sha256(attached.encode("utf-8")).hexdigest()
    return EventId(f"{name}#{digest[:_FRAGMENT_CHARS]}")


def pre_hash(event: Event) -> str:
    """Return the text that is hashed.

    Raises:
        TimeWithoutZone, TimeWrong: a time cannot be brought to UTC.
    """
    spelling = _Spelling(event.namespaces)
    value = event.value
    head = f"eventType={spelling.expand(event.type)}"
    fields = [spelling.field("event", name, value[name]) for name in _ORDER if name in value]
    extensions = {
        name: member
        for name, member in value.items()
        if name not in _LEFT_OUT and name not in _ORDER
    }
    return "".join([head, *fields, *spelling.inside(value), spelling.extensions(extensions)])


class _Spelling:
    """How values of one event are spelled out; knows the event's prefixes."""

    def __init__(self, namespaces: dict[str, str]) -> None:
        self._namespaces = {**_KNOWN, **namespaces} if namespaces else _KNOWN

    def field(self, parent: str, name: str, value: JsonValue) -> str:
        """A field of the standard, or nothing where it is empty."""
        if isinstance(value, list):
            return self._list(parent, name, value)
        if isinstance(value, dict):
            inner = self.extensions(value) if name == "ilmd" else self._members(name, value)
            return name + inner if inner else ""
        text = self._standard(parent, name, value)
        return f"{name}={text}" if text else ""

    def _list(self, parent: str, name: str, value: list[JsonValue]) -> str:
        """A list: its name once, its members sorted; other lists repeat the name."""
        if name == "sensorElementList":
            elements = [self._members(name, member) for member in cast(list[JsonObject], value)]
            return "".join(sorted(f"sensorElement{element}" for element in elements))
        element = _ELEMENTS.get(name)
        if element is None:
            return "".join(sorted(self.field(parent, name, member) for member in value))
        members = sorted(
            element + self._members(name, member)
            if isinstance(member, dict)
            else f"{element}={self._standard(parent, name, member)}"
            for member in value
        )
        return name + "".join(members) if members else ""

    def _members(self, name: str, value: JsonObject) -> str:
        """What an object of the standard holds, in order, extensions left out."""
        return "".join(
            self.field(name, member, value[member]) for member in MEMBERS[name] if member in value
        )

    def inside(self, event: JsonObject) -> Iterator[str]:
        """Extensions of places and sensor elements, each group under the names around it."""
        for name in ("readPoint", "bizLocation"):
            place = event.get(name)
            if isinstance(place, dict) and len(place) > 1:
                yield name + self._own(name, place)
        elements = event.get("sensorElementList")
        if isinstance(elements, list):
            found = [self._of_element(cast(JsonObject, element)) for element in elements]
            yield from sorted(f"sensorElement{text}" for text in found if text)

    def _of_element(self, element: JsonObject) -> str:
        """Extensions of a sensor element: of its metadata, of its reports, its own."""
        metadata = cast(JsonObject, element.get("sensorMetadata", {}))
        reports = cast(list[JsonObject], element.get("sensorReport", []))
        groups = [("sensorMetadata", self._own("sensorMetadata", metadata))]
        groups += sorted(("sensorReport", self._own("sensorReport", report)) for report in reports)
        texts = [name + text for name, text in groups if text]
        return "".join([*texts, self._own("sensorElementList", element)])

    def attached(self, elements: list[JsonObject]) -> str | None:
        """Sensor elements with each extension where it belongs, if that can be told in two ways."""
        if len(elements) < 2 and all(
            len(cast(list[JsonValue], element.get("sensorReport", []))) < 2 for element in elements
        ):
            return None
        if not any(map(self._of_element, elements)):
            return None
        return json.dumps(sorted(map(self._whole_element, elements)))

    def _whole_element(self, element: JsonObject) -> list[str]:
        metadata = cast(JsonObject, element.get("sensorMetadata", {}))
        reports = cast(list[JsonObject], element.get("sensorReport", []))
        return [
            self._own("sensorElementList", element),
            self._members("sensorMetadata", metadata) + self._own("sensorMetadata", metadata),
            *sorted(
                self._members("sensorReport", report) + self._own("sensorReport", report)
                for report in reports
            ),
        ]

    def _own(self, name: str, value: JsonObject) -> str:
        """The extensions of one object of the standard."""
        known = MEMBERS[name]
        return self.extensions({key: inner for key, inner in value.items() if key not in known})

    def extensions(self, value: JsonObject) -> str:
        """Fields of extensions, each with its namespace, sorted."""
        return "".join(sorted(self._extension_fields(value)))

    def _extension_fields(self, value: JsonObject) -> Iterator[str]:
        for name, member in value.items():
            if name == "rdfs:comment":
                continue
            qualified = self._qualified(name)
            for each in member if isinstance(member, list) else [member]:
                if isinstance(each, dict):
                    text = each.get(RDF_VALUE)
                    rest = {key: inner for key, inner in each.items() if key != RDF_VALUE}
                    head = qualified if text is None else f"{qualified}={self.plain(text)}"
                    yield head + self.extensions(rest)
                else:
                    plain = self.plain(each)
                    yield f"{qualified}={plain}" if plain else qualified

    def _standard(self, parent: str, name: str, value: JsonValue) -> str:
        """The value of a field of the standard."""
        words = WORDS.get((parent, name))
        if words is not None and isinstance(value, str):
            text = value.strip()
            if (parent, name) in _GS1_WORDS and ":" not in text:
                return _GS1 + text
            return self.expand(words.uri(text))
        if name in TIMES and isinstance(value, str):
            return utc_milliseconds(name, value)
        return self.plain(value)

    def plain(self, value: JsonValue) -> str:
        """A single value: numbers exact, words and GS1 keys in their one form."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, Decimal)):
            return number_text(value)
        text = cast(str, value).strip()
        if ":" in text:
            return _identifier(self.expand(web_uri_of_urn(text)))
        if "." in text and _NUMBER.fullmatch(text):
            return number_text(parse_number(text)) if len(text) <= _LONGEST else text
        return "0" if text == "-0" else text

    def expand(self, text: str) -> str:
        """A CURIE of a known prefix as the whole URI; any other text as it is."""
        prefix, colon, local = text.partition(":")
        namespace = self._namespaces.get(prefix) if colon else None
        return text if namespace is None or local.startswith("//") else namespace + local

    def _qualified(self, name: str) -> str:
        """The name of an extension as ``{namespace}name``."""
        prefix, colon, local = name.partition(":")
        if not colon:
            return name
        namespace = self._namespaces.get(prefix)
        if namespace is None:
            at = max(name.rfind("/"), name.rfind("#"), name.rfind(":")) + 1
            namespace, local = name[:at], name[at:]
        return f"{{{_MDA if namespace.rstrip(':') == _MDA else namespace}}}{local}"


_LONGEST = 64
_FRAGMENT_CHARS = 32


def _identifier(text: str) -> str:
    """A GS1 key as its canonical Digital Link; any other URI as it is."""
    if not text.startswith(("urn:epc:", "http://", "https://")):
        return text
    try:
        return canonical_link(text)
    except Gs1Refused:
        # Any URI may stand where a GS1 key may: it is its own canonical form.
        return text
