"""The widest transform that the protocol allows, and one with a bit more."""

from __future__ import annotations

from typing import NamedTuple

from vectors.plans import material
from vectors.stage import Committer, Plan, Scene, stage
from vectors.tables import FORMS, RECIPES, form

from lodeline.custody.forms import FormClass

__all__ = ["ONE_BIT_MORE", "WIDEST", "Widths", "widest"]

LOTS = 16


class Widths(NamedTuple):
    """Bits of the three metals and of the emissions of a form."""

    cobalt: int
    copper: int
    manganese: int
    emissions: int

    @property
    def range_bits(self) -> int:
        """Return the range bits of sixteen lots out of one, counted by hand.

        T5: each output's metals, emissions, primary part and difference of the two. T6: primary
        parts together. T8: emissions and primary part of each output, two ranges for each, one bit
        wider than the weighted total.
        """
        metals = self.cobalt + self.copper + self.manganese
        most = LOTS * sum((1 << bits) - 1 for bits in self[:3])
        primary = self.emissions
        return LOTS * (metals + 3 * self.emissions) + primary + 4 * LOTS * (most.bit_length() + 1)


WIDEST = Widths(36, 50, 51, 48)
ONE_BIT_MORE = Widths(36, 47, 51, 49)


def widest(widths: Widths, hand: Committer) -> Scene:
    """Return one lot split into sixteen of the greatest numbers that still add up."""
    metals = {"Co": widths.cobalt, "Cu": widths.copper, "Mn": widths.manganese}
    wide = form("wide", FormClass.MATERIAL, metals, widths.emissions)
    each = {name: ((1 << bits) - 1) // LOTS for name, bits in metals.items()}
    grams = ((1 << widths.emissions) - 1) // LOTS
    part = material("wide", each, grams, grams // 3)
    whole = material(
        "wide", {name: LOTS * mg for name, mg in each.items()}, LOTS * grams, LOTS * (grams // 3)
    )
    return stage(Plan(RECIPES["split"], (whole,), (part,) * LOTS), hand, (*FORMS, wide))
