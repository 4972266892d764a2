"""The schemes as a table: how each key is laid out, in element strings and in EPC URIs.

Sources: EPC Tag Data Standard 2.0, section 6.3 (EPC URIs) and 7 (correspondence with GS1 keys);
GS1 General Specifications, section 3 (element strings); GS1 Digital Link: URI Syntax 1.2, 4.3.
"""

from dataclasses import dataclass

from lodeline.exchange.gs1.text import ALPHANUMERIC_39, ALPHANUMERIC_82, DIGITS

__all__ = ["BY_AI", "BY_URN", "PREFIX_LEAST", "PREFIX_MOST", "Scheme", "Serial"]

PREFIX_LEAST = 6
PREFIX_MOST = 12
"""Digits of a GS1 company prefix."""


@dataclass(frozen=True, slots=True)
class Serial:
    """What tells one thing of a key from another: a serial number, a lot, an extension."""

    ai: str
    """Application identifier; empty where the number is the tail of the key's own string."""
    most: int
    characters: frozenset[str] = ALPHANUMERIC_82

    @property
    def room(self) -> tuple[int, int, frozenset[str]]:
        """Least and most characters, and the set they are from."""
        return 1, self.most, self.characters


@dataclass(frozen=True, slots=True)
class Scheme:
    """One EPC scheme and the GS1 key it stands for."""

    name: str
    ai: str
    """Application identifier of the key."""
    digits: int
    """Digits of company prefix and reference together, no check digit; 0: as long as it likes."""
    serial: Serial | None = None
    kind: str = "id"
    """Which EPC URI: ``id``, ``class`` or ``idpat`` (a key without serial); empty: it has none."""
    indicator: bool = False
    """The first digit of the reference stands before the company prefix."""
    lead: str = ""
    """Digits that the element string has before everything else."""
    pieces: bool = False
    """Piece and total follow the check digit, two digits each."""
    plain_zero: bool = False
    """A serial of one zero says that there is none."""
    most: int = 0
    """Most characters where ``digits`` is 0."""
    characters: frozenset[str] = ALPHANUMERIC_82
    """Characters of the reference where ``digits`` is 0."""

    @property
    def head(self) -> str:
        """The EPC URI up to and with the colon before the company prefix."""
        return f"urn:epc:{self.kind}:{self.name}:"

    @property
    def fixed(self) -> int:
        """Digits of the element string before a serial, with check digit; 0: no fixed number."""
        if not self.digits:
            return 0
        return len(self.lead) + self.digits + 1 + (4 if self.pieces else 0)


_SERIAL_21 = Serial("21", 20)
_SCHEMES = (
    Scheme("sgtin", "01", 13, _SERIAL_21, indicator=True),
    Scheme("lgtin", "01", 13, Serial("10", 20), "class", indicator=True),
    Scheme("upui", "01", 13, Serial("235", 28), indicator=True),
    Scheme("sgtin", "01", 13, None, "idpat", indicator=True),
    Scheme("sscc", "00", 17, indicator=True),
    Scheme("sgln", "414", 12, Serial("254", 20), plain_zero=True),
    Scheme("pgln", "417", 12),
    Scheme("grai", "8003", 12, Serial("", 16), lead="0"),
    Scheme("grai", "8003", 12, None, "idpat", lead="0"),
    Scheme("giai", "8004", 0, most=30),
    Scheme("gsrn", "8018", 17),
    Scheme("gsrnp", "8017", 17),
    Scheme("gdti", "253", 12, Serial("", 17)),
    Scheme("gdti", "253", 12, None, "idpat"),
    Scheme("sgcn", "255", 12, Serial("", 12, DIGITS)),
    Scheme("sgcn", "255", 12, None, "idpat"),
    Scheme("ginc", "401", 0, most=30),
    Scheme("gsin", "402", 16),
    Scheme("itip", "8006", 13, _SERIAL_21, indicator=True, pieces=True),
    Scheme("itip", "8006", 13, None, "idpat", indicator=True, pieces=True),
    Scheme("itip", "8006", 13, Serial("10", 20), "", indicator=True, pieces=True),
    Scheme("cpi", "8010", 0, Serial("8011", 12, DIGITS), most=30, characters=ALPHANUMERIC_39),
    Scheme("cpi", "8010", 0, None, "idpat", most=30, characters=ALPHANUMERIC_39),
)

BY_URN = {scheme.head: scheme for scheme in _SCHEMES if scheme.kind}
"""Schemes by the beginning of their EPC URI."""

BY_AI: dict[str, tuple[Scheme, ...]] = {
    ai: tuple(scheme for scheme in _SCHEMES if scheme.ai == ai)
    for ai in dict.fromkeys(scheme.ai for scheme in _SCHEMES)
}
"""Schemes by application identifier, one for each way to tell things of that key apart."""
