"""GS1 Digital Links, read and reduced to the form that event hash ids need.

Any domain and any path before the key are accepted, short names for application identifiers too
(``gtin`` for ``01``). A link is reduced to its finest level: with a serial the lot goes, the
consumer product variant and the query always go (CBV 2.0, 8.9.3; URI Syntax 1.2, 4.11).
"""

from functools import lru_cache

from lodeline.exchange.gs1.errors import (
    Gs1CheckDigitWrong,
    Gs1QualifierUnknown,
    Gs1Refused,
    Gs1SchemeUnknown,
    Gs1WithoutLink,
)
from lodeline.exchange.gs1.key import Gs1Key, LinkUri
from lodeline.exchange.gs1.schemes import BY_AI, Scheme
from lodeline.exchange.gs1.text import DIGITS, unescape
from lodeline.exchange.gs1.urn import read_urn

__all__ = ["canonical_link", "read_link"]

_SHORT = {
    "gtin": "01", "itip": "8006", "cpid": "8010", "gln": "414", "party": "417", "gsrnp": "8017",
    "gsrn": "8018", "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402",
    "grai": "8003", "giai": "8004",
}  # fmt: skip
_SHORT_QUALIFIERS = {"cpv": "22", "lot": "10", "ser": "21", "cpsn": "8011", "glnx": "254"}
_ORDER: dict[str, tuple[str, ...]] = {
    "01": ("22", "10", "21", "235"),
    "8006": ("22", "10", "21"),
    "414": ("254",),
    "8010": ("8011",),
}
"""Qualifiers of each key, coarsest first; nothing else may follow a key in the path."""
_DROPPED = frozenset({"22"})
_REMEMBERED_CHARS = 200
"""Longer texts are read anew each time, so that strangers cannot fill the memory."""
_GTIN_LENGTHS = frozenset({8, 12, 13})


def read_link(text: str, prefix_length: int | None = None) -> Gs1Key:
    """Return the key of a GS1 Digital Link, at its finest level.

    Args:
        text: the link, any domain, query and fragment ignored.
        prefix_length: digits of the company prefix, where the caller knows.

    Raises:
        Gs1SchemeUnknown: no key is in the path.
        Gs1QualifierUnknown: something follows the key that does not qualify it.
        Gs1LengthWrong, Gs1CharacterRefused, Gs1CheckDigitWrong: a value does not fit its key.
        Gs1PercentWrong: an escape is cut short or not ASCII.
        Gs1PrefixLengthWrong: the length given does not fit.
    """
    segments = _path(text)
    refused: Gs1Refused | None = None
    for at, segment in enumerate(segments[:-1]):
        ai = _SHORT.get(segment, segment)
        if ai not in BY_AI:
            continue
        try:
            return _key(ai, segments[at + 1 :], prefix_length)
        except Gs1Refused as error:
            # A segment before the key may look like an identifier of its own. What has a check
            # digit, though a wrong one, looks most like a key.
            if refused is None or isinstance(error, Gs1CheckDigitWrong):
                refused = error
    raise refused or Gs1SchemeUnknown(text)


def canonical_link(text: str) -> LinkUri:
    """Return the canonical link of an EPC URI or of a Digital Link of any domain.

    Raises:
        Gs1WithoutLink: the EPC URI is of a scheme that is no GS1 key (``gid`` and others).
        Gs1Refused: as `read_urn` and `read_link` do.
    """
    return _remembered(text) if len(text) <= _REMEMBERED_CHARS else _canonical(text)


def _canonical(text: str) -> LinkUri:
    if text.startswith("urn:epc:id:") and text.split(":")[3] in {"gid", "usdod", "adi", "bic"}:
        raise Gs1WithoutLink(text)
    if text.startswith("urn:"):
        return read_urn(text).link()
    return read_link(text).link()


_remembered = lru_cache(maxsize=65_536)(_canonical)


def _path(text: str) -> list[str]:
    """Segments of the path of an ``http`` or ``https`` URI; empty for anything else."""
    scheme, found, rest = text.partition("://")
    if not found or scheme not in {"http", "https"}:
        return []
    path = rest.split("#", 1)[0].split("?", 1)[0].rstrip("/")
    return path.split("/")[1:]


def _key(ai: str, rest: list[str], prefix_length: int | None) -> Gs1Key:
    """The key whose value and qualifiers are the segments given."""
    value = unescape(rest[0], link=True)
    if ai == "01" and len(value) in _GTIN_LENGTHS and DIGITS.issuperset(value):
        value = value.zfill(14)
    qualifiers = _qualifiers(ai, rest[1:])
    finest = next(reversed(qualifiers), None)
    scheme = _scheme(ai, finest, value)
    if scheme.serial is not None and not scheme.serial.ai:
        return Gs1Key(scheme, value[: scheme.fixed], value[scheme.fixed :], prefix_length)
    serial = None if finest is None else qualifiers[finest]
    return Gs1Key(scheme, value, serial, prefix_length)


def _qualifiers(ai: str, rest: list[str]) -> dict[str, str]:
    """Qualifiers by application identifier, in order, the dropped ones left out."""
    allowed = _ORDER.get(ai, ())
    if len(rest) % 2:
        raise Gs1QualifierUnknown(ai, rest[-1])
    found: dict[str, str] = {}
    reached = -1
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        qualifier = _SHORT_QUALIFIERS.get(name, name)
        place = allowed.index(qualifier) if qualifier in allowed else -1
        if place <= reached:
            raise Gs1QualifierUnknown(ai, name)
        reached = place
        if qualifier not in _DROPPED:
            found[qualifier] = unescape(value, link=True)
    return found


def _scheme(ai: str, finest: str | None, value: str) -> Scheme:
    """Which scheme of a key: by its finest qualifier, or by what follows the check digit."""
    schemes = BY_AI[ai]
    for scheme in schemes:
        if finest is not None and scheme.serial is not None and scheme.serial.ai == finest:
            return scheme
    if finest is not None:
        raise Gs1QualifierUnknown(ai, finest)
    whole = not schemes[0].fixed or len(value) <= schemes[0].fixed
    for scheme in schemes:
        if (scheme.serial is None and whole) or scheme.plain_zero:
            return scheme
    return schemes[0]
