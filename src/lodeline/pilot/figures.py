"""The public figures of the pilot, each with its source.

A figure without a public source has the one word `assumption` for its source; `Figure.assumed` says
so, and whoever shows the figure shows that too. Facilities are named as the sources name them; the
companies of the pilot borrow their figures and nothing else (see `companies`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from lodeline.custody.rows import Row, refuse_twice
from lodeline.custody.yaml_text import TableRefused, parse_yaml
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName
from lodeline.kernel.units import (
    GramsPerKg,
    Milligrams,
    Ppm,
    milligrams,
    parse_percent,
)

__all__ = [
    "ASSUMPTION",
    "Facility",
    "Figure",
    "FigureKindWrong",
    "FigureTable",
    "FigureUnknown",
    "FormContent",
    "NotDegrees",
    "load_figures",
    "share_of",
]

ASSUMPTION = "assumption"
_TABLE = "figures"
_MOST_TIMES = 1000
_DEGREES = re.compile(r"-?[0-9]{1,3}\.[0-9]{2}", re.ASCII)


class NotDegrees(LodelineError):
    """A text that is no coordinate."""

    text: str

    code = "pilot-not-degrees"
    en = "“{text}” is no coordinate"
    fr = "« {text} » n'est pas une coordonnée"
    advice_en = "write degrees with two decimals, like -10.72"
    advice_fr = "écrivez des degrés avec deux décimales, comme -10.72"


class FigureUnknown(TableRefused):
    """A figure or facility that the table does not have."""

    name: str

    code = "pilot-figure-unknown"
    en = "{table} has no figure named {name}"
    fr = "{table} n'a pas de donnée nommée {name}"
    advice_en = "add it to the table with its source, or write `assumption`"
    advice_fr = "ajoutez-la à la table avec sa source, ou écrivez `assumption`"


class FigureKindWrong(TableRefused):
    """A figure that is used as another kind of quantity than it is."""

    name: str
    wanted: str

    code = "pilot-figure-kind-wrong"
    en = "{table}: {name} is no {wanted}"
    fr = "{table} : {name} n'est pas du genre {wanted}"
    advice_en = "write share, mass, intensity or times as the figure is used"
    advice_fr = "écrivez share, mass, intensity ou times selon l'emploi de la donnée"


@dataclass(frozen=True)
class Facility:
    """What is public about one facility; amounts are contained cobalt."""

    name: str
    country: str
    latitude: Decimal
    """Degrees north, about."""
    longitude: Decimal
    """Degrees east, about."""
    tonnes_a_year: Milligrams | None
    year: str
    """The year of the figure, or what else it is: nameplate, capacity."""
    source: str
    quarter_quota: Milligrams | None
    """Export quota of the fourth quarter of 2025."""
    quota_source: str

    @property
    def quota_assumed(self) -> bool:
        """Return whether the quota has no public source."""
        return self.quota_source == ASSUMPTION


@dataclass(frozen=True)
class Figure:
    """One figure; exactly one of the four quantities is there."""

    name: str
    share: Ppm | None
    mass: Milligrams | None
    intensity: GramsPerKg | None
    times: int | None
    """A plain ratio, as many times as."""
    source: str
    en: str
    fr: str

    @property
    def assumed(self) -> bool:
        """Return whether the figure has no public source."""
        return self.source == ASSUMPTION


@dataclass(frozen=True)
class FormContent:
    """How much cobalt a form contains, for weights that people can read."""

    form: FormName
    cobalt: Ppm
    basis: str
    source: str


class FigureTable:
    """All figures by name."""

    def __init__(
        self,
        facilities: tuple[Facility, ...],
        figures: tuple[Figure, ...],
        contents: tuple[FormContent, ...],
    ) -> None:
        self.facilities = facilities
        self.figures = figures
        self.contents = contents

    def facility(self, name: str) -> Facility:
        """Return a facility.

        Raises:
            FigureUnknown: there is none of this name.
        """
        for facility in self.facilities:
            if facility.name == name:
                return facility
        raise FigureUnknown(_TABLE, name)

    def figure(self, name: str) -> Figure:
        """Return a figure.

        Raises:
            FigureUnknown: there is none of this name.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise FigureUnknown(_TABLE, name)

    def share(self, name: str) -> Ppm:
        """Return a figure that is a share; refusals as `figure`, and `FigureKindWrong`."""
        found = self.figure(name).share
        if found is None:
            raise FigureKindWrong(_TABLE, name, "share")
        return found

    def mass(self, name: str) -> Milligrams:
        """Return a figure that is a mass; refusals as `figure`, and `FigureKindWrong`."""
        found = self.figure(name).mass
        if found is None:
            raise FigureKindWrong(_TABLE, name, "mass")
        return found

    def intensity(self, name: str) -> GramsPerKg:
        """Return a figure that is grams of CO2e per kilogram; refusals as `share`."""
        found = self.figure(name).intensity
        if found is None:
            raise FigureKindWrong(_TABLE, name, "intensity")
        return found

    def times(self, name: str) -> int:
        """Return a figure that is a plain ratio; refusals as `share`."""
        found = self.figure(name).times
        if found is None:
            raise FigureKindWrong(_TABLE, name, "times")
        return found

    def assumed(self) -> int:
        """Return how many figures and quotas have no public source."""
        quotas = sum(
            item.quota_assumed for item in self.facilities if item.quarter_quota is not None
        )
        return sum(item.assumed for item in self.figures) + quotas


