"""When a subscription reports, by the standard's schedule (EPCIS 2.0, section 8.2.5.3).

    schedule = parse_schedule({"hour": "1", "minute": "5"})
    schedule.next_after(now)  # the next 01:05:00 UTC

Each part is a list of numbers, ranges ``[1-5]`` and steps ``0/15`` (``*`` for the least number);
a moment fits if all parts do. A part that is left out fits always, except that a time of day which
is finer than all that is given is 0: "hour 1" is once a day, on the hour, and not 3,600 times. Days
of the week go from 1, Monday, to 7. Time is UTC, which has no summer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from lodeline.exchange.epcis.value import JsonValue
from lodeline.node.events.moments import Micros
from lodeline.node.events.subscription_refusals import (
    ScheduleFieldUnknown,
    ScheduleFieldWrong,
    ScheduleNever,
    SubscriptionFieldWrong,
)

__all__ = ["SCHEDULE_FIELDS", "Schedule", "parse_schedule"]

_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (1, 7),
}
SCHEDULE_FIELDS: Final = tuple(_RANGES)
"""Parts of a schedule, from the finest to the coarsest."""
_HOUR: Final = SCHEDULE_FIELDS.index("hour")
_ELEMENT: Final = re.compile(
    r"(?P<one>[0-9]{1,2})|\[(?P<low>[0-9]{1,2})-(?P<high>[0-9]{1,2})\]"
    r"|(?P<start>\*|[0-9]{1,2})/(?P<step>[0-9]{1,2})",
    re.ASCII,
)
_MAX_CHARS: Final = 256
_DAYS_AHEAD: Final = 366 * 41
"""Every combination of a day, a month and a day of the week comes up within 40 years."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which moments fit. Only `parse_schedule` makes one."""

    texts: Mapping[str, str]
    """The parts as they were given."""
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: Micros) -> Micros:
        """Return the first moment that fits and is later.

        Raises:
            ScheduleNever: there is none within 40 years.
        """
        after = _EPOCH + timedelta(microseconds=moment)
        day = after.date()
        at = self._later(after.time()) if self._fits(day) else None
        if at is not None:
            return _micros(datetime.combine(day, at, UTC))
        first = time(self.hours[0], self.minutes[0], self.seconds[0])
        for _ in range(_DAYS_AHEAD):
            day += timedelta(days=1)
            if self._fits(day):
                return _micros(datetime.combine(day, first, UTC))
        raise ScheduleNever

    def _later(self, after: time) -> time | None:
        """The first time of a day that is later than another one."""
        for hour in self.hours:
            if hour < after.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (after.hour, after.minute):
                    continue
                for second in self.seconds:
                    if (hour, minute, second) > (after.hour, after.minute, after.second):
                        return time(hour, minute, second)
        return None

    def _fits(self, day: date) -> bool:
        return (
            day.month in self.months and day.day in self.days and day.isoweekday() in self.weekdays
        )


def parse_schedule(value: JsonValue) -> Schedule:
    """Return the schedule that a JSON object is.

    Raises:
        SubscriptionFieldWrong: it is no object with something in it.
        ScheduleFieldUnknown, ScheduleFieldWrong: a part is not as it has to be.
        ScheduleNever: no moment fits.
    """
    if not isinstance(value, dict) or not value:
        raise SubscriptionFieldWrong("schedule")
    for name in value:
        if name not in _RANGES:
            raise ScheduleFieldUnknown(name[:64])
    texts = {name: _text(name, value[name]) for name in SCHEDULE_FIELDS if name in value}
    finest = min(SCHEDULE_FIELDS.index(name) for name in texts)
    found = [_numbers(name, texts.get(name), finest) for name in SCHEDULE_FIELDS]
    seconds, minutes, hours = (tuple(sorted(numbers)) for numbers in found[:3])
    schedule = Schedule(texts, hours, minutes, seconds, *found[3:])
    schedule.next_after(Micros(0))
    return schedule


def _text(name: str, value: JsonValue) -> str:
    """A part as text; whoever writes a plain number is understood."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_CHARS:
        raise ScheduleFieldWrong(name, str(value)[:64], *_RANGES[name])
    return text


def _numbers(name: str, text: str | None, finest: int) -> frozenset[int]:
    least, most = _RANGES[name]
    if text is not None:
        return frozenset().union(*(_element(name, part) for part in text.split(",")))
    is_coarser = SCHEDULE_FIELDS.index(name) > min(finest, _HOUR)
    return frozenset(range(least, most + 1)) if is_coarser else frozenset({least})


def _element(name: str, text: str) -> frozenset[int]:
    least, most = _RANGES[name]
    found = _ELEMENT.fullmatch(text.strip())
    if text.strip() == "*":
        return frozenset(range(least, most + 1))
    if found is None:
        raise ScheduleFieldWrong(name, text[:64], least, most)
    if found["one"] is not None:
        numbers = range(int(found["one"]), int(found["one"]) + 1)
    elif found["low"] is not None:
        numbers = range(int(found["low"]), int(found["high"]) + 1)
    else:
        start = least if found["start"] == "*" else int(found["start"])
        numbers = range(start, most + 1, int(found["step"]) or most + 1)
    is_step_wrong = found["step"] is not None and int(found["step"]) == 0
    if is_step_wrong or not numbers or numbers[0] < least or numbers[-1] > most:
        raise ScheduleFieldWrong(name, text[:64], least, most)
    return frozenset(numbers)


def _micros(moment: datetime) -> Micros:
    return Micros((moment - _EPOCH) // _ONE)
