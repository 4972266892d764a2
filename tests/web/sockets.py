"""Websockets to an application in this process, without a network: what a server would tell it."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import Message, Scope

T = TypeVar("T")
_SECONDS = 30


class Closed(Exception):
    """The application closed a websocket."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Denied(Exception):
    """The application answered a handshake with something else than a websocket."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


class Sockets:
    """A thread in which an application serves websockets."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    @contextmanager
    def connected(self, path: str, headers: Mapping[str, str]) -> "Iterator[Socket]":
        socket = Socket(self, self._app)
        self.wait(socket.connect(path, headers))
        try:
            yield socket
        finally:
            self.wait(socket.leave())


class Socket:
    """The client's end of a websocket."""

    def __init__(self, sockets: Sockets, app: Starlette) -> None:
        self._sockets = sockets
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self.headers: dict[bytes, bytes] = {}

    def text(self) -> str:
        """The next message."""
        message = self._sockets.wait(self._told.get())
        if message["type"] == "websocket.close":
            raise Closed(message["code"])
        return str(message["text"])

    async def connect(self, path: str, headers: Mapping[str, str]) -> None:
        self._said.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(
            self._app(_scope(path, headers), self._said.get, self._told.put)
        )
        answer = await self._told.get()
        if answer["type"] == "websocket.accept":
            self.headers = dict(answer["headers"])
            return
        body = await self._told.get()
        await self._task
        raise Denied(answer["status"], body["body"])

    async def leave(self) -> None:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task


def _scope(path: str, headers: Mapping[str, str]) -> Scope:
    parts = urlsplit(path)
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("node", 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
