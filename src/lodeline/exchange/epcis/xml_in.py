"""EPCIS XML, read: 2.0, and 1.2 with its wrappers, into the same events as JSON gives.

Entities, document types, external references and network are off; size and depth are bounded. An
element of the standard that a reader does not know is refused, never skipped. The result then goes
the way of JSON: stored form, schema, see `lodeline.exchange.epcis.json_in`.

An element of an extension that has attributes becomes an object of them, its text under
``rdf:value``; an attribute without a namespace is of its element's. ``xsi:type`` is dropped.
"""

from lxml import etree

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Document, DocumentKind
from lodeline.exchange.epcis.errors import (
    DocumentTooLarge,
    NestedTooDeep,
    TopLevelWrong,
    XmlBroken,
    XmlDeclaresEntities,
    XmlElementUnknown,
)
from lodeline.exchange.epcis.json_in import check_events
from lodeline.exchange.epcis.normal import bounded
from lodeline.exchange.epcis.schema import check_document
from lodeline.exchange.epcis.value import MAX_DEPTH, MAX_DOCUMENT_BYTES, JsonObject, JsonValue
from lodeline.exchange.epcis.xml_event import EventReader, children, text_of
from lodeline.exchange.epcis.xml_names import SBDH_NS, local_name

__all__ = ["read_xml"]

_EVENT_PATHS: dict[str, tuple[str, ...]] = {
    "EPCISDocument": ("EPCISBody", "EventList"),
    "EPCISQueryDocument": ("EPCISBody", "QueryResults", "resultsBody", "EventList"),
}


def read_xml(data: bytes) -> Document:
    """Return the document that UTF-8 XML bytes hold, an EPCIS document or query result.

    Raises:
        DocumentTooLarge, NestedTooDeep: a limit is exceeded.
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
        for listed in _down(root, path)
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
    _check_depth(root)
    return root


def _check_depth(root: etree._Element) -> None:
    depth = 0
    for action, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if action == "start" else -1
        if depth > MAX_DEPTH:
            raise NestedTooDeep(MAX_DEPTH)


def _down(element: etree._Element, path: tuple[str, ...]) -> list[etree._Element]:
    """Elements at the end of a path, names compared without namespace."""
    if not path:
        return [element]
    return [
        found
        for child in children(element)
        if local_name(child.tag) == path[0]
        for found in _down(child, path[1:])
    ]


def _head(root: etree._Element, kind: str, path: tuple[str, ...]) -> JsonObject:
    """What stands around the events, as the JSON document has it."""
    head: JsonObject = {"type": kind, "schemaVersion": "2.0"}
    created = root.get("creationDate")
    if created is not None:
        head["creationDate"] = created
    head.update(_business_header(root))
    master = _down(root, ("EPCISHeader",))
    vocabularies = [found for element in master for found in _vocabularies(element)]
    if vocabularies:
        head["epcisHeader"] = {"epcisMasterData": {"vocabularyList": vocabularies}}
    if kind == "EPCISDocument":
        head["epcisBody"] = {"eventList": []}
        return head
    results: JsonObject = {}
    for element in _down(root, path[:2]):
        for child in children(element):
            if local_name(child.tag) != "resultsBody":
                results[local_name(child.tag)] = text_of(child)
    results["resultsBody"] = {"eventList": []}
    head["epcisBody"] = {"queryResults": results}
    return head


def _business_header(root: etree._Element) -> JsonObject:
    """Sender, receiver and instance of the standard business document header."""
    found: JsonObject = {}
    paths = {
        "sender": ("Sender", "Identifier"),
        "receiver": ("Receiver", "Identifier"),
        "instanceIdentifier": ("DocumentIdentification", "InstanceIdentifier"),
    }
    for name, path in paths.items():
        for element in _down(root, ("EPCISHeader", "StandardBusinessDocumentHeader", *path)):
            if element.tag.startswith(f"{{{SBDH_NS}}}") and name not in found:
                found[name] = text_of(element)
    return found


def _vocabularies(header: etree._Element) -> list[JsonValue]:
    """Master data of the header, with or without the wrapper of 1.2."""
    return [
        {"type": vocabulary.get("type", ""), "vocabularyElementList": _elements(vocabulary)}
        for master in children(header, flatten=True)
        if local_name(master.tag) == "EPCISMasterData"
        for vocabulary in _down(master, ("VocabularyList", "Vocabulary"))
    ]


def _elements(vocabulary: etree._Element) -> list[JsonValue]:
    result: list[JsonValue] = []
    for element in _down(vocabulary, ("VocabularyElementList", "VocabularyElement")):
        entry: JsonObject = {"id": element.get("id", "")}
        attributes: list[JsonValue] = []
        for child in children(element, flatten=True):
            name = local_name(child.tag)
            if name == "attribute":
                attributes.append({"id": child.get("id", ""), "attribute": _attribute(child)})
            elif name == "children":
                entry["children"] = [text_of(member) for member in children(child)]
            else:
                raise XmlElementUnknown("VocabularyElement", name)
        if attributes:
            entry["attributes"] = attributes
        result.append(entry)
    return result


def _attribute(element: etree._Element) -> JsonValue:
    """Text of an attribute, or what it holds by name where it is structured."""
    inner = children(element)
    if not inner:
        return text_of(element)
    return {local_name(child.tag): _attribute(child) for child in inner}
