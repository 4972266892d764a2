"""Where an application may listen: nowhere that another machine reaches."""

import socket
import stat
from pathlib import Path

import pytest

from lodeline.engine.abci.address import (
    TcpAddress,
    UnixAddress,
    connect,
    listen,
    parse_address,
)
from lodeline.engine.abci.refusals import AbciAddressRefused, AbciAddressUnusable


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/app.sock", UnixAddress(Path("/run/app.sock"))),
        ("unix:///a path/été.sock", UnixAddress(Path("/a path/été.sock"))),
        ("tcp://127.0.0.1:26658", TcpAddress("127.0.0.1", 26658)),
        ("tcp://127.4.5.6:0", TcpAddress("127.4.5.6", 0)),
        ("tcp://[::1]:26658", TcpAddress("::1", 26658)),
    ],
)
def test_addresses_of_this_machine(text: str, address: UnixAddress | TcpAddress) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "tcp://0.0.0.0:26658",
        "tcp://[::]:26658",
        "tcp://192.0.2.1:26658",
        "tcp://localhost:26658",
        "tcp://example.org:26658",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:66000",
        "tcp://127.0.0.1:1/path",
        "tcp://me@127.0.0.1:1",
        "tcp://[::1:1",
        "127.0.0.1:26658",
        "unix://relative.sock",
        "unix://host/app.sock",
        "unix:///app.sock?mode=1",
        "unix:/app.sock",
        "http://127.0.0.1:80",
        "",
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(AbciAddressRefused) as caught:
        parse_address(text)
    assert caught.value.address == text


def test_only_its_owner_reaches_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with listen(UnixAddress(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_dead_process_left_is_taken_away(tmp_path: Path) -> None:
    address = UnixAddress(tmp_path / "app.sock")
    listen(address).close()
    assert address.path.is_socket()
    with listen(address), connect(address, 5):
        pass


def test_a_socket_that_is_answered_is_left_alone(tmp_path: Path) -> None:
    address = UnixAddress(tmp_path / "app.sock")
    with listen(address) as first:
        with pytest.raises(AbciAddressUnusable) as caught:
            listen(address)
        assert caught.value.address == str(address)
        with connect(address, 5):
            first.accept()[0].close()


def test_a_file_of_somebody_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(AbciAddressUnusable):
        listen(UnixAddress(path))
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_path_that_the_system_cannot_bind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AbciAddressUnusable):
        listen(UnixAddress(tmp_path / ("x" * 200)))
    with pytest.raises(AbciAddressUnusable):
        listen(UnixAddress(tmp_path / "nowhere" / "app.sock"))


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = TcpAddress("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(AbciAddressUnusable) as caught:
            listen(address)
        assert caught.value.address == str(address)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(AbciAddressUnusable):
        connect(UnixAddress(tmp_path / "app.sock"), 5)
