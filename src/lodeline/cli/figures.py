"""Figures of lots as cells of a table, sentences and JSON: every amount with its unit."""

from __future__ import annotations

from lodeline.cli.terminal import Terminal
from lodeline.custody.strands import Kind
from lodeline.holder.contents import Contents
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.kernel.errors import Lang
from lodeline.kernel.time import format_time
from lodeline.kernel.units import (
    format_emissions,
    format_intensity,
    format_mass,
    format_share,
)
from lodeline.node.figures import ClaimFigure, LotFigures, contents_data, figures_of

__all__ = [
    "claims_text",
    "contents_text",
    "count_text",
    "emissions_text",
    "intensity_text",
    "lot_data",
    "masses_text",
    "status_text",
]


def count_text(count: int) -> str:
    """Return a whole number in groups of three, as quantities are written."""
    return f"{count:,}".replace(",", "\u202f")


def masses_text(figures: LotFigures, lang: Lang, separator: str = ", ") -> str:
    """Return the masses of all strands: `8.2 t Co, 41 t Cu`."""
    return separator.join(
        f"{format_mass(item.mass, lang)} {item.strand.name}" for item in figures.strands
    )


def claims_text(figures: LotFigures, lang: Lang, separator: str = ", ") -> str:
    """Return the claims with their shares or, without an amount to be a share of, masses.

    The reserve bears what its metal bears and is not repeated; where there are several metals, each
    claim says of which it speaks.
    """
    several = len(list(figures.metals)) > 1
    return separator.join(
        _claim(item, lang, several=several)
        for item in figures.claims
        if item.strand.kind is not Kind.TOLERANCE
    )


def _claim(item: ClaimFigure, lang: Lang, *, several: bool) -> str:
    if item.share is None:
        return f"{format_mass(item.mass, lang)} {item.claim.text}"
    element = f" {item.strand.name}" if several else ""
    return f"{format_share(item.share, lang)}{element} {item.claim.text}"


def emissions_text(figures: LotFigures, lang: Lang) -> str:
    """Return the emissions, empty for lots that carry none."""
    return "" if figures.emissions is None else format_emissions(figures.emissions, lang)


def contents_text(contents: Contents, lang: Lang) -> str:
    """Return everything that a lot holds in one line."""
    figures = figures_of(contents)
    parts = (masses_text(figures, lang), claims_text(figures, lang), emissions_text(figures, lang))
    return " · ".join(part for part in parts if part)


def lot_data(lot: HeldLot) -> dict[str, object]:
    """Return a held lot as plain data."""
    expiry = lot.public.expiry
    return {
        "lot": lot.lot_id.hex(),
        "status": lot.status.value,
        "made_in_entry": lot.leaf,
        "time": format_time(lot.time),
        "site": lot.site,
        "product": lot.product,
        "expires": None if expiry is None else format_time(expiry),
        "memo": lot.memo,
        **contents_data(lot.contents),
    }


def status_text(terminal: Terminal, status: LotStatus) -> str:
    """Return how a lot stands, in the language of the terminal."""
    return terminal.texts(f"lot.{status.value}")


def intensity_text(figures: LotFigures, lang: Lang) -> str:
    """Return the emissions for each kilogram of each metal: `Co 9.8 kg CO2e/kg`."""
    found = ((item.strand.name, figures.intensity(item.strand)) for item in figures.metals)
    return ", ".join(
        f"{name} {format_intensity(value, lang)}" for name, value in found if value is not None
    )
