"""One event of an EPCIS XML document, turned into the JSON value of the same event."""

from typing import cast

from lxml import etree

from lodeline.exchange.epcis.errors import (
    NumberRefused,
    XmlElementTwice,
    XmlElementUnknown,
    XmlNumberWrong,
)
from lodeline.exchange.epcis.fields import (
    EPC_LISTS,
    EVENT_FIELDS,
    EVENT_TYPES,
    MEMBERS,
    NUMBERS,
    QUANTITY_LISTS,
    TYPED_LISTS,
)
from lodeline.exchange.epcis.normal import RDF_VALUE
from lodeline.exchange.epcis.value import JsonObject, JsonValue, parse_number
from lodeline.exchange.epcis.xml_names import XSI_NS, Prefixes, local_name, namespace_of

__all__ = ["EventReader", "children", "text_of"]

_WRAPPERS = frozenset({"extension", "baseExtension"})
_BLANK = " \t\r\n"
_TRUE = {"true": True, "1": True, "false": False, "0": False}


def children(element: etree._Element, *, flatten: bool = False) -> list[etree._Element]:
    """Return the child elements; with ``flatten`` those inside the wrappers of 1.2 too."""
    found: list[etree._Element] = []
    for child in element:
        if flatten and child.tag in _WRAPPERS:
            found.extend(children(child, flatten=True))
        else:
            found.append(child)
    return found


def text_of(element: etree._Element) -> str:
    """Return the text of an element, without the blanks around it."""
    return (element.text or "").strip(_BLANK)


