"""Check digits of the GS1 keys inside an event.

A Digital Link shows the check digit of its key, an EPC URI leaves it out. Where the standard has an
identifier (`IDENTIFIERS`) a link of any domain is looked at; elsewhere, in extensions and among
links to documents, only one of GS1's own domain, since an address like ``/2026/01/20260131`` reads
as a key as well as a date.
"""

from typing import Final

from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.errors import CheckDigitWrong
from lodeline.exchange.epcis.fields import EPC_LISTS
from lodeline.exchange.epcis.value import JsonObject
from lodeline.exchange.gs1.errors import Gs1CheckDigitWrong, Gs1Refused
from lodeline.exchange.gs1.key import CANONICAL_DOMAIN
from lodeline.exchange.gs1.link import canonical_link

__all__ = ["IDENTIFIERS", "verify_check_digits"]

IDENTIFIERS: Final = frozenset(EPC_LISTS) | {
    "parentID",
    "epcClass",
    "transformationID",
    "id",
    "bizTransaction",
    "source",
    "destination",
    "deviceID",
}
"""Fields of the standard that name a thing, a class of things, a place, a party or a document."""
_WEB: Final = ("https://", "http://")
_OF_GS1: Final = (f"{CANONICAL_DOMAIN}/", f"http{CANONICAL_DOMAIN.removeprefix('https')}/")

_Path = tuple[str | int, ...]


def verify_check_digits(event: Event, where: str) -> None:
    """Refuse an event in which the check digit of a GS1 key is wrong.

    Not checked: anything else about an identifier. A link that is no GS1 key is a URI like any
    other. Nor is the GLN in ``urn:epcglobal:cbv:bt:…``, which GS1's own examples get wrong.

    Args:
        event: as a reader returned it.
        where: path of the event in its document, for the refusal.

    Raises:
        CheckDigitWrong: the first digit that does not follow from those before it.
    """
    found: list[tuple[_Path, str]] = []
    _of_object(event.value, (), own=True, into=found)
    for path, text in found:
        try:
            canonical_link(text)
        except Gs1CheckDigitWrong as wrong:
            place = "/".join([where, *map(str, path)])
            raise CheckDigitWrong(place, text, wrong.found, wrong.expected) from None
        except Gs1Refused:
            # No key that could have a check digit: the schema allows any URI.
            continue


def _of_object(value: JsonObject, path: _Path, *, own: bool, into: list[tuple[_Path, str]]) -> None:
    """Collect the texts of an object whose check digit is looked at.

    Args:
        value: the event, or an object within it.
        path: where it stands in the event.
        own: it is of the standard, not of an extension.
        into: what was collected.
    """
    for name, member in value.items():
        if isinstance(member, str):
            if member.startswith(_WEB if own and name in IDENTIFIERS else _OF_GS1):
                into.append(((*path, name), member))
        elif isinstance(member, dict):
            if name != "@context":
                _of_object(member, (*path, name), own=own and ":" not in name, into=into)
        elif isinstance(member, list):
            heads = _WEB if own and name in IDENTIFIERS else _OF_GS1
            for at, inner in enumerate(member):
                if isinstance(inner, str):
                    if inner.startswith(heads):
                        into.append(((*path, name, at), inner))
                elif isinstance(inner, dict):
                    _of_object(inner, (*path, name, at), own=own and ":" not in name, into=into)
