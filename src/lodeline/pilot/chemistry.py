"""How much of each metal a run of cars needs, worked back from the packs to the sulfates.

The ratios of nickel, manganese, cobalt and lithium follow from the formula of the cathode material,
LiNi(a)Mn(b)Co(c)O2, and the standard atomic weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from lodeline.custody.strands import Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.units import Milligrams, Ppm, milligrams
from lodeline.node.reference import shipped_elements
from lodeline.pilot.telling import COBALT, Telling, metal, scaled

__all__ = ["LITHIUM", "MANGANESE", "NICKEL", "Metals", "Run", "added", "less", "plan_run"]

LITHIUM, MANGANESE, NICKEL = metal("Li"), metal("Mn"), metal("Ni")
_TENTHS: Mapping[str, Mapping[str, int]] = {
    "622": {"Ni": 6, "Mn": 2, "Co": 2, "Li": 10},
    "811": {"Ni": 8, "Mn": 1, "Co": 1, "Li": 10},
}
"""Atoms for each ten formula units of the cathode material."""

Metals = Mapping[Strand, Milligrams]


@dataclass(frozen=True)
class Run:
    """The metals of one production run, from the packs back to what must be bought."""

    chemistry: str
    packs: tuple[Metals, ...]
    cells: Metals
    """Cells of all packs."""
    cathode: Metals
    """Cells and their scrap."""
    precursor: Metals
    salts: Metals
    """Sulfates, and lithium salt."""


def added(parts: Iterable[Metals]) -> dict[Strand, Milligrams]:
    """Return the sum of amounts, metal by metal."""
    total: dict[Strand, Milligrams] = {}
    for part in parts:
        for strand, amount in part.items():
            total[strand] = milligrams(total.get(strand, 0) + amount)
    return total


def less(whole: Metals, part: Metals) -> dict[Strand, Milligrams]:
    """Return what is left of amounts after others were taken away."""
    return {strand: milligrams(amount - part.get(strand, 0)) for strand, amount in whole.items()}


def plan_run(telling: Telling, chemistry: str, cars: int) -> Run:
    """Return the metals of a run of some cars; each battery differs a little from the average."""
    figures = telling.figures
    average = figures.mass(f"cobalt-in-car-{chemistry}")
    packs = tuple(_battery(telling, chemistry, average) for _ in range(cars))
    cells = added(packs)
    # twice what is lost unexplained, so that the scrap is never less than stated
    after_scrap = PPM_ONE - figures.share("cell-scrap") - 2 * figures.share("cell-unexplained")
    cathode = {strand: scaled(amount, PPM_ONE, after_scrap) for strand, amount in cells.items()}
    precursor = _before(cathode, figures.share("cathode-yield"), without=LITHIUM)
    salts = _before(precursor, figures.share("precursor-yield"))
    salts[LITHIUM] = scaled(cathode[LITHIUM], PPM_ONE, figures.share("lithium-yield"))
    return Run(chemistry, packs, cells, cathode, precursor, salts)


def _battery(telling: Telling, chemistry: str, average: Milligrams) -> dict[Strand, Milligrams]:
    scatter = telling.figures.share("battery-scatter")
    parts = PPM_ONE + telling.dice.randint(-scatter, scatter)
    cobalt = milligrams(average * parts // PPM_ONE)
    return {strand: _beside(chemistry, strand, cobalt) for strand in _strands()}


def _strands() -> tuple[Strand, ...]:
    return COBALT, LITHIUM, MANGANESE, NICKEL


def _beside(chemistry: str, strand: Strand, cobalt: Milligrams) -> Milligrams:
    """Return how much of a metal goes with so much cobalt in a cathode material."""
    if strand == COBALT:
        return cobalt
    tenths = _TENTHS[chemistry]
    of_metal = tenths[strand.element] * _atomic_mass(strand.element)
    of_cobalt = tenths["Co"] * _atomic_mass(COBALT.element)
    return milligrams(int(cobalt * of_metal / of_cobalt))


@cache
def _atomic_mass(element: ElementSymbol) -> Decimal:
    return shipped_elements()[element].molar_mass


def _before(metals: Metals, share: Ppm, without: Strand | None = None) -> dict[Strand, Milligrams]:
    return {
        strand: scaled(amount, PPM_ONE, share)
        for strand, amount in metals.items()
        if strand != without
    }
