"""`lodeline share` and `lodeline audit-trail`: what partners may see, and who saw what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.access import DatabaseOption, Desk, TenantOption, at_desk, short_moment
from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.kernel.ids import MemberId
from lodeline.node.holding import holding
from lodeline.node.workspace import Workspace

if TYPE_CHECKING:
    from lodeline.node.access.anchoring import TrailReport
    from lodeline.node.access.policies import Policy
    from lodeline.node.access.trail import TrailRow
    from lodeline.node.events.moments import Micros

__all__ = ["add", "anchor", "listed", "revoke", "show", "verify"]

_Some = list[str] | None


def add(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    reader: Annotated[str, typer.Argument()],
    *,
    everything: Annotated[bool, typer.Option("--everything")] = False,
    kind: Annotated[_Some, typer.Option("--kind")] = None,
    step: Annotated[_Some, typer.Option("--step")] = None,
    site: Annotated[_Some, typer.Option("--site")] = None,
    lot: Annotated[_Some, typer.Option("--lot")] = None,
    party: Annotated[_Some, typer.Option("--party")] = None,
    since: Annotated[str | None, typer.Option("--since")] = None,
    before: Annotated[str | None, typer.Option("--before")] = None,
    expires: Annotated[str | None, typer.Option("--expires")] = None,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Share events with a partner or an account, those to come too."""
    from lodeline.node.access.policies import (  # noqa: PLC0415
        Terms,
        checked_terms,
        read_reader,
        share,
    )

    terminal = terminal_of(context)
    terms = Terms(
        everything=everything,
        kinds=tuple(kind or ()),
        steps=tuple(step or ()),
        sites=tuple(site or ()),
        lots=tuple(lot or ()),
        parties=tuple(party or ()),
        since=_moment("--since", since),
        before=_moment("--before", before),
    )
    whom, end = read_reader(reader), _moment("--expires", expires)
    checked_terms(terms)
    terminal.confirm("share.confirm", reader=whom)
    with at_desk(terminal, database, tenant) as desk:
        made = share(desk.store, desk.tenant, whom, terms, by=desk.by, expires=end)
    _say(terminal, made)


