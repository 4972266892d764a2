"""Wires carry, fall silent and carry on, and only between those who were parted."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from lodeline.faults.wires import Wires
from lodeline.kernel.ids import MemberId

A, B, C = MemberId("a"), MemberId("b"), MemberId("c")
SOON, SILENT = 20.0, 0.3


class Echo:
    """Sends back whatever it gets, to any number of connections."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(link,), daemon=True).start()

    def answer(self, link: socket.socket) -> None:
        with link:
            while data := link.recv(1024):
                link.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    with closing(made.listener):
        yield made


@pytest.fixture
def wires() -> Iterator[Wires]:
    with Wires() as made:
        yield made


def connected(port: int) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port), SOON)
    link.settimeout(SOON)
    return link


def comes_back(link: socket.socket, data: bytes, seconds: float = SOON) -> bool:
    link.settimeout(seconds)
    try:
        return link.recv(len(data)) == data
    except TimeoutError:
        return False


def test_what_is_cut_falls_silent_and_carries_on(echo: Echo, wires: Wires) -> None:
    with connected(wires.lay(A, B, echo.port)) as link:
        link.sendall(b"one")
        assert comes_back(link, b"one")
        wires.part([[A], [B]])
        link.sendall(b"two")
        assert not comes_back(link, b"two", SILENT)
        wires.mend()
        assert comes_back(link, b"two")


def test_a_connection_made_while_cut_is_silent_until_it_is_mended(echo: Echo, wires: Wires) -> None:
    port = wires.lay(A, B, echo.port)
    wires.part([[A], [B]])
    with connected(port) as link:
        link.sendall(b"one")
        assert not comes_back(link, b"one", SILENT)
        wires.mend()
        assert comes_back(link, b"one")


def test_within_a_group_all_goes_on(echo: Echo, wires: Wires) -> None:
    within, across = wires.lay(A, B, echo.port), wires.lay(A, C, echo.port)
    wires.part([[A, B], [C]])
    with connected(within) as near, connected(across) as far:
        near.sendall(b"near")
        far.sendall(b"far")
        assert comes_back(near, b"near")
        assert not comes_back(far, b"far", SILENT)


def test_after_a_long_cut_old_connections_are_dead(echo: Echo, wires: Wires) -> None:
    port = wires.lay(A, B, echo.port)
    with connected(port) as link:
        link.sendall(b"one")
        assert comes_back(link, b"one")
        wires.part([[A], [B]])
        wires.mend(fresh=True)
        assert link.recv(1) == b""
    with connected(port) as link:
        link.sendall(b"two")
        assert comes_back(link, b"two")


def test_nobody_listens_at_the_other_end(wires: Wires) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with connected(wires.lay(A, B, port)) as link:
        assert link.recv(1) == b""


def test_closing_ends_what_is_open(echo: Echo) -> None:
    with Wires() as made:
        link = connected(made.lay(A, B, echo.port))
        made.part([[A], [B]])
    with link:
        assert link.recv(1) == b""
