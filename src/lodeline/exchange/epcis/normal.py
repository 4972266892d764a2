"""The stored form of an event: one form for each thing that JSON-LD lets people say in several.

* Words of the Core Business Vocabulary are bare (``shipping``), whatever spelling came in.
* Names of extensions are ``prefix:name``; the event has its own ``@context`` with the prefixes
  that it uses and no others, so that it can be moved between documents.
* Numbers are exact; certification info is a text, or a list of two and more; an extension that is
  an empty list is left out, an empty object becomes an empty text.
* Identifiers and times stay as written: which spelling was used is part of what was said.
"""

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces, read_context
from lodeline.exchange.epcis.errors import (
    ListInList,
    NameWithoutNamespace,
    NestedTooDeep,
    PrefixUndeclared,
    TextTooLong,
    ValueNull,
)
from lodeline.exchange.epcis.fields import EVENT_FIELDS, EXTENDED, MEMBERS, TIMES, WORDS
from lodeline.exchange.epcis.times import check_zone
from lodeline.exchange.epcis.value import MAX_DEPTH, MAX_TEXT_CHARS, JsonObject, JsonValue

__all__ = ["RDF_VALUE", "bounded", "normalise", "prefixes_of"]

RDF_VALUE = "rdf:value"
"""Where an XML element had text and attributes, the text (RDF Schema 1.1, section 5.4.3)."""
_EVENT_DEPTH = 4
"""Document, body, list, and the event itself."""
_MEMBER_DEPTH = _EVENT_DEPTH + 4
"""Whatever it is, an object of the standard is counted as the deepest: a report of a sensor."""
_STANDARD = frozenset(EVENT_FIELDS) | {"type"}
_ANYWHERE = frozenset({"id", "type"})
"""Names that the EPCIS context defines for any object."""


def normalise(event: JsonObject, outer: Namespaces, where: str) -> JsonObject:
    """Return an event in its stored form; the event given is not changed.

    Not checked: the schema. That is done on the result.

    Raises:
        ContextRefused: the event's own context is not taken.
        PrefixUndeclared, NameWithoutNamespace: an extension's name cannot be told.
        ValueNull, ListInList, TextTooLong, NestedTooDeep: a value is not taken.
        TimeWithoutZone: a time does not say its zone.
    """
    namespaces = read_context(event["@context"], outer) if "@context" in event else outer
    walk = _Walk(namespaces)
    result: JsonObject = {}
    for name, value in event.items():
        path = f"{where}/{name}"
        if name in _STANDARD:
            result[name] = walk.standard("event", name, value, path)
        elif name != "@context":
            walk.extension(result, name, value, path, _EVENT_DEPTH)
    if walk.used:
        result["@context"] = {prefix: namespaces[prefix] for prefix in sorted(walk.used)}
    return result


def bounded(value: JsonValue, where: str, depth: int = 1) -> None:
    """Refuse a value that is nested too deep or has too long a text; keys count as texts.

    Raises:
        NestedTooDeep, TextTooLong: the value exceeds a limit.
    """
    if depth > MAX_DEPTH:
        raise NestedTooDeep(MAX_DEPTH)
    if isinstance(value, str):
        _check_length(value, where)
    elif isinstance(value, list):
        for at, member in enumerate(value):
            bounded(member, f"{where}/{at}", depth + 1)
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_length(name, where)
            bounded(member, f"{where}/{name}", depth + 1)


def prefixes_of(value: JsonValue, namespaces: Namespaces) -> list[str]:
    """Return the declared prefixes that names and texts of a bounded value use, sorted."""
    found: set[str] = set()

    def look(inner: JsonValue) -> None:
        if isinstance(inner, str):
            prefix = inner.partition(":")[0]
            if prefix in namespaces and prefix not in BUILT_IN:
                found.add(prefix)
        elif isinstance(inner, list):
            for member in inner:
                look(member)
        elif isinstance(inner, dict):
            for name, member in inner.items():
                look(name if ":" in name else None)
                look(member)

    look(value)
    return sorted(found)


