"""Connections as the server sees them: what a client may cost before anybody knows who it is.

The server that is underneath waits for ever: for the head of a request, for its body, for a client
to read an answer. Here each of these has an end; heads have a size; what follows a body (trailers,
RFC 9112, section 7.1.2) is no header; and one address has a part of the connections only. A proxy
of the settings may have all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from lodeline.node.access.guessing import Source, source_of

__all__ = ["ConnectionLimits", "Crowd", "Guarded", "GuardedSocket", "protocols"]

_PIECE: Final = 16 * 1024
"""Bytes that the parser gets at a time, so that sizes are looked at in between."""
_PER_BYTE: Final = 9
"""Bytes on the wire that a byte of a body may take: chunks of one byte take six."""
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout"
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large"
_TOO_MANY: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5"
_END: Final = b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection, and one address, may cost."""

    of_address: int = 256
    """Connections at a time."""
    head_bytes: int = 96 * 1024
    head_seconds: float = 15
    """From the connection, or the first byte, to the end of a head."""
    still_seconds: float = 30
    """In which nothing of a body comes, or nothing of an answer is read."""
    body_bytes_per_second: int = 256
    """The least, once a body takes longer than `still_seconds`."""
    look_seconds: float = 2
    """Between two looks at a connection."""


@dataclass
class Crowd:
    """Connections of each address; one for a server, used in its event loop alone."""

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    proxies: Sequence[str] = ()
    """Networks that may have any number."""
    _of: Counter[Source] = field(default_factory=Counter)

    def enter(self, host: str) -> bool:
        """Count a connection, and return whether it may stay."""
        source = source_of(host)
        if self._is_proxy(host):
            return True
        if self._of[source] >= self.limits.of_address:
            return False
        self._of[source] += 1
        return True

    def leave(self, host: str) -> None:
        """Count a connection no more that was allowed to stay."""
        source = source_of(host)
        if self._of[source] > 1:
            self._of[source] -= 1
        else:
            self._of.pop(source, None)

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in ip_network(each) for each in self.proxies)


class _Reading:
    """Whether a client still reads what is written to it."""

    def __init__(self, now: float) -> None:
        self._left = 0
        self._since = now

    def is_still(self, transport: asyncio.WriteTransport, now: float, seconds: float) -> bool:
        """Whether nothing was read for so long although there is something to read."""
        left = transport.get_write_buffer_size()
        if left == 0 or left < self._left:
            self._since = now
        self._left = left
        return left > 0 and now - self._since > seconds


class Guarded(HttpToolsProtocol):
    """HTTP/1.1 with bounds; made by the server for each connection.

    Args:
        config: of the server.
        server_state: of the server.
        app_state: of the application.
        crowd: of the server.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._crowd = crowd
        self._limits = crowd.limits
        self._host = ""
        self._counted = False
        self._in_head = True
        self._spare = self._limits.head_bytes
        self._since = self._moved = self.loop.time()
        self._body = 0
        self._reading = _Reading(self._since)
        self._look: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless its address has too many."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self._counted = self._crowd.enter(self._host)
        if not self._counted:
            self._end(_TOO_MANY)
            return
        self._look = self.loop.call_later(self._limits.look_seconds, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._counted:
            self._counted = False
            self._crowd.leave(self._host)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; it is counted on as one of its address."""
        self._in_head = False
        known = set(self.connections)
        try:
            super().handle_websocket_upgrade()
        finally:
            if self.transport.get_protocol() is self:  # it could not be read as a handshake
                self.connections.intersection_update(known)
                self.transport.abort()
            elif self._look is not None:
                self._look.cancel()
                self._look = None

    # ------------------------------------------------------------------ what comes

    def data_received(self, data: bytes) -> None:
        """Parse what came, a piece at a time."""
        for at in range(0, len(data), _PIECE):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            piece = data[at : at + _PIECE]
            self._moved = self.loop.time()
            super().data_received(piece)
            self._spare -= len(piece)
            if self._spare < 0 and self.transport.get_protocol() is self:
                self._end(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head = True
        self._spare = self._limits.head_bytes + _PIECE
        self._since = self.loop.time()
        self._body = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of a head; what comes after a body is dropped."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that a head has ended."""
        self._in_head = False
        self._since = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, which makes room for what is around it."""
        self._body += len(body)
        self._spare += _PER_BYTE * len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Note that another head may begin."""
        self._since = self.loop.time()
        super().on_response_complete()

    # ------------------------------------------------------------------ what does not come

    @property
    def _asked(self) -> RequestResponseCycle | None:
        """The last request whose head was whole; nothing before the first one."""
        return self.cycle

    def _looked(self) -> None:
        """Look at a connection from time to time, and end it where it has stood still too long."""
        now = self.loop.time()
        self._look = self.loop.call_later(self._limits.look_seconds, self._looked)
        if self._reading.is_still(self.transport, now, self._limits.still_seconds):
            self.transport.abort()
        elif self._is_head_late(now) or self._is_body_late(now):
            self._end(_TOO_SLOW)

    def _is_head_late(self, now: float) -> bool:
        """Whether a head should be there by now; an idle connection has an end of the server's own.

        Empty lines before a head are no beginning of one, but end the idleness.
        """
        is_between = self._asked is None or self._asked.response_complete
        is_awaited = (self._in_head or is_between) and self.timeout_keep_alive_task is None
        return is_awaited and now - self._since > self._limits.head_seconds

    def _is_body_late(self, now: float) -> bool:
        cycle = self._asked
        if self._in_head or cycle is None or cycle.response_complete or not cycle.more_body:
            return False
        if self.flow.read_paused or cycle.waiting_for_100_continue:
            self._moved = now  # the node itself is not ready for more
            return False
        passed = now - self._since - self._limits.still_seconds
        is_dribble = passed > 0 and self._body < passed * self._limits.body_bytes_per_second
        return is_dribble or now - self._moved > self._limits.still_seconds

    def _end(self, head: bytes) -> None:
        """Say why, where nothing was said yet, and end the connection."""
        if self.transport.is_closing():
            return
        cycle = self._asked
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(head + _END)
        if self.transport.get_write_buffer_size() > 0:
            self.transport.abort()
        else:
            self.transport.close()


class GuardedSocket(WebSocketsSansIOProtocol):
    """A websocket with bounds: it has a handshake, and its client reads. `Guarded` upgrades to it.

    Args:
        config: of the server.
        server_state: of the server.
        app_state: of the application.
        crowd: of the server.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._crowd = crowd
        self._since = self.loop.time()
        self._reading = _Reading(self._since)
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection."""
        super().connection_made(transport)
        self._look = self.loop.call_later(self._crowd.limits.look_seconds, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        if self._look is not None:
            self._look.cancel()
        self._crowd.leave(self.client[0] if self.client else "")
        super().connection_lost(exc)

    def _looked(self) -> None:
        if self.transport.get_protocol() is not self:
            return
        limits, now = self._crowd.limits, self.loop.time()
        self._look = self.loop.call_later(limits.look_seconds, self._looked)
        is_late = not self.handshake_complete and now - self._since > limits.head_seconds
        if is_late or self._reading.is_still(self.transport, now, limits.still_seconds):
            self.transport.abort()


def protocols(crowd: Crowd) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """Return what makes the protocols of a server: for HTTP, and for websockets."""
    # The server calls what it is given with keywords; it need not be a class.
    return (
        cast(type[asyncio.Protocol], partial(Guarded, crowd=crowd)),
        cast(type[asyncio.Protocol], partial(GuardedSocket, crowd=crowd)),
    )
