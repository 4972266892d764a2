"""Hash ids of events: the same id for the same event, however it was written.

The event is spelled out as one text in a fixed order, and that text is hashed (CBV 2.0, section
8.9; RFC 6920 for the form of the id). Left out are the time of recording, the event's id, its
error declaration and its certification info. Where the published programs disagree with one
another or with the standard's table, the table is followed; `docs/epcis.md` lists these cases.
"""

import hashlib
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

__all__ = ["ALGORITHM_VERSION", "event_hash_id", "pre_hash"]

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
    "sensorElementList": "sensorElement",
    "bizTransactionList": "",
    "sourceList": "",
    "destinationList": "",
}
"""What stands before each member of a list."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
"""Texts that JSON would write as a number, without an exponent."""
_MDA = "urn:epcglobal:cbv:mda"
"""Namespace of master data attributes in XML; the JSON-LD context ends it in a colon."""


def event_hash_id(event: Event) -> EventId:
    """Return the hash id of an event, ``ni:///sha-256;…?ver=CBV2.0``.

    Raises:
        TimeWithoutZone, TimeWrong: a time cannot be brought to UTC.
    """
    digest = hashlib.sha256(pre_hash(event).encode("utf-8")).hexdigest()
    return EventId(f"ni:///sha-256;{digest}?ver={ALGORITHM_VERSION}")


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
    return "".join([head, *fields, spelling.extensions(extensions)])


class _Spelling:
    """How values of one event are spelled out; knows the event's prefixes."""

    def __init__(self, namespaces: dict[str, str]) -> None:
        self._namespaces = {**BUILT_IN, **namespaces} if namespaces else BUILT_IN

    def field(self, parent: str, name: str, value: JsonValue) -> str:
        """A field of the standard, or nothing where it is empty."""
        if isinstance(value, list):
            return self._list(parent, name, value)
        if isinstance(value, dict):
            inner = self._members(name, value)
            return name + inner if inner else ""
        text = self._standard(parent, name, value)
        return f"{name}={text}" if text else ""

    def _list(self, parent: str, name: str, value: list[JsonValue]) -> str:
        """A list: its name once, its members sorted; other lists repeat the name."""
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
        """What an object of the standard holds: fields in order, then its extensions, sorted."""
        known = MEMBERS[name]
        fields = [self.field(name, member, value[member]) for member in known if member in value]
        if len(value) > len(fields):
            fields.append(
                self.extensions({key: inner for key, inner in value.items() if key not in known})
            )
        return "".join(fields)

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
            return self.expand(words.uri(value.strip()))
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


def _identifier(text: str) -> str:
    """A GS1 key as its canonical Digital Link; any other URI as it is."""
    if not text.startswith(("urn:epc:", "http://", "https://")):
        return text
    try:
        return canonical_link(text)
    except Gs1Refused:
        # Any URI may stand where a GS1 key may: it is its own canonical form.
        return text
