"""`lodeline events list` and `watch`: how far events have come, and each move of a state.

The store's library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodeline.cli.events import opened_for_member
from lodeline.cli.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from lodeline.node.events.states import KnownState, Reason, StateOf, WantedStates
    from lodeline.node.events.store import StoredEvent

__all__ = ["listed", "watch"]

_Database = Annotated[str | None, typer.Option("--database")]
_States = Annotated[list[str] | None, typer.Option("--state")]
_Since = Annotated[str | None, typer.Option("--since")]
_PAUSE_SECONDS: Final = 0.5
"""Between two looks at what has moved."""
_PIECE: Final = 500


def listed(
    context: typer.Context,
    *,
    state: _States = None,
    since: _Since = None,
    last: Annotated[int, typer.Option("--last", min=1)] = 100,
    database: _Database = None,
) -> None:
    """List the last events with their states, and why they stand where they stand."""
    from lodeline.node.events.states import last_states  # noqa: PLC0415

    terminal = terminal_of(context)
    wanted = _wanted(state, since)
    with opened_for_member(terminal, database) as (store, tenant):
        found = last_states(store, tenant, wanted, last)
    terminal.table(
        (">number", "time", "kind", "step", "status", "reason"),
        (_row(terminal, event, at) for event, at in found),
    )
    terminal.emit([_data(event, at) for event, at in found])


def watch(
    context: typer.Context,
    *,
    state: _States = None,
    since: _Since = None,
    moves: Annotated[int | None, typer.Option("--moves", min=1)] = None,
    database: _Database = None,
) -> None:
    """Print each move of a state as it comes, until it is stopped."""
    from lodeline.node.events.moves import first_since, here, moves_after  # noqa: PLC0415

    terminal = terminal_of(context)
    wanted, left = _wanted(state, since), moves
    with opened_for_member(terminal, database) as (store, tenant):
        after = wanted.since
        place = here(store, tenant) if after is None else first_since(store, tenant, after)
        try:
            while left is None or left > 0:
                most = _PIECE if left is None else min(left, _PIECE)
                found = moves_after(store, tenant, place, wanted.states, limit=most)
                for moved in found.moved:
                    _print(terminal, moved)
                place, left = found.reached, None if left is None else left - len(found.moved)
                if found.is_whole and left != 0:
                    time.sleep(_PAUSE_SECONDS)
        except KeyboardInterrupt:
            terminal.say("events.stopped")


def _wanted(states: list[str] | None, since: str | None) -> WantedStates:
    """Return which states are meant: all where none is named; a day begins at midnight in UTC.

    Raises:
        BadParameter: a word is no state.
        TimeWithoutZone, TimeWrong: it is neither a day nor a moment.
    """
    from lodeline.node.events.moments import micros  # noqa: PLC0415
    from lodeline.node.events.states import EventState, WantedStates  # noqa: PLC0415

    if any(word not in tuple(EventState) for word in states or ()):
        raise typer.BadParameter(", ".join(EventState))
    named = frozenset(EventState(word) for word in states or EventState)
    if since is None:
        return WantedStates(named)
    moment = since if "T" in since.upper() else f"{since}T00:00:00Z"
    return WantedStates(named, micros("--since", moment))


def _said(terminal: Terminal, reason: Reason | None) -> str:
    if reason is None:
        return ""
    return reason.fr if terminal.lang == "fr" else reason.en


def _row(terminal: Terminal, event: StoredEvent, at: StateOf) -> tuple[str, ...]:
    from lodeline.node.events.moments import moment_text  # noqa: PLC0415
    from lodeline.node.events.rules import event_of  # noqa: PLC0415

    return (
        str(event.seq),
        moment_text(event.event_time)[:19],
        _kind(terminal, event),
        event_of(event).biz_step or "–",
        terminal.texts(f"events.state.{at.state.value}"),
        _said(terminal, at.reason),
    )


def _kind(terminal: Terminal, event: StoredEvent) -> str:
    """Name the type of an event, and say that it declares another one wrong where it does."""
    return f"{event.type} {terminal.texts('events.wrong')}" if event.is_declaration else event.type


def _data(event: StoredEvent, at: StateOf) -> dict[str, object]:
    wrong = {"declaration": True} if event.is_declaration else {}
    return {"number": event.seq, "event": event.event_id, **wrong, **_state_data(at)}


def _state_data(at: StateOf) -> dict[str, object]:
    reason = at.reason
    return {
        "state": at.state.value,
        "reason": None if reason is None else {"code": reason.code, "message": reason.en},
        "reference": at.reference,
    }


def _print(terminal: Terminal, moved: KnownState) -> None:
    """Print one move: a line of text, or one of JSON."""
    from lodeline.node.events.moments import moment_text  # noqa: PLC0415

    at, when = moved.at, moment_text(moved.at.updated)
    terminal.line(
        f"{when[:19]}Z  {at.seq}  {terminal.texts(f'events.state.{at.state.value}')}"
        f"  {_said(terminal, at.reason)}".rstrip()
    )
    if terminal.options.json:
        data = {"number": at.seq, "event": moved.event_id, "moved": when, **_state_data(at)}
        terminal.out.write(json.dumps(data, ensure_ascii=False) + "\n")
    terminal.out.flush()
