"""Where reports may be sent: URLs, their addresses, and which of these are nobody's business.

Whoever may subscribe makes this node send requests. So that none of them reaches what only the
node can reach, a destination is a host with public addresses, each of which is looked at after the
name was resolved; the connection goes to the address that was looked at and not to what the name
says a moment later. The operator allows networks of their own in ``serve.toml``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from threading import Event, Lock, Thread
from typing import Final
from urllib.parse import urlsplit

from lodeline.node.events.subscription_refusals import (
    DestinationForbidden,
    DestinationMalformed,
    DestinationPlain,
    DestinationUnknown,
)

__all__ = [
    "Address",
    "BoundedResolver",
    "Destination",
    "DestinationRules",
    "Network",
    "Resolver",
    "check_literal",
    "checked_address",
    "parse_destination",
    "system_addresses",
]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[Address]]
"""Gives the addresses of a host, for a port; an empty answer is that there is none."""

_LOOKUP_SECONDS: Final = 5.0
_MAX_LOOKUPS: Final = 256
_MAX_CHARS: Final = 2_048
_PRINTABLE: Final = re.compile(r"[!-~]+", re.ASCII)
_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"({_LABEL}\.)*{_LABEL}\.?", re.ASCII)
_NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
_PORTS: Final = {"https": 443, "http": 80}
_EMBEDDING: Final = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""Networks whose last 32 bits are an IPv4 address (RFC 6052, RFC 4291)."""
_CLOSED: Final = (ip_network("64:ff9b:1::/48"), ip_network("2001::/23"), ip_network("fec0::/10"))
"""Networks of translation, tunnels and sites, which lead nobody knows where."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that is well formed. Only `parse_destination` makes one."""

    url: str
    scheme: str
    host: str
    """A name or an address, without the brackets of IPv6."""
    port: int
    target: str
    """Path and query, as they are sent."""

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DestinationRules:
    """What the operator allows beside public hosts with TLS."""

    networks: tuple[Network, ...] = ()
    """Networks that reports may go to although they are not public; http is allowed there."""

    def allows(self, address: Address) -> bool:
        """Return whether the operator named a network that has the address."""
        return any(
            address in network for network in self.networks if network.version == address.version
        )


def parse_destination(text: str) -> Destination:
    """Return the destination that a URL is; nothing is resolved.

    Raises:
        DestinationMalformed: it has a part that it must not have, or lacks one.
    """
    if len(text) > _MAX_CHARS:
        raise DestinationMalformed(text[:128], "length")
    if _PRINTABLE.fullmatch(text) is None or "\\" in text:
        raise DestinationMalformed(text[:128], "characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise DestinationMalformed(text[:128], "host") from None
    scheme = parts.scheme.lower()
    wrong = {
        "scheme": scheme not in _PORTS,
        "user": "@" in parts.netloc,
        "fragment": "#" in text,
        "host": not _is_host(host),
        "port": port == 0 or parts.netloc.endswith(":"),
    }
    for part, is_wrong in wrong.items():
        if is_wrong:
            raise DestinationMalformed(text[:128], part)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(text, scheme, host, port or _PORTS[scheme], target)


def _is_host(host: str) -> bool:
    """Whether a host is a name or an address in its usual form.

    A name that ends in a number would be an address to some and a name to others.
    """
    if _literal(host) is not None:
        return True
    if len(host) > 253 or _HOST.fullmatch(host) is None:
        return False
    return _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]) is None


def _literal(host: str) -> Address | None:
    if "%" in host:
        return None
    try:
        return ip_address(host)
    except ValueError:
        return None


def checked_address(
    destination: Destination, rules: DestinationRules, resolver: Resolver
) -> Address:
    """Return the address to connect to; every address of the host was looked at.

    Raises:
        DestinationUnknown: the host has none.
        DestinationForbidden: one of them is neither public nor allowed.
        DestinationPlain: there is no TLS, and one of them is not allowed.
    """
    literal = _literal(destination.host)
    found = [literal] if literal else resolver(destination.host, destination.port)
    if not found:
        raise DestinationUnknown(destination.host, "no address")
    for address in found:
        _check(destination, address, rules)
    return found[0]


def check_literal(destination: Destination, rules: DestinationRules) -> None:
    """Return only if nothing about a destination is wrong that can be told without resolving it.

    Raises:
        DestinationForbidden, DestinationPlain: as for `checked_address`.
    """
    literal = _literal(destination.host)
    if literal is not None:
        _check(destination, literal, rules)
    elif destination.scheme == "http" and not rules.networks:
        raise DestinationPlain(destination.host)


def _check(destination: Destination, address: Address, rules: DestinationRules) -> None:
    if any(rules.allows(each) for each in _same(address)):
        return
    if not all(_is_public(each) for each in _same(address)):
        raise DestinationForbidden(destination.host, str(address))
    if destination.scheme != "https":
        raise DestinationPlain(destination.host)


def _same(address: Address) -> Sequence[Address]:
    """The addresses that a packet to an address may arrive at."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address, address.sixtofour)
    if any(address in network for network in _EMBEDDING):
        return (address, IPv4Address(address.packed[12:]))
    return (address,)


def _is_public(address: Address) -> bool:
    is_closed = isinstance(address, IPv6Address) and any(address in each for each in _CLOSED)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and (not is_closed)
    )


def system_addresses(host: str, port: int) -> Sequence[Address]:
    """Return the addresses that the name service of the machine gives.

    Raises:
        DestinationUnknown: it gives none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failed:
        raise DestinationUnknown(host, type(failed).__name__) from failed
    named = (str(entry[4][0]).partition("%")[0] for entry in found)
    return tuple(dict.fromkeys(ip_address(name) for name in named))


@dataclass(slots=True)
class _Lookup:
    """One question to the name service, and what it gave once it is over."""

    over: Event = field(default_factory=Event)
    addresses: Sequence[Address] = ()
    refusal: DestinationUnknown | None = None


class BoundedResolver:
    """Asks a name service that may take its time, and does not wait for longer than a bound.

    A question cannot be taken back: it goes on in a thread of its own, which whoever asks for the
    same name meanwhile waits for too. There are never more of them than a bound.

    Args:
        resolver: gives the addresses in the end.
        seconds: that somebody waits.
        most: questions under way.
    """

    def __init__(
        self,
        resolver: Resolver = system_addresses,
        seconds: float = _LOOKUP_SECONDS,
        most: int = _MAX_LOOKUPS,
    ) -> None:
        self._resolver = resolver
        self._seconds = seconds
        self._most = most
        self._under_way: dict[tuple[str, int], _Lookup] = {}
        self._lock = Lock()

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host.

        Raises:
            DestinationUnknown: it has none, or the name service did not say so in time.
        """
        lookup = self._begun((host, port))
        if lookup is None or not lookup.over.wait(self._seconds):
            raise DestinationUnknown(host, TimeoutError.__name__)
        if lookup.refusal is not None:
            raise lookup.refusal
        return lookup.addresses

    def _begun(self, name: tuple[str, int]) -> _Lookup | None:
        with self._lock:
            found = self._under_way.get(name)
            if found is not None:
                return found
            if len(self._under_way) >= self._most:
                return None
            found = self._under_way[name] = _Lookup()
        Thread(target=self._look, args=(name, found), name="lookup", daemon=True).start()
        return found

    def _look(self, name: tuple[str, int], lookup: _Lookup) -> None:
        try:
            lookup.addresses = self._resolver(*name)
        except DestinationUnknown as refusal:
            lookup.refusal = refusal
        finally:
            with self._lock:
                del self._under_way[name]
            lookup.over.set()
