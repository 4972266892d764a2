"""Quotas, forfeiture, periods and carrying: dates are where people lose tonnage."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.custody import shipped

from lodeline.custody.quotas import QuotaBook, QuotaFact, QuotaOutsideMonth, monthly_volumes
from lodeline.custody.scheme import BalancePeriod
from lodeline.kernel.bounds import MAX_AMOUNT
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.time import BlockTime, Period, parse_period, parse_time
from lodeline.kernel.units import Milligrams, Ppm

COBALT = ElementSymbol("Co")
TONNE = 10**9


def fact(name: str) -> QuotaFact:
    return next(item for item in shipped.quotas().facts if item.name == name)


def test_the_last_quarter_of_2025() -> None:
    whole = fact("CD-Co-2025-Q4")
    assert whole.amount == 18_125 * TONNE
    assert whole.holder is None
    assert whole.period.start == parse_time("2025-10-16T00:00:00Z")
    assert whole.period.end == parse_time("2026-01-01T00:00:00Z")
    named = [
        item.amount
        for item in shipped.quotas().facts
        if item.name.startswith("CD-Co-2025-Q4-") and item.holder is not None
    ]
    assert len(named) == 7
    assert sum(named) == 14_025 * TONNE < whole.amount


def test_the_caps_of_2026_and_2027() -> None:
    for year in (2026, 2027):
        parts = fact(f"CD-Co-{year}").amount, fact(f"CD-Co-{year}-strategic").amount
        assert sum(parts) == 96_600 * TONNE


def test_a_quota_of_2025_is_usable_to_the_end_of_march() -> None:
    last = shipped.quotas().last_use(fact("CD-Co-2025-Q4"), parse_time("2025-11-05T00:00:00Z"))
    assert last == parse_time("2026-03-31T23:59:59Z")


def test_from_2026_a_month_not_used_is_lost() -> None:
    book = shipped.quotas()
    quota = fact("CD-Co-2026")
    assert book.last_use(quota, parse_time("2026-02-10T12:00:00Z")) == parse_time(
        "2026-02-28T23:59:59Z"
    )
    assert book.last_use(quota, parse_time("2026-12-31T23:59:59Z")) == quota.usable_until


def test_forfeiture_is_for_its_country_element_and_time() -> None:
    quota = fact("CD-Co-2026")
    moment = parse_time("2026-02-10T12:00:00Z")
    rule = shipped.quotas().forfeitures[0]
    for change in (
        {"country": "ZM"},
        {"element": ElementSymbol("Cu")},
        {"monthly": False},
        {"valid_from": parse_time("2026-02-01T00:00:01Z")},
    ):
        book = QuotaBook((quota,), (msgspec.structs.replace(rule, **change),))
        assert book.last_use(quota, moment) == quota.usable_until


def test_a_month_outside_the_quota_is_refused() -> None:
    with pytest.raises(QuotaOutsideMonth) as refused:
        shipped.quotas().last_use(fact("CD-Co-2026"), parse_time("2027-01-01T00:00:00Z"))
    assert (refused.value.quota, refused.value.month) == ("CD-Co-2026", "2027-01")


def test_facts_at_a_moment() -> None:
    book = shipped.quotas()
    found = book.facts_at(parse_time("2026-06-01T00:00:00Z"), COBALT)
    assert {item.name for item in found} == {"CD-Co-2026", "CD-Co-2026-strategic"}
    assert book.facts_at(parse_time("2026-06-01T00:00:00Z"), ElementSymbol("Cu")) == ()
    assert book.facts_at(parse_time("2025-10-15T23:59:59Z"), COBALT) == ()


def test_twelve_equal_months() -> None:
    volumes = monthly_volumes(fact("CD-Co-2026"))
    assert [period.label() for period, _ in volumes][:2] == ["2026-01", "2026-02"]
    assert {volume for _, volume in volumes} == {7_250 * TONNE}


@pytest.mark.property
@given(st.integers(0, MAX_AMOUNT), st.integers(0, 2_000_000_000), st.integers(1, 10**8))
def test_months_add_up_to_the_quota_exactly(amount: int, start: int, length: int) -> None:
    period = Period(BlockTime(start), BlockTime(start + length))
    quota = msgspec.structs.replace(fact("CD-Co-2026"), amount=Milligrams(amount), period=period)
    volumes = monthly_volumes(quota)
    assert sum(volume for _, volume in volumes) == amount
    assert max(volume for _, volume in volumes) - min(volume for _, volume in volumes) <= 1
    assert volumes[0][0].contains(period.start)
    assert volumes[-1][0].contains(BlockTime(period.end - 1))


def test_a_mass_balance_closes_with_its_quarter() -> None:
    scheme = shipped.scheme()
    moment = parse_time("2026-05-17T09:00:00Z")
    assert scheme.balance_period is BalancePeriod.QUARTER
    assert scheme.balance_period_of(moment) == parse_period("2026-Q2")
    assert scheme.credit_expiry(moment) == parse_time("2026-06-30T23:59:59Z")
    monthly = msgspec.structs.replace(scheme, balance_period=BalancePeriod.MONTH)
    assert monthly.credit_expiry(moment) == parse_time("2026-05-31T23:59:59Z")


def test_a_right_can_still_be_reported_fifteen_days_after_its_period() -> None:
    expiry = shipped.scheme().right_expiry(parse_period("2026-02"))
    assert expiry == parse_time("2026-03-15T23:59:59Z")


def test_the_smaller_share_is_carried() -> None:
    scheme = shipped.scheme()
    assert scheme.carry_share(Ppm(1_000_000)) == 500_000
    assert scheme.carry_share(Ppm(0)) == 0
