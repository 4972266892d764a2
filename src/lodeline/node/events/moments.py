"""Moments of events, in whole microseconds since 1970, and the clock that gives them.

Events happen at a finer grain than blocks, and before 1970 too: a moment is a signed 64-bit number
that sorts, on any database. Digits beyond the microsecond are cut off; the text in the event keeps
them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NewType, Protocol

from lodeline.exchange.epcis.errors import TimeWithoutZone, TimeWrong

__all__ = ["MicroClock", "Micros", "SystemMicroClock", "micros", "moment_text"]

Micros = NewType("Micros", int)
"""Microseconds since 1970-01-01T00:00:00Z (POSIX, no leap seconds); negative before."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE: Final = timedelta(microseconds=1)


class MicroClock(Protocol):
    """Where the time of day comes from."""

    def now(self) -> Micros:
        """Return the moment that it is."""


class SystemMicroClock:
    """The machine's clock."""

    def now(self) -> Micros:
        """Return the time of day, to the microsecond."""
        return Micros(time.time_ns() // 1_000)


@lru_cache(maxsize=16_384)
def micros(field: str, text: str) -> Micros:
    """Return the moment that a time of an event stands for.

    Args:
        field: name of the field, for refusals.
        text: RFC 3339 time with its zone, in any case.

    Raises:
        TimeWithoutZone: the text does not say its zone.
        TimeWrong: the text is no time of the years 1 to 9999.
    """
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        if moment.tzinfo is None:
            raise TimeWithoutZone(field, text)
        return Micros((moment - _EPOCH) // _ONE)
    except (ValueError, OverflowError):
        raise TimeWrong(field, text) from None


def moment_text(moment: Micros) -> str:
    """Return a moment in UTC as ``2026-03-01T08:30:00.000000Z``: always 27 characters.

    Raises:
        OverflowError: the moment lies outside the years 1 to 9999.
    """
    when = _EPOCH + timedelta(microseconds=moment)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond:06d}Z".zfill(27)
