"""`lodeline events compare`, `settle` and `decline`: how a dispute about a delivery ends.

The store's library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodeline.cli.events import console_note, opened_for_member
from lodeline.cli.terminal import terminal_of
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import MemberId
from lodeline.kernel.units import Ppm, format_mass, format_share

if TYPE_CHECKING:
    from lodeline.node.events.decisions import Decision
    from lodeline.node.events.pairing import Compared

__all__ = ["compare", "decline", "settle"]

_Number = Annotated[int, typer.Argument()]
_Database = Annotated[str | None, typer.Option("--database")]
_WAYS: Final = ("theirs", "ours", "mean", "umpire")


def compare(context: typer.Context, number: _Number, database: _Database = None) -> None:
    """Show what sender and receiver say of the goods of an event."""
    from lodeline.node.events.settling import differences  # noqa: PLC0415
    from lodeline.node.events.store import Seq  # noqa: PLC0415
    from lodeline.node.events.working import mapping_of  # noqa: PLC0415
    from lodeline.node.holding import holding  # noqa: PLC0415

    terminal = terminal_of(context)
    with (
        opened_for_member(terminal, database) as (store, _),
        terminal.writing_or_reading() as session,
    ):
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = differences(own, store, mapping_of(session.workspace, member), Seq(number))
    lang = terminal.lang
    terminal.table(
        ("goods", "element", ">sent", ">found", ">difference"),
        (
            (
                goods,
                each.element,
                format_mass(each.sent, lang),
                format_mass(each.found, lang),
                format_share(_apart(each), lang),
            )
            for goods, each in found
        ),
    )
    terminal.emit([_data(goods, each) for goods, each in found])


def settle(
    context: typer.Context,
    number: _Number,
    way: Annotated[str, typer.Argument()],
    umpire: Annotated[str | None, typer.Option("--umpire")] = None,
    figure: Annotated[list[str] | None, typer.Option("--figure")] = None,
    database: _Database = None,
) -> None:
    """Accept goods that both sides found different, and say whose figures stand."""
    from lodeline.node.events.decisions import Decision, Way  # noqa: PLC0415

    if way not in _WAYS:
        raise typer.BadParameter(", ".join(_WAYS))
    who = _who(context)
    named = None if umpire is None else MemberId(umpire)
    figures = [parse_element_amount(text) for text in figure or ()]
    decision = Decision.of(Way(way), who, named, figures)
    _decide(context, number, decision, database)
    terminal = terminal_of(context)
    terminal.say("events.settled", number=number)
    terminal.emit({"number": number, "decision": way})


def decline(
    context: typer.Context,
    number: _Number,
    reason: Annotated[str, typer.Option("--reason")],
    database: _Database = None,
) -> None:
    """Do not take the goods of a dispute: they stay the sender's."""
    from lodeline.node.events.decisions import Decision, Way  # noqa: PLC0415

    decision = Decision(Way.DECLINE, _who(context), reason=reason)
    _decide(context, number, decision, database)
    terminal = terminal_of(context)
    terminal.say("events.declined", number=number)
    terminal.emit({"number": number, "decision": "decline"})


def _who(context: typer.Context) -> str:
    terminal = terminal_of(context)
    return terminal.workspace.member(terminal.options.member)


def _decide(context: typer.Context, number: int, decision: Decision, database: str | None) -> None:
    from lodeline.node.events.decisions import decide  # noqa: PLC0415
    from lodeline.node.events.store import Seq  # noqa: PLC0415

    with opened_for_member(terminal_of(context), database) as (store, tenant):
        note = console_note(f"settle {decision.way.value}", number)
        decide(store, tenant, Seq(number), decision, note)


def _apart(each: Compared) -> Ppm:
    """How far the receiver is from the sender, in ppm of what the sender says."""
    return Ppm(abs(each.found - each.sent) * PPM_ONE // max(1, each.sent))


def _data(goods: str, each: Compared) -> dict[str, object]:
    return {
        "goods": goods,
        "element": each.element,
        "sent_mg": each.sent,
        "found_mg": each.found,
        "difference_ppm": _apart(each),
    }
