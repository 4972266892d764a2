"""Answers that do not end, of an application in this process: what a server would pass on."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import Message, Scope
from tests.web.sockets import Sockets

Json = dict[str, Any]


class Stream:
    """The client's end of an answer."""

    def __init__(self, sockets: Sockets, app: Starlette) -> None:
        self._sockets = sockets
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._text = ""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last = ""
        """The id that a browser would remember."""

    async def begin(self, scope: Scope) -> None:
        self._said.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self._task = asyncio.create_task(self._app(scope, self._said.get, self._told.put))
        head = await self._told.get()
        self.status = head["status"]
        self.headers = {name.decode(): value.decode() for name, value in head["headers"]}

    async def leave(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})
        await self._task

    def message(self) -> tuple[str, Json]:
        """The next message with data: its type, and the data."""
        while True:
            fields = self._block()
            self.last = fields.get("id", self.last)
            if "data" in fields:
                return fields.get("event", "message"), json.loads(fields["data"])

    def skip_ids(self) -> None:
        """Take note of the id that the answer begins with."""
        self.last = self._block()["id"]

    def whole(self) -> Json:
        """The body of an answer that ends, as JSON."""
        found: Json = json.loads(self._sockets.wait(self._told.get())["body"])
        return found

    def ends(self) -> bool:
        """Whether the next piece is the end."""
        return not self._sockets.wait(self._told.get()).get("more_body", False)

    def _block(self) -> dict[str, str]:
        while "\n\n" not in self._text:
            piece = self._sockets.wait(self._told.get())
            assert piece.get("more_body"), "the answer ended"
            self._text += piece["body"].decode()
        block, _, self._text = self._text.partition("\n\n")
        return dict(line.split(": ", 1) for line in block.split("\n"))


@contextmanager
def streamed(
    sockets: Sockets, app: Starlette, path: str, headers: Mapping[str, str], method: str = "GET"
) -> Iterator[Stream]:
    """Ask for an answer, and leave it in the end."""
    stream = Stream(sockets, app)
    sockets.wait(stream.begin(_scope(path, headers, method)))
    try:
        yield stream
    finally:
        sockets.wait(stream.leave())


def _scope(path: str, headers: Mapping[str, str], method: str) -> Scope:
    parts = urlsplit(path)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("node", 80),
    }
