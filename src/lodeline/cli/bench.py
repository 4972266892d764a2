"""`lodeline bench …`: what this machine does, measured beside its own floor."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lodeline.bench.ledger import bench_ledger
from lodeline.bench.proofs import SHAPES, Figures, bench_proofs

__all__ = ["bench_app"]

bench_app = typer.Typer(
    no_args_is_help=True, help="Measure proving, verifying and the ledger on this machine."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
_NOTES = Console(stderr=True)


@bench_app.command("proofs")
def proofs(*, as_json: AsJson = False) -> None:
    """Prove and verify four shapes of statement, alone and in a batch of 100, on one core."""
    figures = bench_proofs(progress=lambda name: _NOTES.print(f"measuring {name} …"))
    if as_json:
        plain = {name: dataclasses.asdict(found) for name, found in figures.items()}
        typer.echo(json.dumps(plain, indent=2))
        return
    Console().print(_proof_table(figures))


Entries = Annotated[int, typer.Option(min=1_000, help="Signed entries to append.")]
Waves = Annotated[int, typer.Option(min=1, help="Waves of four transforms to prove and append.")]


@bench_app.command("ledger")
def ledger(*, as_json: AsJson = False, entries: Entries = 100_000, waves: Waves = 25) -> None:
    """Append, replay and open an embedded ledger with all processors, everything synced."""
    found = bench_ledger(entries, waves, lambda text: _NOTES.print(f"{text} …"))
    figures = dataclasses.asdict(found)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    table = Table("figure", "value", title=f"Ledger, {found.processes} processes")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


def _proof_table(figures: Mapping[str, Figures]) -> Table:
    table = Table(title="Proofs on one core")
    for heading in ("shape", "bytes", "bits", "prove", "verify", "each of 100", "floor", "ratio"):
        table.add_column(heading, justify="left" if heading == "shape" else "right")
    for name in SHAPES:
        if name not in figures:
            continue
        found = figures[name]
        table.add_row(
            name,
            f"{found.bytes:,} B",
            str(found.range_bits),
            f"{found.prove_ms:.0f} ms",
            f"{found.verify_ms:.1f} ms",
            f"{found.batch100_ms_each:.2f} ms",
            f"{found.floor_ms_each:.2f} ms",
            f"{found.batch_over_floor:.2f} ×",
        )
    return table