def listed(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all")] = False,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say what is shared with whom, in plain sentences."""
    from lodeline.node.access.policies import policies  # noqa: PLC0415
    from lodeline.node.access.wording import policy_sentence  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        now = desk.store.clock.now()
        found = [
            one for one in policies(desk.store, desk.tenant) if everything or one.is_in_force(now)
        ]
    for one in found:
        terminal.line(f"{one.policy}  {policy_sentence(one, terminal.lang)}")
    if not found:
        terminal.say("share.none")
    terminal.emit([_policy_data(terminal, one) for one in found])


def revoke(
    context: typer.Context,
    policy: Annotated[str, typer.Argument()],
    *,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Share no more under a policy, from the next answer on."""
    from lodeline.node.access.policies import PolicyId, revoke_policy  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        gone = revoke_policy(desk.store, desk.tenant, PolicyId(policy), desk.by)
    _say(terminal, gone)


def _moment(option: str, text: str | None) -> Micros | None:
    """Return a moment: a day begins at midnight in UTC.

    Raises:
        TimeWithoutZone, TimeWrong: it is neither a day nor a moment.
    """
    from lodeline.node.events.moments import micros  # noqa: PLC0415

    if text is None:
        return None
    return micros(option, text if "T" in text.upper() else f"{text}T00:00:00Z")


def _say(terminal: Terminal, one: Policy) -> None:
    from lodeline.node.access.wording import policy_sentence  # noqa: PLC0415

    terminal.line(f"{one.policy}  {policy_sentence(one, terminal.lang)}")
    terminal.emit(_policy_data(terminal, one))


def _policy_data(terminal: Terminal, one: Policy) -> dict[str, object]:
    from lodeline.node.access.wording import policy_sentence  # noqa: PLC0415

    return {
        "policy": one.policy,
        "reader": one.reader,
        "says": policy_sentence(one, terminal.lang),
        "created": short_moment(one.created),
        "created_by": one.created_by,
        "expires": None if one.expires is None else short_moment(one.expires),
        "revoked": None if one.revoked is None else short_moment(one.revoked),
    }


# ------------------------------------------------------------------ the trail


def show(
    context: typer.Context,
    *,
    start: Annotated[int, typer.Option("--start", min=1)] = 1,
    count: Annotated[int, typer.Option("--count", min=1, max=100_000)] = 100,
    event: Annotated[str | None, typer.Option("--event")] = None,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show who saw what; or who saw one event."""
    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        found = _rows(desk, start, count, event)

    def _act(row: TrailRow) -> str:  # one that a later version wrote stays the word it is
        return terminal.texts.get(f"trail.act.{row.act}") or row.act

    terminal.table(
        (">number", "time", "who", "act", "about", "seen"),
        (
            (str(row.number), short_moment(row.moment), row.who, _act(row), row.about, row.seen)
            for row in found
        ),
    )
    terminal.emit([_row_data(row) for row in found])


def _rows(desk: Desk, start: int, count: int, event: str | None) -> list[TrailRow]:
    from lodeline.exchange.epcis.document import EventId  # noqa: PLC0415
    from lodeline.node.access.trail import TrailNumber, readers_of, rows  # noqa: PLC0415

    if event is None:
        return list(rows(desk.store, desk.tenant, TrailNumber(start - 1), count))
    seq = desk.store.event(desk.tenant, EventId(event)).seq
    return [row for row in readers_of(desk.store, desk.tenant, seq) if row.number >= start][:count]


def _row_data(row: TrailRow) -> dict[str, object]:
    return {
        "number": row.number,
        "time": short_moment(row.moment),
        "who": row.who,
        "act": row.act,
        "about": row.about,
        "seen": row.seen,
        "digest": row.digest.hex(),
    }


def verify(
    context: typer.Context, tenant: TenantOption = None, database: DatabaseOption = None
) -> int:
    """Check the trail, and what of it was anchored on the ledger; exit code 1 if it is broken."""
    from lodeline.node.access.trail_refusals import TrailDoesNotHold  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        try:
            found, is_compared = _checked(terminal, desk)
        except TrailDoesNotHold as refusal:
            terminal.refuse(refusal)
            return CHECK_FAILED
    head, anchored = found.head, found.anchored
    terminal.say("trail.holds", rows=head.number, digest=head.digest.hex())
    if anchored is not None:
        terminal.say("trail.anchored", number=anchored.number)
    else:
        terminal.say("trail.no_anchor" if is_compared else "trail.no_ledger")
    terminal.emit(
        {
            "holds": True,
            "rows": head.number,
            "digest": head.digest.hex(),
            "anchored": None if anchored is None else anchored.number,
            "compared_with_ledger": is_compared,
        }
    )
    return OK


def _checked(terminal: Terminal, desk: Desk) -> tuple[TrailReport, bool]:
    """Check the trail against the ledger where there is one in the folder, else in itself."""
    from lodeline.node.access.anchoring import TrailReport, check_trail  # noqa: PLC0415
    from lodeline.node.access.trail import verify_trail  # noqa: PLC0415

    if not Workspace(terminal.options.home).ledger.exists():
        return TrailReport(verify_trail(desk.store, desk.tenant), None), False
    with terminal.reading() as session:
        member = MemberId(desk.tenant.name)
        return check_trail(session, desk.store, desk.tenant, member), True


def anchor(
    context: typer.Context, tenant: TenantOption = None, database: DatabaseOption = None
) -> None:
    """Put the head of the trail on the ledger, signed by the member."""
    from lodeline.engine.interface import Receipt  # noqa: PLC0415
    from lodeline.node.access.anchoring import anchor_trail  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk, terminal.writing_or_reading() as session:
        member = session.workspace.member(MemberId(desk.tenant.name))
        with holding(session, member) as own:
            done = anchor_trail(own, desk.store, desk.tenant)
    entry = done.sent.index if isinstance(done.sent, Receipt) else None
    if entry is None:
        terminal.say("trail.queued", number=done.head.number)
    else:
        terminal.say("trail.sent", number=done.head.number, entry=entry)
    terminal.emit({"rows": done.head.number, "digest": done.head.digest.hex(), "entry": entry})
