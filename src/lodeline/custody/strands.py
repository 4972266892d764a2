"""Strands: what a lot is made of, one named quantity each (protocol.md §3).

A strand is a kind over an element. Its written name is the element's symbol for metal (``Co``)
and symbol, dot, kind otherwise (``Co.licence``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, StrandName

__all__ = ["Kind", "Strand", "UnknownStrand"]


class UnknownStrand(LodelineError):
    """A strand name that is no element symbol with an optional kind."""

    name: str

    code = "unknown-strand"
    en = "“{name}” names no strand"
    fr = "« {name} » ne désigne aucun brin"
    advice_en = "Write an element (Co) or an element and a kind (Co.licence)"
    advice_fr = "Écrivez un élément (Co) ou un élément et un genre (Co.licence)"


class Kind(Enum):
    """What the quantity of a strand is."""

    METAL = "metal"
    LICENCE = "licence"
    """May be mined: the only thing that becomes metal."""
    TOLERANCE = "tolerance"
    """Measurement reserve made at mining, drawn on when a lot is weighed again."""
    QUOTA = "quota"
    """May be exported."""
    ASSURANCE = "assurance"
    """Bears claims only: what an accredited body certified for a period."""
    CREDIT = "credit"
    """Bears claims only: mass-balance or book-and-claim credit."""


_AMOUNTLESS = frozenset({Kind.ASSURANCE, Kind.CREDIT})


@dataclass(frozen=True, order=True)
class Strand:
    """A kind of quantity over one element."""

    element: ElementSymbol
    kind: Kind

    def __post_init__(self) -> None:
        if not (1 <= len(self.element) <= 8 and self.element.isascii() and self.element.isalnum()):
            raise UnknownStrand(self.element)

    @property
    def name(self) -> StrandName:
        """Return the written name: ``Co`` for metal, ``Co.licence`` for the rest."""
        if self.kind is Kind.METAL:
            return StrandName(self.element)
        return StrandName(f"{self.element}.{self.kind.value}")

    @property
    def has_amount(self) -> bool:
        """Return whether the strand has an amount of its own (assurance and credit have none)."""
        return self.kind not in _AMOUNTLESS

    @property
    def is_material(self) -> bool:
        """Return whether the strand is metal or its measurement tolerance."""
        return self.kind in (Kind.METAL, Kind.TOLERANCE)

    @classmethod
    def parse(cls, name: str) -> Strand:
        """Return the strand that a written name stands for.

        Raises:
            UnknownStrand: the name has no such form.
        """
        element, dot, kind = name.partition(".")
        if not dot:
            return cls(ElementSymbol(element), Kind.METAL)
        if kind == Kind.METAL.value:
            raise UnknownStrand(name)
        try:
            return cls(ElementSymbol(element), Kind(kind))
        except ValueError as unknown:
            raise UnknownStrand(name) from unknown