def share_of(whole: Milligrams, share: Ppm) -> Milligrams:
    """Return a share of a mass, rounded down to the milligram."""
    return milligrams(whole * share // PPM_ONE)


def load_figures(text: str) -> FigureTable:
    """Return the figures of a table's text.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    root = Row(_TABLE, _TABLE, parse_yaml(_TABLE, text))
    table = FigureTable(
        tuple(_facility(row) for row in root.rows("facilities")),
        tuple(_figure(row) for row in root.rows("figures")),
        tuple(_content(row) for row in root.rows("forms")),
    )
    root.close()
    refuse_twice(_TABLE, (item.name for item in table.facilities))
    refuse_twice(_TABLE, (item.name for item in table.figures))
    refuse_twice(_TABLE, (item.form for item in table.contents))
    return table


def _facility(row: Row) -> Facility:
    has_output, has_quota = row.has("tonnes_a_year"), row.has("quarter_quota")
    facility = Facility(
        name=row.text("name"),
        country=row.text("country"),
        latitude=row.parsed("latitude", _degrees),
        longitude=row.parsed("longitude", _degrees),
        tonnes_a_year=row.mass("tonnes_a_year") if has_output else None,
        year=row.text("year") if has_output else "",
        source=row.text("source"),
        quarter_quota=row.mass("quarter_quota") if has_quota else None,
        quota_source=row.text("quota_source") if has_quota else "",
    )
    row.close()
    return facility


def _degrees(text: str) -> Decimal:
    if not _DEGREES.fullmatch(text):
        raise NotDegrees(text)
    return Decimal(text)


def _figure(row: Row) -> Figure:
    name = row.text("name")
    kinds = [kind for kind in ("share", "mass", "intensity", "times") if row.has(kind)]
    if len(kinds) != 1:
        raise FigureKindWrong(_TABLE, name, "share, mass, intensity, times")
    (kind,) = kinds
    figure = Figure(
        name=name,
        share=row.parsed("share", parse_percent) if kind == "share" else None,
        mass=row.mass("mass") if kind == "mass" else None,
        intensity=row.intensity("intensity") if kind == "intensity" else None,
        times=row.integer("times", least=1, greatest=_MOST_TIMES) if kind == "times" else None,
        source=row.text("source"),
        en=row.text("en"),
        fr=row.text("fr"),
    )
    row.close()
    return figure


def _content(row: Row) -> FormContent:
    content = FormContent(
        form=FormName(row.text("form")),
        cobalt=row.parsed("cobalt", parse_percent),
        basis=row.text("basis"),
        source=row.text("source"),
    )
    row.close()
    return content