class EventReader:
    """Reads one event, whose prefixes it keeps."""

    def __init__(self, element: etree._Element) -> None:
        """Take the prefixes in force at the event: its values may use them too."""
        self._prefixes = Prefixes(element.nsmap)
        self._element = element

    def event(self) -> JsonObject:
        """Return the event as JSON with a context of its own, not yet in its stored form.

        Raises:
            XmlElementUnknown, XmlElementTwice, XmlNumberWrong: an element is not of the standard.
            ContextRefused: an extension's namespace is no absolute IRI.
        """
        element = self._element
        kind = local_name(element.tag)
        if kind not in EVENT_TYPES or namespace_of(element.tag):
            raise XmlElementUnknown("EventList", kind)
        event: JsonObject = {"type": kind}
        for child in children(element, flatten=True):
            if namespace_of(child.tag):
                self._extend(event, child)
            elif child.tag == "certificationInfo":
                listed = cast(list[JsonValue], event.setdefault(child.tag, []))
                listed.append(text_of(child))
            elif child.tag in EVENT_FIELDS:
                self._once(event, child.tag, self._field(child.tag, child), kind)
            else:
                raise XmlElementUnknown(kind, child.tag)
        event["@context"] = dict(self._prefixes.extensions)
        return event

    def _once(self, into: JsonObject, name: str, value: JsonValue, where: str) -> None:
        if name in into:
            raise XmlElementTwice(where, name)
        into[name] = value

    def _field(self, name: str, element: etree._Element) -> JsonValue:
        """A field of the standard, by its form in JSON."""
        if name in EPC_LISTS:
            return [text_of(child) for child in self._only(element, "epc")]
        if name in QUANTITY_LISTS:
            found = self._only(element, "quantityElement")
            return [self._members(child, name) for child in found]
        if name in TYPED_LISTS:
            return self._typed(element, TYPED_LISTS[name])
        if name == "sensorElementList":
            return [self._sensor(child) for child in self._only(element, "sensorElement")]
        if name == "persistentDisposition":
            return self._dispositions(element)
        if name in MEMBERS:
            return self._members(element, name)
        if len(element):
            raise XmlElementUnknown(name, local_name(element[0].tag))
        return text_of(element)

    def _only(self, element: etree._Element, name: str) -> list[etree._Element]:
        """Children of a list, all of one name."""
        found = children(element)
        for child in found:
            if child.tag != name:
                raise XmlElementUnknown(local_name(element.tag), local_name(child.tag))
        return found

    def _typed(self, element: etree._Element, name: str) -> list[JsonValue]:
        result: list[JsonValue] = []
        for child in self._only(element, name):
            entry: JsonObject = {name: text_of(child)}
            kind = child.get("type")
            if kind is not None:
                entry["type"] = kind
            result.append(entry)
        return result

    def _dispositions(self, element: etree._Element) -> JsonObject:
        result: dict[str, list[JsonValue]] = {}
        for child in children(element):
            if child.tag not in MEMBERS["persistentDisposition"]:
                raise XmlElementUnknown("persistentDisposition", local_name(child.tag))
            result.setdefault(child.tag, []).append(text_of(child))
        return dict(result)

    def _members(self, element: etree._Element, name: str) -> JsonObject:
        """An object of the standard whose members are elements."""
        result: JsonObject = {}
        for child in children(element, flatten=True):
            if namespace_of(child.tag):
                self._extend(result, child)
            elif child.tag not in MEMBERS[name]:
                raise XmlElementUnknown(name, child.tag)
            elif child.get(f"{{{XSI_NS}}}nil") in {"true", "1"}:
                continue
            elif child.tag == "correctiveEventIDs":
                ids = self._only(child, "correctiveEventID")
                self._once(result, child.tag, [text_of(each) for each in ids], name)
            else:
                self._once(result, child.tag, _scalar(name, child.tag, text_of(child)), name)
        return result

    def _sensor(self, element: etree._Element) -> JsonObject:
        result: JsonObject = {}
        reports: list[JsonValue] = []
        for child in children(element, flatten=True):
            if namespace_of(child.tag):
                self._extend(result, child)
            elif child.tag == "sensorMetadata":
                self._once(result, child.tag, self._attributes(child), "sensorElement")
            elif child.tag == "sensorReport":
                reports.append(self._attributes(child))
            else:
                raise XmlElementUnknown("sensorElement", child.tag)
        if reports:
            result["sensorReport"] = reports
        return result

    def _attributes(self, element: etree._Element) -> JsonObject:
        """Sensor metadata or report: the standard's members are attributes."""
        name = local_name(element.tag)
        result: JsonObject = {}
        for tag, value in element.attrib.items():
            if namespace_of(str(tag)):
                result[self._name(str(tag), element)] = str(value)
            elif tag in MEMBERS[name]:
                result[str(tag)] = _scalar(name, str(tag), str(value).strip(_BLANK))
            else:
                raise XmlElementUnknown(name, str(tag))
        for child in children(element, flatten=True):
            if not namespace_of(child.tag):
                raise XmlElementUnknown(name, child.tag)
            self._extend(result, child)
        return result

    def _name(self, tag: str, element: etree._Element) -> str:
        """The name of an extension as ``prefix:name``."""
        namespace = namespace_of(tag)
        wish = next((p for p, n in element.nsmap.items() if n == namespace), None)
        return f"{self._prefixes.prefix(namespace, wish)}:{local_name(tag)}"

    def _extend(self, into: JsonObject, element: etree._Element) -> None:
        """Put an extension into its object; a second of the same name makes a list."""
        name = element.tag
        if namespace_of(name):
            name = self._name(name, element)
        elif name not in {"id", "type"}:
            raise XmlElementUnknown("an extension", name)
        value = self._extension(element)
        present = into.get(name)
        if present is None:
            into[name] = value
        elif isinstance(present, list):
            present.append(value)
        else:
            into[name] = [present, value]

    def _extension(self, element: etree._Element) -> JsonValue:
        """The value of an extension: its text, or an object."""
        result: JsonObject = {}
        for tag, value in element.attrib.items():
            if namespace_of(str(tag)) == XSI_NS:
                continue
            owner = namespace_of(str(tag)) or namespace_of(element.tag)
            result[self._name(f"{{{owner}}}{local_name(str(tag))}", element)] = str(value)
        text = element.text or ""
        if not len(element):
            if result and text:
                result[RDF_VALUE] = text
            return result or text
        for child in element:
            text += child.tail or ""
            self._extend(result, child)
        if text.strip(_BLANK):
            raise XmlElementUnknown(local_name(element.tag), "text")
        return result


def _scalar(parent: str, name: str, text: str) -> JsonValue:
    """A member of the standard by its type: number, truth value or text."""
    if name in NUMBERS:
        try:
            return parse_number(text)
        except NumberRefused:
            where = f"{parent}/{name}"
            raise XmlNumberWrong(where, text[:64]) from None
    if name == "booleanValue":
        return _TRUE.get(text, text)
    return text
