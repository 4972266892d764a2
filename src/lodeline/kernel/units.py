"""Quantities: what the ledger counts in, and how people write it.

Inside, a quantity is an integer in one fixed unit with a type of its own. Outside, it is a text
with its unit: `24.60 t`, `5.2 t CO2e`, `12.4 %`. Between the two stand only integers, so nothing is
ever rounded: what does not fit is refused.

A point is always a decimal point. A comma is a decimal comma, unless three digits follow it and
the text could also mean thousands: `24,60 t` is read, `24,600 t` is refused. Spaces may group
thousands.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, NewType

from msgspec import Meta

from lodeline.kernel.bounds import (
    MAX_AMOUNT,
    MAX_EMISSIONS,
    MAX_INTENSITY,
    MAX_QUANTITY_CHARS,
    PPM_ONE,
)
from lodeline.kernel.errors import Lang
from lodeline.kernel.ids import ELEMENT_PATTERN, ElementSymbol
from lodeline.kernel.unit_errors import (
    DigitsNotAscii,
    ElementMissing,
    ExponentRefused,
    NegativeQuantity,
    NotANumber,
    NotFinite,
    QuantityOutOfRange,
    QuantityTooLong,
    SeparatorAmbiguous,
    TooFine,
    UnitMissing,
    UnitUnknown,
)

Milligrams = NewType("Milligrams", int)
"""Mass in milligrams, 0 to `MAX_AMOUNT`; of which substance, the name of the variable says."""
GramsCO2e = NewType("GramsCO2e", int)
"""Emissions in grams of CO2 equivalent, 0 to `MAX_EMISSIONS`."""
Ppm = NewType("Ppm", int)
"""A rate, share or weight in parts per million, 0 to `PPM_ONE`."""
GramsPerKg = NewType("GramsPerKg", int)
"""Emission intensity in grams CO2e per kilogram contained, 0 to `MAX_INTENSITY`."""

MilligramsW = Annotated[Milligrams, Meta(ge=0, le=MAX_AMOUNT)]
GramsCO2eW = Annotated[GramsCO2e, Meta(ge=0, le=MAX_EMISSIONS)]
PpmW = Annotated[Ppm, Meta(ge=0, le=PPM_ONE)]
GramsPerKgW = Annotated[GramsPerKg, Meta(ge=0, le=MAX_INTENSITY)]


@dataclass(frozen=True, slots=True)
class Assay:
    """How much of an element is in the dry material, as a laboratory reports it."""

    element: ElementSymbol
    share: Ppm


@dataclass(frozen=True, slots=True)
class _Unit:
    """One unit: its name, how many base units it has, and how values in it look.

    `thousands` says whether a thousand of it can occur; `shown_from` is the least value, in base
    units, that is written in it.
    """

    name: str
    factor: int
    thousands: bool = True
    shown_from: int = 1


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A kind of quantity: its units from largest to smallest, the last being the base unit."""

    name: str
    maximum: int
    units: tuple[_Unit, ...]

    @property
    def base(self) -> _Unit:
        return self.units[-1]

    def names(self) -> tuple[str, ...]:
        return tuple(unit.name for unit in self.units)


_MASS = _Quantity(
    "mass",
    MAX_AMOUNT,
    (
        _Unit("t", 10**9, shown_from=10**9),
        _Unit("kg", 10**6, shown_from=10**6),
        _Unit("g", 10**3, shown_from=10**3),
        _Unit("mg", 1),
    ),
)
_EMISSIONS = _Quantity(
    "emissions",
    MAX_EMISSIONS,
    (
        _Unit("t CO2e", 10**6, shown_from=10**6),
        _Unit("kg CO2e", 10**3, shown_from=10**3),
        _Unit("g CO2e", 1),
    ),
)
_SHARE = _Quantity(
    "share", PPM_ONE, (_Unit("%", 10**4, thousands=False, shown_from=100), _Unit("ppm", 1))
)
_INTENSITY = _Quantity(
    "intensity",
    MAX_INTENSITY,
    (
        _Unit("t CO2e/t", 10**3, shown_from=10**3),
        _Unit("kg CO2e/kg", 10**3, shown_from=10**3),
        _Unit("kg CO2e/t", 1),
        _Unit("g CO2e/kg", 1),
    ),
)

