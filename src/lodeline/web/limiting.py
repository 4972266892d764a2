"""How often somebody may ask: a bucket of requests for each caller and each address.

Buckets are in memory and bounded: a flood from very many addresses makes the oldest forgotten, so
that it costs no more than its own requests. A full bucket allows a burst; time fills it again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from lodeline.web.refusals import RequestTooFast
from lodeline.web.settings import RequestRate

__all__ = ["Buckets"]

_MOST_KEPT: Final = 16_384
_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class _Bucket:
    left: int
    """In billionths of a request."""
    seen: int
    """Nanoseconds of the clock."""


class Buckets:
    """Counts requests under keys.

    Args:
        rate: of each key.
        clock: nanoseconds that never go back.
    """

    def __init__(self, rate: RequestRate, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._rate = rate
        self._clock = clock
        self._full = rate.burst * _SECOND
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str) -> None:
        """Count one request.

        Raises:
            RequestTooFast: there were too many under this key; this one is not counted.
        """
        with self._lock:
            now = self._clock()
            bucket = self._buckets.pop(key, None) or _Bucket(self._full, now)
            passed = now - bucket.seen
            bucket.left = min(self._full, bucket.left + passed * self._rate.per_second)
            bucket.seen = now
            self._buckets[key] = bucket
            if len(self._buckets) > _MOST_KEPT:
                self._buckets.popitem(last=False)
            if bucket.left < _SECOND:
                wait = (_SECOND - bucket.left) // (self._rate.per_second * _SECOND) + 1
                raise RequestTooFast(wait)
            bucket.left -= _SECOND
