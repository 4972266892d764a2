"""`lodeline serve`: the node over HTTP, until it is asked to end."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lodeline.cli.terminal import terminal_of
from lodeline.web.serving import Listen, listen_at
from lodeline.web.serving import serve as serve_node

__all__ = ["serve"]


def serve(
    context: typer.Context,
    listen: Annotated[str, typer.Option("--listen")] = "127.0.0.1:8080",
    database: Annotated[str | None, typer.Option("--database")] = None,
) -> None:
    """Serve events, queries, subscriptions and the resolver of the node in the folder."""
    terminal = terminal_of(context)

    def started(at: Listen) -> None:
        if terminal.options.json:
            terminal.out.write(json.dumps({"event": "serving", "url": at.url}) + "\n")
        else:
            terminal.say("serve.started", url=at.url, folder=terminal.options.home)
            terminal.say("serve.described", url=at.url)
            terminal.say("serve.token")
        terminal.out.flush()

    serve_node(terminal.options.home, listen_at(listen), database, started)
    terminal.say("serve.ended")
