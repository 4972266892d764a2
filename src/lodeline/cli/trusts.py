"""`lodeline trust`: whose signatures are believed here."""

from __future__ import annotations

import typer

from lodeline.cli.terminal import terminal_of
from lodeline.node.logbook import genesis_of
from lodeline.node.trust import read_trust, renewed, trust_of, write_trust

__all__ = ["renew", "show"]


def show(context: typer.Context) -> None:
    """Show the pinned trust file."""
    terminal = terminal_of(context)
    path = terminal.workspace.trust
    trust = read_trust(path)
    terminal.say("trust.shown", chain=trust.chain, file=path, threshold=trust.threshold)
    for line in trust.members:
        terminal.line(f"  {line}")
    if trust.witnesses:
        terminal.say("trust.witnesses", threshold=trust.witness_threshold)
    for line in trust.witnesses:
        terminal.line(f"  {line}")
    terminal.emit(
        {
            "chain": trust.chain,
            "genesis": trust.genesis,
            "threshold": trust.threshold,
            "members": list(trust.members),
            "witnesses": list(trust.witnesses),
            "witness_threshold": trust.witness_threshold,
        }
    )


def renew(context: typer.Context) -> None:
    """Pin the signing keys as they stand in the ledger now, after keys were replaced."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        trust = renewed(session.workspace, trust_of(session.state, genesis_of(session)))
        terminal.confirm("trust.confirm", chain=trust.chain)
        write_trust(session.workspace, trust, over=True)
    terminal.say("trust.renewed", members=len(trust.members), threshold=trust.threshold)
    terminal.emit({"members": list(trust.members), "threshold": trust.threshold})
