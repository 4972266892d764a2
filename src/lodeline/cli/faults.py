"""`lodeline faults`: what four validators on this machine bear, tried one fault after another."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import msgspec
import typer

from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.faults.ground import Facts
from lodeline.faults.suite import Tried, chosen, run
from lodeline.node.processes import consensus_program
from lodeline.node.workspace import write_file

__all__ = ["faults"]

_BY_SIGNAL: Final = 128
"""What a shell adds to the number of the signal that ended a program."""


def faults(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option()] = None,
    out: Annotated[Path | None, typer.Option()] = None,
    engine: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Try faults on a local network under load; exit code 1 if one of them is not borne."""
    terminal = terminal_of(context)
    program, listed = consensus_program(engine), chosen(only or ())
    tried: list[Tried] = []
    with _unwinding(), _folder() as folder:
        for one in run(listed, folder, program):
            tried.append(one)
            _tell(terminal, one)
            _write(terminal, out, tried)
    terminal.table(
        ("fault", ">acknowledged", ">entries", ">headers", ">silence", ">recovered"),
        (_row(terminal, one) for one in tried),
    )
    terminal.emit(_report(terminal, tried))
    raise typer.Exit(CHECK_FAILED if any(one.failure for one in tried) else OK)


@contextmanager
def _unwinding() -> Iterator[None]:
    """Have SIGTERM end the trial as an error does, so that no validator is left running."""

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(_BY_SIGNAL + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder for the networks, which is kept where something is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="lodeline-faults-"))
    try:
        yield folder
    finally:
        if not any(folder.iterdir()):
            shutil.rmtree(folder)


def _write(terminal: Terminal, out: Path | None, tried: Sequence[Tried]) -> None:
    """Write down what is known so far: a run takes minutes, and may be broken off."""
    if out is not None:
        report = msgspec.json.encode(_report(terminal, tried))
        write_file(out, msgspec.json.format(report, indent=1) + b"\n", over=True)


def _report(terminal: Terminal, tried: Sequence[Tried]) -> dict[str, object]:
    return {"machine": _machine(), "faults": [_data(terminal, one) for one in tried]}


def _tell(terminal: Terminal, one: Tried) -> None:
    """Say what came of a fault as soon as it is known."""
    done = terminal.texts(f"faults.done.{one.fault}")
    terminal.say("faults.tried", fault=one.fault, done=done)
    if one.failure is not None:
        terminal.warn(one.failure.message(terminal.lang))
        terminal.warn(one.failure.advice(terminal.lang))
    elif one.outcome is not None:
        terminal.say("faults.borne", facts=_facts(one.outcome.facts))
    terminal.out.flush()


def _facts(facts: Facts) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()) or "–"


def _row(terminal: Terminal, one: Tried) -> Sequence[str]:
    found = one.outcome
    if found is None:
        return (one.fault, terminal.texts("faults.not_borne"), "", "", "", "")
    judged = found.judged
    return (
        one.fault,
        f"{judged.acknowledged:,}",
        f"{judged.size:,}",
        f"{judged.headers:,}",
        f"{found.silence:.1f} s",
        f"{found.recovered:.1f} s",
    )


def _data(terminal: Terminal, one: Tried) -> dict[str, object]:
    done = terminal.texts(f"faults.done.{one.fault}")
    shown: dict[str, object] = {"fault": one.fault, "done": done, "borne": one.failure is None}
    if one.failure is not None:
        shown["failure"] = {"code": one.failure.code, "en": one.failure.message("en")}
    if one.outcome is not None:
        judged = dataclasses.asdict(one.outcome.judged)
        shown |= judged | {"application_hash": one.outcome.judged.application_hash.hex()}
        shown |= {
            "silence_seconds": round(one.outcome.silence, 2),
            "recovered_seconds": round(one.outcome.recovered, 2),
            "facts": dict(one.outcome.facts),
        }
    return shown


def _machine() -> dict[str, object]:
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
    }
