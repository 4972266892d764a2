"""`lodeline serve`: the node over HTTP, until it is asked to end.

The service is imported where it is needed: its libraries take longer than most commands.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from lodeline.node.events.attending import Pipelines
    from lodeline.web.serving import Listen

__all__ = ["serve"]


def serve(
    context: typer.Context,
    listen: Annotated[str, typer.Option("--listen")] = "127.0.0.1:8080",
    database: Annotated[str | None, typer.Option("--database")] = None,
    *,
    sign_here: Annotated[bool, typer.Option("--co-sign-here")] = False,
) -> None:
    """Serve the node in the folder, and bring its events to the ledger where it has the keys."""
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.web.serving import listen_at  # noqa: PLC0415
    from lodeline.web.serving import serve as serve_node  # noqa: PLC0415

    terminal = terminal_of(context)
    named = None if database is None else DatabaseUrl(database)
    pipelines = _pipelines(terminal, sign_here=sign_here)

    def started(at: Listen) -> None:
        if terminal.options.json:
            members = () if pipelines is None else pipelines.members
            told = {"event": "serving", "url": at.url, "pipelines": members}
            terminal.out.write(json.dumps(told) + "\n")
        else:
            terminal.say("serve.started", url=at.url, folder=terminal.options.home)
            terminal.say("serve.described", url=at.url)
            terminal.say("serve.token")
            if pipelines is None:
                terminal.say("serve.kept")
            else:
                terminal.say("serve.brought", members=pipelines.members)
        terminal.out.flush()

    serve_node(terminal.workspace, listen_at(listen), named, started, pipelines)
    terminal.say("serve.ended")


def _pipelines(terminal: Terminal, *, sign_here: bool) -> Pipelines | None:
    """Return the pipelines of members with a mapping, where their passphrase is given.

    Nobody is asked for it: a service starts without anybody at the terminal.
    """
    from lodeline.node.events.attending import Pipelines, members_with_mapping  # noqa: PLC0415

    given = terminal.given_passphrase()
    members = members_with_mapping(terminal.workspace, terminal.options.member)
    if given is None or not members:
        return None
    return Pipelines(terminal.workspace, members, lambda _: given, sign_here=sign_here)
