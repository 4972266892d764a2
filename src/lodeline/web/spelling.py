"""Events in the spelling that a client asked for: identifiers as links or URNs, words as URIs.

Events are kept as they were captured; nothing here changes what they say. A GS1 Digital Link does
not tell where the company prefix ends, so that it becomes a URN only where the prefix is one of
those in the settings; others stay as they are, as do identifiers that are no GS1 keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.fields import EPC_LISTS, QUANTITY_LISTS, TYPED_LISTS, WORDS
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.json_out import event_bytes
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.exchange.gs1 import Gs1Key, canonical_link, read_link
from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.web.negotiation import CbvFormat, EpcFormat
from lodeline.web.settings import CompanyPrefix

__all__ = ["Spelling", "prefix_of"]

_PLAIN: Final = ("parentID", "transformationID")
_PLACES: Final = ("readPoint", "bizLocation")
_URNS: Final = ("urn:epc:id:", "urn:epc:class:", "urn:epc:idpat:")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How identifiers and words are to be written."""

    epcs: EpcFormat = EpcFormat.LINK
    words: CbvFormat = CbvFormat.NO_PREFERENCE
    prefixes: tuple[CompanyPrefix, ...] = ()
    """Company prefixes whose lengths are known."""

    def json(self, body: str) -> str:
        """Return a stored event as JSON."""
        if not self._changes(body):
            return body
        return event_bytes(Event(self._spelled(_read(body)))).decode("utf-8")

    def event(self, body: str) -> Event:
        """Return a stored event as a value, for XML; words are Web URIs if that is wanted."""
        value = _read(body)
        if self._changes(body):
            value = self._spelled(value)
        return Event(_with_uris(value) if self.words is CbvFormat.WEB_URI else value)

    def text(self, identifier: str) -> str:
        """Return one identifier."""
        return self._respell(identifier) if self._changes(f'"{identifier}"') else identifier

    @property
    def _respell(self) -> Callable[[str], str]:
        return _link if self.epcs is EpcFormat.LINK else self._urn

    def _changes(self, body: str) -> bool:
        """Whether an event may have an identifier in another spelling."""
        if self.epcs is EpcFormat.LINK:
            return '"urn:epc:' in body
        return self.epcs is EpcFormat.URN and bool(self.prefixes) and '"http' in body

    def _spelled(self, value: JsonObject) -> JsonObject:
        """An event with every identifier in the wanted spelling; the one given is not changed."""
        spelled = dict(value)
        for name in _PLAIN:
            _change(spelled, name, self._respell)
        for name in EPC_LISTS:
            if name in spelled:
                spelled[name] = [self._respell(epc) for epc in cast(list[str], spelled[name])]
        for name in _PLACES:
            _change_members(spelled, name, "id", self._respell)
        for name in QUANTITY_LISTS:
            _change_members(spelled, name, "epcClass", self._respell)
        for name, member in TYPED_LISTS.items():
            _change_members(spelled, name, member, self._respell)
        for element in _copied(spelled, "sensorElementList"):
            _change_members(element, "sensorMetadata", "deviceID", self._respell)
            _change_members(element, "sensorReport", "deviceID", self._respell)
        return spelled

    def _urn(self, text: str) -> str:
        if not text.startswith("http"):
            return text
        try:
            key = read_link(text)
            found = prefix_of(key, self.prefixes)
            return text if found is None else key.urn(len(found))
        except Gs1Refused:
            return text


def prefix_of(key: Gs1Key, prefixes: Sequence[CompanyPrefix]) -> CompanyPrefix | None:
    """Return which of some company prefixes a key begins with, if any."""
    body = key.value[len(key.scheme.lead) :]
    if key.scheme.indicator:
        body = body[1:]
    return next((prefix for prefix in prefixes if body.startswith(prefix)), None)


def _link(text: str) -> str:
    if not text.startswith(_URNS):
        return text
    try:
        return canonical_link(text)
    except Gs1Refused:
        return text


def _read(body: str) -> JsonObject:
    return cast(JsonObject, parse_json(body.encode("utf-8")))


def _change(value: JsonObject, name: str, spell: Callable[[str], str]) -> None:
    found = value.get(name)
    if isinstance(found, str):
        value[name] = spell(found)


def _change_members(value: JsonObject, name: str, member: str, spell: Callable[[str], str]) -> None:
    """Change a member of an object, or of each object in a list, by that name."""
    for inner in _copied(value, name):
        _change(inner, member, spell)


def _copied(value: JsonObject, name: str) -> list[JsonObject]:
    """Put copies of the objects by a name in their place, and return them."""
    found = value.get(name)
    if isinstance(found, dict):
        copy = dict(found)
        value[name] = copy
        return [copy]
    if not isinstance(found, list):
        return []
    copies = [dict(inner) for inner in found if isinstance(inner, dict)]
    value[name] = cast(list[JsonValue], copies)
    return copies


def _with_uris(value: JsonObject) -> JsonObject:
    """An event with words of the vocabulary as Web URIs."""
    spelled = dict(value)
    for (parent, name), words in WORDS.items():
        if parent == "event":
            _change(spelled, name, words.uri)
        elif parent == "persistentDisposition":
            for inner in _copied(spelled, parent):
                listed = cast(list[str], inner.get(name, []))
                if listed:
                    inner[name] = [words.uri(word) for word in listed]
        elif parent in TYPED_LISTS or parent == "errorDeclaration":
            _change_members(spelled, parent, name, words.uri)
    return spelled
