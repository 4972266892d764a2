"""`lodeline validator`: running a validator on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.node.processes import consensus_program
from lodeline.node.validator_reset import reset_validator
from lodeline.node.validator_run import Happened, Pace, Supervisor, stopping_on_signals

__all__ = ["reset", "run"]


def run(
    context: typer.Context,
    home: Annotated[Path, typer.Argument()],
    engine: Annotated[Path | None, typer.Option("--engine")] = None,
) -> None:
    """Run a validator's application and CometBFT until it is asked to stop."""
    terminal = terminal_of(context)
    program = consensus_program(engine)

    def tell(event: Happened) -> None:
        _say(terminal, event)

    supervisor = Supervisor(ValidatorHome(home), program, tell, Pace())
    terminal.say("validator.logs", folder=home / "logs")
    with stopping_on_signals(supervisor):
        supervisor.run()


def reset(context: typer.Context, home: Annotated[Path, typer.Argument()]) -> None:
    """Throw away what a validator has of the chain, but for its keys and what it has voted."""
    terminal = terminal_of(context)
    terminal.confirm("validator.reset_confirm", folder=home)
    reset_validator(ValidatorHome(home))
    terminal.say("validator.reset", folder=home)
    terminal.emit({"home": str(home)})


def _say(terminal: Terminal, event: Happened) -> None:
    """Print one line for an event, at once: whoever reads may be another program."""
    if terminal.options.json:
        fields = {"event": event.what.value, "program": event.program, "number": event.number}
        terminal.out.write(json.dumps(fields) + "\n")
    else:
        program = terminal.texts(f"validator.program.{event.program}") if event.program else ""
        terminal.say(f"validator.{event.what.value}", program=program, number=event.number)
    terminal.out.flush()
