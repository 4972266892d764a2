"""EPC URIs, read: ``urn:epc:id:…``, ``urn:epc:class:lgtin:…`` and ``urn:epc:idpat:…``.

Source: EPC Tag Data Standard 2.0, section 6.3. Patterns are read where they stand for a key
without its serial (``….*``), which is the only form that EPCIS allows (EPCIS 2.0, 7.3.3.2).
"""

from lodeline.exchange.gs1.errors import (
    Gs1CharacterRefused,
    Gs1LengthWrong,
    Gs1PartsWrong,
    Gs1PrefixLengthWrong,
    Gs1SchemeUnknown,
)
from lodeline.exchange.gs1.key import Gs1Key
from lodeline.exchange.gs1.schemes import BY_URN, PREFIX_LEAST, PREFIX_MOST, Scheme
from lodeline.exchange.gs1.text import DIGITS, check_digit, unescape

__all__ = ["GeneralId", "read_general", "read_urn"]

_COLONS = 4
"""Colons before the company prefix."""
_GENERAL = "urn:epc:id:gid:"
_GENERAL_LIMITS = (2**28, 2**24, 2**36)
"""Bits of manager, class and serial in a 96-bit tag (Tag Data Standard, section 14.6.9)."""

GeneralId = tuple[int, int, int]
"""General manager number, object class, serial number."""


def read_urn(text: str) -> Gs1Key:
    """Return the key that an EPC URI stands for; ``key.urn()`` writes the same text again.

    Not checked: whether GS1 has issued the company prefix.

    Raises:
        Gs1SchemeUnknown: the scheme is none of the table's.
        Gs1PartsWrong: too few or too many parts between dots.
        Gs1PrefixLengthWrong: the company prefix is not 6 to 12 digits.
        Gs1LengthWrong, Gs1CharacterRefused: a part does not fit its scheme.
        Gs1PercentWrong: an escape is cut short, or stands where none is needed.
    """
    *head, body = text.split(":", _COLONS)  # a serial may hold further ones
    scheme = BY_URN.get(":".join([*head, ""]))
    if scheme is None:
        raise Gs1SchemeUnknown(text)
    prefix, reference, pieces, serial = _parts(scheme, text, body)
    _check_prefix(scheme, prefix)
    value = _element(scheme, prefix, unescape(reference, link=False))
    if scheme.plain_zero and serial == "0":
        serial = None
    plain = None if serial is None else unescape(serial, link=False)
    return Gs1Key(scheme, value + pieces, plain, len(prefix))


def read_general(text: str) -> GeneralId:
    """Return the numbers of a general identifier, which is no GS1 key and has no link.

    Raises:
        Gs1SchemeUnknown: the text is no ``urn:epc:id:gid:``.
        Gs1PartsWrong: it does not have three parts.
        Gs1CharacterRefused: a part is not a number without leading zeros.
        Gs1LengthWrong: a number does not fit a 96-bit tag.
    """
    if not text.startswith(_GENERAL):
        raise Gs1SchemeUnknown(text)
    parts = text.removeprefix(_GENERAL).split(".")
    if len(parts) != len(_GENERAL_LIMITS):
        raise Gs1PartsWrong("gid", text, len(_GENERAL_LIMITS), len(parts))
    manager, klass, serial = (
        _number(part, limit) for part, limit in zip(parts, _GENERAL_LIMITS, strict=True)
    )
    return manager, klass, serial


def _number(part: str, limit: int) -> int:
    most = len(str(limit))
    if not 1 <= len(part) <= most:
        raise Gs1LengthWrong("gid", "number", 1, most, len(part))
    if not DIGITS.issuperset(part) or (part[0] == "0" and part != "0"):
        raise Gs1CharacterRefused("gid", "number", part)
    if int(part) >= limit:
        raise Gs1LengthWrong("gid", "number", 1, most, len(part))
    return int(part)


def _parts(scheme: Scheme, text: str, body: str) -> tuple[str, str, str, str | None]:
    """Company prefix, reference, pieces and serial of an EPC URI, still escaped.

    A serial may itself hold dots, so that only as many dots as the scheme has are counted.
    """
    serial = scheme.serial is not None or scheme.kind == "idpat"
    count = 2 + (2 if scheme.pieces else 0) + int(serial)
    parts = body.split(".", count - 1)
    if len(parts) != count:
        raise Gs1PartsWrong(scheme.name, text, count, len(parts))
    tail = parts.pop() if serial else None
    if scheme.kind == "idpat":
        if tail != "*":
            raise Gs1CharacterRefused(scheme.name, "serial", tail or "")
        tail = None
    for piece in parts[2:]:
        if len(piece) != 2:
            raise Gs1LengthWrong(scheme.name, "piece", 2, 2, len(piece))
    return parts[0], parts[1], "".join(parts[2:]), tail


def _check_prefix(scheme: Scheme, prefix: str) -> None:
    if not DIGITS.issuperset(prefix):
        raise Gs1CharacterRefused(scheme.name, "prefix", prefix)
    if not PREFIX_LEAST <= len(prefix) <= PREFIX_MOST:
        raise Gs1PrefixLengthWrong(prefix, len(prefix))


def _element(scheme: Scheme, prefix: str, reference: str) -> str:
    """The element string of prefix and reference, check digit included."""
    if not scheme.digits:
        return prefix + reference
    room = scheme.digits - len(prefix)
    if len(reference) != room:
        raise Gs1LengthWrong(scheme.name, "reference", room, room, len(reference))
    if not DIGITS.issuperset(reference):
        raise Gs1CharacterRefused(scheme.name, "reference", reference)
    if scheme.indicator:
        digits = reference[0] + prefix + reference[1:]
    else:
        digits = scheme.lead + prefix + reference
    return digits + check_digit(digits)
