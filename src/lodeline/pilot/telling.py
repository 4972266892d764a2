"""What every chapter has at hand: the scenario, the book, the calendar, the dice.

The dice are `random.Random` with the run's seed. They fix quantities and hours and nothing else:
keys, blinding factors and proofs never see them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lodeline.custody.strands import Kind, Strand
from lodeline.holder.building import ProcessNumbers
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams, grams_co2e, milligrams
from lodeline.pilot.book import Book
from lodeline.pilot.figures import FigureTable, share_of
from lodeline.pilot.scenario import Scenario

__all__ = [
    "COBALT",
    "COPPER",
    "KILOGRAM",
    "MONTHS",
    "RESERVE",
    "Scale",
    "ScaleOutside",
    "Telling",
    "metal",
    "parse_scale",
    "scaled",
    "tied",
]

MONTHS = (0, 1, 2)
"""July, August and September of the quarter."""
KILOGRAM = 1_000_000
"""Milligrams."""
_CARS, _FEWEST_CARS = 100, 5
_BATCHES, _MOST_BATCHES = 2, 6
_WHOLE_FROM = Decimal("0.5")
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_LONGEST_MONTH = 31


def metal(symbol: str) -> Strand:
    """Return the metal strand of an element."""
    return Strand(ElementSymbol(symbol), Kind.METAL)


def tied(strand: Strand, kind: Kind) -> Strand:
    """Return another kind of strand over the same element."""
    return Strand(strand.element, kind)


COBALT = metal("Co")
COPPER = metal("Cu")
RESERVE = tied(COBALT, Kind.TOLERANCE)


class ScaleOutside(LodelineError):
    """A scale that is no number, or beyond what the pilot does."""

    text: str
    least: str
    most: str

    code = "pilot-scale-outside"
    en = "“{text}” is no scale from {least} to {most}"
    fr = "« {text} » n'est pas une échelle de {least} à {most}"
    advice_en = "write 1 for the whole pilot, 0.05 for a short one"
    advice_fr = "écrivez 1 pour tout le pilote, 0.05 pour un court"


@dataclass(frozen=True)
class Scale:
    """How much of the pilot is run."""

    cars: int
    """Car batteries that are put on the market."""
    batches: int
    """Mining batches of each producer in a month."""
    whole: bool
    """Whether all three months are mined; a short run closes the quarter on two months' stock."""


def parse_scale(text: str) -> Scale:
    """Return a scale from its text; 1 makes 100 cars, and never fewer than five are made.

    Raises:
        ScaleOutside: no number, or not from 0.01 to 3.
    """
    least, most = Decimal("0.01"), Decimal(3)
    try:
        scale = Decimal(text)
        fits = least <= scale <= most
    except InvalidOperation:
        raise ScaleOutside(text, str(least), str(most)) from None
    if not fits:
        raise ScaleOutside(text, str(least), str(most))
    cars = max(_FEWEST_CARS, int(scale * _CARS))
    batches = min(_MOST_BATCHES, max(1, int(scale * _BATCHES)))
    return Scale(cars, batches, whole=scale >= _WHOLE_FROM)


def scaled(amount: Milligrams, part: int, whole: int) -> Milligrams:
    """Return `part / whole` of an amount, rounded up to the milligram."""
    return milligrams(-(-amount * part // whole))


@dataclass(frozen=True)
class Telling:
    """One telling of the story."""

    scenario: Scenario
    book: Book
    dice: random.Random
    scale: Scale

    @property
    def figures(self) -> FigureTable:
        """Return the public figures."""
        return self.scenario.figures

    def at(self, month: int, day: int, hour: int = 8) -> BlockTime:
        """Return a moment of the quarter, with minutes that the dice choose.

        Months are counted from 0 and all taken for 31 days long, so a day is at most 28.
        """
        start = self.scenario.quarter.start
        for _ in range(month):
            start = BlockTime(start + _LONGEST_MONTH * _DAY)
        minutes = self.dice.randrange(50)
        return BlockTime(start + (day - 1) * _DAY + hour * _HOUR + minutes * _MINUTE)

    def swung(self, amount: Milligrams) -> Milligrams:
        """Return an amount that differs from the average as months do, whole kilograms."""
        most = self.figures.share("month-swing")
        parts = PPM_ONE + self.dice.randint(-most, most)
        return milligrams(amount * parts // PPM_ONE // KILOGRAM * KILOGRAM)

    def pilot_share(self, amount: Milligrams) -> Milligrams:
        """Return the part of a public figure that goes through the pilot."""
        return share_of(amount, self.figures.share("pilot-share"))

    def emitted(self, figure: str, amounts: Mapping[Strand, Milligrams]) -> ProcessNumbers:
        """Return a step's own emissions: an intensity for each kilogram of some metals.

        Copper counts by its value, three tenths of cobalt's, as the recipes allocate it.
        """
        weighed = sum(
            amount * 3 // 10 if strand == COPPER else amount for strand, amount in amounts.items()
        )
        grams = weighed * self.figures.intensity(figure) // KILOGRAM + 1
        primary = grams * self.figures.share("primary-share") // PPM_ONE
        return ProcessNumbers(grams_co2e(grams), grams_co2e(primary))

    def unmeasured(self, figure: str, amount: Milligrams) -> ProcessNumbers:
        """Return emissions of material from outside, none of them primary data."""
        grams = amount * self.figures.intensity(figure) // KILOGRAM
        return ProcessNumbers(grams_co2e(grams), GramsCO2e(0))
