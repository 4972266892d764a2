"""`lodeline serve`: the node over HTTP, until it is asked to end.

The service is imported where it is needed: its libraries take longer than most commands.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from lodeline.cli.terminal import terminal_of

if TYPE_CHECKING:
    from lodeline.web.serving import Listen

__all__ = ["serve"]


def serve(
    context: typer.Context,
    listen: Annotated[str, typer.Option("--listen")] = "127.0.0.1:8080",
    database: Annotated[str | None, typer.Option("--database")] = None,
) -> None:
    """Serve events, queries, subscriptions and the resolver of the node in the folder."""
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.web.serving import listen_at  # noqa: PLC0415
    from lodeline.web.serving import serve as serve_node  # noqa: PLC0415

    terminal = terminal_of(context)
    named = None if database is None else DatabaseUrl(database)

    def started(at: Listen) -> None:
        if terminal.options.json:
            terminal.out.write(json.dumps({"event": "serving", "url": at.url}) + "\n")
        else:
            terminal.say("serve.started", url=at.url, folder=terminal.options.home)
            terminal.say("serve.described", url=at.url)
            terminal.say("serve.token")
        terminal.out.flush()

    serve_node(terminal.workspace, listen_at(listen), named, started)
    terminal.say("serve.ended")
