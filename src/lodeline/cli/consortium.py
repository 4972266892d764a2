"""`lodeline consortium`: founding a consortium of validators, watching it and changing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import format_time
from lodeline.ledger.validators import validators_needed
from lodeline.node.ceremony import FoundingPlan, plan_digest
from lodeline.node.ceremony_files import read_plan
from lodeline.node.ceremony_steps import (
    Reached,
    listening_for,
    make_keys,
    sign_founding,
    signers_missing,
    take_up,
)
from lodeline.node.founding import MemberSpec
from lodeline.node.validator_home import Listening
from lodeline.node.workspace import Workspace

__all__ = ["init", "keys"]

_DIGEST_LINE = 32
"""Characters of a digest in a line: eight groups of four."""

HomeOption = Annotated[Path | None, typer.Option("--validator")]


def _home(terminal: Terminal, named: Path | None) -> ValidatorHome:
    """Return the validator's home: the one named, else `validator` in the workspace."""
    return ValidatorHome(named or terminal.options.home / "validator")


def keys(
    context: typer.Context,
    member: Annotated[str, typer.Option()],
    address: Annotated[str | None, typer.Option()] = None,
    api: Annotated[str | None, typer.Option()] = None,
    validator: HomeOption = None,
    out: Annotated[Path, typer.Option("--out")] = Path(),
) -> None:
    """Make a member's keys and the public file that the other founders need."""
    terminal = terminal_of(context)
    spec = MemberSpec.parse(member)
    reached = None
    if address is not None or api is not None:
        reached = Reached(_home(terminal, validator), address or "", api or "")
    keyring = terminal.keyring(Workspace(terminal.options.home))
    path = make_keys(keyring, spec, reached, out, SystemEntropy())
    terminal.say("consortium.keys", member=spec.member, file=path)
    if reached is None:
        terminal.say("consortium.keys_no_validator", member=spec.member)
    else:
        terminal.say("consortium.keys_validator", folder=reached.home.folder)
    terminal.emit(
        {
            "member": spec.member,
            "file": str(path),
            "validator": None if reached is None else str(reached.home.folder),
        }
    )


def init(
    context: typer.Context,
    members: Annotated[Path, typer.Option("--members")],
    validator: HomeOption = None,
    listen: Annotated[str | None, typer.Option("--listen")] = None,
    listen_api: Annotated[str | None, typer.Option("--listen-api")] = None,
    tls: Annotated[tuple[Path, Path] | None, typer.Option("--tls")] = None,
) -> None:
    """Agree to a founding; once everybody has, set up what belongs on this machine."""
    terminal = terminal_of(context)
    files, folder = read_plan(members), members.parent
    workspace = Workspace(terminal.options.home)
    own = workspace.member(terminal.options.member)
    _show_plan(terminal, files.plan)
    if own in signers_missing(files, folder):
        terminal.confirm("consortium.confirm", member=own)
        signed = sign_founding(terminal.keyring(workspace), files, folder, own)
        terminal.say("consortium.signed", member=own, file=signed.file)
    missing = signers_missing(files, folder)
    if missing:
        terminal.say("consortium.unsigned", missing=missing)
        terminal.emit(_plan_data(files.plan, missing))
        return
    address = dict(files.plan.validators).get(own)
    place = None
    if address is not None:
        home = _home(terminal, validator)
        place = (home, _listening(listening_for(address), listen, listen_api, tls))
    taken = take_up(workspace, files, folder, own, place)
    terminal.say("consortium.founded", chain=taken.trust.chain, file=workspace.trust)
    if place is not None:
        terminal.say("consortium.run", folder=place[0].folder)
    terminal.emit(_plan_data(files.plan, ()))


def _listening(
    usual: Listening, listen: str | None, listen_api: str | None, tls: tuple[Path, Path] | None
) -> Listening:
    files = None if tls is None else (str(tls[0].absolute()), str(tls[1].absolute()))
    return replace(usual, p2p=listen or usual.p2p, api=listen_api or usual.api, tls=files)


def _show_plan(terminal: Terminal, plan: FoundingPlan) -> None:
    """Show what is agreed to, and the digest in groups that can be read out."""
    terminal.say("consortium.plan", title=plan.title, chain=plan.chain, time=format_time(plan.time))
    validators = dict(plan.validators)
    rows = []
    for file in plan.members:
        found = validators.get(file.member)
        place = ("", "") if found is None else (found.address, found.api)
        rows.append((file.member, file.record.title, ", ".join(file.record.roles), *place))
    terminal.table(("member", "title", "roles", "address", "api"), rows)
    borne = len(validators) - validators_needed(len(validators))
    terminal.say("consortium.borne", validators=len(validators), borne=borne)
    terminal.say("consortium.digest")
    digest = plan_digest(plan).hex()
    for line in range(0, len(digest), _DIGEST_LINE):
        part = digest[line : line + _DIGEST_LINE]
        terminal.line("  " + " ".join(part[at : at + 4] for at in range(0, len(part), 4)))


def _plan_data(plan: FoundingPlan, missing: tuple[MemberId, ...]) -> dict[str, object]:
    return {
        "chain": plan.chain,
        "digest": plan_digest(plan).hex(),
        "members": [file.member for file in plan.members],
        "validators": [member for member, _ in plan.validators],
        "missing": list(missing),
    }
