"""Times of events: with their zone, to the millisecond in hash ids, without any float.

Source: RFC 3339, section 5.6, with CBV 2.0, 8.9.2: hash ids state times in UTC, to the millisecond.
CBV 2.0 leaves open what becomes of further digits; they are rounded, halves up, as its authors'
program does and the draft of 2.1 says.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from lodeline.exchange.epcis.errors import TimeWithoutZone, TimeWrong

__all__ = ["check_zone", "utc_milliseconds"]

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d{1,64})?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_DAY = re.compile(r"\s*\d{4}-\d{2}-\d{2}", re.ASCII)
_MAX_OFFSET_HOURS = 14


def check_zone(field: str, text: str) -> None:
    """Refuse a time that does not say its zone; whether it is a time at all is not checked.

    Raises:
        TimeWithoutZone: it begins with a day and ends neither in ``Z`` nor in an offset.
    """
    has_zone = text[-1:] in "Zz" or text[-6:-5] in {"+", "-"}
    if _DAY.match(text) and not has_zone:
        raise TimeWithoutZone(field, text)


@lru_cache(maxsize=16_384)
def utc_milliseconds(field: str, text: str) -> str:
    """Return a time in UTC as ``2026-03-01T08:30:00.000Z``, rounded to the millisecond.

    Args:
        field: name of the field, for refusals.
        text: the time as written, any number of fractional digits.

    Raises:
        TimeWithoutZone: the text does not say its zone.
        TimeWrong: the text is no time, or lies outside the years 1 to 9999.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise TimeWrong(field, text)
    day, clock, fraction, zone = match.groups()
    if zone is None:
        raise TimeWithoutZone(field, text)
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
        exact = Decimal(fraction or "0").quantize(Decimal("0.001"), ROUND_HALF_UP)
        shifted = whole - _offset(zone) + timedelta(milliseconds=int(exact * 1000))
    except (ValueError, OverflowError):
        raise TimeWrong(field, text) from None
    return f"{shifted:%Y-%m-%dT%H:%M:%S}.{shifted.microsecond // 1000:03d}Z".zfill(24)


def _offset(zone: str) -> timedelta:
    """The offset from UTC that a zone states.

    Raises:
        ValueError: the offset is none of a clock's.
    """
    if zone in "Zz":
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > _MAX_OFFSET_HOURS or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return offset if zone[0] == "+" else -offset
