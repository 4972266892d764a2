"""Units of measure and how one becomes another, exactly (UN/ECE Recommendation 20 codes).

Factors are rational numbers: 1 pound is 0.45359237 kg by definition, 0 °F is 459.67 · 5/9 K. A code
that is not in the table is a unit of its own: it compares with itself and with nothing else. So do
units between which there is no rational factor, such as degree and radian.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NewType

from lodeline.exchange.epcis.value import ExactNumber

__all__ = ["UnitCode", "base_quantity", "comparable_units"]

UnitCode = NewType("UnitCode", str)
"""Common code of UN/ECE Recommendation 20: ``KGM``, ``CEL``."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit: what it measures, and how its numbers become those of the base unit."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    """Added before multiplying: where the scale begins."""


_FACTORS: Final[dict[str, dict[str, str]]] = {
    "mass": {
        "KGM": "1", "GRM": "1/1000", "MGM": "1/1000000", "MC": "1/1000000000", "TNE": "1000",
        "HGM": "1/10", "DTN": "100", "CGM": "1/100000", "DG": "1/10000", "DJ": "1/100",
        "LBR": "45359237/100000000", "ONZ": "45359237/1600000000", "KTN": "1000000",
        "STN": "90718474/100000", "LTN": "10160469088/10000000",
    },
    "length": {
        "MTR": "1", "KMT": "1000", "DMT": "1/10", "CMT": "1/100", "MMT": "1/1000",
        "4H": "1/1000000", "C45": "1/1000000000", "INH": "254/10000", "FOT": "3048/10000",
        "YRD": "9144/10000", "SMI": "1609344/1000", "NMI": "1852",
    },
    "area": {
        "MTK": "1", "KMK": "1000000", "DMK": "1/100", "CMK": "1/10000", "MMK": "1/1000000",
        "HAR": "10000", "INK": "64516/100000000", "FTK": "9290304/100000000",
    },
    "volume": {
        "MTQ": "1", "LTR": "1/1000", "MLT": "1/1000000", "CLT": "1/100000", "DLT": "1/10000",
        "HLT": "1/10", "DMQ": "1/1000", "CMQ": "1/1000000", "MMQ": "1/1000000000",
        "GLL": "3785411784/1000000000000", "GLI": "454609/100000000",
    },
    "time": {
        "SEC": "1", "MIN": "60", "HUR": "3600", "DAY": "86400", "WEE": "604800",
        "C26": "1/1000", "B98": "1/1000000",
    },
    "speed": {"MTS": "1", "KMH": "5/18", "HM": "44704/100000", "KNT": "1852/3600"},
    "pressure": {
        "PAL": "1", "KPA": "1000", "MPA": "1000000", "A97": "100", "BAR": "100000", "MBR": "100",
        "ATM": "101325",
    },
    "energy": {"JOU": "1", "KJO": "1000", "3B": "1000000", "WHR": "3600", "KWH": "3600000"},
    "power": {"WTT": "1", "KWT": "1000", "MAW": "1000000"},
    "frequency": {"HTZ": "1", "KHZ": "1000", "MHZ": "1000000"},
    "voltage": {"VLT": "1", "KVT": "1000", "2Z": "1/1000"},
    "current": {"AMP": "1", "4K": "1/1000"},
    "density": {
        "KMQ": "1", "A93": "1/1000", "GP": "1/1000000", "GL": "1", "M1": "1/1000", "23": "1000",
    },
    "ratio": {"C62": "1", "P1": "1/100", "59": "1/1000000"},
    "concentration": {"C36": "1", "C35": "1000", "C38": "1000"},
    "illuminance": {"LUX": "1"},
    "angle": {"DD": "1", "D61": "1/60", "D62": "1/3600"},
}  # fmt: skip
_UNITS: Final[dict[str, _Unit]] = {
    code: _Unit(dimension, Fraction(factor))
    for dimension, codes in _FACTORS.items()
    for code, factor in codes.items()
} | {
    "KEL": _Unit("temperature", Fraction(1)),
    "CEL": _Unit("temperature", Fraction(1), Fraction("273.15")),
    "FAH": _Unit("temperature", Fraction(5, 9), Fraction("459.67")),
}


def comparable_units(one: UnitCode, other: UnitCode) -> bool:
    """Whether numbers of the two units can be compared."""
    return one == other or (
        one in _UNITS and other in _UNITS and _UNITS[one].dimension == _UNITS[other].dimension
    )


def base_quantity(number: ExactNumber, unit: UnitCode, *, spread: bool = False) -> Fraction:
    """Return a number of a unit as a number of the base unit of what it measures.

    Args:
        number: how many.
        unit: of which; a code that is not in the table is its own base unit.
        spread: the number is a difference, such as a standard deviation: where the scale begins
            does not matter.
    """
    found = _UNITS.get(unit)
    if found is None:
        return Fraction(number)
    return (Fraction(number) + (0 if spread else found.offset)) * found.factor
