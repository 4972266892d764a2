"""Guessing made slow: whoever errs too often is not looked at for a while, twice as long each time.

Counted by source (an address, the first 64 bits of an IPv6 one) and, for passwords, by account too,
with more patience, so that a stranger cannot lock somebody out for long. The counts are in memory
and bounded: a restart forgets them, and so does a flood from very many addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Final, NewType

from lodeline.node.access.refusals import TooManyAttempts
from lodeline.node.events.moments import MicroClock, Micros

__all__ = ["BY_ACCOUNT", "BY_SOURCE", "Guard", "Patience", "Source", "source_of"]

Source = NewType("Source", str)
"""Where a request comes from, as `source_of` says it."""

_SECOND: Final = 1_000_000
_MOST_KEPT: Final = 16_384
_FORGET_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Patience:
    """How many mistakes are free, and how long the longest wait is."""

    free: int
    longest_seconds: int


BY_SOURCE: Final = Patience(free=5, longest_seconds=300)
BY_ACCOUNT: Final = Patience(free=20, longest_seconds=60)


@dataclass(slots=True)
class _Count:
    failures: int
    blocked_until: Micros


def source_of(address: str) -> Source:
    """Return the source of an address; what is no IP address stands for itself.

    Behind a proxy every request comes from the proxy: hand over the address that it names.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return Source(address[:64])
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return Source(str(mapped or ip_network((int(found), 64), strict=False)))
    return Source(str(found))


class Guard:
    """Counts mistakes under keys, and says how long to wait.

    Args:
        clock: the time of day.
        patience: with one key.
    """

    def __init__(self, clock: MicroClock, patience: Patience) -> None:
        self._clock = clock
        self._patience = patience
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = Lock()

    def wait(self, key: str) -> int:
        """Return for how many seconds no try under this key is looked at; 0: it may be now."""
        now = self._clock.now()
        with self._lock:
            count = self._counts.get(key)
            left = 0 if count is None else count.blocked_until - now
        return -(-left // _SECOND) if left > 0 else 0

    def admit(self, key: str) -> None:
        """Return only if a try under this key may be looked at.

        Raises:
            TooManyAttempts: not yet.
        """
        seconds = self.wait(key)
        if seconds:
            raise TooManyAttempts(seconds)

    def failed(self, key: str) -> None:
        """Note a mistake."""
        now = self._clock.now()
        with self._lock:
            count = self._counts.pop(key, None)
            if count is None or now - count.blocked_until > _FORGET_SECONDS * _SECOND:
                count = _Count(0, now)
            count.failures += 1
            count.blocked_until = Micros(now + self._wait(count.failures) * _SECOND)
            self._counts[key] = count
            while len(self._counts) > _MOST_KEPT:
                self._counts.popitem(last=False)

    def _wait(self, failures: int) -> int:
        over = failures - self._patience.free
        return 0 if over <= 0 else min(1 << min(over - 1, 20), self._patience.longest_seconds)