_SPACES = " \u00a0\u2009\u202f"
_GROUP = "\u202f"
_MINUS = "-−–"
_NOT_FINITE = re.compile(r"[-+−]?(nan|inf(inity)?)(?![a-z])", re.IGNORECASE)
_EXPONENT = re.compile(r"[-+−]?[0-9.,]*[0-9][.,]?[eE][-+−]?[0-9]")
_NUMBER = re.compile(rf"([0-9]+|[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+)(?:([.,])([0-9]+))?")
_LEADING = re.compile(rf"[^A-Za-z%‰µ{_SPACES}](?:[^A-Za-z%‰µ]*[^A-Za-z%‰µ{_SPACES}])?")
_ASSAY = re.compile(rf"(.*?)[{_SPACES}]*([A-Za-z]+)", re.DOTALL)
_ELEMENT = re.compile(ELEMENT_PATTERN)


# ------------------------------------------------------------------ checked integers


def milligrams(value: int) -> Milligrams:
    """Give a whole number of milligrams its type.

    Raises:
        QuantityOutOfRange: below 0 or above `MAX_AMOUNT`.
    """
    return Milligrams(_checked(_MASS, value))


def grams_co2e(value: int) -> GramsCO2e:
    """Give a whole number of grams CO2e its type.

    Raises:
        QuantityOutOfRange: below 0 or above `MAX_EMISSIONS`.
    """
    return GramsCO2e(_checked(_EMISSIONS, value))


def ppm(value: int) -> Ppm:
    """Give a whole number of parts per million its type.

    Raises:
        QuantityOutOfRange: below 0 or above `PPM_ONE`.
    """
    return Ppm(_checked(_SHARE, value))


def grams_per_kg(value: int) -> GramsPerKg:
    """Give a whole number of grams CO2e per kilogram its type.

    Raises:
        QuantityOutOfRange: below 0 or above `MAX_INTENSITY`.
    """
    return GramsPerKg(_checked(_INTENSITY, value))


