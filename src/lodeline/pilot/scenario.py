"""The scenario as data: assurances, routes, and the packaged tables together."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from lodeline.custody.claims import ClaimName
from lodeline.custody.rows import Row
from lodeline.custody.yaml_text import parse_yaml
from lodeline.kernel.ids import ChainId, ElementSymbol, MemberId, SiteId, check_name
from lodeline.kernel.time import Period, parse_period
from lodeline.kernel.units import Ppm
from lodeline.pilot.companies import Cast, load_companies
from lodeline.pilot.figures import FigureTable, load_figures

__all__ = ["Assurance", "Producer", "Scenario", "Way", "load_scenario", "packaged_scenario"]

_TABLE = "scenario"


@dataclass(frozen=True)
class Assurance:
    """What one body certifies of one site, month by month."""

    site: SiteId
    element: ElementSymbol
    claim: ClaimName
    body: MemberId


@dataclass(frozen=True)
class Producer:
    """Where one producer's hydroxide goes."""

    member: MemberId
    trader: MemberId
    silo: bool
    """Whether it is kept in a silo, from which a part is shipped."""
    opening_stock: bool
    """Whether its circuit holds stock from before the pilot, whose origin nobody certified."""
    mistake: bool
    """Whether a split of July is undone."""
    loses_truck: bool
    """Whether a truck of August is lost, after which an umpire settles the rest."""
    second_thoughts: MemberId | None
    """To whom a lot of September is offered before the offer is withdrawn."""
    refiner: MemberId
    """To whom the trader sells it."""
    refused_by: MemberId | None
    """A refiner who declines July's lot, because his purchasing policy excludes it."""
    kept_at_end: bool
    """Whether September's lot stays with the trader."""


@dataclass(frozen=True)
class Way:
    """One way from sulfate to cars."""

    chemistry: str
    """`622` or `811`."""
    refiner: MemberId
    precursor: MemberId
    cathode: MemberId
    cells: MemberId
    packs: MemberId
    cars: MemberId
    part: Ppm
    """Part of all cars."""
    second_refiner: MemberId | None
    """Whose sulfate is blended in, with claims by mass balance and no refiner's assurance."""
    second_part: Ppm
    """Part of the cobalt that comes from there."""
    recycled_part: Ppm
    """Part of all cars that are made a month later, with the first round's scrap."""


@dataclass(frozen=True)
class Scenario:
    """Everything about the pilot that is data."""

    chain: ChainId
    title: str
    quarter: Period
    assurances: tuple[Assurance, ...]
    producers: tuple[Producer, ...]
    ways: tuple[Way, ...]
    cast: Cast
    figures: FigureTable

    def assurances_of(self, site: SiteId) -> tuple[Assurance, ...]:
        """Return what a site is certified for."""
        return tuple(item for item in self.assurances if item.site == site)


def packaged_scenario() -> Scenario:
    """Return the scenario that comes with the package."""
    folder = resources.files("lodeline.pilot").joinpath("data")
    companies, figures, scenario = (
        folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        for name in ("companies", "figures", "scenario")
    )
    return load_scenario(scenario, load_companies(companies), load_figures(figures))


def load_scenario(text: str, cast: Cast, figures: FigureTable) -> Scenario:
    """Return the scenario of a table's text; every company that it names is in the cast.

    Raises:
        TableRefused: one of its reasons, with table and key.
        CompanyUnknown: a name that no company has.
    """
    root = Row(_TABLE, _TABLE, parse_yaml(_TABLE, text))
    scenario = Scenario(
        chain=ChainId(root.parsed("chain", check_name)),
        title=root.text("title"),
        quarter=root.parsed("quarter", parse_period),
        assurances=tuple(_assurance(row, cast) for row in root.rows("assurances")),
        producers=tuple(_producer(row, cast) for row in root.rows("producers")),
        ways=tuple(_way(row, cast) for row in root.rows("ways")),
        cast=cast,
        figures=figures,
    )
    root.close()
    return scenario


def _assurance(row: Row, cast: Cast) -> Assurance:
    assurance = Assurance(
        SiteId(row.parsed("site", check_name)),
        ElementSymbol(row.text("element")),
        row.parsed("claim", ClaimName.parse),
        _member(row, "body", cast),
    )
    row.close()
    return assurance


def _producer(row: Row, cast: Cast) -> Producer:
    producer = Producer(
        member=_member(row, "member", cast),
        trader=_member(row, "trader", cast),
        silo=_flag(row, "silo"),
        opening_stock=_flag(row, "opening_stock"),
        mistake=_flag(row, "mistake"),
        loses_truck=_flag(row, "loses_truck"),
        second_thoughts=_optional(row, "second_thoughts", cast),
        refiner=_member(row, "refiner", cast),
        refused_by=_optional(row, "refused_by", cast),
        kept_at_end=_flag(row, "kept_at_end"),
    )
    row.close()
    return producer


def _flag(row: Row, key: str) -> bool:
    return row.flag(key) if row.has(key) else False


def _way(row: Row, cast: Cast) -> Way:
    second = _optional(row, "second_refiner", cast)
    way = Way(
        chemistry=row.text("chemistry"),
        refiner=_member(row, "refiner", cast),
        precursor=_member(row, "precursor", cast),
        cathode=_member(row, "cathode", cast),
        cells=_member(row, "cells", cast),
        packs=_member(row, "packs", cast),
        cars=_member(row, "cars", cast),
        part=row.ppm("part"),
        second_refiner=second,
        second_part=Ppm(0) if second is None else row.ppm("second_part"),
        recycled_part=row.ppm("recycled_part"),
    )
    row.close()
    return way


def _member(row: Row, key: str, cast: Cast) -> MemberId:
    return cast[MemberId(row.parsed(key, check_name))].member


def _optional(row: Row, key: str, cast: Cast) -> MemberId | None:
    return _member(row, key, cast) if row.has(key) else None
