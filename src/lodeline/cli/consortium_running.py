"""`lodeline consortium status`, `admit`, `remove`, `protocol`: a consortium at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import answer
from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.engine.consortium.misbehaviour import Caught
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, check_name
from lodeline.kernel.time import format_time, parse_time
from lodeline.ledger.entries import ProtocolVersion
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony_files import read_member_file
from lodeline.node.consortium_status import (
    OwnValidator,
    Upgrade,
    ValidatorSeen,
    own_validator,
    see_validators,
    upgrades,
    urls_of,
)
from lodeline.node.trust import read_trust, trust_for
from lodeline.node.validators import (
    ReleaseUnnamed,
    admission,
    listed,
    remove,
    require_protocol,
)
from lodeline.node.validators import admit as admit_voted

__all__ = ["admit", "protocol", "remove_validator", "status"]

RequestFile = Annotated[Path | None, typer.Option("--request")]
_MEGABYTE = 1_000_000


# ------------------------------------------------------------------ status


def status(
    context: typer.Context,
    url: Annotated[list[str] | None, typer.Option("--url")] = None,
    validator: Annotated[Path | None, typer.Option("--validator")] = None,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
    authorities: Annotated[Path | None, typer.Option("--authorities")] = None,
) -> int:
    """Show how the validators stand; exit code 1 if one of them does not answer or lags behind."""
    terminal = terminal_of(context)
    home = ValidatorHome(validator or terminal.options.home / "validator")
    own = None if url else own_validator(home)
    pinned = _trust(terminal, home, trust)
    asked = url or urls_of(home)
    seen = see_validators(asked, pinned.policy(), authorities, beyond=not url)
    if own is not None:
        _show_own(terminal, own)
    _show_seen(terminal, seen)
    terminal.emit(
        {
            "chain": pinned.chain,
            "own": None if own is None else _own_data(own),
            "validators": [_seen_data(terminal, one) for one in seen],
        }
    )
    sound = all(one.fault is None and one.is_agreed and not one.behind for one in seen)
    return OK if sound and (own is None or own.standing is not None) else CHECK_FAILED


def _trust(terminal: Terminal, home: ValidatorHome, named: Path | None) -> TrustFile:
    """Return the trust file named, else that of the validator, else that of the workspace."""
    beside = home.folder / "trust.json"
    if named is None and beside.is_file():
        return read_trust(beside)
    return trust_for(named, terminal.options.home)


def _show_own(terminal: Terminal, own: OwnValidator) -> None:
    if own.standing is None:
        terminal.say("consortium.own_silent", member=own.member)
    else:
        terminal.say(
            "consortium.own",
            member=own.member,
            height=own.standing.height,
            time=format_time(own.standing.time),
            peers=own.standing.peers,
            following=terminal.texts("no" if own.standing.catching_up else "yes"),
        )
    terminal.say(
        "consortium.disk",
        ledger=round(own.disk.ledger / _MEGABYTE),
        consensus=round(own.disk.consensus / _MEGABYTE),
        free=round(own.disk.free / _MEGABYTE),
    )


def _show_seen(terminal: Terminal, seen: Sequence[ValidatorSeen]) -> None:
    columns = ("member", "api", ">entries", ">behind", ">signed", "signers", "hash")
    terminal.table(columns, [_row(terminal, one) for one in seen])
    for one in seen:
        if one.fault is not None:
            message = one.fault.message(terminal.lang)
            terminal.warn(message if one.url in message else f"{one.url}: {message}")
    for upgrade in upgrades(seen):
        _show_upgrade(terminal, upgrade)
    for caught in sorted({caught for one in seen for caught in one.caught}, key=_when):
        whose = caught.member or caught.address
        kind = terminal.texts.get(f"consortium.caught_kind.{caught.kind}") or caught.kind
        terminal.warn(
            terminal.texts("consortium.caught", member=whose, height=caught.height, kind=kind)
        )


def _show_upgrade(terminal: Terminal, upgrade: Upgrade) -> None:
    required = upgrade.required
    terminal.say(
        "consortium.upgrade",
        version=required.version,
        time=format_time(required.at),
        release=required.release,
    )
    if upgrade.unready:
        terminal.warn(terminal.texts("consortium.unready", members=", ".join(upgrade.unready)))


def _when(caught: Caught) -> tuple[int, str, str]:
    return caught.height, caught.address, caught.kind


def _row(terminal: Terminal, one: ValidatorSeen) -> tuple[str, ...]:
    if one.member is None or one.application_hash is None:
        return (terminal.texts("consortium.silent"), one.url, "", "", "", "", "")
    signers = terminal.texts(
        "consortium.signers",
        count=len(one.signers),
        needed=one.needed,
        members=", ".join(one.signers),
    )
    hashed = one.application_hash.hex()[:12]
    return (
        one.member, one.url, str(one.size), str(one.behind), str(one.signed), signers, hashed,
    )  # fmt: skip


def _own_data(own: OwnValidator) -> dict[str, object]:
    standing = own.standing
    return {
        "member": own.member,
        "height": None if standing is None else standing.height,
        "peers": None if standing is None else standing.peers,
        "catching_up": None if standing is None else standing.catching_up,
        "ledger_bytes": own.disk.ledger,
        "consensus_bytes": own.disk.consensus,
        "free_bytes": own.disk.free,
    }


def _seen_data(terminal: Terminal, one: ValidatorSeen) -> dict[str, object]:
    fault: LodelineError | None = one.fault
    return {
        "url": one.url,
        "fault": None if fault is None else fault.problem(terminal.lang),
        "member": one.member,
        "entries": one.size,
        "behind": one.behind,
        "application_hash": None if one.application_hash is None else one.application_hash.hex(),
        "checkpoint": one.signed,
        "signers": list(one.signers),
        "needed": one.needed,
        "protocols": list(one.known),
        "required": [
            {"version": item.version, "from": format_time(item.at), "release": item.release}
            for item in one.required
        ],
    }


# ------------------------------------------------------------------ changes


def admit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    *,
    votes: Annotated[bool, typer.Option("--votes")] = False,
    request: RequestFile = None,
) -> None:
    """Have a member's validator admitted, or its keys or address replaced, by vote."""
    terminal = terminal_of(context)
    found = read_member_file(file)
    with terminal.session() as session:
        planned = admission(session, found, votes=votes)
        validator = found.validator
        terminal.say("consortium.admits", member=found.member, title=found.record.title)
        if validator is not None:
            terminal.say("consortium.admits_keys", consensus=validator.consensus.hex())
        if planned.replaces is not None:
            terminal.say("consortium.replaces", consensus=planned.replaces.consensus_key.hex())
        terminal.confirm("consortium.admit_confirm", member=found.member)
        answer(terminal, session, admit_voted(session, planned), request)


