"""Sharing whole numbers: exact totals, every part within one of its share, for any numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.holder.apportion import in_proportion, share_emissions

MOST = 2**52 - 1
numbers = st.one_of(st.integers(0, 5), st.integers(0, 400), st.integers(0, MOST))
weights = st.lists(st.one_of(st.integers(0, 3), st.integers(0, MOST)), min_size=1, max_size=16)


def within_one(parts: list[int], total: int, shares: list[int]) -> bool:
    whole = sum(shares)
    return all(
        abs(part * whole - share * total) <= whole
        for part, share in zip(parts, shares, strict=True)
    )


@pytest.mark.property
@given(total=numbers, shares=weights)
def test_parts_add_up_and_none_is_off_by_more_than_one(total: int, shares: list[int]) -> None:
    parts = in_proportion(total, shares)
    assert sum(parts) == total
    assert min(parts) >= 0
    assert within_one(parts, total, shares)


@pytest.mark.property
@given(emissions=numbers, less=numbers, shares=weights)
def test_primary_never_passes_emissions_on_any_output(
    emissions: int, less: int, shares: list[int]
) -> None:
    primary = max(0, emissions - less)
    shared = share_emissions(emissions, primary, shares)
    assert sum(shared.emissions) == emissions
    assert sum(shared.primary) == primary
    assert all(
        0 <= part <= whole for part, whole in zip(shared.primary, shared.emissions, strict=True)
    )
    assert within_one(shared.emissions, emissions, shares)
    assert within_one(shared.primary, primary, shares)


@pytest.mark.parametrize(
    ("shares", "emissions", "primary"),
    [
        ([3, 3, 1], 7, 5),
        ([1, 1, 1, 1, 4, 4], 9, 8),
        ([1, 1, 1, 3, 3, 3], 8, 6),
        ([1, 1, 3, 5, 5, 5], 12, 10),
    ],
)
def test_where_largest_remainders_alone_would_fail(
    shares: list[int], emissions: int, primary: int
) -> None:
    """The last three fail too if only emissions are raised to meet their primary part."""
    shared = share_emissions(emissions, primary, shares)
    assert all(p <= e for p, e in zip(shared.primary, shared.emissions, strict=True))
    assert within_one(shared.primary, primary, shares)
    assert within_one(shared.emissions, emissions, shares)


def test_without_weights_the_first_takes_everything() -> None:
    assert in_proportion(7, [0, 0, 0]) == [7, 0, 0]
    assert in_proportion(7, []) == []
    shared = share_emissions(7, 3, [0, 0])
    assert (shared.emissions, shared.primary) == ([7, 0], [3, 0])


def test_what_weighs_nothing_gets_nothing() -> None:
    assert in_proportion(100, [0, 3, 0, 4])[0::2] == [0, 0]


def test_equal_remainders_go_to_the_earlier_output() -> None:
    assert in_proportion(4, [1, 1, 1]) == [2, 1, 1]
    assert in_proportion(4, [1, 1, 1], {2}) == [1, 1, 2]
