"""The opening lines: every figure with its source, and which of them are assumptions."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lodeline.kernel.units import format_intensity, format_mass, format_share
from lodeline.pilot.figures import Facility, Figure
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.texts import PilotTexts

__all__ = ["show_sources"]


def show_sources(console: Console, texts: PilotTexts, scenario: Scenario) -> None:
    """Print the figures of the facilities, all others and the contents, each with its source."""
    console.print(texts("title"))
    console.print(_facilities(texts, scenario))
    console.print(_others(texts, scenario))
    console.print(_contents(texts, scenario))
    figures = scenario.figures
    quotas = sum(item.quarter_quota is not None for item in figures.facilities)
    every = len(figures.figures) + quotas
    console.print(texts("figures.assumed", assumed=figures.assumed(), all=every))


def _table(texts: PilotTexts, title: str, *columns: str) -> Table:
    table = Table(title=texts(title), title_justify="left", box=SIMPLE_HEAD)
    for column in columns:
        right = column.startswith(">")
        heading = texts(f"column.{column.removeprefix('>')}")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    return table


def _facilities(texts: PilotTexts, scenario: Scenario) -> Table:
    columns = ("company", "after", ">year_output", "year", ">quota", "source")
    table = _table(texts, "figures.facilities", *columns)
    for company in scenario.cast.companies:
        if company.figures_of is not None:
            facility = scenario.figures.facility(company.figures_of)
            table.add_row(company.title, facility.name, *_facility(texts, facility))
    return table


def _facility(texts: PilotTexts, facility: Facility) -> tuple[str, str, str, str]:
    output, quota = facility.tonnes_a_year, facility.quarter_quota
    shown = "–" if quota is None else format_mass(quota, texts.lang)
    sources = [facility.source]
    if facility.quota_assumed:
        shown = f"{shown} {texts('assumption')}"
    elif quota is not None:
        sources.append(facility.quota_source)
    return (
        "–" if output is None else format_mass(output, texts.lang),
        facility.year or "–",
        shown,
        "; ".join(dict.fromkeys(sources)),
    )


def _others(texts: PilotTexts, scenario: Scenario) -> Table:
    table = _table(texts, "figures.others", "figure", ">value", "source")
    for figure in scenario.figures.figures:
        title = figure.en if texts.lang == "en" else figure.fr
        source = texts("assumption") if figure.assumed else figure.source
        table.add_row(title, _value(texts, figure), source)
    return table


def _contents(texts: PilotTexts, scenario: Scenario) -> Table:
    table = _table(texts, "figures.contents", "form", ">cobalt", "basis", "source")
    for content in scenario.figures.contents:
        share = format_share(content.cobalt, texts.lang)
        table.add_row(content.form, share, content.basis, content.source)
    return table


def _value(texts: PilotTexts, figure: Figure) -> str:
    if figure.share is not None:
        return format_share(figure.share, texts.lang)
    if figure.mass is not None:
        return format_mass(figure.mass, texts.lang)
    if figure.intensity is not None:
        return format_intensity(figure.intensity, texts.lang)
    return f"{figure.times} ×"
