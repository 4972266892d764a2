"""`lodeline member`, `site` and `recognise`: who belongs, where they work, what they may vouch for.

Each change is a vote. With too few keys at hand it becomes a request file for the other members.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import answer, last_second, right_named
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, SiteId, StandardName, check_name
from lodeline.kernel.time import format_time
from lodeline.ledger.entries import AdmitMember, Recognise, SetStatus, Status
from lodeline.ledger.records import MemberRecord
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.governing import register_site, rotate_keys, vote

__all__ = [
    "add",
    "add_site",
    "listed",
    "passphrase",
    "recognise",
    "reinstate",
    "rotate",
    "show",
    "sites",
    "suspend",
    "use",
]


class RecognitionOfNothing(LodelineError):
    """A recognition that does not say for what."""

    code = "recognition-of-nothing"
    en = "it is not said what the member is recognised for"
    fr = "il n'est pas dit pour quoi le membre est reconnu"
    advice_en = "add --standard NAME or --right licence, quota or intake"
    advice_fr = "ajoutez --standard NOM ou --right licence, quota ou intake"


RequestFile = Annotated[Path | None, typer.Option("--request")]


def listed(context: typer.Context) -> None:
    """List the members."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        here = session.workspace.members()
        records = [record for _, record in session.state.members.items()]
    terminal.table(
        ("member", "title", "country", "roles", "votes", "status", "keys"),
        (
            (
                record.member.member,
                record.member.title,
                record.member.country,
                ", ".join(record.member.roles),
                terminal.texts("yes" if record.member.votes else "no"),
                terminal.texts(f"status.{record.status.value}"),
                terminal.texts("here" if record.member.member in here else "elsewhere"),
            )
            for record in records
        ),
    )
    terminal.emit([_member_data(record) for record in records])


def _member_data(record: MemberRecord) -> dict[str, object]:
    member = record.member
    return {
        "member": member.member,
        "title": member.title,
        "country": member.country,
        "roles": list(member.roles),
        "votes": member.votes,
        "status": record.status.value,
        "key": member.key.hex(),
        "rotations": record.rotations,
    }


def show(context: typer.Context, member: Annotated[str, typer.Argument()]) -> None:
    """Show one member with what it may grant and where it works."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        name = MemberId(check_name(member))
        session.member(name)
        record = session.state.members.get(name)
        recognitions = [
            (key.standard or key.right or "", found.until)
            for key, found in session.state.recognitions.items()
            if key.member == name
        ]
        own = [site.site for _, site in session.state.sites.items() if site.member == name]
    if record is None:
        return
    terminal.say("member.shown", title=record.member.title, country=record.member.country)
    terminal.say("member.roles", roles=record.member.roles)
    terminal.say("member.sites", sites=own)
    terminal.say("member.key", key=record.member.key.hex())
    for subject, until in recognitions:
        terminal.say("member.recognised", subject=subject, until=format_time(until))
    data = _member_data(record)
    data["sites"] = own
    data["recognised"] = [
        {"for": subject, "until": format_time(until)} for subject, until in recognitions
    ]
    terminal.emit(data)


def add(
    context: typer.Context,
    spec: Annotated[str, typer.Argument()],
    *,
    votes: Annotated[bool, typer.Option("--votes")] = False,
    request: RequestFile = None,
) -> None:
    """Make keys for a new member and have it admitted."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        described = MemberSpec.parse(spec)
        keys = session.keyring.create(described.member)
        record = member_record(described, keys, votes=votes)
        answer(terminal, session, vote(session, (AdmitMember(record),)), request)


def rotate(context: typer.Context) -> None:
    """Replace the signing key of the member that is meant."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        answer(terminal, session, rotate_keys(session, member), None)


def passphrase(
    context: typer.Context, new: Annotated[Path | None, typer.Option("--new-file")] = None
) -> None:
    """Keep a member's keys under another passphrase."""
    terminal = terminal_of(context)
    workspace = terminal.workspace
    member = workspace.member(terminal.options.member)
    changed = terminal.new_passphrase(member, new)
    terminal.keyring(workspace).change_passphrase(member, changed)
    terminal.say("member.passphrase", member=member)
    terminal.emit({"member": member})


def suspend(
    context: typer.Context, member: Annotated[str, typer.Argument()], request: RequestFile = None
) -> None:
    """Suspend a member."""
    _set_status(terminal_of(context), member, Status.SUSPENDED, request)


def reinstate(
    context: typer.Context, member: Annotated[str, typer.Argument()], request: RequestFile = None
) -> None:
    """Let a suspended member act again."""
    _set_status(terminal_of(context), member, Status.ACTIVE, request)


def _set_status(terminal: Terminal, member: str, status: Status, request: Path | None) -> None:
    with terminal.session() as session:
        act = SetStatus(MemberId(check_name(member)), status)
        answer(terminal, session, vote(session, (act,)), request)


def use(context: typer.Context, member: Annotated[str, typer.Argument()]) -> None:
    """Remember which member is meant when none is named."""
    terminal = terminal_of(context)
    workspace = terminal.workspace
    name = workspace.member(MemberId(check_name(member)))
    workspace.keep_member(name)
    terminal.say("member.used", member=name)
    terminal.emit({"member": name})


# ------------------------------------------------------------------ sites


def add_site(
    context: typer.Context,
    site: Annotated[str, typer.Argument()],
    title: Annotated[str, typer.Option()] = "",
    country: Annotated[str, typer.Option()] = "",
    request: RequestFile = None,
) -> None:
    """Make a facility's key and have the site registered."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        name = SiteId(check_name(site))
        where = country or session.member(member).country
        outcome = register_site(session, member, name, title or site, where)
        answer(terminal, session, outcome, request)


def sites(context: typer.Context) -> None:
    """List the registered sites."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        records = [record for _, record in session.state.sites.items()]
    terminal.table(
        ("site", "title", "country", "member"),
        ((record.site, record.title, record.country, record.member) for record in records),
    )
    terminal.emit(
        [
            {
                "site": record.site,
                "title": record.title,
                "country": record.country,
                "member": record.member,
                "key": record.facility_key.hex(),
            }
            for record in records
        ]
    )


# ------------------------------------------------------------------ recognitions


def recognise(
    context: typer.Context,
    member: Annotated[str, typer.Argument()],
    until: Annotated[str, typer.Option()],
    standard: Annotated[list[str] | None, typer.Option()] = None,
    right: Annotated[list[str] | None, typer.Option()] = None,
    request: RequestFile = None,
) -> None:
    """Recognise a member for standards it may assure or rights it may grant."""
    terminal = terminal_of(context)
    name, end = MemberId(check_name(member)), last_second(until)
    acts = [Recognise(name, StandardName(check_name(word)), None, end) for word in standard or ()]
    acts += [Recognise(name, None, right_named(word), end) for word in right or ()]
    if not acts:
        raise RecognitionOfNothing
    with terminal.session() as session:
        answer(terminal, session, vote(session, acts), request)
