"""True blends of any shape, drawn by hypothesis: shares rounded as an honest holder rounds them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st
from vectors.plans import BLEND, material
from vectors.stage import PlainLot, Plan
from vectors.tables import RECIPES

from lodeline.kernel.bounds import MAX_INPUTS, MAX_OUTPUTS

__all__ = ["blends", "cut", "shared"]

MOST = (1 << 12) - 1
"""The greatest number of a strand in the vectors' forms."""


def shared(whole: int, weights: Sequence[int]) -> list[int]:
    """Share a whole out by weights: every part its exact share, rounded up or down."""
    total = sum(weights)
    if total == 0:
        return [whole, *[0] * (len(weights) - 1)]
    parts = [whole * weight // total for weight in weights]
    rests = sorted(range(len(weights)), key=lambda i: -(whole * weights[i] % total))
    for index in rests[: whole - sum(parts)]:
        parts[index] += 1
    return parts


def cut(whole: int, places: Sequence[int]) -> list[int]:
    """Cut a whole at some places into one part more."""
    marks = [0, *sorted(place % (whole + 1) for place in places), whole]
    return [high - low for low, high in pairwise(marks)]


@st.composite
def _inputs(draw: st.DrawFn, count: int) -> list[PlainLot]:
    found = []
    for _ in range(count):
        cobalt = draw(st.integers(0, MOST // count))
        emissions = draw(st.integers(0, MOST // count))
        found.append(
            material(
                "sulfate",
                {"Co": cobalt},
                emissions,
                draw(st.integers(0, emissions)),
                {("Co", BLEND): draw(st.integers(0, cobalt))},
            )
        )
    return found


@st.composite
def blends(draw: st.DrawFn, most_lots: int = MAX_INPUTS) -> Plan:
    """Return a true controlled blend of up to sixteen lots into up to sixteen."""
    inputs = draw(_inputs(draw(st.integers(1, min(most_lots, MAX_INPUTS)))))
    count = draw(st.integers(1, min(most_lots, MAX_OUTPUTS)))
    places = draw(st.lists(st.integers(0, 1 << 20), min_size=count - 1, max_size=count - 1))
    whole = sum(lot.amounts["Co"] or 0 for lot in inputs)
    amounts = cut(whole, places)
    claimed = sum(lot.claims["Co", BLEND] for lot in inputs)
    emissions = shared(sum(lot.emissions or 0 for lot in inputs), amounts)
    primary = shared(sum(lot.primary or 0 for lot in inputs), amounts)
    outputs = [
        material(
            "sulfate",
            {"Co": mg},
            grams,
            min(known, grams),
            {("Co", BLEND): claimed * mg // whole if whole else 0},
        )
        for mg, grams, known in zip(amounts, emissions, primary, strict=True)
    ]
    return Plan(RECIPES["blend"], tuple(inputs), tuple(outputs))
