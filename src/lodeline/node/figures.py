"""What a lot holds in figures that people read: contained masses, certified shares, emissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lodeline.custody.claims import ClaimName
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.contents import Contents
from lodeline.kernel.bounds import MAX_INTENSITY, PPM_ONE
from lodeline.kernel.units import (
    GramsCO2e,
    GramsPerKg,
    Milligrams,
    Ppm,
    grams_co2e,
    grams_per_kg,
    milligrams,
    ppm,
)

__all__ = [
    "ClaimFigure",
    "LotFigures",
    "StrandFigure",
    "contents_data",
    "figures_data",
    "figures_of",
    "total_figures",
]

_MG_PER_KG = 10**6


@dataclass(frozen=True)
class StrandFigure:
    """How much of a strand there is."""

    strand: Strand
    mass: Milligrams


@dataclass(frozen=True)
class ClaimFigure:
    """How much of a strand bears a claim; the share is rounded down."""

    strand: Strand
    claim: ClaimName
    mass: Milligrams
    share: Ppm | None
    """Nothing for strands without an amount (assurance, credit)."""


@dataclass(frozen=True)
class LotFigures:
    """The figures of one lot, or of several together."""

    strands: tuple[StrandFigure, ...]
    claims: tuple[ClaimFigure, ...]
    emissions: GramsCO2e | None
    primary: GramsCO2e | None

    def mass(self, strand: Strand) -> Milligrams:
        """Return the mass of a strand, zero where there is none."""
        return next((item.mass for item in self.strands if item.strand == strand), Milligrams(0))

    def intensity(self, strand: Strand) -> GramsPerKg | None:
        """Return grams CO2e per kilogram of a metal, rounded up; nothing where there is none."""
        mass = self.mass(strand)
        if self.emissions is None or mass == 0:
            return None
        found = -(-self.emissions * _MG_PER_KG // mass)
        return grams_per_kg(min(found, MAX_INTENSITY))

    @property
    def metals(self) -> Iterator[StrandFigure]:
        """Yield the metal strands."""
        return (item for item in self.strands if item.strand.kind is Kind.METAL)


def figures_of(contents: Contents) -> LotFigures:
    """Return the figures of one lot."""
    return total_figures((contents,))


def total_figures(lots: Iterable[Contents]) -> LotFigures:
    """Return the figures of several lots together.

    Raises:
        QuantityOutOfRange: a sum leaves the range of amounts.
    """
    amounts: dict[Strand, int] = {}
    borne: dict[tuple[Strand, ClaimName], int] = {}
    emissions, primary, material = 0, 0, False
    for lot in lots:
        for strand, mass in lot.amounts.items():
            amounts[strand] = amounts.get(strand, 0) + mass
        for key, mass in lot.claims.items():
            borne[key] = borne.get(key, 0) + mass
        if lot.emissions is not None:
            material = True
            emissions += lot.emissions
            primary += lot.primary or 0
    strands = tuple(
        StrandFigure(strand, milligrams(amounts[strand])) for strand in sorted(amounts, key=_name)
    )
    claims = tuple(
        _claim(strand, claim, mass, amounts.get(strand))
        for (strand, claim), mass in sorted(borne.items(), key=lambda item: _key(item[0]))
    )
    return LotFigures(
        strands,
        claims,
        grams_co2e(emissions) if material else None,
        grams_co2e(primary) if material else None,
    )


def _claim(strand: Strand, claim: ClaimName, mass: int, whole: int | None) -> ClaimFigure:
    share = ppm(mass * PPM_ONE // whole) if whole else None
    return ClaimFigure(strand, claim, milligrams(mass), share)


def _name(strand: Strand) -> str:
    return strand.name


def _key(key: tuple[Strand, ClaimName]) -> tuple[str, str]:
    strand, claim = key
    return strand.name, claim.text


def contents_data(contents: Contents) -> dict[str, object]:
    """Return what a lot holds as plain data."""
    return {"form": contents.form, **figures_data(figures_of(contents))}


def figures_data(figures: LotFigures) -> dict[str, object]:
    """Return figures as plain data; numbers as text in base units, so that no reader rounds."""
    return {
        "milligrams": {item.strand.name: str(item.mass) for item in figures.strands},
        "claims": [
            {
                "strand": item.strand.name,
                "claim": item.claim.text,
                "milligrams": str(item.mass),
                "share_ppm": None if item.share is None else str(item.share),
            }
            for item in figures.claims
        ],
        "grams_co2e": None if figures.emissions is None else str(figures.emissions),
        "primary_grams_co2e": None if figures.primary is None else str(figures.primary),
        "grams_co2e_per_kg": {
            item.strand.name: str(found)
            for item in figures.metals
            if (found := figures.intensity(item.strand)) is not None
        },
    }
