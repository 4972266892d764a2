"""Time zones of tables: a spreadsheet program's date has none, and is no moment without one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lodeline.exchange.sheets.refusals import ZoneUnknown

__all__ = ["with_zone", "zone_named"]

_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")
_BARE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
)
_MOST_HOURS: Final = 14
_SIXTY: Final = 60


def zone_named(name: str) -> tzinfo:
    """Return a zone by its offset (``+02:00``, ``Z``) or by its name in the IANA database.

    Raises:
        ZoneUnknown: it is neither, or this machine has no such zone.
    """
    if name in {"Z", "UTC"}:
        return UTC
    found = _OFFSET.fullmatch(name)
    if found:
        hours, minutes = int(found[2]), int(found[3])
        if minutes >= _SIXTY or hours * _SIXTY + minutes > _MOST_HOURS * _SIXTY:
            raise ZoneUnknown(name)
        ahead = timedelta(hours=hours, minutes=minutes)
        return timezone(ahead if found[1] == "+" else -ahead)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ZoneUnknown(name[:64]) from None


def with_zone(text: str, zone: tzinfo) -> str:
    """Return a time of day with the offset that its zone had then; any other text as it is.

    An hour that a clock shows twice is taken as its first; one that it leaves out keeps the offset
    of before.
    """
    if not _BARE.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return text
    ahead = moment.utcoffset() or timedelta()
    minutes = round(ahead.total_seconds() / _SIXTY)
    sign = "-" if minutes < 0 else "+"
    return f"{text.replace(' ', 'T')}{_seconds(text)}{sign}{_clock(abs(minutes))}"


def _seconds(text: str) -> str:
    """Seconds, for a time that has none."""
    return ":00" if text.count(":") == 1 else ""


def _clock(minutes: int) -> str:
    return f"{minutes // _SIXTY:02}:{minutes % _SIXTY:02}"
