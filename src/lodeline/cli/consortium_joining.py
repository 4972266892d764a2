"""`lodeline consortium invite`, `join` and `export`: a newcomer's way in, everybody's way out."""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import Annotated

import typer

from lodeline.cli.progress import waiting
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.time import format_time
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony_files import read_member_file
from lodeline.node.ceremony_steps import listening_for
from lodeline.node.comet_files import IDLE_SECONDS
from lodeline.node.exporting import export as exported
from lodeline.node.joining import (
    Invitation,
    agreed_snapshot,
    await_state_sync,
    check_invitation,
    invitation_of,
    read_invitation,
    write_invitation,
)
from lodeline.node.joining import join as joined
from lodeline.node.membership import connect as connected
from lodeline.node.trust import read_trust, trust_for
from lodeline.node.validator_home import Own, Start
from lodeline.node.validators import FileWithoutValidator
from lodeline.node.workspace import Workspace

__all__ = ["connect", "export", "invite", "join"]

HomeOption = Annotated[Path | None, typer.Option("--validator")]


def _home(terminal: Terminal, named: Path | None) -> ValidatorHome:
    return ValidatorHome(named or terminal.options.home / "validator")


def invite(
    context: typer.Context,
    api: Annotated[str, typer.Option()],
    out: Annotated[Path, typer.Option("--out")],
    validator: HomeOption = None,
) -> None:
    """Write what a newcomer needs to find the validators."""
    terminal = terminal_of(context)
    invitation = invitation_of(_home(terminal, validator), api)
    write_invitation(out, invitation)
    terminal.say("consortium.invited", file=out, validators=len(invitation.peers))
    terminal.emit({"file": str(out), "peers": list(invitation.peers)})


def join(
    context: typer.Context,
    invitation: Annotated[Path, typer.Argument()],
    member: Annotated[Path, typer.Option("--member")],
    trust: Annotated[Path, typer.Option("--trust")],
    rpc: Annotated[list[str] | None, typer.Option("--rpc")] = None,
    validator: HomeOption = None,
) -> None:
    """Set up a new validator: with a snapshot where RPC servers are named, else to replay."""
    terminal = terminal_of(context)
    home, found, pinned = _home(terminal, validator), read_invitation(invitation), read_trust(trust)
    file = read_member_file(member)
    if file.validator is None:
        raise FileWithoutValidator(file.member)
    start = None
    if rpc:
        check_invitation(found, pinned)
        start = _start(terminal, found, pinned, rpc)
    own = Own(file.member, file.validator)
    joined(home, own, found, pinned, listening_for(file.validator), start)
    if start is None:
        terminal.say("consortium.joined_replay")
    terminal.say("consortium.run", folder=home.folder)
    terminal.emit(
        {
            "member": file.member,
            "folder": str(home.folder),
            "snapshot": None if start is None else start.digest.hex(),
            "height": None if start is None else start.sync.trust_height,
        }
    )


def _start(terminal: Terminal, found: Invitation, trust: TrustFile, rpc: list[str]) -> Start:
    agreement = agreed_snapshot(found.apis, trust)
    terminal.say(
        "consortium.snapshot",
        height=agreement.height,
        digest=agreement.digest.hex(),
        members=agreement.members,
    )
    with waiting(terminal, "consortium.awaiting_block", height=agreement.height):
        sync = await_state_sync(rpc, agreement, 2.5 * IDLE_SECONDS, sleep)
    return Start(agreement.digest, sync)


def connect(
    context: typer.Context,
    url: Annotated[list[str], typer.Argument()],
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
    authorities: Annotated[Path | None, typer.Option("--authorities")] = None,
) -> None:
    """Make a workspace follow the validators' ledger, and fetch it once."""
    terminal = terminal_of(context)
    workspace = Workspace(terminal.options.home)
    pinned = None if trust is None else read_trust(trust)
    with waiting(terminal, "consortium.connecting"):
        found = connected(workspace, url, pinned, authorities)
    size, time = found.checkpoint.size, format_time(found.checkpoint.time)
    terminal.say("consortium.connected", chain=found.chain, size=size, time=time)
    terminal.emit({"chain": found.chain, "entries": size, "time": time})


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument()],
    validator: HomeOption = None,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
) -> None:
    """Export the whole log into a folder, to be verified without any validator."""
    terminal = terminal_of(context)
    home = _home(terminal, validator)
    beside = home.folder / "trust.json"
    named = beside if trust is None and beside.is_file() else trust
    found = exported(home, trust_for(named, terminal.options.home), folder)
    terminal.say("consortium.exported", size=found.size, new=found.new, folder=folder)
    if found.left_out:
        terminal.say("consortium.export_left_out", count=found.left_out)
    terminal.emit({"entries": found.size, "new": found.new, "left_out": found.left_out})
