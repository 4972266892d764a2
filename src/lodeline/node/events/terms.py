"""The inverted index of events: which event speaks of what, in one canonical spelling.

A GS1 key has the same value whether an event wrote it as an EPC URI or as a Digital Link of any
domain (`canonical_link`); a CURIE has the value of the URI that it stands for; any other text is
its own value. So an equality of a query is one look-up of ``(tenant, kind, value)``, in the order
of ``seq``, and what begins alike stands side by side: all serials of one product are the range of
values that begin with ``https://id.gs1.org/01/<gtin>/21/``.

What the index finds is a candidate: values beyond `MAX_VALUE_BYTES` are shortened, and which type a
transaction or a party has is in the event alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import IntEnum
from functools import lru_cache
from typing import Final, NewType, cast

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.value import JsonObject
from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.link import canonical_link

__all__ = [
    "MAX_VALUE_BYTES",
    "Term",
    "TermKind",
    "TermValue",
    "expand_curie",
    "term_value",
    "terms_of",
]

MAX_VALUE_BYTES: Final = 512
"""UTF-8 bytes of a value; PostgreSQL keeps no more than about 2,700 in an index."""
_HEAD_CHARS: Final = 100

TermValue = NewType("TermValue", str)
"""A value in the index, made by `term_value` and by nothing else."""
Term = tuple[int, TermValue]
"""Kind and value."""


class TermKind(IntEnum):
    """In which part of an event a value stands; the numbers are stored and never change."""

    TYPE = 1
    BIZ_STEP = 2
    DISPOSITION = 3
    READ_POINT = 4
    BIZ_LOCATION = 5
    EPC = 6
    """``epcList`` and ``childEPCs`` (MATCH_epc)."""
    PARENT = 7
    INPUT_EPC = 8
    OUTPUT_EPC = 9
    EPC_CLASS = 10
    """``quantityList`` and ``childQuantityList`` (MATCH_epcClass)."""
    INPUT_CLASS = 11
    OUTPUT_CLASS = 12
    TRANSFORMATION = 13
    BIZ_TRANSACTION = 14
    """Of any type."""
    SOURCE = 15
    """Of any type."""
    DESTINATION = 16
    """Of any type."""
    DISPOSITION_SET = 17
    DISPOSITION_UNSET = 18
    ERROR_REASON = 19
    CORRECTIVE_EVENT = 20
    """Events that put right what this one declares to be wrong."""
    DEVICE = 21
    """``deviceID`` of sensor metadata and reports."""
    SENSOR_TYPE = 22
    CHEMICAL = 23
    MICROORGANISM = 24


_PLAIN: Final = (
    ("type", TermKind.TYPE),
    ("bizStep", TermKind.BIZ_STEP),
    ("disposition", TermKind.DISPOSITION),
    ("parentID", TermKind.PARENT),
    ("transformationID", TermKind.TRANSFORMATION),
)
_PLACES: Final = (("readPoint", TermKind.READ_POINT), ("bizLocation", TermKind.BIZ_LOCATION))
_LISTS: Final = (
    ("epcList", TermKind.EPC),
    ("childEPCs", TermKind.EPC),
    ("inputEPCList", TermKind.INPUT_EPC),
    ("outputEPCList", TermKind.OUTPUT_EPC),
)
_MEMBERS: Final = (
    ("quantityList", "epcClass", TermKind.EPC_CLASS),
    ("childQuantityList", "epcClass", TermKind.EPC_CLASS),
    ("inputQuantityList", "epcClass", TermKind.INPUT_CLASS),
    ("outputQuantityList", "epcClass", TermKind.OUTPUT_CLASS),
    ("bizTransactionList", "bizTransaction", TermKind.BIZ_TRANSACTION),
    ("sourceList", "source", TermKind.SOURCE),
    ("destinationList", "destination", TermKind.DESTINATION),
)
_PERSISTENT: Final = (("set", TermKind.DISPOSITION_SET), ("unset", TermKind.DISPOSITION_UNSET))
_REPORT: Final = (
    ("type", TermKind.SENSOR_TYPE),
    ("deviceID", TermKind.DEVICE),
    ("chemicalSubstance", TermKind.CHEMICAL),
    ("microorganism", TermKind.MICROORGANISM),
)


def term_value(text: str, namespaces: Mapping[str, str] = BUILT_IN) -> TermValue:
    """Return the one spelling under which a text stands in the index.

    Args:
        text: identifier, word or URI, as an event or a query has it.
        namespaces: prefixes that may stand in front of a CURIE.
    """
    return _value(text if namespaces is BUILT_IN else expand_curie(text, namespaces))


@lru_cache(maxsize=65_536)
def _value(text: str) -> TermValue:
    whole = expand_curie(text, BUILT_IN)
    if whole.startswith(("urn:epc:", "http://", "https://")):
        with suppress(Gs1Refused):  # any URI may stand there: it is its own value
            whole = canonical_link(whole)
    if len(whole) * 4 <= MAX_VALUE_BYTES and "\0" not in whole:
        return TermValue(whole)
    return _bounded(whole)


def expand_curie(text: str, namespaces: Mapping[str, str]) -> str:
    """Return the URI that a CURIE of a known prefix stands for; any other text as it is."""
    prefix, colon, local = text.partition(":")
    namespace = namespaces.get(prefix) if colon else None
    return text if namespace is None or local.startswith("//") else namespace + local


def terms_of(event: Event) -> list[Term]:
    """Return every term of an event, each once, sorted."""
    declared = event.namespaces
    namespaces = {**BUILT_IN, **declared} if declared else BUILT_IN
    return sorted({(kind, term_value(text, namespaces)) for kind, text in _texts(event.value)})


def _bounded(text: str) -> TermValue:
    """A long text as its beginning and its digest, which keeps equality and the order of it."""
    data = text.encode("utf-8")
    if len(data) <= MAX_VALUE_BYTES and b"\0" not in data:
        return TermValue(text)
    head = text[:_HEAD_CHARS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return TermValue(f"{head}#sha-256;{hashlib.sha256(data).hexdigest()}")


def _texts(value: JsonObject) -> Iterator[tuple[int, str]]:
    for name, kind in _PLAIN:
        if name in value:
            yield kind, cast(str, value[name])
    for name, kind in _PLACES:
        if name in value:
            yield kind, cast(str, cast(JsonObject, value[name])["id"])
    for name, kind in _LISTS:
        for text in cast(list[str], value.get(name, ())):
            yield kind, text
    for name, member, kind in _MEMBERS:
        for each in cast(list[JsonObject], value.get(name, ())):
            yield kind, cast(str, each[member])
    yield from _rarer(value)


def _rarer(value: JsonObject) -> Iterator[tuple[int, str]]:
    persistent = cast(JsonObject, value.get("persistentDisposition", {}))
    for name, kind in _PERSISTENT:
        for text in cast(list[str], persistent.get(name, ())):
            yield kind, text
    declaration = cast(JsonObject, value.get("errorDeclaration", {}))
    if "reason" in declaration:
        yield TermKind.ERROR_REASON, cast(str, declaration["reason"])
    for text in cast(list[str], declaration.get("correctiveEventIDs", ())):
        yield TermKind.CORRECTIVE_EVENT, text
    yield from _sensed(cast(list[JsonObject], value.get("sensorElementList", ())))


def _sensed(elements: Iterable[JsonObject]) -> Iterator[tuple[int, str]]:
    for element in elements:
        metadata = cast(JsonObject, element.get("sensorMetadata", {}))
        if "deviceID" in metadata:
            yield TermKind.DEVICE, cast(str, metadata["deviceID"])
        for report in cast(list[JsonObject], element.get("sensorReport", ())):
            for name, kind in _REPORT:
                if name in report:
                    yield kind, cast(str, report[name])
