"""Patterns of EPCs: ``urn:epc:idpat:sgtin:4012345.011122.*`` (EPC Tag Data Standard 2.0, 6.3.20).

Asterisks stand at the end, one for each part that does not matter. An EPC matches a pattern in any
spelling: an EPC URI part by part, a Digital Link by its digits, since it does not show where the
company prefix ends. A class of things matches where every thing of it would. Beyond the standard,
``urn:epc:idpat:lgtin:…`` stands for lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.key import CANONICAL_DOMAIN
from lodeline.exchange.gs1.link import canonical_link
from lodeline.exchange.gs1.schemes import BY_URN
from lodeline.exchange.gs1.text import DIGITS
from lodeline.node.events.query_refusals import ParameterPatternWrong
from lodeline.node.events.terms import term_value

__all__ = ["EpcPattern", "is_pattern", "read_pattern"]

_HEAD: Final = "urn:epc:idpat:"
_PARTS: Final = {
    "sgtin": 3, "lgtin": 3, "upui": 3, "sscc": 2, "sgln": 3, "pgln": 2, "grai": 3, "giai": 2,
    "gsrn": 2, "gsrnp": 2, "gdti": 3, "sgcn": 3, "ginc": 2, "gsin": 2, "itip": 5, "cpi": 3,
    "gid": 3, "usdod": 2, "adi": 3, "bic": 1,
}  # fmt: skip
"""Parts of each scheme between dots; a last one may itself hold dots."""
_AFTER_KEY: Final = {
    "sgtin": ("", "/21/"),
    "upui": ("/235/",),
    "lgtin": ("/10/",),
    "itip": ("", "/21/"),
    "sgln": ("", "/254/"),
    "cpi": ("", "/8011/"),
}
"""What may follow the key in a canonical link; of the others, anything."""
_INDICATORS: Final = "0123456789"


def is_pattern(text: str) -> bool:
    """Whether a text is a pattern, with something left open, rather than an identifier."""
    return text.startswith(_HEAD) and text.endswith("*")


@dataclass(frozen=True, slots=True)
class EpcPattern:
    """A pattern, and where in the index its matches stand."""

    scheme: str
    parts: tuple[str, ...]
    beginnings: tuple[str, ...]
    """Every match begins with one of these in its canonical spelling."""
    is_whole_key: bool
    """Whether the beginning is a whole key, of which only what tells one from another is open."""

    def matches(self, text: str) -> bool:
        """Whether an identifier, as an event has it, matches."""
        if text.startswith("urn:epc:"):
            return self._matches_urn(text)
        value = term_value(text)
        return any(self._matches_link(value, beginning) for beginning in self.beginnings)

    def _matches_urn(self, text: str) -> bool:
        pieces = text.split(":", 4)
        if len(pieces) != 5 or pieces[3] != self.scheme:
            return False
        found = pieces[4].split(".", len(self.parts) - 1)
        return len(found) == len(self.parts) and all(
            wanted in {"*", part} for wanted, part in zip(self.parts, found, strict=True)
        )

    def _matches_link(self, value: str, beginning: str) -> bool:
        if not value.startswith(beginning):
            return False
        allowed = _AFTER_KEY.get(self.scheme)
        if allowed is None:
            return True
        rest = value.removeprefix(beginning)
        if not self.is_whole_key:
            rest = rest[rest.find("/") :] if "/" in rest else ""
        return any(rest.startswith(after) if after else not rest for after in allowed)


def read_pattern(parameter: str, text: str) -> EpcPattern:
    """Return the pattern that a text is.

    Args:
        parameter: of which query parameter it is a value, for refusals.
        text: begins with ``urn:epc:idpat:`` and ends with an asterisk.

    Raises:
        ParameterPatternWrong: the scheme or the number of parts is wrong, an asterisk stands
            before a whole part or beside other characters, or a part does not fit.
    """
    scheme, _, body = text.removeprefix(_HEAD).partition(":")
    count = _PARTS.get(scheme, 0)
    parts = tuple(body.split(".", count - 1)) if count else ()
    whole = [part for part in parts if part != "*"]
    if not count or len(parts) != count or list(parts[: len(whole)]) != whole or "" in parts:
        raise ParameterPatternWrong(parameter, text)
    if any("*" in part for part in whole):
        raise ParameterPatternWrong(parameter, text)
    try:
        beginnings, is_whole_key = _beginnings(scheme, whole, count)
    except Gs1Refused:
        raise ParameterPatternWrong(parameter, text) from None
    if not beginnings:
        raise ParameterPatternWrong(parameter, text)
    return EpcPattern(scheme, parts, beginnings, is_whole_key)


def _beginnings(scheme: str, whole: list[str], count: int) -> tuple[tuple[str, ...], bool]:
    """Where in the index matches stand; none where a company prefix is no number.

    Raises:
        Gs1Refused: a part does not fit the scheme.
    """
    kind = "class" if scheme == "lgtin" else "id"
    plain = f"urn:epc:{kind}:{scheme}:"
    if plain not in BY_URN:  # no GS1 key: it stands in the index as it is
        return (plain + "".join(f"{part}." for part in whole),), False
    if len(whole) <= 1:
        return _of_company(plain, whole), False
    if scheme == "itip":
        gtin = canonical_link(f"{_HEAD}sgtin:{whole[0]}.{whole[1]}.*").rpartition("/")[2]
        pieces = "".join(whole[2:])
        return (f"{CANONICAL_DOMAIN}/8006/{gtin}{pieces}",), len(whole) == count - 1
    named = {"lgtin": "sgtin", "upui": "sgtin"}.get(scheme, scheme)
    body = ".".join(whole)
    if scheme == "sgln":
        return (canonical_link(f"urn:epc:id:sgln:{body}.0"),), True
    return (canonical_link(f"{_HEAD}{named}:{body}.*"),), True


def _of_company(plain: str, whole: list[str]) -> tuple[str, ...]:
    """Beginnings of all links of a scheme and a company prefix, or of any company."""
    found = BY_URN[plain]
    head = f"{CANONICAL_DOMAIN}/{found.ai}/"
    if not whole:
        return (head,)
    (prefix,) = whole
    if not DIGITS.issuperset(prefix):
        return ()
    if found.indicator:
        return tuple(f"{head}{digit}{prefix}" for digit in _INDICATORS)
    return (f"{head}{found.lead}{prefix}",)
