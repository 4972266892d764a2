"""Assurance standards and credit schemes, as dated data (domain.md §3)."""

from __future__ import annotations

import msgspec

from lodeline.custody.forms import FormClass
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, StandardName

__all__ = ["Standard", "StandardTable", "UnknownStandard"]


class UnknownStandard(LodelineError):
    """A standard that is not in the consortium's table."""

    standard: str

    code = "unknown-standard"
    en = "“{standard}” is not a standard of this consortium"
    fr = "« {standard} » n'est pas une norme de ce consortium"
    advice_en = "See the standards with `lodeline recipes --standards`"
    advice_fr = "Voyez les normes avec `lodeline recipes --standards`"


class Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One standard (or recycled-content category) that material can bear a claim of."""

    name: StandardName
    title_en: str
    title_fr: str
    version: str
    valid_from: int
    """Block time from which grants under it are accepted."""
    valid_to: int | None
    elements: tuple[ElementSymbol, ...]
    """Elements it speaks of; empty means every element."""
    draws_from: tuple[FormClass, ...]
    """Classes of the forms that a claim may be drawn on (rule 8): a mine's, licence."""
    draws_from_forms: tuple[FormName, ...]
    """Further forms by name (a refiner's standard names its feed)."""
    carry_share_ppm: int
    """How much of an expiring mass-balance credit may be carried once into the next period."""
    source: str


class StandardTable:
    """The consortium's standards by name."""

    def __init__(self, standards: tuple[Standard, ...]) -> None:
        self._standards = {standard.name: standard for standard in standards}

    def __getitem__(self, name: StandardName) -> Standard:
        """Return a standard.

        Raises:
            UnknownStandard: the table has none of this name.
        """
        try:
            return self._standards[name]
        except KeyError:
            raise UnknownStandard(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._standards

    def all(self) -> tuple[Standard, ...]:
        """Return every standard in the order of adoption."""
        return tuple(self._standards.values())
