"""One GS1 key, however it was written: what it identifies, and its two spellings."""

from dataclasses import dataclass
from typing import NewType

from lodeline.exchange.gs1.errors import (
    Gs1CheckDigitWrong,
    Gs1LengthWrong,
    Gs1PrefixLengthMissing,
    Gs1PrefixLengthWrong,
    Gs1WithoutUrn,
)
from lodeline.exchange.gs1.schemes import PREFIX_LEAST, PREFIX_MOST, Scheme
from lodeline.exchange.gs1.text import DIGITS, check_digit, check_part, escape

__all__ = ["CANONICAL_DOMAIN", "EpcUri", "Gs1Key", "LinkUri"]

EpcUri = NewType("EpcUri", str)
"""``urn:epc:…``: shows where the company prefix ends."""
LinkUri = NewType("LinkUri", str)
"""A canonical GS1 Digital Link, ``https://id.gs1.org/…``."""

CANONICAL_DOMAIN = "https://id.gs1.org"
"""GS1 Digital Link: URI Syntax 1.2, section 4.11."""


@dataclass(frozen=True, slots=True)
class Gs1Key:
    """A key and, where it has one, what tells one thing of that key from another.

    Build it by `read_urn` or `read_link`; the constructor verifies lengths, characters and the
    check digit all the same. Not checked: whether GS1 has issued the prefix, and to whom.

    Raises:
        Gs1LengthWrong: a part is too short or too long for its scheme.
        Gs1CharacterRefused: a character is outside the set of its part.
        Gs1CheckDigitWrong: the check digit does not follow from the digits before it.
        Gs1PrefixLengthWrong: the company prefix is not 6 to 12 digits of the key.
    """

    scheme: Scheme
    value: str
    """Element string of the key, plain: check digit included, serial not."""
    serial: str | None = None
    """Serial number, lot or extension, plain."""
    prefix_length: int | None = None
    """Digits of the company prefix, where known: a Digital Link does not say."""

    def __post_init__(self) -> None:
        """Verify the parts against the scheme."""
        scheme = self.scheme
        if scheme.fixed:
            check_part(scheme.name, "key", self.value, (scheme.fixed, scheme.fixed, DIGITS))
            self._verify_digit()
        else:
            check_part(scheme.name, "key", self.value, (1, scheme.most, scheme.characters))
        if scheme.serial is not None and (self.serial is not None or not scheme.plain_zero):
            check_part(scheme.name, "serial", self.serial or "", scheme.serial.room)
        if scheme.serial is None and self.serial is not None:
            raise Gs1LengthWrong(scheme.name, "serial", 0, 0, len(self.serial))
        if self.prefix_length is not None:
            self._verify_prefix(self.prefix_length)

    def _verify_digit(self) -> None:
        head = self.value[:-4] if self.scheme.pieces else self.value
        expected = check_digit(head[:-1])
        if head[-1] != expected:
            raise Gs1CheckDigitWrong(self.value, expected, head[-1])

    def _verify_prefix(self, length: int) -> None:
        if not PREFIX_LEAST <= length <= PREFIX_MOST:
            raise Gs1PrefixLengthWrong(self.value, length)
        if not self.scheme.digits and not DIGITS.issuperset(self.value[:length]):
            raise Gs1PrefixLengthWrong(self.value, length)
        if not self.scheme.digits and len(self.value) <= length:
            raise Gs1PrefixLengthWrong(self.value, length)

    def link(self) -> LinkUri:
        """Return the canonical GS1 Digital Link, finest level only (URI Syntax 1.2, 4.11)."""
        scheme, value = self.scheme, escape(self.value, link=True)
        if scheme.serial is None or self.serial is None:
            return LinkUri(f"{CANONICAL_DOMAIN}/{scheme.ai}/{value}")
        serial = escape(self.serial, link=True)
        if not scheme.serial.ai:
            return LinkUri(f"{CANONICAL_DOMAIN}/{scheme.ai}/{value}{serial}")
        return LinkUri(f"{CANONICAL_DOMAIN}/{scheme.ai}/{value}/{scheme.serial.ai}/{serial}")

    def urn(self, prefix_length: int | None = None) -> EpcUri:
        """Return the EPC URI (EPC Tag Data Standard, section 6.3).

        Args:
            prefix_length: digits of the company prefix, where the key itself does not know.

        Raises:
            Gs1PrefixLengthMissing: neither the key nor the caller knows the length.
            Gs1PrefixLengthWrong: the length is not 6 to 12, or the key is too short for it.
            Gs1WithoutUrn: the key is a trade item piece with a lot.
        """
        if not self.scheme.kind:
            raise Gs1WithoutUrn(self.link())
        length = self.prefix_length if self.prefix_length is not None else prefix_length
        if length is None:
            raise Gs1PrefixLengthMissing(self.value)
        self._verify_prefix(length)
        parts = [*self._references(length), *self._tail()]
        return EpcUri(self.scheme.head + ".".join(escape(part, link=False) for part in parts))

    def _references(self, length: int) -> list[str]:
        """Company prefix and reference, with the indicator where the URI has it."""
        scheme, body = self.scheme, self.value
        if not scheme.digits:
            return [body[:length], body[length:]]
        body = body[len(scheme.lead) :][: scheme.digits]
        indicator, body = (body[0], body[1:]) if scheme.indicator else ("", body)
        return [body[:length], indicator + body[length:]]

    def _tail(self) -> list[str]:
        """Pieces and serial, as the URI has them."""
        scheme = self.scheme
        pieces = [self.value[-4:-2], self.value[-2:]] if scheme.pieces else []
        if scheme.kind == "idpat":
            return [*pieces, "*"]
        if scheme.serial is None:
            return pieces
        return [*pieces, "0" if self.serial is None else self.serial]
