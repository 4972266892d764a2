"""`lodeline init`: a consortium of one's own, on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from lodeline.cli.terminal import terminal_of
from lodeline.crypto.entropy import SystemEntropy
from lodeline.kernel.ids import ChainId, check_name
from lodeline.node.clock import SystemClock
from lodeline.node.founding import Founding, MemberSpec, found
from lodeline.node.opening import opened
from lodeline.node.trust import trust_of, write_trust
from lodeline.node.workspace import Workspace

__all__ = ["init"]


def init(
    context: typer.Context,
    name: Annotated[str, typer.Argument()],
    member: Annotated[list[str], typer.Option()],
    *,
    title: Annotated[str, typer.Option()] = "",
    threshold: Annotated[int | None, typer.Option(min=1)] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic")] = False,
) -> None:
    """Found a consortium; see the catalogue for what it says."""
    terminal = terminal_of(context)
    specs = tuple(MemberSpec.parse(text) for text in member)
    founding = Founding(ChainId(check_name(name)), title or name, specs, threshold, synthetic)
    with (
        Workspace.created_at(terminal.options.home) as workspace,
        opened(workspace, terminal.keyring(workspace), SystemClock(), SystemEntropy()) as session,
    ):
        genesis = found(session, founding)
        write_trust(workspace, trust_of(session.state, genesis))
        recipes = len(session.state.tables.recipes)
        needed = session.constants.votes_needed(session.state.active_voters())
    terminal.say(
        "init.done",
        title=genesis.title,
        members=len(genesis.members),
        threshold=needed,
        recipes=recipes,
        folder=terminal.options.home,
    )
    terminal.say("init.next")
    terminal.emit(
        {
            "chain": genesis.chain,
            "members": [record.member for record in genesis.members],
            "threshold": needed,
            "recipes": recipes,
            "folder": str(terminal.options.home),
        }
    )
