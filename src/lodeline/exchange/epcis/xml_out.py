"""EPCIS 2.0 XML, written: documents and query results.

Reading the XML again gives events with the same hash ids. What XML cannot tell apart is written
alike: a number in an extension and the text of that number. ``xsi:type`` could tell them apart, but
other programs hash it as one more extension, so that the event would have another id there.
"""

from typing import cast

from lxml import etree

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Document, DocumentKind, Event
from lodeline.exchange.epcis.errors import TopLevelWrong, XmlUnwritable
from lodeline.exchange.epcis.fields import (
    EPC_LISTS,
    EVENT_FIELDS,
    EVENT_TYPES,
    MEMBERS,
    QUANTITY_LISTS,
    TYPED_LISTS,
    WORDS,
)
from lodeline.exchange.epcis.normal import RDF_VALUE
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.exchange.epcis.xml_header import write_header
from lodeline.exchange.epcis.xml_names import (
    ABOUT,
    DOCUMENT_NS,
    MDA_NS,
    QUERY_NS,
    RDF_NS,
    plain_text,
    set_attribute,
    set_text,
)

__all__ = ["write_xml"]

_TRANSACTION_FIELDS = (
    *EVENT_FIELDS[:6],
    "bizTransactionList",
    *(name for name in EVENT_FIELDS[6:] if name != "bizTransactionList"),
)
"""A transaction event has its transactions before the things that take part."""
_LIST_ELEMENTS = {
    **dict.fromkeys(EPC_LISTS, "epc"),
    **dict.fromkeys(QUANTITY_LISTS, "quantityElement"),
    "sensorElementList": "sensorElement",
    "correctiveEventIDs": "correctiveEventID",
}


def write_xml(document: Document) -> bytes:
    """Return a document or query result as EPCIS 2.0 XML in UTF-8.

    Raises:
        TopLevelWrong: the events are bare; XML has no form for them.
        XmlUnwritable: a name or a character of an extension has no place in XML.
    """
    if document.kind is DocumentKind.BARE:
        raise TopLevelWrong("bare")
    query = document.kind is DocumentKind.QUERY
    root = _root(document, query=query)
    write_header(root, document.head)
    body = etree.SubElement(root, "EPCISBody")
    listed = etree.SubElement(_results(body, document.head) if query else body, "EventList")
    for at, event in enumerate(document.events):
        _EventWriter(listed, event, f"eventList/{at}").write()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _root(document: Document, *, query: bool) -> etree._Element:
    """The element of the document, with what it says of itself."""
    namespace = QUERY_NS if query else DOCUMENT_NS
    prefixes = {"epcisq" if query else "epcis": namespace}
    if "id" in document.head:
        prefixes["rdf"] = RDF_NS
    root = etree.Element(f"{{{namespace}}}{document.kind.value}", nsmap=prefixes)
    named = (("schemaVersion", "schemaVersion"), ("creationDate", "creationDate"), ("id", ABOUT))
    for name, attribute in named:
        value = document.head.get(name)
        if isinstance(value, str):
            set_attribute(root, attribute, value, name)
    return root


def _results(body: etree._Element, head: JsonObject) -> etree._Element:
    """The element that holds the event list of a query result."""
    results = etree.SubElement(body, f"{{{QUERY_NS}}}QueryResults")
    told = cast(JsonObject, cast(JsonObject, head["epcisBody"])["queryResults"])
    for name in ("queryName", "subscriptionID"):
        if name in told:
            set_text(etree.SubElement(results, name), told[name], name)
    return etree.SubElement(results, "resultsBody")


