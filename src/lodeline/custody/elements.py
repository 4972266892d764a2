"""Chemical elements that the consortium follows, with their names and standard atomic masses."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import ElementSymbol

__all__ = ["Element", "ElementTable", "UnknownElement"]


class UnknownElement(LodelineError):
    """An element that is not in the consortium's table."""

    element: str

    code = "unknown-element"
    en = "“{element}” is not an element of this consortium"
    fr = "« {element} » n'est pas un élément de ce consortium"
    advice_en = "write the chemical symbol, such as Co"
    advice_fr = "écrivez le symbole chimique, par exemple Co"


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One element; carbon stands for graphite."""

    symbol: ElementSymbol
    name_en: str
    name_fr: str
    atomic_mass: str
    """Standard atomic mass as a decimal text, in grams for a mole (IUPAC abridged values)."""
    source: str

    @property
    def molar_mass(self) -> Decimal:
        """Return the atomic mass exactly as the table states it, in grams for a mole."""
        return Decimal(self.atomic_mass)

    def name(self, lang: Lang) -> str:
        """Return the element's name in a language."""
        return self.name_en if lang == "en" else self.name_fr


class ElementTable:
    """The consortium's elements by symbol."""

    def __init__(self, elements: tuple[Element, ...]) -> None:
        self._elements = {element.symbol: element for element in elements}

    def __getitem__(self, symbol: ElementSymbol) -> Element:
        """Return an element.

        Raises:
            UnknownElement: the table has none of this symbol.
        """
        try:
            return self._elements[symbol]
        except KeyError:
            raise UnknownElement(symbol) from None

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._elements

    def all(self) -> tuple[Element, ...]:
        """Return every element in the order of the table."""
        return tuple(self._elements.values())
