"""`lodeline demo`: the pilot, from an empty folder to a hundred batteries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.crypto.entropy import SystemEntropy
from lodeline.pilot.ending import Closing
from lodeline.pilot.performance import Ending, Settings, perform
from lodeline.pilot.scenario import Scenario, packaged_scenario
from lodeline.pilot.screen import BarScreen, Frame, LineScreen
from lodeline.pilot.sources import show_sources
from lodeline.pilot.telling import parse_scale
from lodeline.pilot.texts import PilotTexts

__all__ = ["demo"]

_WIDE = 160
"""Columns of output that goes to a file or another program."""


def demo(
    context: typer.Context,
    *,
    scale: Annotated[str, typer.Option()] = "1",
    seed: Annotated[int, typer.Option(min=0)] = 1,
    folder: Annotated[Path, typer.Option()] = Path("demo"),
) -> None:
    """Run the pilot; see the catalogue for what it says."""
    terminal = terminal_of(context)
    settings = Settings(folder, parse_scale(scale), seed, len(os.sched_getaffinity(0)))
    scenario, texts = packaged_scenario(), PilotTexts(terminal.lang)
    console = _console(terminal)
    show_sources(console, texts, scenario)
    console.print(texts("founding", companies=len(scenario.cast.companies)))
    ending = _performed(settings, scenario, console, texts)
    Closing(console, texts, ending, folder).show()
    terminal.emit(_data(ending, folder))


def _console(terminal: Terminal) -> Console:
    """Return where the demonstration is shown; nowhere, where JSON is asked for."""
    wide = None if terminal.out.isatty() else _WIDE
    return Console(
        file=terminal.out, width=wide, highlight=False, markup=False, quiet=terminal.options.json
    )


def _performed(
    settings: Settings, scenario: Scenario, console: Console, texts: PilotTexts
) -> Ending:
    frame = Frame(console, texts, scenario.quarter.label(), settings.seed, settings.workers)
    screen = BarScreen(frame) if console.is_terminal else LineScreen(frame)
    try:
        return perform(settings, scenario, SystemEntropy(), screen)
    finally:
        screen.close()


def _data(ending: Ending, folder: Path) -> dict[str, object]:
    done = ending.happened
    return {
        "synthetic": True,
        "folder": str(folder),
        "transforms": done.transforms,
        "grants": done.grants,
        "cars": done.cars,
        "entries": ending.entries,
        "bundles": list(ending.bundles),
        "car": ending.car.product,
    }
