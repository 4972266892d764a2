"""`lodeline subscription` and `dead-letter`: who is told of events, and what nobody took.

The store's library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.access import DatabaseOption, TenantOption, at_desk, short_moment
from lodeline.cli.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from lodeline.node.events.dead_letters import DeadLetter
    from lodeline.node.events.store import EventStore, Tenant
    from lodeline.node.events.subscriptions import Subscription

__all__ = ["dropped", "letters", "listed", "resent"]

_Number = Annotated[int, typer.Argument(min=1)]


def listed(
    context: typer.Context, tenant: TenantOption = None, database: DatabaseOption = None
) -> None:
    """List the subscriptions, and how far each has come."""
    from lodeline.node.events.subscriptions import all_subscriptions  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        found = all_subscriptions(desk.store, desk.tenant)
    terminal.table(
        ("subscription", "query", "user", "destination", "status", ">attempts", "last-taken"),
        (_row(terminal, one) for one in found),
    )
    terminal.emit([_data(one) for one in found])


def _row(terminal: Terminal, one: Subscription) -> tuple[str, ...]:
    return (
        one.subscription_id,
        one.query_name,
        one.created_by,
        one.controls.destination.url,
        terminal.texts(f"subscription.state.{one.state.value}"),
        str(one.attempts),
        "" if one.last_notified is None else short_moment(one.last_notified),
    )


def _data(one: Subscription) -> dict[str, object]:
    last = one.last_notified
    return {
        "subscription": one.subscription_id,
        "query": one.query_name,
        "user": one.created_by,
        "destination": one.controls.destination.url,
        "state": one.state.value,
        "attempts": one.attempts,
        "last_taken": None if last is None else short_moment(last),
    }


# ------------------------------------------------------------------ reports that were not taken


def letters(
    context: typer.Context,
    *,
    count: Annotated[int, typer.Option("--count", min=1, max=100_000)] = 100,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the reports that no destination took, and why."""
    from lodeline.node.events.dead_letters import all_dead_letters  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        found = all_dead_letters(desk.store, desk.tenant, count)
    terminal.table(
        (">number", "time", "subscription", ">attempts", "reason"),
        (_letter_row(terminal, one) for one in found),
    )
    terminal.emit([_letter_data(one) for one in found])


def _letter_row(terminal: Terminal, one: DeadLetter) -> tuple[str, ...]:
    return (
        str(one.number),
        short_moment(one.created),
        one.subscription_id,
        str(one.attempts),
        str(one.reason[terminal.lang]),
    )


def _letter_data(one: DeadLetter) -> dict[str, object]:
    return {
        "number": one.number,
        "time": short_moment(one.created),
        "subscription": one.subscription_id,
        "attempts": one.attempts,
        "reason": {"code": one.reason["code"], "message": one.reason["en"]},
    }


def resent(
    context: typer.Context,
    number: _Number,
    *,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Send a report, and everything after it, once more."""
    from lodeline.node.events.dead_letters import begin_again  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        one = _letter(desk.store, desk.tenant, number)
        begin_again(desk.store, desk.tenant, one.subscription_id, one.number)
    terminal.say("dead_letter.resent", number=number, subscription=one.subscription_id)
    terminal.emit(_letter_data(one))


def dropped(
    context: typer.Context,
    number: _Number,
    *,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Forget a report that was not taken; its events stay in the store."""
    from lodeline.node.events.dead_letters import forget_dead_letter  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        one = _letter(desk.store, desk.tenant, number)
        terminal.confirm("dead_letter.confirm", number=number)
        forget_dead_letter(desk.store, desk.tenant, one.subscription_id, one.number)
    terminal.say("dead_letter.dropped", number=number)
    terminal.emit(_letter_data(one))


def _letter(store: EventStore, tenant: Tenant, number: int) -> DeadLetter:
    from lodeline.node.events.dead_letters import DeadLetterNumber, dead_letter  # noqa: PLC0415

    return dead_letter(store, tenant, DeadLetterNumber(number))
