"""EPCIS XML, read: 2.0, and 1.2 with its wrappers, into the same events as JSON gives.

Entities, document types, external references and network are off; size and depth are bounded. An
element of the standard that a reader does not know is refused, never skipped. The result then goes
the way of JSON: stored form, schema, see `lodeline.exchange.epcis.json_in`.

An element of an extension that has attributes becomes an object of them, its text under
``rdf:value``; an attribute without a namespace is of its element's. ``xsi:type`` is dropped. The id
of a document is ``rdf:about`` of its element.
"""

from lxml import etree

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Document, DocumentKind
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    NestedTooDeep,
    TopLevelWrong,
    XmlAttributesTooMany,
    XmlBroken,
    XmlDeclaresEntities,
)
from lodeline.exchange.epcis.json_in import check_events
from lodeline.exchange.epcis.normal import bounded
from lodeline.exchange.epcis.schema import check_document
from lodeline.exchange.epcis.value import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_PREFIXES,
    JsonObject,
    JsonValue,
)
from lodeline.exchange.epcis.xml_event import EventReader, children, text_of
from lodeline.exchange.epcis.xml_header import down, read_header
from lodeline.exchange.epcis.xml_names import ABOUT, local_name

__all__ = ["read_xml"]

_EVENT_PATHS: dict[str, tuple[str, ...]] = {
    "EPCISDocument": ("EPCISBody", "EventList"),
    "EPCISQueryDocument": ("EPCISBody", "QueryResults", "resultsBody", "EventList"),
}


def read_xml(data: bytes) -> Document:
    """Return the document that UTF-8 XML bytes hold, an EPCIS document or query result.

    Raises:
        DocumentTooLarge, NestedTooDeep: a limit is exceeded.
        ContextRefused: more than 64 namespaces are in force at one place.
        XmlAttributesTooMany: an element has more than 128 attributes.
        XmlBroken: the bytes are not well-formed XML in UTF-8.
        XmlDeclaresEntities: there is a document type.
        TopLevelWrong: the root element is no EPCIS document.
        XmlElementUnknown, XmlElementTwice, XmlNumberWrong: an element is not of the standard.
        EpcisRefused: as `read_json` refuses the same event.
    """
    root = _parse(data)
    kind = local_name(root.tag)
    path = _EVENT_PATHS.get(kind)
    if path is None:
        raise TopLevelWrong(kind)
    events: list[JsonValue] = [
        EventReader(element).event()
        for listed in down(root, path)
        for element in children(listed, flatten=True)
    ]
    head = _head(root, kind, path)
    bounded(head, "document")
    check_document({"@context": [], **head})
    return Document(DocumentKind(kind), check_events(events, BUILT_IN), head)


def _parse(data: bytes) -> etree._Element:
    """The root element, once the text is known to be free of tricks."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLarge(len(data), MAX_DOCUMENT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise XmlBroken(1) from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise XmlDeclaresEntities
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise XmlBroken(error.lineno or 1) from None
    _check_bounds(root)
    return root


def _check_bounds(root: etree._Element) -> None:
    """Refuse what is nested too deep, or too many namespaces or attributes at one place."""
    depth = namespaces = 0
    for action, found in etree.iterwalk(root, events=("start", "end", "start-ns", "end-ns")):
        if action in {"start-ns", "end-ns"}:
            namespaces += 1 if action == "start-ns" else -1
        else:
            depth += 1 if action == "start" else -1
        if depth > MAX_DEPTH:
            raise NestedTooDeep(MAX_DEPTH)
        if namespaces > MAX_PREFIXES:
            raise ContextRefused(root.tag)
        if action == "start":
            _check_attributes(found)


def _check_attributes(element: etree._Element) -> None:
    count = len(element.attrib)
    if count > MAX_ATTRIBUTES:
        raise XmlAttributesTooMany(element.tag, count, MAX_ATTRIBUTES)


def _head(root: etree._Element, kind: str, path: tuple[str, ...]) -> JsonObject:
    """What stands around the events, as the JSON document has it."""
    head: JsonObject = {"type": kind, "schemaVersion": "2.0"}
    for name, attribute in (("creationDate", "creationDate"), ("id", ABOUT)):
        value = root.get(attribute)
        if value is not None:
            head[name] = value
    head.update(read_header(root))
    if kind == "EPCISDocument":
        head["epcisBody"] = {"eventList": []}
        return head
    results: JsonObject = {}
    for element in down(root, path[:2]):
        for child in children(element):
            if local_name(child.tag) != "resultsBody":
                results[local_name(child.tag)] = text_of(child)
    results["resultsBody"] = {"eventList": []}
    head["epcisBody"] = {"queryResults": results}
    return head
