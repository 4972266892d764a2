"""Characters of GS1 element strings and how EPC URIs and Digital Links escape them.

Three character sets: digits, the 39 characters of component and part identifiers, and the 82 of
serial and lot numbers (GS1 General Specifications, section 7.11). EPC URIs escape seven characters
(EPC Tag Data Standard, table A-1); Digital Links escape, besides, those that have a meaning in a
path (GS1 Digital Link: URI Syntax, section 5.1.2 and table 7-1). Escapes are upper case.
"""

import re

from lodeline.exchange.gs1.errors import Gs1CharacterRefused, Gs1LengthWrong, Gs1PercentWrong

__all__ = [
    "ALPHANUMERIC_39",
    "ALPHANUMERIC_82",
    "DIGITS",
    "check_digit",
    "check_part",
    "escape",
    "unescape",
]

DIGITS = frozenset("0123456789")
ALPHANUMERIC_39 = DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ#-/")
ALPHANUMERIC_82 = DIGITS | frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!\"%&'()*+,-./:;<=>?_"
)

_URN_ESCAPED = frozenset('"#%&/<>?')
_LINK_ESCAPED = _URN_ESCAPED | frozenset("!()*+,:")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


def check_digit(digits: str) -> str:
    """Return the digit that makes the weighted sum a multiple of ten (GS1 GenSpecs, 7.9.1).

    ``digits`` are those before the check digit, from the left; the last of them weighs three.
    """
    threes = sum(map(int, digits[::-2]))
    ones = sum(map(int, digits[-2::-2]))
    return str(-(3 * threes + ones) % 10)


def check_part(scheme: str, part: str, value: str, room: tuple[int, int, frozenset[str]]) -> None:
    """Refuse a value that is too short, too long, or outside its character set.

    Args:
        scheme: name of the scheme, for the refusal.
        part: name of the part, for the refusal.
        value: the plain value, nothing escaped.
        room: least and most characters, and the set they are from.

    Raises:
        Gs1LengthWrong: the value has too few or too many characters.
        Gs1CharacterRefused: a character is not of the set.
    """
    least, most, characters = room
    if not least <= len(value) <= most:
        raise Gs1LengthWrong(scheme, part, least, most, len(value))
    for character in value:
        if character not in characters:
            raise Gs1CharacterRefused(scheme, part, character)


def escape(value: str, *, link: bool) -> str:
    """Escape a plain value for a Digital Link, or else for an EPC URI."""
    escaped = _LINK_ESCAPED if link else _URN_ESCAPED
    if escaped.isdisjoint(value):
        return value
    return "".join(f"%{ord(c):02X}" if c in escaped else c for c in value)


def unescape(text: str, *, link: bool) -> str:
    """Return the plain value of an escaped part.

    A Digital Link may escape any ASCII character (RFC 3986 §2.4). An EPC URI has one spelling:
    what needs an escape has one, and nothing else (EPC Tag Data Standard, section 6.3).

    Raises:
        Gs1PercentWrong: an escape is cut short, not ASCII, or a plain character needed one.
    """
    if link and "%" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        code = match.group(1)
        if code is None or int(code, 16) > 0x7E:
            raise Gs1PercentWrong(text, text[match.start() : match.start() + 3])
        return chr(int(code, 16))

    value = _ESCAPE.sub(plain, text)
    if not link:
        _one_spelling(value, text)
    return value


def _one_spelling(value: str, text: str) -> None:
    """Refuse an EPC URI part that escapes too much or too little; hexadecimal in either case."""
    written = _ESCAPE.sub(lambda match: match.group().upper(), text)
    if escape(value, link=False) != written:
        raise Gs1PercentWrong(text, text)
