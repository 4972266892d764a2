"""Values of EPCIS documents: their JSON types, exact numbers, and how much there may be.

A number is kept to the last digit, never a float, and has one form: plain decimal, no exponent, no
trailing zeros, no minus before zero. Readers refuse what exceeds a limit before spending time on
it.
"""

import re
from decimal import Context, Decimal, InvalidOperation
from typing import TypeAlias

from lodeline.exchange.epcis.errors import NumberRefused

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_DEPTH",
    "MAX_DOCUMENT_BYTES",
    "MAX_EVENTS",
    "MAX_NUMBER_CHARS",
    "MAX_PREFIXES",
    "MAX_TEXT_CHARS",
    "ExactNumber",
    "JsonObject",
    "JsonValue",
    "number_text",
    "parse_integer",
    "parse_number",
]

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_EVENTS = 20_000
"""Events of one document."""
MAX_DEPTH = 32
"""Objects and lists within one another, the document itself counted."""
MAX_TEXT_CHARS = 16_384
"""Characters of one text value."""
MAX_ATTRIBUTES = 128
"""Attributes of one XML element; reading more takes time that grows with the square."""
MAX_NUMBER_CHARS = 64
"""Characters of one number, written out without an exponent."""
MAX_PREFIXES = 64
"""Namespaces that one document declares."""

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A JSON value."""
JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object. Stored events are read, never changed in place."""

ExactNumber = int | Decimal
"""A whole number below 10**18 as an int, any other as its exact decimal."""

_GRAMMAR = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SMALL = 18
_EXACT = Context(prec=MAX_NUMBER_CHARS * 2, Emax=999, Emin=-999)


def parse_number(text: str) -> ExactNumber:
    """Return the exact number that a JSON or XML text stands for.

    Raises:
        NumberRefused: the text is no finite number, or is longer than 64 characters written out.
    """
    if len(text) > MAX_NUMBER_CHARS or _GRAMMAR.fullmatch(text) is None:
        raise NumberRefused(text[:MAX_NUMBER_CHARS], MAX_NUMBER_CHARS)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NumberRefused(text, MAX_NUMBER_CHARS) from None
    if abs(value.adjusted()) > MAX_NUMBER_CHARS:
        raise NumberRefused(text, MAX_NUMBER_CHARS)
    written = number_text(value)
    if len(written) > MAX_NUMBER_CHARS:
        raise NumberRefused(text, MAX_NUMBER_CHARS)
    return int(written) if _is_small(written) else Decimal(written)


def parse_integer(text: str) -> ExactNumber:
    """Return the exact number of a text that has digits and perhaps a minus, nothing else.

    Raises:
        NumberRefused: the number is longer than 64 characters.
    """
    return int(text) if len(text) <= _SMALL else parse_number(text)


def number_text(value: ExactNumber) -> str:
    """Return the one form of a number."""
    if isinstance(value, int):
        return str(value)
    written = format(value.normalize(_EXACT), "f")
    return "0" if written == "-0" else written


def _is_small(written: str) -> bool:
    return len(written) <= _SMALL and "." not in written