def contained(wet: Milligrams, moisture: Ppm, assay: Ppm) -> Milligrams:
    """Mass of the element in a wet material: wet mass, less moisture, times the dry assay.

    Computed exactly and rounded down once, so nobody gains a milligram by rounding. Does not judge
    whether the assay is plausible for the material.

    Raises:
        QuantityOutOfRange: one of the arguments lies outside its range.
    """
    dry_parts = PPM_ONE - ppm(moisture)
    return milligrams(milligrams(wet) * dry_parts * ppm(assay) // PPM_ONE**2)


# ------------------------------------------------------------------ reading


def parse_mass(text: str) -> Milligrams:
    """Read a mass in t, kg, g or mg: `24.60 t`.

    Raises:
        QuantityError: the member of the family that says why not; nothing is rounded.
    """
    return Milligrams(_parse(_MASS, text))


def parse_emissions(text: str) -> GramsCO2e:
    """Read emissions in t, kg or g CO2e: `5.2 t CO2e`.

    Raises:
        QuantityError: the member of the family that says why not; nothing is rounded.
    """
    return GramsCO2e(_parse(_EMISSIONS, text))


def parse_percent(text: str) -> Ppm:
    """Read a share in % or ppm, at most the whole: `12.4 %`.

    Raises:
        QuantityError: the member of the family that says why not; nothing is rounded.
    """
    return Ppm(_parse(_SHARE, text))


def parse_intensity(text: str) -> GramsPerKg:
    """Read an emission intensity: `9.8 kg CO2e/kg`.

    Raises:
        QuantityError: the member of the family that says why not; nothing is rounded.
    """
    return GramsPerKg(_parse(_INTENSITY, text))


def parse_assay(text: str) -> Assay:
    """Read an assay, share before element: `33.1 % Co`.

    Checks the form of the symbol, not that the project knows the element.

    Raises:
        ElementMissing: no symbol of an element at the end.
        QuantityError: the share is refused for another reason.
    """
    found = _ASSAY.fullmatch(_trimmed(text))
    if found is None or not _ELEMENT.match(found[2]):
        raise ElementMissing(text=text)
    return Assay(element=ElementSymbol(found[2]), share=parse_percent(found[1]))


# ------------------------------------------------------------------ writing


def format_mass(mass: Milligrams, lang: Lang) -> str:
    """Write a mass exactly, in the largest unit that suits: `24.6 t`, `24,6 t`, `24 601 kg`.

    What is written reads back as the same mass, in either language.
    """
    return _format(_MASS, _MASS.units, mass, lang)


def format_emissions(emissions: GramsCO2e, lang: Lang) -> str:
    """Write emissions exactly, in the largest unit that suits: `5.2 t CO2e`."""
    return _format(_EMISSIONS, _EMISSIONS.units, emissions, lang)


def format_share(share: Ppm, lang: Lang) -> str:
    """Write a share exactly, in percent, or in ppm below 0.01 %: `33.1 %`, `50 ppm`."""
    return _format(_SHARE, _SHARE.units, share, lang)


def format_intensity(intensity: GramsPerKg, lang: Lang) -> str:
    """Write an intensity exactly: `9.8 kg CO2e/kg`, or in g CO2e/kg where that is clearer."""
    per_kg = tuple(unit for unit in _INTENSITY.units if unit.name.endswith("/kg"))
    return _format(_INTENSITY, per_kg, intensity, lang)


# ------------------------------------------------------------------ how it is done


def _checked(quantity: _Quantity, value: int) -> int:
    if not 0 <= value <= quantity.maximum:
        raise QuantityOutOfRange(
            quantity=quantity.name,
            value=value,
            maximum=quantity.maximum,
            unit=quantity.base.name,
        )
    return value


def _trimmed(text: str) -> str:
    if len(text) > MAX_QUANTITY_CHARS:
        raise QuantityTooLong(length=len(text), limit=MAX_QUANTITY_CHARS)
    return text.strip(_SPACES)


def _parse(quantity: _Quantity, text: str) -> int:
    """Base units of a text. Integers throughout: `Decimal` would round at a context's precision."""
    trimmed = _trimmed(text)
    number, rest = _split_number(trimmed)
    unit = _find_unit(quantity, trimmed, rest)
    whole, decimals = _digits(number, trimmed, thousands=unit.thousands)
    value, remainder = divmod(int(whole + decimals) * unit.factor, 10 ** len(decimals))
    if remainder:
        raise TooFine(text=trimmed, finest=f"1 {quantity.base.name}")
    return _checked(quantity, value)


def _split_number(text: str) -> tuple[str, str]:
    """The leading number and what follows it, or why it is none."""
    if _NOT_FINITE.match(text):
        raise NotFinite(text=text)
    if _EXPONENT.match(text):
        raise ExponentRefused(text=text)
    leading = _LEADING.match(text)
    if leading is None:
        raise NotANumber(text=text)
    number = leading[0]
    if any(char.isnumeric() and not char.isascii() for char in number):
        raise DigitsNotAscii(text=text)
    if number[0] in _MINUS:
        raise NegativeQuantity(text=text)
    return number, text[leading.end() :].strip(_SPACES)


def _find_unit(quantity: _Quantity, text: str, rest: str) -> _Unit:
    if not rest:
        raise UnitMissing(text=text, known=quantity.names())
    plain = _one_spelling(rest)
    for unit in quantity.units:
        if _one_spelling(unit.name) == plain:
            return unit
    raise UnitUnknown(unit=rest, known=quantity.names())


def _one_spelling(unit: str) -> str:
    """The same unit with and without spaces, with 2 or its subscript; case is kept (Mg, mg)."""
    return "".join(char for char in unit if char not in _SPACES).replace("CO₂", "CO2")


def _digits(number: str, text: str, *, thousands: bool) -> tuple[str, str]:
    """Digits before and after the decimal separator."""
    if number.count(",") + number.count(".") > 1:
        raise SeparatorAmbiguous(text=text)
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise NotANumber(text=text)
    whole, separator, decimals = found[1], found[2], found[3] or ""
    grouped = not whole.isdigit()
    may_be_thousands = thousands and not grouped and whole.strip("0") != ""
    if separator == "," and len(decimals) == len("000") and may_be_thousands:
        raise SeparatorAmbiguous(text=text)
    return "".join(char for char in whole if char not in _SPACES), decimals


def _format(quantity: _Quantity, units: Iterable[_Unit], value: int, lang: Lang) -> str:
    """The value in the first unit that is not too large for it and leaves no doubt.

    Three decimals after a comma look like thousands, so such a value goes to the next unit, in both
    languages, lest a text change its unit with the reader's language.
    """
    _checked(quantity, value)
    unit, whole, decimals = quantity.base, str(value), ""
    for candidate in units:
        whole, decimals = _in_unit(value, candidate.factor)
        unit = candidate
        if value >= candidate.shown_from and not (
            len(decimals) == len("000") and candidate.thousands
        ):
            break
    grouped = f"{int(whole):,}".replace(",", _GROUP)
    separator = "," if lang == "fr" else "."
    number = f"{grouped}{separator}{decimals}" if decimals else grouped
    gap = "\u00a0" if lang == "fr" else " "
    return f"{number}{gap}{unit.name}"


def _in_unit(value: int, factor: int) -> tuple[str, str]:
    whole, rest = divmod(value, factor)
    width = len(str(factor)) - 1
    return str(whole), (str(rest).zfill(width).rstrip("0") if rest else "")
