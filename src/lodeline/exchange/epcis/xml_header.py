"""What stands before the events in EPCIS XML: who sends to whom, and master data.

Sources: Standard Business Document Header 1.3, of which sender, receiver and instance are kept;
EPCIS 2.0, section 9.5 for master data.
"""

from typing import cast

from lxml import etree

from lodeline.exchange.epcis.errors import XmlElementUnknown, XmlUnwritable
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.exchange.epcis.xml_event import children, text_of
from lodeline.exchange.epcis.xml_names import SBDH_NS, local_name, set_attribute, set_text

__all__ = ["down", "read_header", "write_header"]

_BUSINESS = {
    "sender": ("Sender", "Identifier"),
    "receiver": ("Receiver", "Identifier"),
    "instanceIdentifier": ("DocumentIdentification", "InstanceIdentifier"),
}
"""Fields of the JSON document and where the business header has them."""
_WRITTEN = frozenset({"id", "type", "schemaVersion", "creationDate", "epcisBody", "epcisHeader"})
"""Fields that are written elsewhere."""


def down(element: etree._Element, path: tuple[str, ...]) -> list[etree._Element]:
    """Return the elements at the end of a path, names compared without namespace."""
    if not path:
        return [element]
    return [
        found
        for child in children(element)
        if local_name(child.tag) == path[0]
        for found in down(child, path[1:])
    ]


def read_header(root: etree._Element) -> JsonObject:
    """Return sender, receiver, instance and master data, as the JSON document has them.

    Raises:
        XmlElementUnknown: a vocabulary element holds something else than attributes and children.
    """
    found = _business_header(root)
    vocabularies = [
        each for element in down(root, ("EPCISHeader",)) for each in _vocabularies(element)
    ]
    if vocabularies:
        found["epcisHeader"] = {"epcisMasterData": {"vocabularyList": vocabularies}}
    return found


def write_header(root: etree._Element, head: JsonObject) -> None:
    """Write sender, receiver, instance and master data, where the document has them.

    Raises:
        XmlUnwritable: the head holds an extension, or master data a list.
    """
    for name in head:
        if name not in _BUSINESS and name not in _WRITTEN:
            raise XmlUnwritable(name)
    told = cast(JsonObject, head.get("epcisHeader", {}))
    for name in told:
        if name != "epcisMasterData":
            raise XmlUnwritable(name)
    if not told and not _BUSINESS.keys() & head.keys():
        return
    header = etree.SubElement(root, "EPCISHeader")
    _write_business_header(header, head)
    if told:
        master = cast(JsonObject, told["epcisMasterData"])
        _write_vocabularies(header, cast(list[JsonObject], master.get("vocabularyList", [])))


def _write_business_header(header: etree._Element, head: JsonObject) -> None:
    business = etree.SubElement(
        header, f"{{{SBDH_NS}}}StandardBusinessDocumentHeader", nsmap={"sbdh": SBDH_NS}
    )
    for name, (outer, inner) in _BUSINESS.items():
        if name in head:
            wrapper = etree.SubElement(business, f"{{{SBDH_NS}}}{outer}")
            set_text(etree.SubElement(wrapper, f"{{{SBDH_NS}}}{inner}"), head[name], name)


def _write_vocabularies(header: etree._Element, vocabularies: list[JsonObject]) -> None:
    """Master data, in the wrapper that 1.2 and 2.0 share."""
    master = etree.SubElement(etree.SubElement(header, "extension"), "EPCISMasterData")
    listed = etree.SubElement(master, "VocabularyList")
    for vocabulary in vocabularies:
        element = etree.SubElement(listed, "Vocabulary")
        set_attribute(element, "type", str(vocabulary["type"]), "vocabularyList")
        members = etree.SubElement(element, "VocabularyElementList")
        for member in cast(list[JsonObject], vocabulary.get("vocabularyElementList", [])):
            _write_element(members, member)


def _write_element(members: etree._Element, member: JsonObject) -> None:
    where = "vocabularyElementList"
    element = etree.SubElement(members, "VocabularyElement")
    set_attribute(element, "id", str(member["id"]), where)
    for attribute in cast(list[JsonObject], member.get("attributes", [])):
        child = etree.SubElement(element, "attribute")
        set_attribute(child, "id", str(attribute["id"]), where)
        _write_attribute(child, attribute.get("attribute", ""), where)
    inner = cast(list[str], member.get("children", []))
    if inner:
        listed = etree.SubElement(element, "children")
        for each in inner:
            set_text(etree.SubElement(listed, "id"), each, where)


def _write_attribute(element: etree._Element, value: JsonValue, where: str) -> None:
    if isinstance(value, list):
        raise XmlUnwritable(where)
    if not isinstance(value, dict):
        set_text(element, value, where)
        return
    for name, inner in value.items():
        try:
            child = etree.SubElement(element, name)
        except ValueError:
            raise XmlUnwritable(where) from None
        _write_attribute(child, inner, where)


def _business_header(root: etree._Element) -> JsonObject:
    """Sender, receiver and instance of the standard business document header."""
    found: JsonObject = {}
    for name, path in _BUSINESS.items():
        for element in down(root, ("EPCISHeader", "StandardBusinessDocumentHeader", *path)):
            if element.tag.startswith(f"{{{SBDH_NS}}}") and name not in found:
                found[name] = text_of(element)
    return found


def _vocabularies(header: etree._Element) -> list[JsonValue]:
    """Master data of the header, with or without the wrapper of 1.2."""
    result: list[JsonValue] = []
    for master in children(header, flatten=True):
        if local_name(master.tag) != "EPCISMasterData":
            continue
        for vocabulary in down(master, ("VocabularyList", "Vocabulary")):
            entry: JsonObject = {"type": vocabulary.get("type", "")}
            elements = _elements(vocabulary)
            if elements:
                entry["vocabularyElementList"] = elements
            result.append(entry)
    return result


def _elements(vocabulary: etree._Element) -> list[JsonValue]:
    result: list[JsonValue] = []
    for element in down(vocabulary, ("VocabularyElementList", "VocabularyElement")):
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
