"""Check digits of the GS1 keys inside an event.

A Digital Link shows the check digit of its key, an EPC URI leaves it out. Where the standard has an
identifier (`IDENTIFIERS`) a link of any domain is looked at; elsewhere, in extensions and among
links to documents, only one of GS1's own domain, since an address like ``/2026/01/20260131`` reads
as a key as well as a date.
"""

from collections.abc import Iterator
from typing import Final

from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.errors import CheckDigitWrong
from lodeline.exchange.epcis.fields import EPC_LISTS
from lodeline.exchange.epcis.value import JsonValue
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
    for path, text in _links(event.value, (), named=False):
        try:
            canonical_link(text)
        except Gs1CheckDigitWrong as wrong:
            place = "/".join([where, *map(str, path)])
            raise CheckDigitWrong(place, text, wrong.found, wrong.expected) from None
        except Gs1Refused:
            # No key that could have a check digit: the schema allows any URI.
            continue


def _links(value: JsonValue, path: _Path, *, named: bool) -> Iterator[tuple[_Path, str]]:
    """Texts whose check digit is looked at; ``named``: the field is one of `IDENTIFIERS`."""
    if isinstance(value, str):
        if value.startswith(_WEB if named else _OF_GS1):
            yield path, value
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from _links(member, (*path, at), named=named)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name != "@context":
                yield from _links(member, (*path, name), named=_is_identifier(name, path))


def _is_identifier(name: str, path: _Path) -> bool:
    """Whether a field is one of `IDENTIFIERS`, and not a field of an extension of that name."""
    return name in IDENTIFIERS and not any(isinstance(part, str) and ":" in part for part in path)
