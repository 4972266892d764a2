"""`lodeline events where`: in what a thing is, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.events import opened_for_member
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.exchange.epcis.document import EpcisUri
from lodeline.exchange.epcis.value import number_text

if TYPE_CHECKING:
    from lodeline.node.events.whereabouts import Part

__all__ = ["where"]


def where(
    context: typer.Context,
    epc: Annotated[str, typer.Argument()],
    database: Annotated[str | None, typer.Option("--database")] = None,
) -> None:
    """Show in what a thing is, and what is in it."""
    from lodeline.node.events.whereabouts import whereabouts  # noqa: PLC0415

    terminal = terminal_of(context)
    with opened_for_member(terminal, database) as (store, tenant):
        found = whereabouts(store, tenant, EpcisUri(epc))
    for part in reversed(found.around):
        terminal.say("events.within", thing=part.within, number=part.event)
    terminal.line(epc)
    for part in found.inside:
        terminal.line("  " * part.depth + _text(terminal, part))
    if not found.is_all:
        terminal.say("events.more_things", count=len(found.inside))
    if not (found.around or found.inside):
        terminal.say("events.nowhere")
    terminal.emit(
        {
            "thing": epc,
            "around": [_data(part) for part in found.around],
            "inside": [_data(part) for part in found.inside],
            "complete": found.is_all,
        }
    )


def _text(terminal: Terminal, part: Part) -> str:
    much = "" if part.quantity is None else f" · {number_text(part.quantity)} {part.uom or ''}"
    since = terminal.texts("events.since", number=part.event)
    return f"{part.thing}{much.rstrip()} ({since})"


def _data(part: Part) -> dict[str, object]:
    return {
        "thing": part.thing,
        "within": part.within,
        "depth": part.depth,
        "kind": part.kind,
        "event": part.event,
        "quantity": None if part.quantity is None else number_text(part.quantity),
        "unit": part.uom,
    }