class _EventWriter:
    """Writes one event; knows its prefixes."""

    def __init__(self, listed: etree._Element, event: Event, where: str) -> None:
        self._namespaces = {**BUILT_IN, **event.namespaces, "cbvmda": MDA_NS}
        declared = dict(event.namespaces)
        if event.type not in EVENT_TYPES:
            where = f"{where}/type"
            raise XmlUnwritable(where)
        self._element = etree.SubElement(listed, event.type, nsmap=declared)
        self._value = event.value
        self._where = where

    def write(self) -> None:
        """Write the fields in the order of the standard, then the extensions by name."""
        order: tuple[str, ...] = EVENT_FIELDS
        if self._element.tag == "TransactionEvent":
            order = _TRANSACTION_FIELDS
        for name in order:
            if name in self._value:
                self._field(self._element, "event", name, self._value[name])
        known = (*EVENT_FIELDS, "type", "@context")
        self._extensions(self._element, self._value, known, self._where)

    def _field(self, into: etree._Element, parent: str, name: str, value: JsonValue) -> None:
        """A field of the standard as an element."""
        if isinstance(value, list):
            self._list(into, parent, name, value)
        elif isinstance(value, dict):
            self._members(etree.SubElement(into, name), name, value)
        else:
            words = WORDS.get((parent, name))
            word = words.xml(value) if words is not None and isinstance(value, str) else value
            set_text(etree.SubElement(into, name), word, f"{self._where}/{name}")

    def _list(self, into: etree._Element, parent: str, name: str, value: list[JsonValue]) -> None:
        if name not in _LIST_ELEMENTS and name not in TYPED_LISTS:
            for member in value:  # the name repeated: certification info, dispositions
                self._field(into, parent, name, member)
            return
        listed = etree.SubElement(into, name)
        for member in value:
            if name in TYPED_LISTS:
                self._typed(listed, name, cast(JsonObject, member))
            elif isinstance(member, dict):
                self._members(etree.SubElement(listed, _LIST_ELEMENTS[name]), name, member)
            else:
                where = f"{self._where}/{name}"
                set_text(etree.SubElement(listed, _LIST_ELEMENTS[name]), member, where)

    def _typed(self, listed: etree._Element, name: str, member: JsonObject) -> None:
        value = TYPED_LISTS[name]
        element = etree.SubElement(listed, value)
        kind = member.get("type")
        if isinstance(kind, str):
            element.set("type", WORDS[name, "type"].xml(kind))
        set_text(element, member[value], f"{self._where}/{name}")

    def _members(self, element: etree._Element, name: str, value: JsonObject) -> None:
        """Members of a standard object: elements, or attributes for what sensors say."""
        for member in MEMBERS[name]:
            if member not in value:
                continue
            inner = value[member]
            if name in {"sensorMetadata", "sensorReport"}:
                self._attribute(element, name, member, inner)
            elif member == "sensorReport":
                for report in cast(list[JsonObject], inner):
                    self._members(etree.SubElement(element, member), member, report)
            else:
                self._field(element, name, member, inner)
        self._extensions(element, value, MEMBERS[name], f"{self._where}/{name}")

    def _attribute(self, element: etree._Element, parent: str, name: str, value: JsonValue) -> None:
        words = WORDS.get((parent, name))
        plain = plain_text(value)
        word = plain if words is None else words.xml(plain)
        set_attribute(element, name, word, f"{self._where}/{parent}/{name}")

    def _extensions(
        self, element: etree._Element, value: JsonObject, known: tuple[str, ...], where: str
    ) -> None:
        for name in sorted(value):
            if name in known:
                continue
            members = value[name]
            for member in members if isinstance(members, list) else [members]:
                self._extension(element, name, member, f"{where}/{name}")

    def _extension(self, into: etree._Element, name: str, value: JsonValue, where: str) -> None:
        try:
            element = etree.SubElement(into, self._tag(name))
        except ValueError:
            raise XmlUnwritable(where) from None
        if not isinstance(value, dict):
            set_text(element, value, where)
        elif RDF_VALUE not in value:
            self._extensions(element, value, (), where)
        else:
            self._with_attributes(element, value, where)

    def _with_attributes(self, element: etree._Element, value: JsonObject, where: str) -> None:
        """An object that has a text of its own: the rest of it are attributes."""
        for name, member in value.items():
            path = f"{where}/{name}"
            if isinstance(member, (list, dict)):
                raise XmlUnwritable(path)
            if name == RDF_VALUE:
                set_text(element, member, path)
            else:
                set_attribute(element, self._tag(name), plain_text(member), path)

    def _tag(self, name: str) -> str:
        """The qualified name of an extension."""
        prefix, colon, local = name.partition(":")
        if not colon:
            return name
        namespace = self._namespaces.get(prefix)
        if namespace is None:
            at = max(name.rfind("/"), name.rfind("#"), name.rfind(":")) + 1
            namespace, local = name[:at], name[at:]
        return f"{{{namespace}}}{local}"
