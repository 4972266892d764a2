"""What form an answer is to have: media type, language and the spellings of the standard.

Preferences are weighed in thousandths (RFC 9110, section 12.4.2); what cannot be read in a list of
preferences is passed over, as the RFC wants of lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NewType

from lodeline.kernel.errors import Lang
from lodeline.web.refusals import (
    AnswerFormRefused,
    ExtensionsMalformed,
    FormatUnknown,
    VersionMalformed,
    VersionRefused,
)

__all__ = [
    "CBV_VERSION",
    "EPCIS_VERSION",
    "CbvFormat",
    "EpcFormat",
    "Media",
    "check_versions",
    "chosen_media",
    "extensions_of",
    "format_of",
    "media_type",
    "preferred_language",
]

Media = NewType("Media", str)
"""A media type without parameters, in lower case."""

EPCIS_VERSION: Final = "2.0.0"
CBV_VERSION: Final = "2.0.0"
_WEIGHT: Final = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)
_VERSION: Final = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}", re.ASCII)
_MAX_ITEMS: Final = 32


class EpcFormat(StrEnum):
    """How identifiers are spelled in an answer (``GS1-EPC-Format``)."""

    NO_PREFERENCE = "No_Preference"
    LINK = "Always_GS1_Digital_Link"
    URN = "Always_EPC_URN"
    AS_CAPTURED = "Never_Translates"


class CbvFormat(StrEnum):
    """How words of the Core Business Vocabulary are spelled in XML (``GS1-CBV-XML-Format``)."""

    NO_PREFERENCE = "No_Preference"
    WEB_URI = "Always_Web_URI"
    URN = "Always_URN"
    AS_CAPTURED = "Never_Translates"


def media_type(header: str) -> Media:
    """Return the media type of a ``Content-Type``, without its parameters."""
    return Media(header.partition(";")[0].strip().lower())


def chosen_media(accept: str | None, offered: Sequence[str]) -> Media:
    """Return which of the forms on offer is preferred; the first one where nothing is said.

    Raises:
        AnswerFormRefused: none of them is accepted.
    """
    if accept is None or not accept.strip():
        return Media(offered[0])
    ranges = dict(_weighed(accept))
    weights = [_weight_of(media, ranges) for media in offered]
    best = max(weights)
    if best == 0:
        raise AnswerFormRefused(accept[:128], tuple(offered))
    return Media(offered[weights.index(best)])


def _weight_of(media: str, ranges: Mapping[str, int]) -> int:
    """Weight of the most specific range that a media type lies in."""
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0


def preferred_language(accept: str) -> Lang:
    """Return the language that a client prefers of those there are; English where it says none."""
    weights = {tag.partition("-")[0]: weight for tag, weight in reversed(list(_weighed(accept)))}
    return "fr" if weights.get("fr", 0) > weights.get("en", 0) else "en"


def _weighed(header: str) -> Iterator[tuple[str, int]]:
    """Items of a list of preferences with their weights in thousandths."""
    for item in header.split(",")[:_MAX_ITEMS]:
        name, *parameters = item.split(";")
        weights = [found for found in map(_WEIGHT.fullmatch, parameters) if found is not None]
        if name.strip():
            weight = weights[-1][1] if weights else "1"
            whole, _, part = weight.partition(".")
            yield name.strip().lower(), int(whole) * 1000 + int(part.ljust(3, "0"))


# ------------------------------------------------------------------ headers of the standard


def format_of(formats: type[EpcFormat] | type[CbvFormat], header: str, text: str | None) -> str:
    """Return the word of a header about spellings; the standard's default where there is none.

    Raises:
        FormatUnknown: the standard has no such word.
    """
    if text is None:
        return EpcFormat.LINK if formats is EpcFormat else CbvFormat.NO_PREFERENCE
    known = tuple(word.value for word in formats)
    if text.strip() not in known:
        raise FormatUnknown(header, text[:64], known)
    return text.strip()


def check_versions(headers: Mapping[str, str]) -> None:
    """Return only if the versions that a request speaks, and accepts, are this node's.

    Raises:
        VersionMalformed: a header has no version.
        VersionRefused: another version is wanted.
    """
    for name, spoken in (("EPCIS", EPCIS_VERSION), ("CBV", CBV_VERSION)):
        for suffix in ("Version", "Min", "Max"):
            header = f"GS1-{name}-{suffix}"
            text = headers.get(header.lower())
            if text is not None and not _fits(suffix, _version(header, text), _parts(spoken)):
                raise VersionRefused(header, text[:32], spoken)


def _fits(suffix: str, found: tuple[int, ...], own: tuple[int, ...]) -> bool:
    """Whether a version is this node's, or a bound leaves this node's in; corrections pass."""
    if found[:2] == own[:2]:
        return True
    return suffix != "Version" and (found < own) == (suffix == "Min")


def _version(header: str, text: str) -> tuple[int, ...]:
    if _VERSION.fullmatch(text.strip()) is None:
        raise VersionMalformed(header, text[:32])
    return _parts(text.strip())


def _parts(text: str) -> tuple[int, ...]:
    parts = tuple(map(int, text.split(".")))
    return parts + (0,) * (3 - len(parts))


def extensions_of(headers: Iterable[str]) -> dict[str, str]:
    """Return the namespaces that ``GS1-Extensions`` declares, by prefix.

    Not checked: whether a prefix may be declared; whoever reads the document does that.

    Raises:
        ExtensionsMalformed: an item is not ``prefix=namespace``.
    """
    found: dict[str, str] = {}
    for item in (item for header in headers for item in header.split(",")):
        prefix, equals, namespace = item.strip().partition("=")
        if not item.strip():
            continue
        if not equals or not prefix or ":" not in namespace:
            raise ExtensionsMalformed(item[:128])
        found[prefix] = namespace.strip('"')
    return found
