"""Block time and periods: the calendar, its edges, and what is no time at all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import cbor
from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.cbor_errors import WrongShape
from lodeline.kernel.time import (
    BlockTime,
    MalformedPeriod,
    MalformedTime,
    Period,
    PeriodEmpty,
    TimeOutOfRange,
    block_time,
    format_time,
    month_of,
    parse_period,
    parse_time,
    quarter_of,
)

moments = st.integers(0, MAX_TIME).map(BlockTime)
years = st.integers(1970, 9998)
in_years = st.integers(0, parse_time("9998-12-31T23:59:59Z")).map(BlockTime)


def test_known_moments() -> None:
    assert format_time(BlockTime(0)) == "1970-01-01T00:00:00Z"
    assert format_time(BlockTime(1_795_507_200)) == "2026-11-24T08:00:00Z"
    assert format_time(BlockTime(MAX_TIME)) == "9999-12-31T23:59:59Z"
    assert parse_time("2024-02-29T12:00:00Z") == 1_709_208_000


@pytest.mark.property
@given(moments)
def test_a_time_is_read_as_it_is_written(moment: BlockTime) -> None:
    assert parse_time(format_time(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24T08:00:00",
        "2026-11-24T08:00:00+00:00",
        "2026-11-24T08:00:00.5Z",
        "2026-11-24 08:00:00Z",
        "2026-11-24t08:00:00z",
        "2026-11-24T08:00:00Z\n",
        "2026-02-29T08:00:00Z",
        "2026-13-01T08:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-11-24T08:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(MalformedTime) as caught:
        parse_time(text)
    assert caught.value.text == text


def test_a_time_outside_the_range_is_refused() -> None:
    with pytest.raises(TimeOutOfRange) as caught:
        parse_time("1969-12-31T23:59:59Z")
    assert caught.value.seconds == -1
    for seconds in (-1, MAX_TIME + 1, 1_795_507_200_000):
        with pytest.raises(TimeOutOfRange) as caught:
            block_time(seconds)
        assert (caught.value.seconds, caught.value.latest) == (seconds, MAX_TIME)
        with pytest.raises(TimeOutOfRange):
            format_time(BlockTime(seconds))
    assert block_time(MAX_TIME) == MAX_TIME


def test_months_and_quarters_join_without_gap_or_overlap() -> None:
    months = [Period.month(year, month) for year in (2023, 2024) for month in range(1, 13)]
    quarters = [Period.quarter(year, quarter) for year in (2023, 2024) for quarter in range(1, 5)]
    for spans in (months, quarters):
        assert all(a.end == b.start for a, b in pairwise(spans))
    assert months[0].start == quarters[0].start == parse_time("2023-01-01T00:00:00Z")
    assert months[-1].end == quarters[-1].end == parse_time("2025-01-01T00:00:00Z")
    assert Period.month(2024, 2).end - Period.month(2024, 2).start == 29 * 86_400


def test_the_start_belongs_to_a_period_and_the_end_does_not() -> None:
    month = Period.month(2026, 10)
    assert month.contains(month.start)
    assert month.contains(BlockTime(month.end - 1))
    assert not month.contains(month.end)
    assert not month.contains(BlockTime(month.start - 1))


@pytest.mark.property
@given(in_years)
def test_every_moment_lies_in_its_month_and_its_quarter(moment: BlockTime) -> None:
    month, quarter = month_of(moment), quarter_of(moment)
    assert month.contains(moment)
    assert quarter.contains(moment)
    assert quarter.start <= month.start < month.end <= quarter.end
    assert parse_period(month.label()) == month
    assert parse_period(quarter.label()) == quarter


def test_the_label_of_any_other_period_is_an_interval() -> None:
    odd = Period(start=BlockTime(0), end=BlockTime(1))
    assert odd.label() == "1970-01-01T00:00:00Z/1970-01-01T00:00:01Z"
    last = Period(start=BlockTime(MAX_TIME - 1), end=BlockTime(MAX_TIME))
    assert last.label() == "9999-12-31T23:59:58Z/9999-12-31T23:59:59Z"
    with pytest.raises(TimeOutOfRange):
        month_of(BlockTime(MAX_TIME))
    with pytest.raises(TimeOutOfRange):
        quarter_of(BlockTime(MAX_TIME))


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-00", "2026-13", "2026-1", "2026-Q0", "2026-Q5", "2026-q4"),
        *("2026-10\n", "26-10", "1969-12", "9999-01", "2026-10-01", "٢٠٢٦-10"),
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(MalformedPeriod) as caught:
        parse_period(text)
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("year", "month"), [(2026, 0), (2026, 13), (2026, -1), (10_000, 1), (7, 1)]
)
def test_there_is_no_such_month(year: int, month: int) -> None:
    with pytest.raises(MalformedPeriod):
        Period.month(year, month)


@pytest.mark.parametrize(
    ("year", "quarter"), [(2026, 0), (2026, 5), (2026, -1), (10_000, 1), (7, 1)]
)
def test_there_is_no_such_quarter(year: int, quarter: int) -> None:
    with pytest.raises(MalformedPeriod):
        Period.quarter(year, quarter)


@given(years, st.integers(1, 4))
def test_a_quarter_is_three_months(year: int, quarter: int) -> None:
    whole = Period.quarter(year, quarter)
    assert whole.start == Period.month(year, 3 * quarter - 2).start
    assert whole.end == Period.month(year, 3 * quarter).end


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5)])
def test_a_period_that_holds_nothing_is_refused_also_from_the_wire(start: int, end: int) -> None:
    with pytest.raises(PeriodEmpty) as caught:
        Period(start=BlockTime(start), end=BlockTime(end))
    assert (caught.value.start, caught.value.end) == (start, end)
    with pytest.raises(PeriodEmpty):
        cbor.decode_struct(cbor.encode({"start": start, "end": end}), Period)


def test_a_period_from_the_wire_is_in_range() -> None:
    period = Period.month(2026, 10)
    assert cbor.decode_struct(cbor.encode_struct(period), Period) == period
    for start, end in ((-1, 5), (0, MAX_TIME + 1)):
        with pytest.raises(WrongShape):
            cbor.decode_struct(cbor.encode({"start": start, "end": end}), Period)