def remove_validator(
    context: typer.Context, member: Annotated[str, typer.Argument()], request: RequestFile = None
) -> None:
    """Have a member's validator removed by vote; the member stays one."""
    terminal = terminal_of(context)
    name = MemberId(check_name(member))
    with terminal.session() as session:
        terminal.say(
            "consortium.validators", members=[who for who, _ in listed(session).validators]
        )
        terminal.confirm("consortium.remove_confirm", member=name)
        answer(terminal, session, remove(session, name), request)


def protocol(
    context: typer.Context,
    version: Annotated[int, typer.Argument(min=2, max=2**32 - 1)],
    begins: Annotated[str | None, typer.Option("--from")] = None,
    release: Annotated[str, typer.Option("--release")] = "",
    request: RequestFile = None,
) -> None:
    """Have another version of the protocol required by vote, or, without a time, no longer."""
    terminal = terminal_of(context)
    at, number = None if begins is None else parse_time(begins), ProtocolVersion(version)
    with terminal.session() as session:
        if at is None:
            terminal.confirm("consortium.withdraw_confirm", version=version)
        else:
            if not release:
                raise ReleaseUnnamed(number)
            terminal.say("consortium.stops", version=version, time=format_time(at))
            terminal.confirm("consortium.require_confirm", version=version, release=release)
        answer(terminal, session, require_protocol(session, number, at, release), request)
