"""Refusals as problems of RFC 9457, in JSON or XML, with the exceptions of EPCIS.

The type is the standard's own, ``epcisException:…``, where it has one; the stable code of the
refusal, its advice and its fields stand beside it. Where the standard has none, the type is the
code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import orjson
from lxml import etree
from starlette.responses import Response

from lodeline.exchange.epcis.errors import (
    DocumentTooLarge,
    EpcisRefused,
    EventsTooMany,
    XmlUnwritable,
)
from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.node.events.exceptions import EpcisException
from lodeline.web.negotiation import chosen_media
from lodeline.web.refusals import AnswerFormRefused

__all__ = ["PROBLEM_JSON", "PROBLEM_XML", "problem", "problem_response", "standard_name", "xml_of"]

PROBLEM_JSON: Final = "application/problem+json"
PROBLEM_XML: Final = "application/problem+xml"
_OFFERED: Final = (
    PROBLEM_JSON,
    "application/json",
    "application/ld+json",
    PROBLEM_XML,
    "application/xml",
    "text/xml",
)
_EPCIS_XSD: Final = "urn:epcglobal:epcis:xsd:2"
_NAMES: Final[tuple[tuple[type[LodelineError], str, int], ...]] = (
    (DocumentTooLarge, "CaptureLimitExceededException", 413),
    (EventsTooMany, "CaptureLimitExceededException", 413),
    (XmlUnwritable, "NotAcceptableException", 406),
    (EpcisRefused, "ValidationException", 400),
    (Gs1Refused, "ValidationException", 400),
)
"""What the standard calls refusals of documents and identifiers, the most special first."""


def standard_name(refusal: type[LodelineError]) -> tuple[str | None, int]:
    """Return what the standard calls a refusal, if it has a name for it, and the HTTP status."""
    if issubclass(refusal, EpcisException):
        return refusal.exception, refusal.status
    for family, name, status in _NAMES:
        if issubclass(refusal, family):
            return name, status
    return None, refusal.status


def problem(refusal: LodelineError, lang: Lang) -> dict[str, object]:
    """Return a refusal as the members of a problem."""
    members = refusal.problem(lang)
    name, status = standard_name(type(refusal))
    if name is not None:
        members["type"] = f"epcisException:{name}"
    return {name: _whole(value) for name, value in members.items()} | {
        "status": status,
        "code": refusal.code,
    }


def problem_response(
    refusal: LodelineError, accept: str | None, lang: Lang, headers: Mapping[str, str]
) -> Response:
    """Return the answer for a refusal; JSON to whoever accepts neither form of a problem."""
    members = problem(refusal, lang)
    try:
        wants = chosen_media(accept, _OFFERED)
    except AnswerFormRefused:
        wants = chosen_media(None, _OFFERED)
    as_xml = wants.endswith("xml")
    body = xml_of("EPCISException", members) if as_xml else orjson.dumps(members)
    answer = Response(
        body,
        int(str(members["status"])),
        headers={"Content-Language": lang, "Vary": "Accept, Accept-Language", **headers},
        media_type=PROBLEM_XML if as_xml else PROBLEM_JSON,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def xml_of(
    name: str, members: Mapping[str, object], attributes: Collection[str] = frozenset()
) -> bytes:
    """Return members as an element of the standard's OpenAPI document, some as its attributes.

    A list is its members one after another under the list's name; members of members are nested.
    """
    root = etree.Element(f"{{{_EPCIS_XSD}}}{name}", nsmap={"epcis": _EPCIS_XSD})
    for attribute in attributes:
        root.set(attribute, _plain(members[attribute]))
    _append(root, {name: value for name, value in members.items() if name not in attributes})
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _append(element: etree._Element, members: Mapping[str, object]) -> None:
    for name, value in members.items():
        for member in value if isinstance(value, list) else [value]:
            below = etree.SubElement(element, name)
            if isinstance(member, dict):
                _append(below, member)
            else:
                below.text = _plain(member)


def _whole(value: object) -> object:
    """A value without halves of characters, which a refused text may have had."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")
    return [_whole(member) for member in value] if isinstance(value, list) else value


def _plain(value: object) -> str:
    """A value as text of XML: what XML has no character for is shown as a question mark."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "?" for c in text
    )
