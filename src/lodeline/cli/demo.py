"""`lodeline demo`: the pilot, from an empty folder to a hundred batteries, alone or in company."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.crypto.entropy import SystemEntropy
from lodeline.node.processes import consensus_program
from lodeline.pilot.agreement import Agreement, show_agreement
from lodeline.pilot.among_validators import AmongValidators, perform_among
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
    among: Annotated[bool, typer.Option("--consortium")] = False,
    engine: Annotated[Path | None, typer.Option("--engine")] = None,
) -> None:
    """Run the pilot; see the catalogue for what it says."""
    terminal = terminal_of(context)
    settings = Settings(folder, parse_scale(scale), seed, len(os.sched_getaffinity(0)))
    stage = _Stage(packaged_scenario(), _console(terminal), PilotTexts(terminal.lang))
    program = consensus_program(engine) if among else None
    show_sources(stage.console, stage.texts, stage.scenario)
    if program is None:
        stage.say("founding")
        ending, found = stage.performed(settings), None
    else:
        stage.say("starting")
        done = stage.performed_among(settings, program)
        ending, found = done.ending, done.agreement
    Closing(stage.console, stage.texts, ending, folder).show()
    if found is not None:
        show_agreement(stage.console, stage.texts, found, folder)
    terminal.emit({**_data(ending, folder), **_agreed(found)})


@dataclass(frozen=True)
class _Stage:
    """Where the demonstration takes place, and in which words."""

    scenario: Scenario
    console: Console
    texts: PilotTexts

    def say(self, key: str) -> None:
        self.console.print(self.texts(key, companies=len(self.scenario.cast.companies)))

    def performed(self, settings: Settings) -> Ending:
        with self._screen(settings) as screen:
            return perform(settings, self.scenario, SystemEntropy(), screen)

    def performed_among(self, settings: Settings, program: Path) -> AmongValidators:
        with self._screen(settings) as screen, _interrupted_when_ended():
            return perform_among(settings, self.scenario, program, SystemEntropy(), screen)

    @contextmanager
    def _screen(self, settings: Settings) -> Iterator[LineScreen]:
        quarter = self.scenario.quarter.label()
        frame = Frame(self.console, self.texts, quarter, settings.seed, settings.workers)
        screen = BarScreen(frame) if self.console.is_terminal else LineScreen(frame)
        try:
            yield screen
        finally:
            screen.close()


@contextmanager
def _interrupted_when_ended() -> Iterator[None]:
    """Treat SIGTERM as an interrupt at the terminal: what was started is stopped in either case."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _console(terminal: Terminal) -> Console:
    """Return where the demonstration is shown; nowhere, where JSON is asked for."""
    wide = None if terminal.out.isatty() else _WIDE
    return Console(
        file=terminal.out, width=wide, highlight=False, markup=False, quiet=terminal.options.json
    )


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


def _agreed(found: Agreement | None) -> dict[str, object]:
    if found is None:
        return {}
    return {
        "validators": list(found.members),
        "killed": found.killed,
        "height": found.height,
        "application_hash": found.application_hash.hex(),
        "signers": list(found.signers),
    }
