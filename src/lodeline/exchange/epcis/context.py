"""JSON-LD contexts, reduced to what EPCIS needs: which prefix stands for which namespace.

The EPCIS context is bundled and known by name; nothing is ever fetched. Beside it a document may
declare prefixes, and types of extensions, which are dropped. Terms, imports and scoped contexts of
its own are refused, since a reader without a JSON-LD processor would see another document.
Source: JSON-LD 1.1, section 4.1.
"""

from collections.abc import Mapping
from typing import Final

from lodeline.exchange.epcis.errors import ContextRefused
from lodeline.exchange.epcis.value import MAX_PREFIXES, JsonValue

__all__ = ["BUILT_IN", "EPCIS_CONTEXT", "Namespaces", "read_context"]

Namespaces = Mapping[str, str]
"""Namespace IRIs by prefix."""

EPCIS_CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
"""What documents written here name."""
_NAMES = frozenset(
    {
        EPCIS_CONTEXT,
        "https://ref.gs1.org/standards/epcis/2.0.1/epcis-context.jsonld",
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context.jsonld",
        "https://id.gs1.org/epcis-context.jsonld",
    }
)
BUILT_IN: Final[Namespaces] = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that the bundled context declares, and ``rdf``, which XML attributes need."""
_MOVED: Final = {"gs1": "https://ref.gs1.org/voc"}
"""Where GS1 has moved a vocabulary since; both addresses mean the same words."""
_PROTECTED = frozenset({"id", "type", "http", "https", "urn", "ni", "geo", "did", "data"})
"""Words that a document may not take as prefixes: schemes of URIs and keywords."""


def read_context(context: JsonValue, outer: Namespaces) -> dict[str, str]:
    """Return the namespaces that a context declares, the outer ones included.

    Args:
        context: value of ``@context``: a name, an object, or a list of both.
        outer: namespaces in force outside.

    Raises:
        ContextRefused: a name is not the EPCIS context's, an entry is more than a namespace, a
            prefix is reserved or taken by the standard, or there are more than 64 of them.
    """
    declared = dict(outer)
    for entry in context if isinstance(context, list) else [context]:
        if isinstance(entry, str):
            if entry not in _NAMES:
                raise ContextRefused(entry)
        elif isinstance(entry, dict):
            for name, meaning in entry.items():
                if not _is_coercion(name, meaning):
                    _declare(declared, name, meaning)
        else:
            raise ContextRefused(str(entry))
    if len(declared) > MAX_PREFIXES:
        raise ContextRefused(next(reversed(declared)))
    return declared


def names_epcis(context: JsonValue) -> bool:
    """Whether a context names the bundled one."""
    entries = context if isinstance(context, list) else [context]
    return any(isinstance(entry, str) and entry in _NAMES for entry in entries)


def _declare(declared: dict[str, str], prefix: str, namespace: JsonValue) -> None:
    if not isinstance(namespace, str) or ":" not in namespace or not _is_prefix(prefix):
        raise ContextRefused(prefix)
    built_in = BUILT_IN.get(prefix)
    if built_in is not None:
        # GS1's own examples write some of them with or without the last separator.
        if namespace.rstrip(":/#") not in {built_in.rstrip(":/#"), _MOVED.get(prefix)}:
            raise ContextRefused(prefix)
        return
    if declared.get(prefix, namespace) != namespace:
        raise ContextRefused(prefix)
    declared[prefix] = namespace


def _is_coercion(name: str, meaning: JsonValue) -> bool:
    """Whether an entry only says of which type the values of an extension are.

    Values are kept as written, so that nothing depends on it and it is dropped.
    """
    return ":" in name and isinstance(meaning, dict) and set(meaning) == {"@type"}


def _is_prefix(prefix: str) -> bool:
    """Whether a word can be a prefix in JSON and in XML (an NCName in ASCII)."""
    head, rest = prefix[:1], prefix[1:]
    if prefix.lower() in _PROTECTED or prefix.lower().startswith("xml"):
        return False
    return (
        prefix.isascii()
        and (head.isalpha() or head == "_")
        and all(c.isalnum() or c in "._-" for c in rest)
    )
