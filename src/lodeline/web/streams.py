"""Answers that do not end by themselves: how many there are, of whom, and when the service ends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import ClassVar, Final

from anyio import CapacityLimiter

from lodeline.node.access.callers import Caller
from lodeline.node.events.exceptions import SecurityException
from lodeline.node.events.store import Tenant

__all__ = ["MAX_OF_CALLER", "MAX_STREAMS", "Streams", "StreamsTooMany"]

MAX_STREAMS: Final = 100
"""Followers at a time."""
MAX_OF_CALLER: Final = 8
"""Of one account."""
_LOOKS: Final = 4
"""At a time."""
_FRESH_SECONDS: Final = 0.25


class StreamsTooMany(SecurityException):
    """Somebody wants to follow while as many follow already as the node, or they, may have."""

    code: ClassVar[str] = "web-streams-too-many"
    en: ClassVar[str] = "there are {most} followers already, no more are told at a time"
    fr: ClassVar[str] = "{most} suivent déjà, pas un de plus n'est informé à la fois"
    advice_en: ClassVar[str] = "end a connection that is open, or come back later"
    advice_fr: ClassVar[str] = "fermez une connexion ouverte, ou revenez plus tard"
    status: ClassVar[int] = 429

    most: int
    seconds: int
    """Seconds to wait, for the header ``Retry-After``."""


class Streams:
    """Counts streams, and tells them when the service ends. Entered from the event loop alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._ended = Event()
        self.threads: Final = CapacityLimiter(_LOOKS)
        """For looks at what is new, so that followers keep no request waiting."""
        self._newest: dict[int, tuple[float, int]] = {}

    @property
    def is_ended(self) -> bool:
        """Whether the service ends, and every stream with it."""
        return self._ended.is_set()

    def end(self) -> None:
        """Let every stream end at its next look; may be called from anywhere."""
        self._ended.set()

    def newest(self, tenant: Tenant, read: Callable[[], int]) -> int:
        """Return the newest number of a company, read at most every `_FRESH_SECONDS`.

        However many follow a company, the store is asked for one of them.
        """
        now = time.monotonic()
        then, number = self._newest.get(tenant.number, (now - 2 * _FRESH_SECONDS, 0))
        if now - then >= _FRESH_SECONDS:
            number = read()
            self._newest[tenant.number] = (now, number)
        return number

    @contextmanager
    def one_of(self, caller: Caller) -> Iterator[None]:
        """Count a stream of somebody while it is open.

        Raises:
            StreamsTooMany: there are as many as there may be.
        """
        whose = f"{caller.tenant.number} {caller.user}"
        if self._open.total() >= MAX_STREAMS:
            raise StreamsTooMany(MAX_STREAMS, 10)
        if self._open[whose] >= MAX_OF_CALLER:
            raise StreamsTooMany(MAX_OF_CALLER, 10)
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            self._open += Counter()  # forgets whoever has none
