"""A hostile client at the level of connections: slow, silent, endless, and many at a time."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from queue import Queue
from secrets import token_bytes
from threading import Event, Thread

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect

from lodeline.web.connections import ConnectionLimits, Crowd, protocols

LIMITS = ConnectionLimits(
    of_address=6,
    head_bytes=8 * 1024,
    head_seconds=0.5,
    still_seconds=0.6,
    body_bytes_per_second=1_000_000,
    look_seconds=0.05,
)
SECONDS = 20
LARGE = 64 * 1024 * 1024
UPGRADE = (
    b"Host: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SERVERS: list[uvicorn.Server] = []
GET = b"GET / HTTP/1.1\r\nHost: node\r\n\r\n"


class App:
    """Answers with what it got, and tells which headers it saw and who went away."""

    def __init__(self) -> None:
        self.seen: Queue[list[tuple[bytes, bytes]]] = Queue()
        self.gone: Queue[str] = Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(receive, send)
        elif scope["type"] == "http":
            await (await self._answer(scope, receive))(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            self.gone.put("http")
            return Response(status_code=400)
        self.seen.put(list(scope["headers"]))
        large = scope["path"] == "/large"
        return PlainTextResponse(b"x" * LARGE if large else f"{len(body)}")

    async def _socket(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "bytes": token_bytes(1024 * 1024)})
                await asyncio.sleep(0)
        except OSError:
            self.gone.put("websocket")


@contextmanager
def served(app: App, crowd: Crowd) -> Iterator[int]:
    bound = socket.create_server(("127.0.0.1", 0))
    http, websockets = protocols(crowd)
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        http=http,
        ws=websockets,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=1,
    )
    started = Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(config)
    SERVERS.append(server)
    thread = Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    assert started.wait(SECONDS)
    try:
        yield int(bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        bound.close()


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def port(app: App) -> Iterator[int]:
    with served(app, Crowd(LIMITS)) as port:
        yield port


def opened(port: int, sent: bytes = b"") -> "closing[socket.socket]":
    connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    connection.sendall(sent)
    return closing(connection)


def rest(connection: socket.socket) -> bytes:
    """Whatever comes until the node ends the connection."""
    got = b""
    try:
        while piece := connection.recv(65_536):
            got += piece
    except ConnectionError:
        pass
    return got


def begun(connection: socket.socket) -> bytes:
    """What comes first, or nothing where the node ends the connection."""
    try:
        return connection.recv(64)
    except ConnectionError:
        return b""


def is_ended(connection: socket.socket, unit: bytes) -> bool:
    """Whether the node ends a connection over which the same comes again and again."""
    try:
        for _ in range(1_000):
            connection.sendall(unit)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", b"GET", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: node\r\nX: y"],
)
def test_a_head_that_does_not_come_is_not_waited_for(port: int, sent: bytes) -> None:
    with opened(port, sent) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 408 ")


def test_an_empty_line_between_requests_does_not_hold_a_connection(port: int) -> None:
    with opened(port, GET) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"\r\n")
        assert b"HTTP/1.1 408 " in rest(connection)


@pytest.mark.parametrize("unit", [b"X: y\r\n", b"x", b": "])
def test_a_head_without_end_is_refused_before_it_is_kept(port: int, unit: bytes) -> None:
    with opened(port, b"GET / HTTP/1.1\r\nHost: node\r\nLong: ") as connection:
        assert is_ended(connection, unit * (64 * 1024 // len(unit)))


def test_a_body_that_stops_is_not_waited_for(port: int, app: App) -> None:
    head = b"POST / HTTP/1.1\r\nHost: node\r\nContent-Length: 1000000\r\n\r\n"
    with opened(port, head + b"x" * 1000) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
    assert app.gone.get(timeout=SECONDS) == "http"


def test_a_body_that_dribbles_is_not_waited_for(port: int, app: App) -> None:
    """A byte at a time, fast enough not to stand still, would take for ever."""
    head = b"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n"
    with opened(port, head) as connection:
        connection.settimeout(0.05)
        got = b""
        for _ in range(400):
            try:
                connection.sendall(b"1\r\nx\r\n")
                got += connection.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if got:
                break
        assert not got or got.startswith(b"HTTP/1.1 408 ")
    assert app.gone.get(timeout=SECONDS) == "http"


def test_what_follows_a_body_is_no_header_and_has_an_end(port: int, app: App) -> None:
    head = b"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with opened(port, head + b"Authorization: Bearer stolen\r\n\r\n") as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
    names = [name for name, _ in app.seen.get(timeout=SECONDS)]
    assert b"host" in names
    assert b"authorization" not in names
    with opened(port, head + b"X: ") as connection:
        assert is_ended(connection, b"y" * 65_536)


def test_chunks_of_one_byte_are_still_taken(port: int, app: App) -> None:
    head = b"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n"
    with opened(port, head + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n") as connection:
        answer = rest(connection)  # the server closes a connection that is idle for a second
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\n100000")


def test_a_client_that_does_not_read_is_left(port: int, app: App) -> None:
    with opened(port, b"GET /large HTTP/1.1\r\nHost: node\r\n\r\n") as connection:
        app.seen.get(timeout=SECONDS)
        with opened(port, GET) as other:
            assert other.recv(65_536).startswith(b"HTTP/1.1 200 ")
        waiting = Event()
        assert not waiting.wait(3 * LIMITS.still_seconds)  # the node's time, in which nobody reads
        assert len(rest(connection)) < LARGE


def test_a_client_that_does_not_read_a_websocket_is_left(port: int, app: App) -> None:
    with connect(
        f"ws://127.0.0.1:{port}/", proxy=None, max_size=None, max_queue=1, close_timeout=0.1
    ):
        assert app.gone.get(timeout=SECONDS) == "websocket"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (b"POST / HTTP/1.1\r\n", b"Content-Length: 5\r\n\r\nhello"),
        (b"GET / HTTP/1.0\r\n", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 500 + b"\r\n"),
        (b"GET /" + b"a" * 7_000 + b" HTTP/1.1\r\n", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"Content-Length: 5\r\n\r\nhello"),
        (b"GET / HTTP/1.1\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (b"GET / HTTP/1.1\r\n", b"Sec-WebSocket-Key: again\r\n\r\n"),
    ],
)
def test_what_is_almost_a_websocket_holds_no_connection(
    app: App, first: bytes, last: bytes
) -> None:
    """Whatever the handshake lacks: it is ended, and the server counts it no more."""
    with served(app, Crowd(LIMITS)) as port:
        for _ in range(3):
            with opened(port, first + UPGRADE + last) as connection:
                if not begun(connection).startswith(b"HTTP/1.1 101 "):
                    rest(connection)
        with opened(port, GET) as connection:
            rest(connection)  # idle for a second
        assert SERVERS[-1].server_state.connections == set()


def test_an_address_has_a_part_of_the_connections_and_gives_it_back(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=SECONDS) for _ in range(6)]
    for each in held:
        each.sendall(GET)
        assert each.recv(65_536).startswith(b"HTTP/1.1 200 ")
    with opened(port) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 503 ")
    for each in held:
        each.close()
    answers: list[bytes] = []
    while b"200" not in b"".join(answers) and len(answers) < 100:
        with opened(port, GET) as connection:
            try:
                answers.append(connection.recv(65_536))
            except ConnectionError:
                answers.append(b"")
    assert answers[-1].startswith(b"HTTP/1.1 200 ")


def test_addresses_of_one_network_are_one_and_a_proxy_has_what_it_needs() -> None:
    crowd = Crowd(ConnectionLimits(of_address=2), proxies=("10.1.0.0/16", "fd00::/8"))
    assert all(crowd.enter("10.1.2.3") for _ in range(10))
    assert all(crowd.enter("fd00::7") for _ in range(10))
    assert [crowd.enter(f"2001:db8::{at}") for at in range(3)] == [True, True, False]
    crowd.leave("2001:db8::1")
    assert crowd.enter("2001:db8::9")
    assert not crowd.enter("2001:db8::9")
    assert crowd.enter("::ffff:192.0.2.1")
    assert crowd.enter("192.0.2.1")
    assert not crowd.enter("192.0.2.1")
    assert crowd.enter("unix")


def test_a_websocket_is_counted_as_one_of_its_address(app: App) -> None:
    crowd = Crowd(ConnectionLimits(of_address=1, look_seconds=0.05, still_seconds=0.3))
    with served(app, crowd) as port:
        with connect(
            f"ws://127.0.0.1:{port}/", proxy=None, max_size=None, max_queue=1, close_timeout=0.1
        ):
            with opened(port) as connection:
                assert rest(connection).startswith(b"HTTP/1.1 503 ")
            assert app.gone.get(timeout=SECONDS) == "websocket"
        assert crowd.enter("127.0.0.1")