def _check_length(text: str, where: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        raise TextTooLong(where, len(text), MAX_TEXT_CHARS)


class _Walk:
    """One pass over an event, noting the prefixes it meets."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self.used: set[str] = set()

    def standard(self, parent: str, name: str, value: JsonValue, where: str) -> JsonValue:
        """A field of the standard in its stored form."""
        if isinstance(value, str):
            return self._text(parent, name, value, where)
        if isinstance(value, list):
            return self._list(parent, name, value, where)
        if isinstance(value, dict) and name in MEMBERS:
            return self._members(name, value, where)
        if value is None:
            raise ValueNull(where)
        bounded(value, where)
        return value

    def _text(self, parent: str, name: str, value: str, where: str) -> str:
        _check_length(value, where)
        words = WORDS.get((parent, name))
        if words is not None:
            value = words.bare(value)
        elif name in TIMES:
            check_zone(where, value)
            return value
        if ":" in value:
            self._note(value)
        return value

    def _list(self, parent: str, name: str, value: list[JsonValue], where: str) -> JsonValue:
        if name in {"bizStep", "disposition"}:
            bounded(value, where)
            return value  # no list in the schema, which says so better
        for at, member in enumerate(value):
            if isinstance(member, list):
                path = f"{where}/{at}"
                raise ListInList(path)
        members = [
            self._members(name, member, f"{where}/{at}")
            if isinstance(member, dict) and name in MEMBERS
            else self.standard(parent, name, member, f"{where}/{at}")
            for at, member in enumerate(value)
        ]
        if name == "certificationInfo" and len(members) == 1:
            return members[0]
        return members

    def _members(self, name: str, value: JsonObject, where: str) -> JsonObject:
        """An object of the standard, with its extensions where it may have some."""
        known = MEMBERS[name]
        result: JsonObject = {}
        for member, inner in value.items():
            if member in known:
                result[member] = self.standard(name, member, inner, f"{where}/{member}")
            elif name in EXTENDED:
                self.extension(result, member, inner, f"{where}/{member}", _MEMBER_DEPTH)
            else:
                raise NameWithoutNamespace(member, where)
        return result

    def extension(
        self,
        into: JsonObject,
        name: str,
        value: JsonValue,
        where: str,
        depth: int,
        *,
        inner: bool = False,
    ) -> None:
        """Put a field of an extension into its object, unless it is an empty list.

        ``depth`` is how deep the object lies; ``inner``: it is of an extension itself.
        """
        prefix = self._prefix(name, where, inner=inner)
        if value == []:
            return
        if prefix is not None:
            self.used.add(prefix)
        if isinstance(value, list):
            members = [
                self._extension(member, f"{where}/{at}", depth + 2)
                for at, member in enumerate(value)
            ]
            # In XML a list of one is the one.
            into[name] = members if len(members) > 1 else members[0]
        else:
            into[name] = self._extension(value, where, depth + 1)

    def _extension(self, value: JsonValue, where: str, depth: int) -> JsonValue:
        if depth > MAX_DEPTH:
            raise NestedTooDeep(MAX_DEPTH)
        if value is None:
            raise ValueNull(where)
        if isinstance(value, str):
            _check_length(value, where)
            if ":" in value:
                self._note(value)
        elif isinstance(value, list):
            raise ListInList(where)
        elif isinstance(value, dict):
            inner: JsonObject = {}
            for name, member in value.items():
                self.extension(inner, name, member, f"{where}/{name}", depth, inner=True)
            return inner or ""
        return value

    def _note(self, value: str) -> None:
        """Note the prefix of a value that is a CURIE of a declared one."""
        prefix = value.partition(":")[0]
        if prefix in self._namespaces and prefix not in BUILT_IN:
            self.used.add(prefix)

    def _prefix(self, name: str, where: str, *, inner: bool) -> str | None:
        """The declared prefix of an extension's name; refuse one that belongs to no namespace."""
        prefix, colon, local = name.partition(":")
        if not colon:
            if name in _ANYWHERE and inner:
                return None
            raise NameWithoutNamespace(name, where)
        if prefix in BUILT_IN or _is_iri(prefix, local):
            return None
        if prefix not in self._namespaces:
            raise PrefixUndeclared(name)
        return prefix


def _is_iri(prefix: str, local: str) -> bool:
    """Whether a name is a whole IRI rather than a CURIE."""
    return (prefix in {"http", "https"} and local.startswith("//")) or prefix == "urn"
