"""Names and texts in EPCIS XML: namespaces, prefixes of extensions, values as text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, cast

from lxml import etree

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces, read_context
from lodeline.exchange.epcis.errors import ContextRefused, XmlUnwritable
from lodeline.exchange.epcis.value import MAX_PREFIXES, JsonValue, number_text

__all__ = [
    "ABOUT",
    "DOCUMENT_NS",
    "MDA_NS",
    "QUERY_NS",
    "RDF_NS",
    "SBDH_NS",
    "XSI_NS",
    "Prefixes",
    "local_name",
    "namespace_of",
    "plain_text",
    "set_attribute",
    "set_text",
]

DOCUMENT_NS: Final = "urn:epcglobal:epcis:xsd:2"
QUERY_NS: Final = "urn:epcglobal:epcis-query:xsd:2"
SBDH_NS: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
XSI_NS: Final = "http://www.w3.org/2001/XMLSchema-instance"
RDF_NS: Final = BUILT_IN["rdf"]
ABOUT: Final = f"{{{RDF_NS}}}about"
"""The id of a document: the schema lets its element have attributes of other namespaces, and what
an element is about has this name (RDF 1.1 XML Syntax, section 2.2)."""
MDA_NS: Final = "urn:epcglobal:cbv:mda"
"""Master data attributes; in JSON-LD the same ends in a colon."""

_NOT_EXTENSIONS = frozenset(
    {"urn:epcglobal:epcis:xsd:1", DOCUMENT_NS, "urn:epcglobal:epcis-query:xsd:1", QUERY_NS}
    | {"urn:epcglobal:xsd:1", SBDH_NS, XSI_NS, "http://www.w3.org/XML/1998/namespace"}
)


def local_name(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def namespace_of(tag: str) -> str:
    """Return the namespace of a tag, empty where it has none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def plain_text(value: JsonValue) -> str:
    """Return a single value as XML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return number_text(value)
    return cast(str, value)


def set_text(element: etree._Element, value: JsonValue, where: str) -> None:
    """Give an element its text.

    Raises:
        XmlUnwritable: the text has a character that XML lacks.
    """
    try:
        element.text = plain_text(value)
    except ValueError:
        raise XmlUnwritable(where) from None


def set_attribute(element: etree._Element, name: str, value: str, where: str) -> None:
    """Give an element an attribute.

    Raises:
        XmlUnwritable: the name is none of XML, or the value has a character that XML lacks.
    """
    try:
        element.set(name, value)
    except ValueError:
        raise XmlUnwritable(where) from None


class Prefixes:
    """Which prefix each namespace of a document has: one each, whatever the XML does."""

    def __init__(self, declared: Mapping[str | None, str]) -> None:
        """Take the prefixes that the root element declares, in their order."""
        self._by_namespace: dict[str, str] = {
            MDA_NS if namespace.rstrip(":") == MDA_NS else namespace: prefix
            for prefix, namespace in BUILT_IN.items()
        }
        self._taken = set(self._by_namespace.values())
        for prefix, namespace in declared.items():
            if namespace not in _NOT_EXTENSIONS and ":" in namespace:
                self.prefix(namespace, prefix)

    def prefix(self, namespace: str, wish: str | None) -> str:
        """Return the prefix of a namespace, the one wished for if it is free.

        Raises:
            ContextRefused: the namespace is no absolute IRI, or the event has more than 64.
        """
        known = self._by_namespace.get(namespace)
        if known is not None:
            return known
        if ":" not in namespace or len(self._by_namespace) > MAX_PREFIXES:
            raise ContextRefused(namespace)
        name = wish if wish is not None and self._free(wish, namespace) else self._fresh(namespace)
        self._by_namespace[namespace] = name
        self._taken.add(name)
        return name

    def _fresh(self, namespace: str) -> str:
        number = 1
        while not self._free(f"ns{number}", namespace):
            number += 1
        return f"ns{number}"

    def _free(self, prefix: str, namespace: str) -> bool:
        if prefix in self._taken:
            return False
        try:
            read_context({prefix: namespace}, {})
        except ContextRefused:
            return False
        return True

    @property
    def extensions(self) -> Namespaces:
        """The extensions' namespaces by prefix, the bundled ones left out."""
        return {
            prefix: namespace
            for namespace, prefix in self._by_namespace.items()
            if namespace not in _NOT_EXTENSIONS and prefix not in BUILT_IN
        }
