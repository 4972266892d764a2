"""Block time and the periods of licences, quotas and mass balances.

The only time in the system is the block's: whole seconds since 1970-01-01T00:00:00Z, without leap
seconds (POSIX). Nothing here reads a clock. Months and quarters are those of UTC.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, NewType

import msgspec

from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.errors import LodelineError

BlockTime = NewType("BlockTime", int)
"""Seconds since 1970-01-01T00:00:00Z, from 0 to `MAX_TIME`."""
BlockTimeW = Annotated[BlockTime, msgspec.Meta(ge=0, le=MAX_TIME)]
"""A block time as a field of a wire structure."""

MONTHS_PER_QUARTER = 3

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class MalformedTime(LodelineError):
    """A text is not a time in UTC to the second."""

    code: ClassVar[str] = "malformed-time"
    en: ClassVar[str] = "{text!r} is not a time"
    fr: ClassVar[str] = "{text!r} n'est pas une heure"
    advice_en: ClassVar[str] = "write it in UTC to the second, like 2026-11-24T08:00:00Z"
    advice_fr: ClassVar[str] = "écrivez-la en UTC à la seconde, comme 2026-11-24T08:00:00Z"

    text: str


class TimeOutOfRange(LodelineError):
    """A number of seconds lies before 1970 or beyond the year 9999."""

    code: ClassVar[str] = "time-out-of-range"
    en: ClassVar[str] = "{seconds} seconds is no block time, which goes from 0 to {latest}"
    fr: ClassVar[str] = "{seconds} secondes n'est pas une heure de bloc, qui va de 0 à {latest}"
    advice_en: ClassVar[str] = "give seconds since 1970, not milliseconds"
    advice_fr: ClassVar[str] = "donnez des secondes depuis 1970, pas des millisecondes"

    seconds: int
    latest: int


class MalformedPeriod(LodelineError):
    """A text is neither a month nor a quarter."""

    code: ClassVar[str] = "malformed-period"
    en: ClassVar[str] = "{text!r} is neither a month nor a quarter from 1970 to 9998"
    fr: ClassVar[str] = "{text!r} n'est ni un mois ni un trimestre de 1970 à 9998"
    advice_en: ClassVar[str] = "write a month like 2026-10 or a quarter like 2026-Q4"
    advice_fr: ClassVar[str] = "écrivez un mois comme 2026-10 ou un trimestre comme 2026-Q4"

    text: str


class PeriodEmpty(LodelineError):
    """A period ends at or before its start."""

    code: ClassVar[str] = "period-empty"
    en: ClassVar[str] = "the period starts at {start} and ends at {end}, so nothing lies in it"
    fr: ClassVar[str] = "la période commence à {start} et finit à {end} : elle est vide"
    advice_en: ClassVar[str] = "the end is exclusive: give a later one"
    advice_fr: ClassVar[str] = "la fin est exclue : donnez-en une plus tardive"

    start: BlockTime
    end: BlockTime


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """A span of block time: `start` belongs to it, `end` does not.

    Raises:
        PeriodEmpty: the end is not after the start.
    """

    start: BlockTimeW
    end: BlockTimeW

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise PeriodEmpty(start=self.start, end=self.end)

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        """The calendar month of a year from 1970 to 9998; January is 1.

        Raises:
            MalformedPeriod: there is no such month, or the year is out of range.
        """
        return parse_period(f"{year:04d}-{month:02d}")

    @classmethod
    def quarter(cls, year: int, quarter: int) -> "Period":
        """The calendar quarter, 1 to 4, of a year from 1970 to 9998.

        Raises:
            MalformedPeriod: there is no such quarter, or the year is out of range.
        """
        return parse_period(f"{year:04d}-Q{quarter}")

    def contains(self, moment: BlockTime) -> bool:
        """Whether the moment lies in the period; its end does not."""
        return self.start <= moment < self.end

    def label(self) -> str:
        """`2026-10` or `2026-Q4` where the period is one, otherwise `start/end` (ISO 8601)."""
        first = _datetime(self.start)
        if first.year > _LAST_YEAR:
            return f"{format_time(self.start)}/{format_time(self.end)}"
        if self == _span(first.year, first.month, 1):
            return f"{first.year:04d}-{first.month:02d}"
        if self == quarter_of(self.start):
            return f"{first.year:04d}-Q{_quarter_number(first)}"
        return f"{format_time(self.start)}/{format_time(self.end)}"


def format_time(moment: BlockTime) -> str:
    """Write a block time in UTC to the second: `2026-11-24T08:00:00Z` (RFC 3339).

    Raises:
        TimeOutOfRange: before 1970 or beyond the year 9999.
    """
    return _datetime(moment).strftime(_FORMAT)


def parse_time(text: str) -> BlockTime:
    """Read what `format_time` writes; other offsets, fractions and leap seconds are refused.

    Raises:
        MalformedTime: another form, or a date that does not exist.
        TimeOutOfRange: a year before 1970.
    """
    if not _TIME.fullmatch(text):
        raise MalformedTime(text=text)
    try:
        moment = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedTime(text=text) from error
    return block_time(int(moment.timestamp()))


def block_time(seconds: int) -> BlockTime:
    """Check a number of seconds since 1970 and give it its type.

    Raises:
        TimeOutOfRange: below 0 or above `MAX_TIME`.
    """
    if not 0 <= seconds <= MAX_TIME:
        raise TimeOutOfRange(seconds=seconds, latest=MAX_TIME)
    return BlockTime(seconds)


def month_of(moment: BlockTime) -> Period:
    """The calendar month in which the moment lies.

    Raises:
        TimeOutOfRange: the moment is not of the years 1970 to 9998.
    """
    at = _datetime(moment)
    return _span(at.year, at.month, 1)


def quarter_of(moment: BlockTime) -> Period:
    """The calendar quarter in which the moment lies.

    Raises:
        TimeOutOfRange: the moment is not of the years 1970 to 9998.
    """
    at = _datetime(moment)
    return _span(at.year, (_quarter_number(at) - 1) * MONTHS_PER_QUARTER + 1, MONTHS_PER_QUARTER)


def parse_period(text: str) -> Period:
    """Read a month, `2026-10`, or a quarter, `2026-Q4`, of the years 1970 to 9998.

    Raises:
        MalformedPeriod: anything else.
    """
    month, quarter = _MONTH.fullmatch(text), _QUARTER.fullmatch(text)
    found = month or quarter
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise MalformedPeriod(text=text)
    if month:
        return _span(int(month[1]), int(month[2]), 1)
    return _span(int(found[1]), (int(found[2]) - 1) * MONTHS_PER_QUARTER + 1, MONTHS_PER_QUARTER)


def _datetime(moment: BlockTime) -> datetime:
    return datetime.fromtimestamp(block_time(moment), UTC)


def _quarter_number(at: datetime) -> int:
    return (at.month - 1) // MONTHS_PER_QUARTER + 1


def _span(year: int, month: int, months: int) -> Period:
    if year > _LAST_YEAR:
        raise TimeOutOfRange(seconds=MAX_TIME + 1, latest=MAX_TIME)
    last = month + months - 1
    after = (year + 1, 1) if last == 12 else (year, last + 1)  # 12 months in a year
    return Period(start=_midnight(year, month), end=_midnight(*after))


def _midnight(year: int, month: int) -> BlockTime:
    return block_time(int(datetime(year, month, 1, tzinfo=UTC).timestamp()))
