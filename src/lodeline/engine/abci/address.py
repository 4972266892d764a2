"""Where the application listens: a socket in the file system, or a port of the loopback.

The socket authenticates nobody: whoever reaches it can decide blocks. So no other machine may.
A unix socket is the better one, as it also keeps out the other accounts of this machine.
"""

import errno
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lodeline.engine.abci.refusals import AbciAddressRefused, AbciAddressUnusable

__all__ = ["TcpAddress", "UnixAddress", "connect", "listen", "parse_address"]

_BACKLOG: Final = 128
_MAX_PORT: Final = 65535
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True)
class UnixAddress:
    """A socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix://{self.path}"

    def bound(self, _: socket.socket) -> "UnixAddress":
        """Return where a socket listens that was opened here."""
        return self


@dataclass(frozen=True)
class TcpAddress:
    """A port of the loopback interface; port 0 lets the operating system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"

    def bound(self, listener: socket.socket) -> "TcpAddress":
        """Return where a socket listens that was opened here: with its port, if this is 0."""
        return TcpAddress(self.host, int(listener.getsockname()[1]))


def parse_address(text: str) -> UnixAddress | TcpAddress:
    """Read an address as CometBFT writes it in `proxy_app`.

    Names are not resolved, `localhost` neither: what a name means is another file's matter.

    Raises:
        AbciAddressRefused: it is neither `unix://` and an absolute path, nor `tcp://`, a numeric
            loopback address and a port.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AbciAddressRefused(text) from error
    if parts.scheme == "unix" and parts.path.startswith("/") and text == f"unix://{parts.path}":
        return UnixAddress(Path(parts.path))
    if parts.scheme == "tcp" and port is not None and _is_loopback(parts):
        return TcpAddress(parts.hostname or "", port)
    raise AbciAddressRefused(text)


def _is_loopback(parts: SplitResult) -> bool:
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return False
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def listen(address: UnixAddress | TcpAddress) -> socket.socket:
    """Open a listening socket; a unix socket is readable for its owner alone.

    What a process that died left at the path is taken away; a socket that somebody answers is not.

    Raises:
        AbciAddressUnusable: somebody else has the address, or it cannot be made.
    """
    listener = _socket(address)
    try:
        if isinstance(address, UnixAddress):
            _clear(address)
            listener.bind(str(address.path))
            address.path.chmod(_OWNER_ONLY)  # nobody can connect yet
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address.host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AbciAddressUnusable(str(address), str(error)) from error
    except AbciAddressUnusable:
        listener.close()
        raise
    return listener


def connect(address: UnixAddress | TcpAddress, timeout_seconds: float) -> socket.socket:
    """Open a connection on which no wait is longer than the timeout, in seconds.

    Raises:
        AbciAddressUnusable: nobody listens there.
    """
    link = _socket(address)
    link.settimeout(timeout_seconds)
    try:
        link.connect(
            str(address.path) if isinstance(address, UnixAddress) else (address.host, address.port)
        )
    except OSError as error:
        link.close()
        raise AbciAddressUnusable(str(address), str(error)) from error
    return link


def _socket(address: UnixAddress | TcpAddress) -> socket.socket:
    if isinstance(address, UnixAddress):
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    six = ":" in address.host
    return socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)


def _clear(address: UnixAddress) -> None:
    """Remove a socket that nobody listens on any more."""
    if not address.path.is_socket():
        return  # a file of somebody's: binding refuses it
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        refused = probe.connect_ex(str(address.path))
    if refused != errno.ECONNREFUSED:
        raise AbciAddressUnusable(str(address), "another process listens there")
    address.path.unlink()
