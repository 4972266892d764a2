"""`lodeline bench …`: what this machine does, measured beside its own floor."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from lodeline.bench.consortium import bench_consortium
from lodeline.bench.ledger import bench_ledger
from lodeline.bench.proofs import SHAPES, bench_proofs
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.node.processes import consensus_program

__all__ = ["capture", "ledger", "lineage", "proofs", "query"]


def proofs(context: typer.Context) -> None:
    """Prove and verify four shapes of statement, alone and in a batch of 100, on one core."""
    terminal = terminal_of(context)
    figures = bench_proofs(progress=lambda name: _note(terminal, name))
    terminal.table(
        (
            "shape",
            ">bytes",
            ">range-bits",
            ">prove",
            ">verify",
            ">each-of-100",
            ">floor",
            ">ratio",
        ),
        (
            (
                name,
                f"{figures[name].bytes:,}",
                str(figures[name].range_bits),
                f"{figures[name].prove_ms:.0f} ms",
                f"{figures[name].verify_ms:.1f} ms",
                f"{figures[name].batch100_ms_each:.2f} ms",
                f"{figures[name].floor_ms_each:.2f} ms",
                f"{figures[name].batch_over_floor:.2f} ×",
            )
            for name in SHAPES
        ),
    )
    terminal.emit({name: dataclasses.asdict(found) for name, found in figures.items()})


def ledger(
    context: typer.Context,
    entries: Annotated[int, typer.Option(min=1_000)] = 100_000,
    waves: Annotated[int, typer.Option(min=1)] = 25,
) -> None:
    """Append, replay and open an embedded ledger with all processors, every commit synced."""
    terminal = terminal_of(context)
    found = dataclasses.asdict(bench_ledger(entries, waves, lambda text: _note(terminal, text)))
    terminal.table(("figure", ">value"), ((name, f"{value:,}") for name, value in found.items()))
    terminal.emit(found)


def capture(
    context: typer.Context,
    documents: Annotated[int, typer.Option(min=10)] = 500,
    *,
    peer: Annotated[bool, typer.Option("--peer")] = False,
) -> None:
    """Capture documents of 100 events with all processors, every commit synced."""
    # The database's library takes longer to import than most commands take.
    from lodeline.bench.capture import bench_capture, peer_events_per_s  # noqa: PLC0415

    terminal = terminal_of(context)
    found: dict[str, float] = dataclasses.asdict(
        bench_capture(documents, lambda text: _note(terminal, text))
    )
    if peer:
        _note(terminal, "peer")
        found["peer_events_per_s"] = peer_events_per_s()
    terminal.table(("figure", ">value"), ((name, f"{value:,}") for name, value in found.items()))
    terminal.emit(found)


def consortium(
    context: typer.Context,
    entries: Annotated[int, typer.Option(min=1_000)] = 100_000,
    waves: Annotated[int, typer.Option(min=1, max=70)] = 25,
    engine: Annotated[Path | None, typer.Option("--engine")] = None,
) -> None:
    """Measure four validators on this machine beside the embedded ledger."""
    terminal, program = terminal_of(context), consensus_program(engine)
    figures = bench_consortium(program, entries, waves, lambda text: _note(terminal, text))
    found = dataclasses.asdict(figures)
    terminal.table(("figure", ">value"), ((name, f"{value:,}") for name, value in found.items()))
    terminal.emit(found)


def query(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
    queries: Annotated[int, typer.Option(min=10)] = 300,
) -> None:
    """Ask for events by lot, time, place and party, and deep in an answer."""
    # The database's library takes longer to import than most commands take.
    from lodeline.bench.query import KINDS, bench_query  # noqa: PLC0415

    terminal = terminal_of(context)
    figures = bench_query(events, queries, lambda text: _note(terminal, text))
    terminal.table(
        ("query", ">median", ">p99"),
        (
            (kind, f"{figures.p50_ms[kind]:.1f} ms", f"{figures.p99_ms[kind]:.1f} ms")
            for kind in KINDS
        ),
    )
    terminal.emit(dataclasses.asdict(figures))


def lineage(
    context: typer.Context,
    lots: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
) -> None:
    """Trace and recall lots in a network of a million, beside a recursive query."""
    # The library of arrays takes longer to import than most commands take.
    from lodeline.bench.lineage import bench_lineage  # noqa: PLC0415

    terminal = terminal_of(context)
    found = dataclasses.asdict(bench_lineage(lots, lambda text: _note(terminal, text)))
    terminal.table(("figure", ">value"), ((name, f"{value:,}") for name, value in found.items()))
    terminal.emit(found)


def _note(terminal: Terminal, text: str) -> None:
    """Tell on standard error what is being measured."""
    terminal.err.write(f"{text} …\n")
    terminal.err.flush()
