"""When a subscription reports: every part of a schedule, against a search second by second."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.schedules import SCHEDULE_FIELDS, parse_schedule
from lodeline.node.events.subscription_refusals import (
    ScheduleFieldUnknown,
    ScheduleFieldWrong,
    ScheduleNever,
    SubscriptionFieldWrong,
)

NOW = micros("now", "2026-03-01T08:00:00Z")  # a Sunday


def following(value: JsonObject, now: str = "2026-03-01T08:00:00Z") -> str:
    return moment_text(parse_schedule(value).next_after(micros("now", now)))[:19]


@pytest.mark.parametrize(
    ("schedule", "moment"),
    [
        ({"hour": "1", "minute": "5"}, "2026-03-02T01:05:00"),
        ({"second": "0/30"}, "2026-03-01T08:00:30"),
        ({"second": "*"}, "2026-03-01T08:00:01"),
        ({"minute": "*/15"}, "2026-03-01T08:15:00"),
        ({"minute": "[10-12],40"}, "2026-03-01T08:10:00"),
        ({"hour": "8"}, "2026-03-02T08:00:00"),
        ({"hour": 9}, "2026-03-01T09:00:00"),
        ({"dayOfWeek": "1"}, "2026-03-02T00:00:00"),
        ({"dayOfWeek": "7"}, "2026-03-08T00:00:00"),
        ({"dayOfMonth": "31", "hour": "12"}, "2026-03-31T12:00:00"),
        ({"month": "2", "dayOfMonth": "29"}, "2028-02-29T00:00:00"),
        ({"month": "2", "dayOfMonth": "29", "dayOfWeek": "1"}, "2044-02-29T00:00:00"),
        ({"month": "1"}, "2027-01-01T00:00:00"),
    ],
)
def test_the_next_moment_fits_every_part(schedule: JsonObject, moment: str) -> None:
    assert following(schedule) == moment


def test_a_moment_within_a_second_leads_to_the_next_one() -> None:
    assert following({"second": "*"}, "2026-12-31T23:59:59.999999Z") == "2027-01-01T00:00:00"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("second", "60"),
        ("minute", "-1"),
        ("minute", ""),
        ("minute", "5,"),
        ("minute", "[5]"),
        ("minute", "[9-5]"),
        ("minute", "[5-60]"),
        ("minute", "5-9"),
        ("minute", "0/0"),
        ("minute", "/5"),
        ("hour", "24"),
        ("hour", "٣"),
        ("dayOfMonth", "0"),
        ("dayOfMonth", "32"),
        ("month", "13"),
        ("dayOfWeek", "0"),
        ("dayOfWeek", "8"),
        ("dayOfWeek", "MON"),
        ("second", "1," * 200 + "1"),
    ],
)
def test_values_that_no_part_has_are_refused(field: str, text: str) -> None:
    with pytest.raises(ScheduleFieldWrong) as refused:
        parse_schedule({field: text})
    assert refused.value.field == field


@pytest.mark.parametrize("value", [True, None, 1.5, [5], {}])
def test_values_that_are_no_text_are_refused(value: JsonValue) -> None:
    with pytest.raises(ScheduleFieldWrong):
        parse_schedule({"minute": value})


@pytest.mark.parametrize("value", [None, "0 1 * * *", [], {}])
def test_what_is_no_schedule_is_refused(value: JsonValue) -> None:
    with pytest.raises(SubscriptionFieldWrong):
        parse_schedule(value)


def test_other_parts_are_refused() -> None:
    with pytest.raises(ScheduleFieldUnknown) as refused:
        parse_schedule({"year": "2026"})
    assert refused.value.field == "year"


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(ScheduleNever):
        parse_schedule({"month": "2", "dayOfMonth": "30"})


LIMITS = {"second": 59, "minute": 59, "hour": 23, "dayOfMonth": 28, "month": 12, "dayOfWeek": 7}


@given(st.data(), st.integers(0, 86_400 * 400))
@settings(max_examples=60, deadline=None)
def test_no_moment_between_fits(data: st.DataObject, seconds: int) -> None:
    """A schedule of days: no earlier hour of the next weeks fits all its parts."""
    names = data.draw(st.sets(st.sampled_from(SCHEDULE_FIELDS[2:]), min_size=1))
    numbers = {
        name: data.draw(st.sets(st.integers(1, LIMITS[name]), min_size=1, max_size=5))
        for name in names
    }
    schedule = parse_schedule({name: ",".join(map(str, numbers[name])) for name in names})
    now = Micros(NOW + seconds * 1_000_000)
    found = datetime.fromisoformat(moment_text(schedule.next_after(now)))
    at = datetime.fromisoformat(moment_text(now)).replace(minute=0, second=0, microsecond=0)
    assert found > datetime.fromisoformat(moment_text(now))
    hours = numbers.get("hour", {0})
    for _ in range(24 * 40):
        at += timedelta(hours=1)
        parts = {"dayOfMonth": at.day, "month": at.month, "dayOfWeek": at.isoweekday()}
        fits = at.hour in hours and all(
            parts[name] in numbers[name] for name in names if name != "hour"
        )
        if fits:
            assert found == at.astimezone(UTC)
            return
    assert found > at
